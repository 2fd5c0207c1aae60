/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order is the proof: our folder is made, all others are deleted, and only then the published
 * names are listed. A rename of an earlier owner either came before its folder was deleted, and is
 * in the listing, or fails.
 *
 * A join of an earlier owner is not fenced, and a listing comes in pages: between two of them the
 * names on the first may be renamed to cover those on the second, which then are gone. What seems
 * to be the end, or a gap, is therefore looked at twice.
 */
#include "recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_name.h"
#include "log.h"

enum { KAFKA_TIMEOUT_MS = 5000, NAMES_LIMIT = 1 << 20, PATH_MAX_BYTES = 1100 };

/* --- the fence --------------------------------------------------------------------------------
 */

static enum error note_name(const char *name, const struct webhdfs_status *status, void *user)
{
	(void)status;
	text_put(user, name, strlen(name) + 1);
	return ((struct text *)user)->error;
}

static enum error delete_one(struct webhdfs *hdfs, const char *folder, const char *name,
			     struct text *why)
{
	char path[PATH_MAX_BYTES];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	enum error error = webhdfs_delete(hdfs, path, true, NULL);
	if (!error || error == ERROR_NOT_FOUND)
		return ERROR_OK;
	why_putf(why, "%s can't be deleted: %s", path, error_text(error));
	return error;
}

static enum error fence_others(const struct lease *lease, struct webhdfs *hdfs, struct text *why)
{
	struct text names;
	text_init(&names, NAMES_LIMIT);
	enum error error = webhdfs_list(hdfs, lease->parent, note_name, &names, why);
	for (size_t at = 0; !error && at < names.length; at += strlen(names.data + at) + 1)
		if (strcmp(names.data + at, lease->epoch) != 0)
			error = delete_one(hdfs, lease->parent, names.data + at, why);
	text_clean_up(&names);
	return error;
}

/* --- the published names -----------------------------------------------------------------------
 */

struct names {
	enum file_kind kind;
	int32_t partition;
	char prefix[FILE_NAME_MAX];
	struct recovery *recovery;
	struct file_range first;      /* seen; last < first: none */
	struct file_range last_whole; /* the last one that is not empty; last < first: none */
	int64_t tail_end;             /* the largest offset from there on */
	struct text *beyond;          /* dead letters of a batch whose rows were never published */
};

static void note_gap(struct recovery *recovery, int64_t first, int64_t last)
{
	if (recovery->gap_count < RECOVERY_MAX_GAPS)
		recovery->gaps[recovery->gap_count++] = (struct gap){ first, last };
}

static void note_rows(struct names *names, const struct file_range *range, int64_t length)
{
	struct recovery *recovery = names->recovery;
	if (recovery->files == 0)
		names->first = *range;
	if (length > 0)
		names->last_whole = *range;
	if (length > 0 || range->last > names->tail_end)
		names->tail_end = range->last;
	if (recovery->files++ > 0) {
		if (range->first > recovery->published + 1)
			note_gap(recovery, recovery->published + 1, range->first - 1);
		else if (range->last <= recovery->published)
			recovery->covered++;
		else if (range->first <= recovery->published)
			recovery->overlaps++;
	}
	if (range->last > recovery->published)
		recovery->published = range->last;
}

static enum error note_published(const char *name, const struct webhdfs_status *status, void *user)
{
	struct names *names = user;
	size_t length = strlen(names->prefix);
	int order = strncmp(name, names->prefix, length);
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	struct file_range range;
	if (order < 0 || status->folder || !file_name_parse(names->kind, name, &range))
		return ERROR_OK;
	if (names->kind == FILE_ROWS)
		note_rows(names, &range, status->length);
	else if (range.last > names->recovery->published)
		text_put(names->beyond, name, strlen(name) + 1);
	return names->beyond ? names->beyond->error : ERROR_OK;
}

/* `after` "": all names of the partition. */
static enum error list_after(struct webhdfs *hdfs, const char *folder, const char *after,
			     struct names *names, struct text *why)
{
	file_name_prefix(names->partition, names->prefix);
	names->first = names->last_whole = (struct file_range){ .first = 0, .last = -1 };
	names->tail_end = -1;
	enum error error = webhdfs_list_after(hdfs, folder, after[0] ? after : names->prefix,
					      note_published, names, NULL);
	if (error == ERROR_CANCELLED)
		return ERROR_OK;
	if (error)
		why_putf(why, "%s can't be listed: %s", folder, error_text(error));
	return error;
}

static enum error list_published(struct webhdfs *hdfs, const char *folder, struct names *names,
				 struct text *why)
{
	enum error error = webhdfs_mkdirs(hdfs, folder, why);
	return error ? error : list_after(hdfs, folder, "", names, why);
}

static bool same_gaps(const struct recovery *a, const struct recovery *b)
{
	return a->gap_count == b->gap_count &&
	       memcmp(a->gaps, b->gaps, a->gap_count * sizeof a->gaps[0]) == 0;
}

/* The last file that is not empty is still there under its name: no join took what may have stood
 * behind it, because it would have taken that file as well, or renamed it. A gap is looked at from
 * the beginning. */
static enum error confirm(const struct names *seen, struct webhdfs *hdfs, const char *folder,
			  struct text *why)
{
	struct recovery again = { .published = -1 };
	struct names names = { .kind = FILE_ROWS,
			       .partition = seen->partition,
			       .recovery = &again };
	char after[FILE_NAME_MAX] = "";
	bool tail =
		seen->last_whole.last >= seen->last_whole.first && seen->recovery->gap_count == 0;
	if (tail)
		file_name_first_prefix(&seen->last_whole, after);
	enum error error = list_after(hdfs, folder, after, &names, why);
	if (error)
		return error;
	const struct file_range *begin = tail ? &seen->last_whole : &seen->first;
	int64_t end = tail ? seen->tail_end : seen->recovery->published;
	if (again.published == end && names.first.first == begin->first &&
	    names.first.last == begin->last && same_gaps(&again, seen->recovery))
		return ERROR_OK;
	why_putf(why, "files of partition %d in %s were joined while they were listed",
		 (int)seen->partition, folder);
	return ERROR_RETRIABLE;
}

/* The file of rows is the commit: without it the dead letters will be written again. */
static enum error delete_uncommitted(const struct lease *lease, struct webhdfs *hdfs,
				     struct recovery *recovery, struct text *why)
{
	struct text beyond;
	text_init(&beyond, NAMES_LIMIT);
	struct names names = { .kind = FILE_DEAD_LETTERS,
			       .partition = lease->partition,
			       .recovery = recovery,
			       .beyond = &beyond };
	const char *folder = lease->dataset->dead_letter_folder;
	enum error error = list_published(hdfs, folder, &names, why);
	for (size_t at = 0; !error && at < beyond.length; at += strlen(beyond.data + at) + 1)
		error = delete_one(hdfs, folder, beyond.data + at, why);
	text_clean_up(&beyond);
	return error;
}

enum error recovery_take_over(const struct lease *lease, struct webhdfs *hdfs,
			      struct recovery *recovery, struct text *why)
{
	*recovery = (struct recovery){ .published = -1 };
	enum error error = webhdfs_mkdirs(hdfs, lease->folder, why);
	if (!error)
		error = fence_others(lease, hdfs, why);
	struct names names = { .kind = FILE_ROWS,
			       .partition = lease->partition,
			       .recovery = recovery };
	if (!error)
		error = list_published(hdfs, lease->dataset->folder, &names, why);
	if (!error && recovery->files > 0)
		error = confirm(&names, hdfs, lease->dataset->folder, why);
	if (!error)
		error = delete_uncommitted(lease, hdfs, recovery, why);
	return error;
}

enum error recovery_give_back(const struct lease *lease, struct webhdfs *hdfs, struct text *why)
{
	enum error error = webhdfs_delete(hdfs, lease->folder, true, why);
	return error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

/* --- where to go on ----------------------------------------------------------------------------
 */

enum error recovery_find_start(struct recovery *recovery, int64_t committed, int64_t low,
			       int64_t high, struct text *why)
{
	bool began = recovery->published >= 0 || committed >= 0;
	int64_t start = recovery->published >= 0 ? recovery->published + 1 : committed;
	recovery->start = began && start > low ? start : low;
	if (began && start > high) {
		why_putf(why,
			 "the topic's log ends at offset %" PRId64 " but offsets up to %" PRId64
			 " are published: was the topic deleted and made anew?",
			 high, start - 1);
		return ERROR_CONFLICT;
	}
	if (began && start < low)
		note_gap(recovery, start, low - 1);
	return ERROR_OK;
}

static enum error kafka_failed(const char *what, const struct lease *lease,
			       rd_kafka_resp_err_t code, struct text *why)
{
	why_putf(why, "Kafka does not tell %s of %s[%d]: %s", what, lease->dataset->topic,
		 (int)lease->partition, rd_kafka_err2str(code));
	return ERROR_KAFKA;
}

static enum error ask_committed(const struct lease *lease, rd_kafka_t *kafka, int64_t *committed,
				struct text *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *one =
		rd_kafka_topic_partition_list_add(list, lease->dataset->topic, lease->partition);
	rd_kafka_resp_err_t code = rd_kafka_committed(kafka, list, KAFKA_TIMEOUT_MS);
	if (!code)
		code = one->err;
	*committed = one->offset >= 0 ? one->offset : -1;
	rd_kafka_topic_partition_list_destroy(list);
	return code ? kafka_failed("the committed offset", lease, code, why) : ERROR_OK;
}

enum error recovery_run(const struct lease *lease, struct webhdfs *hdfs, rd_kafka_t *kafka,
			struct recovery *recovery, struct text *why)
{
	enum error error = recovery_take_over(lease, hdfs, recovery, why);
	if (error)
		return error;
	int64_t committed = -1, low, high;
	if (recovery->published < 0)
		error = ask_committed(lease, kafka, &committed, why);
	if (error)
		return error;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
		kafka, lease->dataset->topic, lease->partition, &low, &high, KAFKA_TIMEOUT_MS);
	if (code)
		return kafka_failed("the log's ends", lease, code, why);
	return recovery_find_start(recovery, committed, low, high, why);
}
