/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataset.h"

#include <inttypes.h>
#include <string.h>

#include "gzip.h"
#include "lines.h"
#include "timestamp.h"
#include "webhdfs_direct.h"

struct reading {
	const struct record_table *table;
	const struct dataset_sink *sink;
	int64_t received;
	struct gunzip *gunzip; /* NULL: not packed */
	bool broken;
	int64_t wall_us; /* for JSON, whose reader also says what a time may be */
	struct lines lines;
};

static void take_json(const char *line, size_t length, void *user)
{
	struct reading *reading = user;
	const struct record_rules rules = { .bounds = RECORD_DEFAULT_BOUNDS,
					    .wall_us = reading->wall_us,
					    .unknown_ignored = true };
	struct record record;
	struct record_fault fault;
	if (line &&
	    record_read_json(reading->table, &rules, line, length, &record, &fault) == ERROR_OK)
		reading->sink->record(record.timestamp_us, record.values, reading->sink->user);
	else
		reading->sink->malformed(reading->sink->user);
}

static void take_line(const char *line, size_t length, void *user)
{
	struct reading *reading = user;
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS] = { 0 };
	if (line && record_read_published(reading->table, reading->sink->wanted, line, length,
					  &timestamp_us, values) == ERROR_OK)
		reading->sink->record(timestamp_us, values, reading->sink->user);
	else
		reading->sink->malformed(reading->sink->user);
}

static enum error take_text(const char *data, size_t length, void *user)
{
	struct reading *reading = user;
	lines_take(&reading->lines, data, length);
	return ERROR_OK;
}

static enum error take_bytes(const char *data, size_t length, void *user)
{
	struct reading *reading = user;
	enum error error = ERROR_OK;
	reading->received += (int64_t)length;
	if (reading->gunzip)
		error = gunzip_take(reading->gunzip, data, length, take_text, reading);
	else
		lines_take(&reading->lines, data, length);
	/* Read on: whether the file is what was listed comes first. */
	reading->broken |= error == ERROR_ENCODING;
	if (error && error != ERROR_ENCODING)
		return error;
	reading->sink->bytes(length, reading->sink->user);
	return ERROR_OK;
}

/* Whether the bytes that came are the whole file. */
static enum error check_whole(const struct reading *reading, const char *name, int64_t expected,
			      struct text *why)
{
	if (reading->received != expected) {
		why_putf(why, "%s: %" PRId64 " bytes came, %" PRId64 " were listed", name,
			 reading->received, expected);
		return ERROR_LENGTH;
	}
	if (reading->broken || (reading->gunzip && !gunzip_is_whole(reading->gunzip))) {
		why_putf(why, "%s: %s", name,
			 reading->broken ? "it can't be unpacked"
					 : "the last gzip member has no end");
		return ERROR_LENGTH;
	}
	if (lines_waiting(&reading->lines)) {
		why_putf(why, "%s: the last line has no end", name);
		return ERROR_LENGTH;
	}
	return ERROR_OK;
}

enum error dataset_read(struct webhdfs *client, const char *folder, const struct dataset_file *file,
			int64_t from, const struct record_table *table,
			const struct dataset_sink *sink, struct text *why)
{
	struct reading reading = { .table = table, .sink = sink, .wall_us = wall_now_us() };
	bool json = data_format_is_json(file->format);
	char name[DATASET_NAME_LENGTH + 1], path[1200];
	if (file->length == from)
		return ERROR_OK;
	if (data_format_is_packed(file->format) && !(reading.gunzip = gunzip_new()))
		return ERROR_NO_MEMORY;
	dataset_print_name(file, name);
	dataset_print_path(folder, file, path, sizeof(path));
	lines_init(&reading.lines, json ? RECORD_MAX_JSON : RECORD_MAX_CSV,
		   json ? take_json : take_line, &reading);
	enum error error =
		webhdfs_stream(client, path, from, file->plain, take_bytes, &reading, why);
	if (error == ERROR_OK)
		error = check_whole(&reading, name, file->length - from, why);
	lines_clean_up(&reading.lines);
	gunzip_destroy(&reading.gunzip);
	return error;
}
