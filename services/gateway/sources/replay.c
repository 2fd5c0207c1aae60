/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows go out in order, a window of them at a time. What Kafka certainly did not store (it was away
 * for longer than a record waits) is sent again before any new row, so that a replay survives an
 * outage whole; what it may have stored is not, because that could double a row.
 *
 * A row's slot belongs to this thread until it is sent, then to the publisher's until `state` is
 * no longer SENT.
 */
#include "replay.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line_reader.h"
#include "timestamp.h"

enum { WINDOW = 1000, WAIT_MS = 200, MAX_LATENESS_US = 1000000 };

enum slot_state { SLOT_FREE, SLOT_SENT, SLOT_FAILED };

struct replay;

struct slot {
	struct publish_ticket ticket; /* first: the slot is found from it by a cast */
	struct replay *replay;
	struct source *source;
	struct record record;
	atomic_int state; /* enum slot_state */
};

struct replay {
	const struct record_table *table;
	char *file; /* NULL: uploaded */
	double speed;
	double max_gap_s;
	struct record_rules rules;
	struct line_reader *reader;
	struct record_columns columns;
	bool newest_first;
	int64_t due_us;          /* monotonic: when the row before was due */
	_Atomic int64_t last_us; /* its time; 0: none yet */
	_Atomic uint64_t rows;
	_Atomic int64_t done_bytes;
	_Atomic uint64_t failed; /* slots that are to be sent again */
	uint64_t next;           /* slot for the next row, counted without end */
	struct slot slots[WINDOW];
};

static void replay_destroy(void *job)
{
	struct replay *r = job;
	line_reader_destroy(&r->reader);
	free(r->file);
	free(r);
}

/* --- the definition -------------------------------------------------------------------------- */

/* The file below the folder, wherever links lead; -1: not. */
static int open_below(const char *folder, const char *file)
{
	char joined[PATH_MAX], root[PATH_MAX], path[PATH_MAX];
	if (!folder[0] || !realpath(folder, root) ||
	    snprintf(joined, sizeof(joined), "%s/%s", root, file) >= (int)sizeof(joined) ||
	    !realpath(joined, path))
		return -1;
	size_t length = strlen(root);
	if (strncmp(path, root, length) != 0 || (path[length] != '/' && length > 1))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
}

static int choose_text(struct definition *d, const struct gateway *gateway, int upload)
{
	const char *file = definition_string(d, "file", NULL);
	if (file && upload >= 0)
		definition_complain(d, "file", "it excludes a CSV that is sent along");
	if (upload >= 0)
		return upload;
	if (!file) {
		definition_complain(d, "file",
				    "name a file in replay_dir, or send the CSV as text/csv");
		return -1;
	}
	int fd = open_below(gateway->settings.replay_dir, file);
	if (fd < 0)
		definition_complain(d, "file", "there is no file \"%.200s\" in replay_dir", file);
	return fd;
}

static void read_pace(struct definition *d, struct replay *r)
{
	const char *plural = definition_string(d, "records", "bars");
	r->table = record_table_by_plural(plural);
	if (!r->table) {
		definition_complain(d, "records", "it must be \"bars\" or \"ticks\"");
		r->table = record_table(RECORD_BAR);
	}
	r->speed = definition_number(d, "speed", 0, 1e9, 1);
	r->max_gap_s = definition_number(d, "max_gap_s", 0, 1e9, 3600);
}

/* --- the text -------------------------------------------------------------------------------- */

static bool is_blank(const struct slice *line)
{
	for (size_t i = 0; i < line->length; i++) {
		if (line->data[i] != ' ' && line->data[i] != '\t' && line->data[i] != '\r')
			return false;
	}
	return true;
}

static enum error next_line(struct replay *r, struct slice *line, uint64_t *number)
{
	enum error error;
	do
		error = line_reader_next(r->reader, line, number);
	while (error == ERROR_OK && is_blank(line));
	return error;
}

/* Binds the columns; `header_lines` is how many lines come before the first row. */
static enum error read_header(struct replay *r, uint64_t *header_lines, uint64_t *number,
			      struct record_fault *fault)
{
	struct slice line;
	bool header = false;
	*header_lines = 0;
	fault->field[0] = '\0';
	snprintf(fault->reason, sizeof(fault->reason), "there is no line that can be read");
	enum error error = next_line(r, &line, number);
	if (error == ERROR_OK)
		error = record_columns_detect(r->table, line.data, line.length, &r->columns,
					      &header, fault);
	while (error == ERROR_OK && header) {
		*header_lines = *number;
		if (next_line(r, &line, number) != ERROR_OK)
			break;
		header = record_columns_continue(line.data, line.length);
	}
	return error;
}

/* The first two rows with different times tell the order of all. */
static bool is_newest_first(struct replay *r)
{
	struct slice line;
	struct record record;
	struct record_fault fault;
	uint64_t number;
	int64_t first_us = 0;
	r->rules.wall_us = wall_now_us();
	while (next_line(r, &line, &number) == ERROR_OK) {
		if (record_read_csv(&r->columns, &r->rules, line.data, line.length, &record,
				    &fault) != ERROR_OK)
			continue;
		if (first_us != 0 && record.timestamp_us != first_us)
			return record.timestamp_us < first_us;
		first_us = record.timestamp_us;
	}
	return false;
}

static void skip_lines(struct replay *r, uint64_t count)
{
	struct slice line;
	uint64_t number = 0;
	while (number < count && line_reader_next(r->reader, &line, &number) != ERROR_NOT_FOUND)
		;
}

static void open_text(struct definition *d, struct replay *r)
{
	struct record_fault fault;
	uint64_t header_lines, number = 0;
	if (read_header(r, &header_lines, &number, &fault) != ERROR_OK) {
		definition_complain(d, r->file ? "file" : "body", "%s line %" PRIu64 ": %s",
				    r->file ? r->file : "the CSV,", number, fault.reason);
		return;
	}
	line_reader_rewind(r->reader);
	skip_lines(r, header_lines);
	r->newest_first = is_newest_first(r);
	line_reader_rewind(r->reader);
	skip_lines(r, header_lines);
	if (r->newest_first && line_reader_turn(r->reader) != ERROR_OK)
		definition_complain(d, "file", "it cannot be read");
}

static void *replay_read(struct definition *d, const struct gateway *gateway, int upload)
{
	static const char *const names[] = { "type", "file", "records", "speed", "max_gap_s" };
	definition_allow(d, names, sizeof(names) / sizeof(names[0]));
	struct replay *r = calloc(1, sizeof(*r));
	if (!r) {
		if (upload >= 0)
			close(upload);
		return NULL;
	}
	read_pace(d, r);
	r->rules = gateway_rules(&gateway->settings);
	int fd = choose_text(d, gateway, upload);
	if (fd >= 0) {
		const char *file = upload < 0 ? definition_string(d, "file", NULL) : NULL;
		r->file = file ? strdup(file) : NULL;
		r->reader = line_reader_new(fd);
		if (r->reader)
			open_text(d, r);
		else
			definition_complain(d, "file", "it is no regular file");
	}
	if (definition_is_good(d))
		return r;
	replay_destroy(r);
	return NULL;
}

/* --- sending --------------------------------------------------------------------------------- */

static void settle(struct publish_ticket *ticket, const struct publish_result *result)
{
	struct slot *slot = (struct slot *)ticket;
	struct source *source = slot->source;
	bool again = result->status == PUBLISH_UNAVAILABLE && !source_is_stopping(source);
	if (again)
		atomic_fetch_add(&slot->replay->failed, 1);
	atomic_store(&slot->state, again ? SLOT_FAILED : SLOT_FREE);
	source_settled(source, result, again); /* the slot may be in use anew by now */
}

static enum error send_slot(struct source *source, struct replay *r, struct slot *slot)
{
	slot->ticket = (struct publish_ticket){ .done = settle,
						.origin = source_origin(source),
						.kind = r->table->kind };
	slot->replay = r;
	slot->source = source;
	atomic_store(&slot->state, SLOT_SENT);
	enum error error = source_send(source, &slot->record, &slot->ticket);
	if (error != ERROR_OK)
		atomic_store(&slot->state, SLOT_FREE);
	return error;
}

static bool wait_for_slot(struct source *source, struct slot *slot)
{
	while (atomic_load(&slot->state) == SLOT_SENT && !source_is_stopping(source))
		source_wait_settled(source, WAIT_MS);
	return atomic_load(&slot->state) != SLOT_SENT;
}

/* Sends again what failed, in its order and before anything new, until nothing is left that did.
 * False: stopping. */
static bool send_failed_again(struct source *source, struct replay *r)
{
	while (atomic_load(&r->failed) > 0) {
		uint64_t first = r->next > WINDOW ? r->next - WINDOW : 0;
		for (uint64_t i = first; i < r->next; i++) {
			if (!wait_for_slot(source, &r->slots[i % WINDOW]))
				return false;
		}
		for (uint64_t i = first; i < r->next; i++) {
			struct slot *slot = &r->slots[i % WINDOW];
			if (atomic_load(&slot->state) != SLOT_FAILED)
				continue;
			atomic_fetch_sub(&r->failed, 1);
			if (send_slot(source, r, slot) == ERROR_CANCELLED)
				return false;
		}
	}
	return true;
}

static enum error send_row(struct source *source, struct replay *r, const struct record *record)
{
	struct slot *slot = &r->slots[r->next % WINDOW];
	do {
		if (!send_failed_again(source, r) || !wait_for_slot(source, slot))
			return ERROR_CANCELLED;
	} while (atomic_load(&slot->state) == SLOT_FAILED);
	slot->record = *record;
	enum error error = send_slot(source, r, slot);
	if (error == ERROR_OK)
		r->next++;
	return error;
}

/* Until everything has its last word. */
static bool settle_all(struct source *source, struct replay *r)
{
	bool more = true;
	while (more) {
		if (!send_failed_again(source, r))
			return false;
		more = false;
		for (size_t i = 0; i < WINDOW; i++) {
			if (!wait_for_slot(source, &r->slots[i]))
				return false;
			more = more || atomic_load(&r->slots[i].state) == SLOT_FAILED;
		}
	}
	return true;
}

/* --- pacing ---------------------------------------------------------------------------------- */

/* Waits as long as the rows' times lie apart. False: stopping. */
static bool keep_pace(struct source *source, struct replay *r, int64_t timestamp_us)
{
	int64_t last_us = atomic_exchange(&r->last_us, timestamp_us), now_us = monotonic_now_us();
	double gap_us = last_us ? (double)(timestamp_us - last_us) : 0;
	if (r->speed <= 0 || gap_us <= 0)
		return !source_is_stopping(source);
	if (gap_us > r->max_gap_s * 1e6)
		gap_us = r->max_gap_s * 1e6;
	if (now_us - r->due_us > MAX_LATENESS_US) /* at first, or after an outage */
		r->due_us = now_us;
	r->due_us += (int64_t)(gap_us / r->speed);
	return source_sleep_until(source, r->due_us);
}

static enum error replay_line(struct source *source, struct replay *r, const struct slice *line,
			      uint64_t number)
{
	struct record record;
	struct record_fault fault;
	r->rules.wall_us = wall_now_us();
	if (record_read_csv(&r->columns, &r->rules, line->data, line->length, &record, &fault) !=
	    ERROR_OK) {
		source_refuse(source, r->table->kind, "line %" PRIu64 ": %s", number, fault.reason);
		return ERROR_OK;
	}
	if (!keep_pace(source, r, record.timestamp_us))
		return ERROR_CANCELLED;
	enum error error = send_row(source, r, &record);
	return error == ERROR_CANCELLED ? error : ERROR_OK;
}

/* The rows that wait for being sent again will not be. */
static void forgo_failed(struct source *source, struct replay *r)
{
	for (size_t i = 0; i < WINDOW; i++) {
		if (atomic_load(&r->slots[i].state) == SLOT_FAILED)
			source_forgo(source);
	}
}

static enum error replay_run(struct source *source, void *job)
{
	struct replay *r = job;
	struct slice line;
	uint64_t number;
	enum error error = ERROR_OK;
	while (error == ERROR_OK && !source_is_stopping(source)) {
		error = next_line(r, &line, &number);
		if (error == ERROR_NOT_FOUND || error == ERROR_SYSTEM)
			break;
		atomic_fetch_add(&r->rows, 1);
		if (error == ERROR_LIMIT)
			source_refuse(source, r->table->kind, "line %" PRIu64 " is too long",
				      number);
		error = error == ERROR_OK ? replay_line(source, r, &line, number) : ERROR_OK;
		atomic_store(&r->done_bytes, line_reader_done(r->reader));
	}
	if (error == ERROR_SYSTEM)
		source_complain(source, "the text cannot be read any more");
	else if (error == ERROR_NOT_FOUND)
		error = settle_all(source, r) ? ERROR_OK : ERROR_CANCELLED;
	forgo_failed(source, r);
	return error;
}

static void replay_describe(const void *job, cJSON *definition, cJSON *progress)
{
	const struct replay *r = job;
	char text[TIMESTAMP_MAX_TEXT];
	if (r->file)
		cJSON_AddStringToObject(definition, "file", r->file);
	cJSON_AddStringToObject(definition, "records", r->table->plural);
	cJSON_AddNumberToObject(definition, "speed", r->speed);
	cJSON_AddNumberToObject(definition, "max_gap_s", r->max_gap_s);
	cJSON_AddBoolToObject(definition, "newest_first", r->newest_first);
	int64_t size = line_reader_size(r->reader);
	double done = (double)atomic_load(&r->done_bytes);
	cJSON_AddNumberToObject(progress, "rows", (double)atomic_load(&r->rows));
	cJSON_AddNumberToObject(progress, "bytes", done);
	cJSON_AddNumberToObject(progress, "bytes_total", (double)size);
	cJSON_AddNumberToObject(progress, "fraction", size > 0 ? done / (double)size : 1);
	int64_t last_us = atomic_load(&r->last_us);
	if (last_us) {
		timestamp_print(last_us, text);
		cJSON_AddStringToObject(progress, "last_timestamp", text);
	}
}

const struct source_driver replay_driver = {
	.type = "replay",
	.read = replay_read,
	.run = replay_run,
	.describe = replay_describe,
	.destroy = replay_destroy,
};
