/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mapper and reducer as Hadoop Streaming would run them on splits of any size, beside the same
 * records read one after the other.
 */
#include "yarn/step_reduce.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_errno.h>

#include "features.h"
#include "fit.h"
#include "lines.h"
#include "partial.h"
#include "timestamp.h"
#include "yarn/step_map.h"

enum { FILES = 5, ROWS = 700, MAX_MAPPED = 100000, MAX_DATA = 8 << 20 };
#define START_US INT64_C(1751328000000000)

struct world {
	const struct spec *spec;
	struct dataset_file files[FILES]; /* two partitions */
	struct dataset dataset;
	struct text data[FILES];
	bool cut[FILES];
	char *mapped[MAX_MAPPED];
	size_t mapped_count;
	struct text sorted, why;
};

/* --- data ------------------------------------------------------------------------------------ */

static void put_row(struct world *world, struct text *out, int64_t second)
{
	char time[TIMESTAMP_MAX_TEXT];
	double price = 40000 + rand() % 1000, volume = 1000 + rand() % 4000;
	timestamp_print(START_US + second * 1000000, time);
	if (world->spec->table->kind == RECORD_BAR)
		text_putf(out, "%s,%.17g,%.17g,%.17g,%.17g,%.17g\n", time, price, price + 9,
			  price - 9, price + rand() % 7, volume);
	else
		text_putf(out, "%s,%.17g,%.17g,%.17g,0.%02d,%.17g,0.5,%.17g\n", time, price,
			  price * 1.002 + rand() % 50, volume, rand() % 100,
			  (price - 20000) / 40000, (volume - 1000) / 4000);
}

/* Now and then a line that is no record, one that is too long, and times out of order. */
static void put_file(struct world *world, size_t index)
{
	struct text *out = &world->data[index];
	for (int i = 0; i < ROWS; i++) {
		int64_t second = ((int64_t)index * ROWS + i) * 60;
		if (i % 97 == 13)
			text_puts(out, i % 2 ? "not,a\trow\r\n" : "\n");
		if (i % 301 == 7) {
			for (int k = 0; k < 900; k++)
				text_putc(out, '9');
			text_putc(out, '\n');
		}
		put_row(world, out, i % 83 == 5 ? second - 120 : second);
	}
}

static struct world *world_new(const struct spec *spec)
{
	struct world *world = calloc(1, sizeof(*world));
	assert_non_null(world);
	world->spec = spec;
	srand(7);
	for (size_t i = 0; i < FILES; i++) {
		text_init(&world->data[i], MAX_DATA);
		put_file(world, i);
		int32_t partition = i < 3 ? 0 : 4;
		world->files[i] = (struct dataset_file){
			partition, (int64_t)i * 1000, (int64_t)i * 1000 + 999,
			0,         DATA_CSV,          DATE_NONE,
			true
		};
	}
	world->dataset = (struct dataset){ .files = world->files, .count = FILES };
	text_init(&world->sorted, 64 << 20);
	text_init(&world->why, 1000);
	return world;
}

static void forget_mapped(struct world *world)
{
	for (size_t i = 0; i < world->mapped_count; i++)
		free(world->mapped[i]);
	world->mapped_count = 0;
	text_reset(&world->sorted);
	text_reset(&world->why);
}

static void world_destroy(struct world *world)
{
	forget_mapped(world);
	for (size_t i = 0; i < FILES; i++)
		text_clean_up(&world->data[i]);
	text_clean_up(&world->sorted);
	text_clean_up(&world->why);
	free(world);
}

/* The last line loses its end. */
static void cut_file(struct world *world, size_t index)
{
	world->cut[index] = true;
	world->data[index].length -= 5;
}

/* --- Hadoop ---------------------------------------------------------------------------------- */

/* The lines that belong to a split: those that begin after its start and not after its end, and the
 * first of the file. Each gets a line feed. */
static void lines_of_split(const struct text *data, size_t start, size_t length, struct text *out)
{
	size_t at = start, end = start + length;
	if (start > 0) {
		const char *first = memchr(data->data + start, '\n', data->length - start);
		at = first ? (size_t)(first - data->data) + 1 : data->length;
	}
	while (at <= end && at < data->length) {
		const char *stop = memchr(data->data + at, '\n', data->length - at);
		size_t next = stop ? (size_t)(stop - data->data) : data->length;
		text_put(out, data->data + at, next - at);
		text_putc(out, '\n');
		at = next + 1;
	}
}

static void keep_line(const char *line, size_t length, void *user)
{
	struct world *world = user;
	assert_non_null(line);
	assert_true(world->mapped_count < MAX_MAPPED);
	assert_null(memchr(line, '\r', length)); /* which Hadoop takes for a line's end */
	world->mapped[world->mapped_count++] = strndup(line, length);
}

static void run_mapper(struct world *world, const struct step_plan *plan, size_t file,
		       struct step_split split)
{
	char path[100] = "hdfs://127.0.0.1:9000/bitcoin/data/", *output = NULL;
	size_t size = 0;
	struct text input;
	struct lines lines;
	text_init(&input, MAX_DATA);
	lines_of_split(&world->data[file], (size_t)split.start, (size_t)split.length, &input);
	dataset_print_name(&world->files[file], path + strlen(path));
	split.file = path;
	FILE *in = input.length > 0 ? fmemopen(input.data, input.length, "r")
				    : fopen("/dev/null", "r");
	FILE *out = open_memstream(&output, &size);
	assert_int_equal(step_map(plan, &split, in, out, &world->why), ERROR_OK);
	fclose(in);
	fclose(out);
	lines_init(&lines, MAX_DATA, keep_line, world);
	lines_take(&lines, output, size);
	assert_false(lines_waiting(&lines));
	lines_clean_up(&lines);
	text_clean_up(&input);
	free(output);
}

static int compare_lines(const void *left, const void *right)
{
	const char *a = *(char *const *)left, *b = *(char *const *)right;
	size_t length = strcspn(a, "\t") + 1;
	return strncmp(a, b, length);
}

static void map_all(struct world *world, size_t split_bytes)
{
	struct step_plan plan;
	assert_int_equal(step_plan_make(world->spec, &world->dataset, &plan, NULL), ERROR_OK);
	for (size_t i = 0; i < FILES; i++) {
		for (size_t at = 0; at < world->data[i].length; at += split_bytes) {
			size_t left = world->data[i].length - at;
			size_t length = left < split_bytes ? left : split_bytes;
			run_mapper(world, &plan, i,
				   (struct step_split){ NULL, (int64_t)at, (int64_t)length });
		}
	}
	step_plan_clean_up(&plan);
	qsort(world->mapped, world->mapped_count, sizeof(world->mapped[0]), compare_lines);
	for (size_t i = 0; i < world->mapped_count; i++) {
		text_puts(&world->sorted, world->mapped[i]);
		text_putc(&world->sorted, '\n');
	}
}

/* The reducer's result; NULL when it failed with `error`. */
static cJSON *reduce(struct world *world, enum error error)
{
	char *output = NULL;
	size_t size = 0;
	FILE *in = fmemopen(world->sorted.data, world->sorted.length, "r");
	FILE *out = open_memstream(&output, &size);
	enum error found = step_reduce(world->spec, in, out, &world->why);
	fclose(in);
	fclose(out);
	if (found != error)
		fail_msg("%s: %s", error_name(found), world->why.data);
	cJSON *json = error == ERROR_OK ? cJSON_Parse(output) : NULL;
	free(output);
	return json;
}

/* --- the same, one record after the other ---------------------------------------------------- */

struct direct {
	struct world *world;
	struct features *features;
	struct partial *partial;
};

static void take_directly(const char *line, size_t length, void *user)
{
	struct direct *direct = user;
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS];
	partial_count_record(direct->partial);
	if (line && record_read_published(direct->world->spec->table, RECORD_ALL_FIELDS, line,
					  length, &timestamp_us, values) == ERROR_OK)
		features_push(direct->features, timestamp_us, values, partial_take,
			      direct->partial);
	else
		partial_count(direct->partial, ROW_MALFORMED);
}

static struct partial *read_directly(struct world *world)
{
	struct direct direct = { .world = world, .partial = partial_new(world->spec) };
	for (size_t i = 0; i < FILES; i++) {
		struct lines lines;
		if (i == 0 || world->files[i].partition != world->files[i - 1].partition) {
			features_destroy(&direct.features);
			direct.features = features_new(world->spec);
		}
		if (world->cut[i])
			continue;
		lines_init(&lines, RECORD_MAX_CSV, take_directly, &direct);
		lines_take(&lines, world->data[i].data, world->data[i].length);
		lines_clean_up(&lines);
	}
	features_destroy(&direct.features);
	return direct.partial;
}

/* --- comparing ------------------------------------------------------------------------------- */

static void solve(const struct spec *spec, struct partial *partial, struct fit *fit)
{
	struct partial_split split;
	assert_int_equal(partial_split(partial, &split), ERROR_OK);
	const struct fit_request request = { .factor = split.train,
					     .features = spec->feature_count,
					     .has_last = spec_is_ordered(spec),
					     .anchor = spec->anchor };
	assert_int_equal(fit_solve(&request, fit, NULL), ERROR_OK);
	partial_split_clean_up(&split);
}

static void assert_near(double a, double b)
{
	bool undefined = isnan(a) && isnan(b);
	if (!undefined && !(fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b))))
		fail_msg("%.17g and %.17g", a, b);
}

static void assert_same(const struct spec *spec, struct partial *a, struct partial *b)
{
	static struct fit left, right;
	assert_memory_equal(partial_counts(a), partial_counts(b), sizeof(struct partial_counts));
	solve(spec, a, &left);
	solve(spec, b, &right);
	assert_int_equal(left.rows, right.rows);
	assert_int_equal(left.rank, right.rank);
	assert_near(left.s, right.s);
	for (size_t i = 0; i < left.features; i++) {
		assert_int_equal(left.terms[i].status, right.terms[i].status);
		assert_near(left.terms[i].error, right.terms[i].error);
		/* A coefficient is known no better than to a part of its standard error. */
		double slack = 1e-12 * fmax(fabs(left.terms[i].value), left.terms[i].error);
		assert_true(fabs(left.terms[i].value - right.terms[i].value) <= slack);
	}
}

static int64_t number(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(json, name);
	assert_true(cJSON_IsNumber(item));
	return (int64_t)item->valuedouble;
}

static void check_bytes(const struct world *world, const cJSON *json)
{
	int64_t all = 0, told = 0;
	const cJSON *item = NULL, *partitions = cJSON_GetObjectItem(json, "partitions");
	for (size_t i = 0; i < FILES; i++)
		all += (int64_t)world->data[i].length;
	cJSON_ArrayForEach(item, partitions) told += number(item, "bytes");
	assert_int_equal(cJSON_GetArraySize(partitions), 2);
	assert_int_equal(told, all);
}

static void check(struct world *world, size_t split_bytes)
{
	struct partial *distributed = NULL, *direct = read_directly(world);
	forget_mapped(world);
	map_all(world, split_bytes);
	cJSON *json = reduce(world, ERROR_OK);
	check_bytes(world, json);
	assert_int_equal(partial_read_json(world->spec, cJSON_GetObjectItem(json, "factors"),
					   &distributed, NULL),
			 ERROR_OK);
	assert_same(world->spec, distributed, direct);
	partial_destroy(&distributed);
	partial_destroy(&direct);
	cJSON_Delete(json);
}

static void any_splits_give_the_same_fit(void **state)
{
	(void)state;
	static const size_t splits[] = { 601, 7919, 30000, MAX_DATA };
	for (size_t s = 0; s < spec_builtin_count(); s++) {
		struct world *world = world_new(spec_builtin(s));
		for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++)
			check(world, splits[i]);
		world_destroy(world);
	}
}

static void a_cut_file_is_left_out_whole(void **state)
{
	(void)state;
	for (size_t s = 0; s < 2; s++) { /* ia and streamlit */
		struct world *world = world_new(spec_builtin(s));
		cut_file(world, 1);
		check(world, 5000);
		cJSON *json = reduce(world, ERROR_OK);
		const cJSON *refused = cJSON_GetObjectItem(json, "refused");
		assert_int_equal(number(json, "refused_count"), 1);
		assert_int_equal(number(cJSON_GetArrayItem(refused, 0), "first"), 1000);
		assert_int_equal(number(cJSON_GetArrayItem(refused, 0), "length"),
				 (int64_t)world->data[1].length);
		cJSON_Delete(json);
		world_destroy(world);
	}
}

static void where_a_stream_stands_is_told(void **state)
{
	(void)state;
	struct world *world = world_new(spec_builtin(2)); /* a forecast */
	map_all(world, 9999);
	cJSON *json = reduce(world, ERROR_OK);
	const cJSON *partition = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "partitions"), 1);
	struct features *features = NULL;
	assert_int_equal(number(partition, "partition"), 4);
	assert_true(number(partition, "pending") > 0);
	assert_int_equal(features_read_json(world->spec, cJSON_GetObjectItem(partition, "features"),
					    &features, NULL),
			 ERROR_OK);
	assert_int_equal(features_pending(features), number(partition, "pending"));
	features_destroy(&features);
	cJSON_Delete(json);
	world_destroy(world);
}

static void what_is_lost_on_the_way_is_noticed(void **state)
{
	(void)state;
	for (size_t s = 0; s < 2; s++) {
		struct world *world = world_new(spec_builtin(s));
		map_all(world, 5000);
		char *line = strchr(world->sorted.data + world->sorted.length / 2, '\n') + 1;
		char *next = strchr(line, '\n') + 1;
		memmove(line, next, strlen(next) + 1);
		world->sorted.length = strlen(world->sorted.data);
		assert_null(reduce(world, ERROR_LENGTH));
		assert_non_null(strstr(world->why.data, "not all there"));
		world_destroy(world);
	}
}

static void strange_lines_are_refused(void **state)
{
	(void)state;
#define KEY "part-00000-00000000000000000000-00000000000000000009.csv:0000000000000000000:"
	static const char *const bad[] = { "x\n", "a\tb\n", KEY "0000000000000000000\tx\n",
					   KEY "9223372036854775807\t{}\n",
					   KEY "9223372036854775807\t{\"end\":1,\"bytes\":1,"
					       "\"lines\":0,\"factors\":{}}\n" };
	struct world *world = world_new(spec_builtin(0));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget_mapped(world);
		text_puts(&world->sorted, bad[i]);
		assert_null(reduce(world, ERROR_INVALID));
	}
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_splits_give_the_same_fit),
		cmocka_unit_test(a_cut_file_is_left_out_whole),
		cmocka_unit_test(where_a_stream_stands_is_told),
		cmocka_unit_test(what_is_lost_on_the_way_is_noticed),
		cmocka_unit_test(strange_lines_are_refused),
	};
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
