/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

/* --- names ----------------------------------------------------------------------------------- */

/* Exactly `digits` decimal digits and then `end`. */
static bool take_number(const char **at, size_t digits, const char *end, int64_t *out)
{
	if (strspn(*at, "0123456789") != digits || strncmp(*at + digits, end, strlen(end)) != 0)
		return false;
	const char *first = *at;
	while (digits > 1 && *first == '0') {
		first++;
		digits--;
	}
	if (decimal_read_i64(first, digits, out) != ERROR_OK)
		return false;
	*at = first + digits + strlen(end);
	return true;
}

bool dataset_parse_name(const char *name, struct dataset_file *file)
{
	static const char prefix[] = "part-";
	int64_t partition, first, last;
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	const char *at = name + sizeof(prefix) - 1;
	if (!take_number(&at, 5, "-", &partition) || !take_number(&at, 20, "-", &first) ||
	    !take_number(&at, 20, ".csv", &last) || *at != '\0' || first > last)
		return false;
	file->partition = (int32_t)partition;
	file->first = first;
	file->last = last;
	return true;
}

void dataset_print_name(const struct dataset_file *file, char out[DATASET_NAME_LENGTH + 1])
{
	snprintf(out, DATASET_NAME_LENGTH + 1,
		 "part-%05" PRId32 "-%020" PRId64 "-%020" PRId64 ".csv", file->partition % 100000,
		 file->first, file->last);
}

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

size_t dataset_partition_end(const struct dataset *dataset, size_t from)
{
	size_t end = from;
	while (end < dataset->count &&
	       dataset->files[end].partition == dataset->files[from].partition)
		end++;
	return end;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
	const struct record_table *table;
	const struct dataset_sink *sink;
	int64_t received;
	size_t carried; /* bytes of a line whose end has not come yet */
	bool too_long;  /* that line can't be a record any more */
	char carry[RECORD_MAX_CSV];
};

static void take_line(struct reading *reading, const char *line, size_t length)
{
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS];
	if (record_read_published(reading->table, line, length, &timestamp_us, values) == ERROR_OK)
		reading->sink->record(timestamp_us, values, reading->sink->user);
	else
		reading->sink->malformed(reading->sink->user);
}

/* Keeps the beginning of a line until the rest comes. */
static void carry(struct reading *reading, const char *data, size_t length)
{
	if (length > sizeof(reading->carry) - reading->carried) {
		reading->too_long = true;
		length = 0;
	}
	memcpy(reading->carry + reading->carried, data, length);
	reading->carried += length;
}

static void finish_carried(struct reading *reading, const char *data, size_t length)
{
	carry(reading, data, length);
	if (reading->too_long)
		reading->sink->malformed(reading->sink->user);
	else
		take_line(reading, reading->carry, reading->carried);
	reading->carried = 0;
	reading->too_long = false;
}

static enum error take_bytes(const char *data, size_t length, void *user)
{
	struct reading *reading = user;
	const char *end = data + length, *at = data;
	reading->received += (int64_t)length;
	for (const char *line_end; (line_end = memchr(at, '\n', (size_t)(end - at)));
	     at = line_end + 1) {
		if (reading->carried > 0 || reading->too_long)
			finish_carried(reading, at, (size_t)(line_end - at));
		else
			take_line(reading, at, (size_t)(line_end - at));
	}
	carry(reading, at, (size_t)(end - at));
	reading->sink->bytes(length, reading->sink->user);
	return ERROR_OK;
}

enum error dataset_read(struct webhdfs *client, const char *folder, const struct dataset_file *file,
			int64_t from, const struct record_table *table,
			const struct dataset_sink *sink, struct text *why)
{
	struct reading reading = { .table = table, .sink = sink };
	char name[DATASET_NAME_LENGTH + 1], path[1200];
	if (file->length == from)
		return ERROR_OK;
	dataset_print_name(file, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	enum error error = webhdfs_open(client, path, from, -1, take_bytes, &reading, why);
	if (error != ERROR_OK)
		return error;
	if (reading.received != file->length - from) {
		why_putf(why, "%s: %" PRId64 " bytes came, %" PRId64 " were listed", name,
			 reading.received, file->length - from);
		return ERROR_LENGTH;
	}
	if (reading.carried > 0 || reading.too_long) {
		why_putf(why, "%s: the last line has no end", name);
		return ERROR_LENGTH;
	}
	return ERROR_OK;
}
