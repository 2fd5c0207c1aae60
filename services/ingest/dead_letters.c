/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dead_letters.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "file_name.h"
#include "json_check.h"

enum { PATH_MAX_BYTES = 1100, NESTING = 4 };

struct found {
	struct file_range range;
	int64_t length;
};

struct reading {
	struct dead_letters *letters;
	const struct found *file;
	struct text line; /* what came of it so far */
	int64_t bytes;
	struct text *why;
};

/* --- the files ---------------------------------------------------------------------------------
 */

struct files {
	const struct dead_letters *letters;
	char prefix[FILE_NAME_MAX];
	struct found found[DEAD_LETTERS_MOST_FILES];
	size_t count;
	bool cut;
};

static enum error note_file(const char *name, const struct webhdfs_status *status, void *user)
{
	struct files *files = user;
	struct found *found = &files->found[files->count];
	struct file_range range;
	int order = strncmp(name, files->prefix, strlen(files->prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	if (order < 0 || status->folder || !file_name_parse(FILE_DEAD_LETTERS, name, &range) ||
	    range.last < files->letters->from)
		return ERROR_OK;
	files->cut = files->count == DEAD_LETTERS_MOST_FILES;
	if (files->cut)
		return ERROR_CANCELLED;
	*found = (struct found){ range, status->length };
	files->count++;
	return ERROR_OK;
}

static enum error find_files(struct files *files, struct webhdfs *hdfs, struct text *why)
{
	const struct dead_letters *letters = files->letters;
	file_name_prefix(letters->partition, files->prefix);
	enum error error = webhdfs_list_after(hdfs, letters->dataset->dead_letter_folder,
					      files->prefix, note_file, files, why);
	return error == ERROR_CANCELLED || error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

/* --- the letters -------------------------------------------------------------------------------
 */

/* -1: this is no letter of that range. */
static int64_t offset_of(const struct text *line, const struct file_range *range)
{
	struct json_flaw flaw;
	if (json_check(line->data, line->length, NESTING, &flaw))
		return -1;
	cJSON *json = cJSON_ParseWithLength(line->data, line->length);
	const cJSON *offset = cJSON_GetObjectItemCaseSensitive(json, "offset");
	double value = cJSON_IsNumber(offset) ? offset->valuedouble : -1;
	cJSON_Delete(json);
	bool good = value == floor(value) && value >= (double)range->first &&
		    value <= (double)range->last;
	return good ? (int64_t)value : -1;
}

static enum error end_line(struct reading *reading)
{
	struct dead_letters *letters = reading->letters;
	int64_t offset = offset_of(&reading->line, &reading->file->range);
	if (offset < 0) {
		why_putf(reading->why, "line \"%.80s\" is no dead letter of that file",
			 reading->line.data);
		return ERROR_PROTOCOL;
	}
	enum error error = ERROR_OK;
	if (offset >= letters->from)
		error = letters->visit(reading->line.data, reading->line.length, offset,
				       letters->user);
	letters->more = error == ERROR_CANCELLED;
	if (error)
		return error;
	letters->next = offset >= letters->next ? offset + 1 : letters->next;
	text_reset(&reading->line);
	return ERROR_OK;
}

static enum error take_bytes(const char *data, size_t length, void *user)
{
	struct reading *reading = user;
	reading->bytes += (int64_t)length;
	while (length > 0) {
		const char *end = memchr(data, '\n', length);
		size_t part = end ? (size_t)(end - data) : length;
		text_put(&reading->line, data, part);
		if (!text_ok(&reading->line)) {
			why_putf(reading->why, "a line is longer than %d bytes",
				 DEAD_LETTERS_MOST_BYTES);
			return reading->line.error;
		}
		enum error error = end ? end_line(reading) : ERROR_OK;
		if (error)
			return error;
		data += part + (end ? 1 : 0);
		length -= part + (end ? 1 : 0);
	}
	return ERROR_OK;
}

static enum error read_file(struct dead_letters *letters, const struct found *file,
			    struct webhdfs *hdfs, struct text *why)
{
	char name[FILE_NAME_MAX], path[PATH_MAX_BYTES], memory[512];
	file_name_print(FILE_DEAD_LETTERS, &file->range, name);
	snprintf(path, sizeof path, "%s/%s", letters->dataset->dead_letter_folder, name);
	struct text detail;
	text_init_fixed(&detail, memory, sizeof memory);
	struct reading reading = { .letters = letters, .file = file, .why = &detail };
	text_init(&reading.line, DEAD_LETTERS_MOST_BYTES);
	enum error error = webhdfs_open(hdfs, path, 0, -1, take_bytes, &reading, &detail);
	if (!error && (reading.bytes != file->length || reading.line.length > 0)) {
		why_putf(&detail, "%" PRId64 " bytes came of %" PRId64, reading.bytes,
			 file->length);
		error = ERROR_LENGTH;
	}
	if (error && error != ERROR_CANCELLED)
		why_putf(why, "%s: %s", path, detail.data);
	text_clean_up(&reading.line);
	return error;
}

enum error dead_letters_read(struct dead_letters *letters, struct webhdfs *hdfs, struct text *why)
{
	struct files files = { .letters = letters };
	letters->next = letters->from;
	letters->more = false;
	enum error error = find_files(&files, hdfs, why);
	for (size_t i = 0; !error && i < files.count; i++) {
		error = read_file(letters, &files.found[i], hdfs, why);
		if (!error && letters->next <= files.found[i].range.last)
			letters->next = files.found[i].range.last + 1;
	}
	letters->more = letters->more || files.cut;
	return error == ERROR_CANCELLED ? ERROR_OK : error;
}
