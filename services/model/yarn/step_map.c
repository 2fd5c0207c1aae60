/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "step_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "features.h"
#include "lines.h"
#include "partial.h"
#include "step_key.h"

enum { PIECE_BYTES = 1 << 16, MAX_PARTIAL = 64 << 20 };

struct map {
	const struct step_plan *plan;
	unsigned wanted;     /* see spec_columns */
	struct step_key key; /* of the next line that is passed on */
	FILE *out;
	struct features *features; /* NULL where lines are passed on */
	struct partial *partial;
	int64_t bytes;
};

static enum error read_number(const char *name, int64_t *out, struct text *why)
{
	const char *value = getenv(name);
	if (value && decimal_read_i64(value, strlen(value), out) == ERROR_OK && *out >= 0)
		return ERROR_OK;
	why_putf(why, "%s is \"%.100s\": Hadoop Streaming sets it to a number of bytes", name,
		 value ? value : "");
	return ERROR_INVALID;
}

enum error step_split_from_environment(struct step_split *split, struct text *why)
{
	split->file = getenv("mapreduce_map_input_file");
	if (!split->file) {
		why_putf(why, "mapreduce_map_input_file is not set: Hadoop Streaming sets it");
		return ERROR_INVALID;
	}
	enum error error = read_number("mapreduce_map_input_start", &split->start, why);
	return error == ERROR_OK ? read_number("mapreduce_map_input_length", &split->length, why)
				 : error;
}

/* What can't be a record only has to stay malformed: an empty line is. Hadoop Streaming would take
 * a carriage return for the end of a line. */
static void pass_on(const char *line, size_t length, struct map *map)
{
	char key[STEP_KEY_SIZE];
	step_key_print(&map->key, key);
	map->key.number++;
	fputs(key, map->out);
	putc_unlocked('\t', map->out);
	if (line && length <= RECORD_MAX_CSV && !memchr(line, '\r', length))
		fwrite(line, 1, length, map->out);
	putc_unlocked('\n', map->out);
}

static void take_line(const char *line, size_t length, void *user)
{
	struct map *map = user;
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS] = { 0 };
	if (!map->features) {
		pass_on(line, length, map);
		return;
	}
	partial_count_record(map->partial);
	if (line && record_read_published(map->plan->spec.table, map->wanted, line, length,
					  &timestamp_us, values) == ERROR_OK)
		features_push(map->features, timestamp_us, values, partial_take, map->partial);
	else
		partial_count(map->partial, ROW_MALFORMED);
}

static enum error read_lines(struct map *map, FILE *in)
{
	static char piece[PIECE_BYTES];
	struct lines lines;
	size_t got;
	lines_init(&lines, RECORD_MAX_CSV, take_line, map);
	while ((got = fread(piece, 1, sizeof(piece), in)) > 0) {
		map->bytes += (int64_t)got;
		lines_take(&lines, piece, got);
	}
	lines_clean_up(&lines);
	return ferror(in) ? ERROR_SYSTEM : map->partial ? partial_error(map->partial) : ERROR_OK;
}

/* The split's last line: where it ends, how many bytes of lines it had, how many were passed on,
 * and what the others left behind. */
static enum error tell_end(struct map *map, const struct step_split *split)
{
	char key[STEP_KEY_SIZE];
	struct text end;
	int64_t passed_on = map->key.number;
	map->key.number = STEP_END;
	step_key_print(&map->key, key);
	text_init(&end, MAX_PARTIAL);
	text_putf(&end, "%s\t{\"end\":%" PRId64 ",\"bytes\":%" PRId64 ",\"lines\":%" PRId64, key,
		  split->start + split->length, map->bytes, passed_on);
	if (map->partial) {
		text_puts(&end, ",\"factors\":");
		partial_write_json(map->partial, &end);
	}
	text_puts(&end, "}\n");
	enum error error = end.error;
	if (error == ERROR_OK)
		fwrite(end.data, 1, end.length, map->out);
	text_clean_up(&end);
	return error;
}

static enum error map_whole(struct map *map, const struct step_split *split, FILE *in)
{
	if (!spec_is_ordered(&map->plan->spec)) {
		map->features = features_new(&map->plan->spec);
		map->partial = partial_new(&map->plan->spec);
		if (!map->features || !map->partial)
			return ERROR_NO_MEMORY;
	}
	enum error error = read_lines(map, in);
	if (error == ERROR_OK)
		error = tell_end(map, split);
	if (error == ERROR_OK && fflush(map->out))
		error = ERROR_SYSTEM;
	return error == ERROR_OK && ferror(map->out) ? ERROR_SYSTEM : error;
}

enum error step_map(const struct step_plan *plan, const struct step_split *split, FILE *in,
		    FILE *out, struct text *why)
{
	struct map map = { .plan = plan,
			   .wanted = spec_columns(&plan->spec),
			   .out = out,
			   .key.start = split->start };
	const char *slash = strrchr(split->file, '/');
	const char *name = slash ? slash + 1 : split->file;
	/* What is not read of a split, Hadoop Streaming does not mind. */
	if (!dataset_parse_name(name, &map.key.file) || map.key.file.format != DATA_CSV ||
	    !step_plan_holds(plan, &map.key.file))
		return ERROR_OK;
	enum error error = map_whole(&map, split, in);
	if (error != ERROR_OK)
		why_putf(why, "%s from byte %" PRId64 ": %s", name, split->start,
			 error_text(error));
	features_destroy(&map.features);
	partial_destroy(&map.partial);
	return error;
}
