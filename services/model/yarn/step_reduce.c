/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "step_reduce.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "json_numbers.h"
#include "lines.h"
#include "partial.h"
#include "reading.h"
#include "step_key.h"

enum { PIECE_BYTES = 1 << 16, MAX_LINE = 64 << 20, MAX_RESULT = 256 << 20 };

struct reduce {
	const struct spec *spec;
	unsigned wanted; /* see spec_columns */
	bool ordered;
	struct partial *gathered; /* of the files that are whole */
	struct features *features,
		*before; /* ordered: of the partition; as it stood before the file */
	struct text partitions, refused; /* JSON so far */
	int64_t refused_count;
	int64_t partition_bytes; /* of the partition's files so far */
	bool in_file;
	struct step_key key;  /* of the line before; its file is the present one */
	struct partial *file; /* of the present file, as are: */
	int64_t end, bytes;   /* the furthest end of a split; bytes of all lines */
	int64_t lines;        /* of the present split */
	enum error error;     /* the first one */
	struct text *why;
};

static void fail(struct reduce *reduce, enum error error, const char *what)
{
	char key[STEP_KEY_SIZE];
	if (reduce->error != ERROR_OK)
		return;
	reduce->error = error;
	step_key_print(&reduce->key, key);
	why_putf(reduce->why, "%s: %s", key, what);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void end_partition(struct reduce *reduce)
{
	struct text *out = &reduce->partitions;
	text_putf(out, "%s{\"partition\":%d,\"bytes\":%" PRId64, out->length > 0 ? "," : "",
		  (int)reduce->key.file.partition, reduce->partition_bytes);
	if (reduce->ordered) {
		text_putf(out,
			  ",\"pending\":%zu,\"features\":", features_pending(reduce->features));
		features_write_json(reduce->features, out);
	}
	text_putc(out, '}');
	features_destroy(&reduce->features);
	reduce->partition_bytes = 0;
	if (!text_ok(out))
		fail(reduce, out->error, error_text(out->error));
}

static void refuse_file(struct reduce *reduce)
{
	struct text *out = &reduce->refused;
	char name[DATASET_NAME_LENGTH + 1];
	const struct dataset_file *file = &reduce->key.file;
	if (reduce->refused_count++ >= READING_MAX_REFUSED)
		return;
	dataset_print_name(file, name);
	text_putf(out,
		  "%s{\"partition\":%d,\"first\":%" PRId64 ",\"last\":%" PRId64
		  ",\"length\":%" PRId64 ",\"reason\":\"%s: the last line has no end\"}",
		  out->length > 0 ? "," : "", (int)file->partition, file->first, file->last,
		  reduce->end, name);
}

static void end_file(struct reduce *reduce)
{
	if (!reduce->in_file)
		return;
	reduce->in_file = false;
	reduce->partition_bytes += reduce->end;
	/* Hadoop ends each line with a line feed, also a last one that had none. */
	if (reduce->bytes == reduce->end) {
		if (partial_error(reduce->file) != ERROR_OK ||
		    partial_merge(reduce->gathered, reduce->file) != ERROR_OK)
			fail(reduce, ERROR_NO_MEMORY, error_text(ERROR_NO_MEMORY));
	} else if (reduce->bytes == reduce->end + 1) {
		features_destroy(&reduce->features);
		reduce->features = reduce->before;
		reduce->before = NULL;
		refuse_file(reduce);
	} else {
		fail(reduce, ERROR_LENGTH, "the lines of this file are not all there");
	}
	features_destroy(&reduce->before);
	partial_reset(reduce->file);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void begin_file(struct reduce *reduce, bool new_partition)
{
	reduce->in_file = true;
	reduce->end = reduce->bytes = reduce->lines = 0;
	if (!reduce->ordered)
		return;
	if (new_partition)
		reduce->features = features_new(reduce->spec);
	if (reduce->features)
		reduce->before = features_clone(reduce->features);
	if (!reduce->before)
		fail(reduce, ERROR_NO_MEMORY, error_text(ERROR_NO_MEMORY));
}

static void turn_to(struct reduce *reduce, const struct step_key *key)
{
	bool any = reduce->in_file;
	bool new_partition = !any || key->file.partition != reduce->key.file.partition;
	if (any && step_key_same_file(key, &reduce->key)) {
		reduce->key = *key;
		return;
	}
	end_file(reduce);
	if (any && new_partition)
		end_partition(reduce);
	reduce->key = *key;
	begin_file(reduce, new_partition);
}

static void take_record(struct reduce *reduce, const char *line, size_t length)
{
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS] = { 0 };
	reduce->lines++;
	partial_count_record(reduce->file);
	if (record_read_published(reduce->spec->table, reduce->wanted, line, length, &timestamp_us,
				  values) == ERROR_OK)
		features_push(reduce->features, timestamp_us, values, partial_take, reduce->file);
	else
		partial_count(reduce->file, ROW_MALFORMED);
}

static bool add_factors(struct reduce *reduce, const cJSON *json)
{
	struct partial *partial = NULL;
	enum error error = partial_read_json(reduce->spec, json, &partial, NULL);
	if (error == ERROR_OK)
		error = partial_merge(reduce->file, partial);
	partial_destroy(&partial);
	return error == ERROR_OK;
}

static void take_end(struct reduce *reduce, const char *data, size_t length)
{
	int64_t end = 0, bytes = 0, lines = -1;
	cJSON *json = cJSON_ParseWithLength(data, length);
	bool fine = json_read_integer(cJSON_GetObjectItemCaseSensitive(json, "end"), &end) &&
		    json_read_integer(cJSON_GetObjectItemCaseSensitive(json, "bytes"), &bytes) &&
		    json_read_integer(cJSON_GetObjectItemCaseSensitive(json, "lines"), &lines);
	if (fine && !reduce->ordered)
		fine = add_factors(reduce, cJSON_GetObjectItemCaseSensitive(json, "factors"));
	cJSON_Delete(json);
	if (!fine)
		fail(reduce, ERROR_INVALID, "this is no end of a split");
	else if (lines != reduce->lines)
		fail(reduce, ERROR_LENGTH, "the lines of this split are not all there");
	reduce->lines = 0;
	reduce->bytes += bytes;
	reduce->end = end > reduce->end ? end : reduce->end;
}

static void take_line(const char *line, size_t length, void *user)
{
	struct reduce *reduce = user;
	struct step_key key;
	const char *tab = line ? memchr(line, '\t', length) : NULL;
	if (reduce->error != ERROR_OK)
		return;
	if (!tab || !step_key_parse(line, (size_t)(tab - line), &key)) {
		fail(reduce, ERROR_INVALID, "the line after this one has no key");
		return;
	}
	size_t rest = length - (size_t)(tab + 1 - line);
	turn_to(reduce, &key);
	if (reduce->error != ERROR_OK)
		return;
	if (key.number == STEP_END)
		take_end(reduce, tab + 1, rest);
	else if (reduce->ordered)
		take_record(reduce, tab + 1, rest);
	else
		fail(reduce, ERROR_INVALID, "a record where rows do not depend on each other");
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum error read_lines(struct reduce *reduce, FILE *in)
{
	static char piece[PIECE_BYTES];
	struct lines lines;
	size_t got;
	lines_init(&lines, MAX_LINE, take_line, reduce);
	while (reduce->error == ERROR_OK && (got = fread(piece, 1, sizeof(piece), in)) > 0)
		lines_take(&lines, piece, got);
	lines_clean_up(&lines);
	return ferror(in) ? ERROR_SYSTEM : reduce->error;
}

static enum error write_result(struct reduce *reduce, FILE *out)
{
	struct text result;
	text_init(&result, MAX_RESULT);
	text_putf(&result, "{\"partitions\":[");
	text_put(&result, reduce->partitions.data, reduce->partitions.length);
	text_putf(&result, "],\"refused_count\":%" PRId64 ",\"refused\":[", reduce->refused_count);
	text_put(&result, reduce->refused.data, reduce->refused.length);
	text_puts(&result, "],\"factors\":");
	partial_write_json(reduce->gathered, &result);
	text_puts(&result, "}\n");
	enum error error = result.error;
	if (error == ERROR_OK)
		fwrite(result.data, 1, result.length, out);
	if (error == ERROR_OK && (fflush(out) || ferror(out)))
		error = ERROR_SYSTEM;
	text_clean_up(&result);
	return error;
}

static enum error reduce_whole(struct reduce *reduce, FILE *in, FILE *out)
{
	if (!reduce->gathered || !reduce->file)
		return ERROR_NO_MEMORY;
	enum error error = read_lines(reduce, in);
	bool any = reduce->in_file;
	end_file(reduce);
	if (any)
		end_partition(reduce);
	if (error == ERROR_OK)
		error = reduce->error;
	return error == ERROR_OK ? write_result(reduce, out) : error;
}

enum error step_reduce(const struct spec *spec, FILE *in, FILE *out, struct text *why)
{
	struct reduce reduce = { .spec = spec,
				 .wanted = spec_columns(spec),
				 .ordered = spec_is_ordered(spec),
				 .why = why };
	reduce.gathered = partial_new(spec);
	reduce.file = partial_new(spec);
	text_init(&reduce.partitions, MAX_RESULT);
	text_init(&reduce.refused, MAX_RESULT);
	enum error error = reduce_whole(&reduce, in, out);
	if (error != ERROR_OK && reduce.error == ERROR_OK)
		why_putf(why, "%s", error_text(error));
	features_destroy(&reduce.features);
	features_destroy(&reduce.before);
	partial_destroy(&reduce.gathered);
	partial_destroy(&reduce.file);
	text_clean_up(&reduce.partitions);
	text_clean_up(&reduce.refused);
	return error;
}
