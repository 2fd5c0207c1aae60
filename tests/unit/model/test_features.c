/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "features.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S         INT64_C(1000000)
#define NOON      INT64_C(1751371200000000)
#define MOST_ROWS 64

struct told {
	struct feature_row rows[MOST_ROWS];
	enum row_reason reasons[MOST_ROWS];
	size_t count;
};

static void note(const struct feature_row *row, enum row_reason reason, void *user)
{
	struct told *told = user;
	assert_true(told->count < MOST_ROWS);
	told->rows[told->count] = *row;
	told->reasons[told->count++] = reason;
}

static struct features *of_features(const char *features, int horizon_s, int tolerance_s)
{
	char text[1000];
	struct spec spec;
	snprintf(text, sizeof(text),
		 "{\"name\":\"m\",\"records\":\"bars\",\"target\":\"close\",\"features\":[%s],"
		 "\"horizon_s\":%d,\"tolerance_s\":%d}",
		 features, horizon_s, tolerance_s);
	cJSON *json = cJSON_Parse(text);
	assert_int_equal(spec_from_json(json, &spec, NULL), ERROR_OK);
	cJSON_Delete(json);
	struct features *made = features_new(&spec);
	assert_non_null(made);
	return made;
}

/* A bar at `s` seconds past noon. */
static void push(struct features *f, int64_t s, double close, double volume, struct told *told)
{
	const double values[RECORD_MAX_FIELDS] = { 0, close, close + 2, close - 2, close, volume };
	features_push(f, NOON + s * S, values, note, told);
}

static void assert_row(const struct told *told, size_t i, int64_t s, double x, double y)
{
	assert_true(i < told->count);
	assert_int_equal(told->reasons[i], ROW_USED);
	assert_int_equal(told->rows[i].timestamp_us, NOON + s * S);
	assert_true(fabs(told->rows[i].x[0] - x) < 1e-12);
	assert_true(told->rows[i].y == y);
}

static void a_return_over_the_record_before(void **state)
{
	(void)state;
	struct features *f =
		of_features("{\"name\":\"r\",\"column\":\"close\",\"transform\":\"return\"}", 0, 0);
	struct told told = { .count = 0 };
	struct feature_row latest;
	assert_int_equal(features_latest(f, &latest), ROW_NO_HISTORY);
	push(f, 0, 100, 1, &told);
	push(f, 60, 110, 1, &told);
	push(f, 600, 99, 1, &told);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.reasons[0], ROW_NO_HISTORY);
	assert_row(&told, 1, 60, 0.1, 110);
	assert_row(&told, 2, 600, -0.1, 99);
	assert_true(told.rows[2].last == 110);
	assert_int_equal(features_latest(f, &latest), ROW_USED);
	assert_true(latest.y == 99 && latest.target_us == NOON + 600 * S);
	features_destroy(&f);
}

static void lags_go_by_time_not_by_rows(void **state)
{
	(void)state;
	struct features *f =
		of_features("{\"name\":\"l\",\"column\":\"close\",\"lag_s\":120}", 0, 30);
	struct told told = { .count = 0 };
	push(f, 0, 100, 1, &told);
	push(f, 60, 101, 1, &told);
	push(f, 120, 102, 1, &told); /* 0 is there */
	push(f, 240, 104, 1, &told); /* 120; 180 was skipped */
	push(f, 300, 105, 1, &told); /* 180 is missing, 120 is too old */
	push(f, 390, 106, 1, &told); /* 270 - 30 = 240 just counts */
	push(f, 511, 107, 1, &told); /* 391 - 30 <= 390 */
	const enum row_reason expected[] = { ROW_NO_HISTORY, ROW_NO_HISTORY, ROW_USED, ROW_USED,
					     ROW_NO_HISTORY, ROW_USED,       ROW_USED };
	assert_int_equal(told.count, 7);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(told.reasons[i], expected[i]);
	assert_row(&told, 2, 120, 100, 102);
	assert_row(&told, 3, 240, 102, 104);
	assert_row(&told, 5, 390, 104, 106);
	assert_row(&told, 6, 511, 106, 107);
	features_destroy(&f);
}

static void a_target_is_the_first_record_after_the_horizon(void **state)
{
	(void)state;
	struct features *f = of_features("\"close\"", 120, 30);
	struct told told = { .count = 0 };
	struct feature_row latest;
	push(f, 0, 100, 1, &told);
	push(f, 60, 101, 1, &told);
	assert_int_equal(told.count, 0);
	assert_int_equal(features_pending(f), 2);
	assert_int_equal(features_latest(f, &latest), ROW_USED);
	assert_true(isnan(latest.y) && latest.x[0] == 101 && latest.last == 101);
	push(f, 150, 102, 1, &told); /* 30 s late for the first: just in time */
	assert_int_equal(told.count, 1);
	assert_row(&told, 0, 0, 100, 102);
	assert_int_equal(told.rows[0].target_us, NOON + 150 * S);
	push(f, 211, 103, 1, &told); /* 31 s late for the second */
	assert_int_equal(told.count, 2);
	assert_int_equal(told.reasons[1], ROW_NO_TARGET);
	push(f, 400, 104, 1, &told);
	assert_int_equal(told.count, 4);
	assert_int_equal(features_pending(f), 1);
	features_destroy(&f);
}

/* M05: a quiet time makes a ratio 0/0. */
static void a_zero_denominator_has_a_rule(void **state)
{
	(void)state;
	struct features *drop = of_features("{\"name\":\"q\",\"column\":\"volume\",\"transform\":"
					    "\"ratio\",\"other\":\"volume\"}",
					    0, 0);
	struct features *one = of_features("{\"name\":\"q\",\"column\":\"volume\",\"transform\":"
					   "\"ratio\",\"other\":\"volume\",\"zero\":1}",
					   0, 0);
	struct features *log =
		of_features("{\"name\":\"l\",\"column\":\"volume\",\"transform\":\"log\"}", 0, 0);
	struct told dropped = { .count = 0 }, kept = { .count = 0 }, logged = { .count = 0 };
	for (int i = 0; i < 10; i++) {
		push(drop, i * 60, 100, 0, &dropped);
		push(one, i * 60, 100, 0, &kept);
		push(log, i * 60, 100, 0, &logged);
		assert_int_equal(dropped.reasons[i], ROW_ZERO);
		assert_row(&kept, (size_t)i, i * 60, 1, 100);
		assert_int_equal(logged.reasons[i], ROW_NOT_FINITE);
	}
	features_destroy(&drop);
	features_destroy(&one);
	features_destroy(&log);
}

static void repeated_and_late_records_are_dropped(void **state)
{
	(void)state;
	struct features *f = of_features(
		"{\"name\":\"d\",\"column\":\"close\",\"transform\":\"difference\"}", 0, 0);
	struct told told = { .count = 0 };
	push(f, 0, 100, 1, &told);
	push(f, 0, 500, 1, &told);
	push(f, -60, 500, 1, &told);
	push(f, 60, 103, 1, &told);
	assert_int_equal(told.reasons[1], ROW_REPEATED);
	assert_int_equal(told.reasons[2], ROW_OUT_OF_ORDER);
	assert_row(&told, 3, 60, 3, 103);
	features_destroy(&f);
	f = of_features(
		"{\"name\":\"d\",\"column\":\"high\",\"transform\":\"difference\",\"other\":"
		"\"low\"}",
		0, 0); /* no order: every record counts */
	told.count = 0;
	push(f, 0, 100, 1, &told);
	push(f, 0, 100, 1, &told);
	push(f, -60, 100, 1, &told);
	for (size_t i = 0; i < 3; i++)
		assert_row(&told, i, i == 2 ? -60 : 0, 4, 100);
	assert_true(told.rows[0].identity == told.rows[1].identity);
	assert_true(told.rows[0].identity != told.rows[2].identity);
	told.count = 0;
	push(f, 0, 100, 1, &told);
	push(f, 0, 100, 7, &told); /* the volume is none of its columns: readers leave it out */
	push(f, 0, 101, 1, &told);
	assert_true(told.rows[0].identity == told.rows[1].identity);
	assert_true(told.rows[0].identity != told.rows[2].identity);
	features_destroy(&f);
}

/* A stream goes on from a copy as it would have gone on itself. */
static void a_copy_goes_on(void **state)
{
	(void)state;
	struct features *f = of_features(
		"{\"name\":\"r\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":120}", 60,
		0);
	struct told first = { .count = 0 }, second = { .count = 0 };
	for (int i = 0; i < 10; i++)
		push(f, i * 60, 100 + i, 1, &first);
	struct features *copy = features_clone(f);
	first.count = 0;
	for (int i = 10; i < 20; i++) {
		push(f, i * 60, 100 + i, 1, &first);
		push(copy, i * 60, 100 + i, 1, &second);
	}
	assert_int_equal(first.count, 10);
	assert_int_equal(second.count, 10);
	for (size_t i = 0; i < 10; i++)
		assert_row(&second, i, first.rows[i].timestamp_us / S - NOON / S,
			   first.rows[i].x[0], first.rows[i].y);
	features_destroy(&f);
	features_destroy(&copy);
}

static void a_window_has_a_limit(void **state)
{
	(void)state;
	struct features *f = of_features("\"close\"", 100000, 0);
	size_t told[2] = { 0, 0 };
	struct told last;
	for (int i = 0; i < FEATURES_MAX_WINDOW + 3; i++) {
		last.count = 0;
		push(f, i, 100, 1, &last);
		told[last.count]++;
		if (last.count == 1)
			assert_int_equal(last.reasons[0], ROW_WINDOW);
	}
	assert_int_equal(told[1], 3);
	assert_int_equal(features_pending(f), FEATURES_MAX_WINDOW);
	features_destroy(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_over_the_record_before),
		cmocka_unit_test(lags_go_by_time_not_by_rows),
		cmocka_unit_test(a_target_is_the_first_record_after_the_horizon),
		cmocka_unit_test(a_zero_denominator_has_a_rule),
		cmocka_unit_test(repeated_and_late_records_are_dropped),
		cmocka_unit_test(a_copy_goes_on),
		cmocka_unit_test(a_window_has_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
