/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows go out in order through an outbox, each marked by its number in the order of reading, from
 * 1; by these numbers a replay goes on after a restart of the gateway.
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
#include "outbox.h"
#include "timestamp.h"

enum { MAX_LATENESS_US = 1000000 };

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
	struct outbox *outbox;
};

static void replay_destroy(void *job)
{
	struct replay *r = job;
	line_reader_destroy(&r->reader);
	outbox_destroy(&r->outbox);
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

static struct replay *new_replay(void)
{
	struct replay *r = calloc(1, sizeof(*r));
	if (r)
		r->outbox = outbox_new();
	if (r && !r->outbox) {
		free(r);
		r = NULL;
	}
	return r;
}

static void *replay_read(struct definition *d, const struct gateway *gateway, int upload)
{
	static const char *const names[] = { "type", "file", "records", "speed", "max_gap_s" };
	definition_allow(d, names, sizeof(names) / sizeof(names[0]));
	struct replay *r = new_replay();
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
			      uint64_t number, int64_t row)
{
	struct record record;
	struct record_fault fault;
	r->rules.wall_us = wall_now_us();
	if (record_read_csv(&r->columns, &r->rules, line->data, line->length, &record, &fault) !=
	    ERROR_OK) {
		source_refuse(source, r->table->kind, "line %" PRIu64 ": %s", number, fault.reason);
		return outbox_skip(r->outbox, source, row);
	}
	if (!keep_pace(source, r, record.timestamp_us))
		return ERROR_CANCELLED;
	enum error error = outbox_send(r->outbox, source, &record, row);
	return error == ERROR_CANCELLED ? error : ERROR_OK;
}

/* One row, be it as it may. */
static enum error replay_row(struct source *source, struct replay *r, enum error read,
			     const struct slice *line, uint64_t number)
{
	int64_t row = (int64_t)atomic_fetch_add(&r->rows, 1) + 1;
	if (outbox_was_settled(r->outbox, row))
		return outbox_skip(r->outbox, source, row);
	if (read == ERROR_OK)
		return replay_line(source, r, line, number, row);
	source_refuse(source, r->table->kind, "line %" PRIu64 " is too long", number);
	return outbox_skip(r->outbox, source, row);
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
		error = replay_row(source, r, error, &line, number);
		atomic_store(&r->done_bytes, line_reader_done(r->reader));
		source_keep(source);
	}
	if (error == ERROR_SYSTEM)
		source_complain(source, "the text cannot be read any more");
	else if (error == ERROR_NOT_FOUND)
		error = outbox_settle(r->outbox, source) ? ERROR_OK : ERROR_CANCELLED;
	outbox_forgo(r->outbox, source);
	return error;
}

/* --- looking and keeping --------------------------------------------------------------------- */

static void replay_describe(const void *job, cJSON *definition, cJSON *progress)
{
	const struct replay *r = job;
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
	source_add_time(progress, "last_timestamp", atomic_load(&r->last_us));
}

static void replay_save(const void *job, cJSON *position)
{
	const struct replay *r = job;
	cJSON_AddNumberToObject(position, "bytes_total", (double)line_reader_size(r->reader));
	outbox_save(r->outbox, position);
}

/* Row numbers mean the same only in the same text. */
static enum error replay_restore(void *job, const cJSON *position)
{
	struct replay *r = job;
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(position, "bytes_total");
	if (!cJSON_IsNumber(size) || (int64_t)size->valuedouble != line_reader_size(r->reader))
		return ERROR_INVALID;
	return outbox_restore(r->outbox, position);
}

const struct source_driver replay_driver = {
	.type = "replay",
	.read = replay_read,
	.run = replay_run,
	.describe = replay_describe,
	.destroy = replay_destroy,
	.save = replay_save,
	.restore = replay_restore,
};
