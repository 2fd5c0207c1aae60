/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "lines.h"
#include "timestamp.h"

/* --- listing --------------------------------------------------------------------------------- */

struct listing {
	struct dataset *dataset;
	size_t capacity;
};

static enum error take_name(const char *name, const struct webhdfs_status *status, void *user)
{
	struct listing *listing = user;
	struct dataset *dataset = listing->dataset;
	struct dataset_file file = { .length = status->length };
	if (status->folder || !dataset_parse_name(name, &file)) {
		dataset->ignored++;
		return ERROR_OK;
	}
	if (dataset->count == DATASET_MAX_FILES)
		return ERROR_LIMIT;
	if (dataset->count == listing->capacity) {
		size_t capacity = listing->capacity > 0 ? 2 * listing->capacity : 64;
		void *larger = realloc(dataset->files, capacity * sizeof(*dataset->files));
		if (!larger)
			return ERROR_NO_MEMORY;
		dataset->files = larger;
		listing->capacity = capacity;
	}
	dataset->files[dataset->count++] = file;
	dataset->bytes += file.length;
	return ERROR_OK;
}

static int compare_files(const void *left, const void *right)
{
	const struct dataset_file *a = left, *b = right;
	if (a->partition != b->partition)
		return a->partition < b->partition ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

enum error dataset_list(struct webhdfs *client, const char *folder, struct dataset *dataset,
			struct text *why)
{
	struct listing listing = { .dataset = dataset };
	memset(dataset, 0, sizeof(*dataset));
	enum error error = webhdfs_list(client, folder, take_name, &listing, why);
	if (error == ERROR_NOT_FOUND)
		return ERROR_OK;
	if (error == ERROR_LIMIT)
		why_putf(why, "%s holds more than %d files", folder, DATASET_MAX_FILES);
	if (error == ERROR_OK && dataset->count > 0)
		qsort(dataset->files, dataset->count, sizeof(*dataset->files), compare_files);
	return error;
}

void dataset_clean_up(struct dataset *dataset)
{
	free(dataset->files);
	memset(dataset, 0, sizeof(*dataset));
}

/* --- reading --------------------------------------------------------------------------------- */

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
	double values[RECORD_MAX_FIELDS];
	if (line &&
	    record_read_published(reading->table, line, length, &timestamp_us, values) == ERROR_OK)
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
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	lines_init(&reading.lines, json ? RECORD_MAX_JSON : RECORD_MAX_CSV,
		   json ? take_json : take_line, &reading);
	enum error error = webhdfs_open(client, path, from, -1, take_bytes, &reading, why);
	if (error == ERROR_OK)
		error = check_whole(&reading, name, file->length - from, why);
	lines_clean_up(&reading.lines);
	gunzip_destroy(&reading.gunzip);
	return error;
}
