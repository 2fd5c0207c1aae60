/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay_letters.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "date_list.h"
#include "file_name.h"
#include "row.h"
#include "timestamp.h"
#include "webhdfs_many.h"

enum { PATH_MAX_BYTES = 1100 };

/* --- what is committed -------------------------------------------------------------------------
 */

struct committed {
	const struct dataset *dataset;
	struct date_list list;
	char prefix[FILE_NAME_MAX];
	atomic_int_fast64_t last; /* of any folder; several are listed at a time */
};

static void raise_to(atomic_int_fast64_t *last, int64_t offset)
{
	int_fast64_t seen = atomic_load(last);
	while (offset > seen && !atomic_compare_exchange_weak(last, &seen, offset))
		;
}

static enum error note_rows(const char *name, const struct webhdfs_status *status, void *user)
{
	struct committed *committed = user;
	struct file_range range;
	int order = strncmp(name, committed->prefix, strlen(committed->prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	if (order == 0 && !status->folder && file_name_parse(FILE_ROWS, name, &range))
		raise_to(&committed->last, range.last);
	return ERROR_OK;
}

static enum error list_rows(struct webhdfs *hdfs, size_t index, void *user, struct text *why)
{
	struct committed *committed = user;
	char folder[PATH_MAX_BYTES];
	date_folder_path(committed->dataset->folder, committed->list.dates[index], folder,
			 sizeof folder);
	enum error error =
		webhdfs_list_after(hdfs, folder, committed->prefix, note_rows, committed, why);
	return error == ERROR_CANCELLED || error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

/* -1: nothing. A join meanwhile may hide the last ones, which are then left for another time. */
static enum error find_committed(const struct replay_letters *letters, struct webhdfs *hdfs,
				 int64_t *last, struct text *why)
{
	struct committed committed = { .dataset = letters->dataset };
	atomic_init(&committed.last, -1);
	file_name_prefix(letters->partition, committed.prefix);
	enum error error = date_list_read(letters->dataset, hdfs, &committed.list, why);
	if (!error)
		error = webhdfs_many(hdfs, committed.list.count, list_rows, &committed, why);
	date_list_clean_up(&committed.list);
	*last = atomic_load(&committed.last);
	return error;
}

/* --- letters -----------------------------------------------------------------------------------
 */

struct finding {
	struct replay_letters *letters;
	int64_t committed;
	bool through; /* whatever comes now was not asked for */
	bool looked;  /* at one at least */
	char memory[512];
	struct text why;
};

/* However slow HDFS is, one is looked at: who asks again and again gets on. */
static bool is_full(const struct finding *finding)
{
	const struct replay_letters *letters = finding->letters;
	return letters->count >= (size_t)letters->limit || letters->bytes >= REPLAY_MOST_BYTES ||
	       (finding->looked && monotonic_now_us() >= letters->deadline_us);
}

static bool matches(const struct replay_letters *letters, const struct dead_letter *letter)
{
	return !letters->reason || strcmp(letters->reason, letter->reason) == 0;
}

/* The code of what is wrong with it now, or NULL. */
static const char *fault_of(const struct replay_letters *letters, const struct dead_letter *letter)
{
	struct record record;
	struct record_fault fault;
	if (letter->partition != letters->partition ||
	    strcmp(letter->topic, letters->dataset->topic) != 0)
		return "other-topic";
	if (letter->key.length + letter->raw.length > REPLAY_MOST_RECORD_BYTES)
		return "too-large";
	return row_read(letters->dataset->table, &letters->rules, &letter->raw, &record, &fault)
		       ? fault.code
		       : NULL;
}

static void keep(struct replay_letters *letters, const struct dead_letter *letter, cJSON *memory,
		 size_t length)
{
	struct replay_letter *kept = &letters->letters[letters->count++];
	*kept = (struct replay_letter){ .offset = letter->offset,
					.fault = fault_of(letters, letter) };
	if (kept->fault) {
		cJSON_Delete(memory);
		return;
	}
	kept->record = *letter;
	kept->memory = memory;
	letters->bytes += (int64_t)length;
}

static enum error look_at(const char *line, size_t length, int64_t offset, void *user)
{
	struct finding *finding = user;
	struct replay_letters *letters = finding->letters;
	finding->through = offset > letters->until;
	if (finding->through || offset > finding->committed || is_full(finding))
		return ERROR_CANCELLED;
	finding->looked = true;
	struct dead_letter letter;
	cJSON *memory;
	enum error error = dead_letter_read(line, length, &letter, &memory, &finding->why);
	if (!error && letters->count > 0 && offset <= letters->letters[letters->count - 1].offset) {
		why_putf(&finding->why, "it is there twice");
		error = ERROR_INVALID;
	}
	if (!error && matches(letters, &letter))
		keep(letters, &letter, memory, length);
	else
		cJSON_Delete(memory);
	return error;
}

static enum error read_letters(struct replay_letters *letters, struct finding *finding,
			       struct webhdfs *hdfs, struct text *why)
{
	struct dead_letters reading = { .dataset = letters->dataset,
					.partition = letters->partition,
					.from = letters->since,
					.visit = look_at,
					.user = finding };
	enum error error = dead_letters_read(&reading, hdfs, why);
	if (error && finding->why.length > 0)
		why_putf(why, "the dead letter after offset %" PRId64 ": %s", reading.next - 1,
			 finding->why.data);
	letters->next = reading.next;
	letters->more = reading.more && !finding->through;
	return error;
}

enum error replay_letters_find(struct replay_letters *letters, struct webhdfs *hdfs,
			       struct text *why)
{
	struct finding finding = { .letters = letters };
	text_init_fixed(&finding.why, finding.memory, sizeof finding.memory);
	letters->letters = calloc((size_t)letters->limit, sizeof *letters->letters);
	if (!letters->letters)
		return ERROR_NO_MEMORY;
	/* First, so that what is seen of the letters up to there stays. */
	enum error error = find_committed(letters, hdfs, &finding.committed, why);
	return error ? error : read_letters(letters, &finding, hdfs, why);
}

/* --- the ledger --------------------------------------------------------------------------------
 */

static size_t first_from(const struct replay_letters *letters, int64_t offset)
{
	size_t low = 0, high = letters->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (letters->letters[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void replay_letters_mark(int64_t first, int64_t last, void *user)
{
	struct replay_letters *letters = user;
	for (size_t i = first_from(letters, first);
	     i < letters->count && letters->letters[i].offset <= last; i++)
		letters->letters[i].before = true;
}

void replay_letters_clean_up(struct replay_letters *letters)
{
	for (size_t i = 0; letters->letters && i < letters->count; i++)
		cJSON_Delete(letters->letters[i].memory);
	free(letters->letters);
	letters->letters = NULL;
	letters->count = 0;
}
