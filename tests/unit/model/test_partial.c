/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "partial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fit.h"
#include "tail_testing.h"

#define S INT64_C(1000000)

static const struct spec *builtin(const char *name)
{
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, name) == 0)
			return spec_builtin(i);
	fail_msg("there is no %s", name);
	return NULL;
}

/* Row i of an endless series: one a minute, whose y follows from x and some noise. */
static struct feature_row row_at(const struct spec *spec, int64_t i)
{
	struct feature_row row = { .timestamp_us = (1751328000 + 60 * i) * S };
	uint64_t noise = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
	row.y = 107000;
	for (size_t j = 0; j < spec->feature_count; j++) {
		noise = (noise ^ (noise >> 31)) * UINT64_C(0xbf58476d1ce4e5b9) + j;
		row.x[j] = (double)(noise >> 40) / 1e6;
		row.y += (double)(j + 1) * row.x[j];
	}
	row.y += (double)(noise >> 50) / 100;
	row.last = row.y - (double)(i % 100 + 1);
	row.identity = noise;
	return row;
}

static void take(struct partial *partial, const struct spec *spec, int64_t from, int64_t to)
{
	for (int64_t i = from; i < to; i++) {
		struct feature_row row = row_at(spec, i);
		partial_count_record(partial);
		partial_take(&row, ROW_USED, partial);
	}
}

static void solve(struct rfactor *factor, const struct spec *spec, struct fit *fit)
{
	const struct fit_request request = { .factor = factor,
					     .features = spec->feature_count,
					     .has_last = spec_is_ordered(spec),
					     .anchor = -1 };
	assert_int_equal(fit_solve(&request, fit, NULL), ERROR_OK);
}

static void a_seeded_split_depends_on_the_row_and_the_seed_alone(void **state)
{
	(void)state;
	struct spec spec = *builtin("ia");
	struct partial *all = partial_new(&spec), *backwards = partial_new(&spec);
	struct partial_split split, other;
	take(all, &spec, 0, 10000);
	for (int64_t i = 10000; i-- > 0;)
		take(backwards, &spec, i, i + 1);
	assert_int_equal(partial_split(all, &split), ERROR_OK);
	assert_int_equal(partial_split(backwards, &other), ERROR_OK);
	uint64_t train = rfactor_rows(split.train), held_out = rfactor_rows(split.held_out);
	assert_int_equal(train + held_out, 10000);
	assert_true(train > 7880 && train < 8120); /* 3 standard errors */
	assert_int_equal(rfactor_rows(other.train), train);
	assert_true(rfactor_max(other.held_out, 0) == rfactor_max(split.held_out, 0));
	partial_split_clean_up(&other);
	spec.seed++;
	struct partial *again = partial_new(&spec);
	take(again, &spec, 0, 10000);
	assert_int_equal(partial_split(again, &other), ERROR_OK);
	assert_true(rfactor_rows(other.train) != train ||
		    rfactor_norm(other.train, 1, (double[10]){ 1 }) !=
			    rfactor_norm(split.train, 1, (double[10]){ 1 }));
	partial_split_clean_up(&other);
	partial_split_clean_up(&split);
	partial_destroy(&all);
	partial_destroy(&backwards);
	partial_destroy(&again);
}

static void a_split_by_time_leaves_a_gap(void **state)
{
	(void)state;
	const struct spec *spec = builtin("forecast_15m");
	struct partial *partial = partial_new(spec);
	struct partial_split split;
	take(partial, spec, 0, 3000);
	assert_int_equal(partial_split(partial, &split), ERROR_OK);
	assert_int_equal(split.cut_us % (PARTIAL_BUCKET_S * S), 0);
	assert_int_equal((split.cut_us - 1751328000 * S) / (60 * S), 2400);
	assert_int_equal(rfactor_rows(split.held_out), 600);
	assert_int_equal(split.rows_between, 15);
	assert_int_equal(rfactor_rows(split.train), 2385);
	partial_split_clean_up(&split);
	partial_destroy(&partial);
}

static void one_bucket_holds_nothing_out(void **state)
{
	(void)state;
	const struct spec *spec = builtin("forecast_1m");
	struct partial *partial = partial_new(spec);
	struct partial_split split;
	take(partial, spec, 0, 15);
	assert_int_equal(partial_split(partial, &split), ERROR_OK);
	assert_null(split.held_out);
	assert_int_equal(rfactor_rows(split.train), 15);
	partial_split_clean_up(&split);
	partial_reset(partial);
	assert_int_equal(partial_split(partial, &split), ERROR_OK);
	assert_int_equal(rfactor_rows(split.train), 0);
	partial_split_clean_up(&split);
	partial_destroy(&partial);
}

static void assert_same_fit(const struct fit *a, const struct fit *b)
{
	assert_int_equal(a->rows, b->rows);
	for (size_t j = 0; j < a->features; j++) {
		assert_true(fabs(a->terms[j].value / b->terms[j].value - 1) < 1e-12);
		assert_true(fabs(a->terms[j].error / b->terms[j].error - 1) < 1e-12);
	}
	assert_true(fabs(a->s / b->s - 1) < 1e-12);
}

/* 40,000 minutes need buckets of more than the first width; however they were cut and merged, the
 * split and the fit come out the same. */
static void merging_in_any_order_gives_the_same(void **state)
{
	(void)state;
	const struct spec *spec = builtin("forecast_5m");
	enum { PARTS = 7, ALL = 40000 };
	struct partial *whole = partial_new(spec);
	struct partial_split expected, split;
	struct fit fit, expected_fit;
	take(whole, spec, 0, ALL);
	assert_int_equal(partial_split(whole, &expected), ERROR_OK);
	solve(expected.train, spec, &expected_fit);
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct partial *parts[PARTS], *merged = partial_new(spec);
		srand(seed);
		for (size_t i = 0; i < PARTS; i++)
			parts[i] = partial_new(spec);
		for (int64_t i = 0; i < ALL; i += 50) /* each part gets pieces from everywhere */
			take(parts[rand() % PARTS], spec, i, i + 50);
		for (size_t i = 0; i < PARTS; i++)
			assert_int_equal(partial_merge(merged, parts[(i + seed) % PARTS]),
					 ERROR_OK);
		assert_int_equal(partial_counts(merged)->rows[ROW_USED], ALL);
		assert_int_equal(partial_counts(merged)->records, ALL);
		assert_int_equal(partial_counts(merged)->first_us, partial_counts(whole)->first_us);
		assert_int_equal(partial_split(merged, &split), ERROR_OK);
		assert_int_equal(split.cut_us, expected.cut_us);
		assert_int_equal(rfactor_rows(split.held_out), rfactor_rows(expected.held_out));
		solve(split.train, spec, &fit);
		assert_same_fit(&fit, &expected_fit);
		assert_int_equal(tail_count(partial_tail(whole)), TAIL_ROWS);
		assert_same_tail(partial_tail(merged), partial_tail(whole));
		partial_split_clean_up(&split);
		partial_destroy(&merged);
		for (size_t i = 0; i < PARTS; i++)
			partial_destroy(&parts[i]);
	}
	partial_split_clean_up(&expected);
	partial_destroy(&whole);
}

static void the_tail_holds_what_may_be_held_out(void **state)
{
	(void)state;
	struct spec spec = *builtin("ia");
	struct partial *seeded = partial_new(&spec), *by_time = partial_new(builtin("forecast_1m"));
	struct partial_split split;
	take(seeded, &spec, 0, 10000);
	assert_int_equal(partial_split(seeded, &split), ERROR_OK);
	assert_int_equal(tail_count(partial_tail(seeded)), rfactor_rows(split.held_out));
	take(by_time, builtin("forecast_1m"), 0, 10000);
	assert_int_equal(tail_count(partial_tail(by_time)), TAIL_ROWS);
	partial_reset(by_time);
	assert_int_equal(tail_count(partial_tail(by_time)), 0);
	partial_split_clean_up(&split);
	partial_destroy(&seeded);
	partial_destroy(&by_time);
}

static void reasons_are_counted(void **state)
{
	(void)state;
	struct partial *partial = partial_new(builtin("ia"));
	struct feature_row none = { .timestamp_us = 1 };
	partial_count_record(partial);
	partial_take(&none, ROW_ZERO, partial);
	partial_count(partial, ROW_MALFORMED);
	const struct partial_counts *counts = partial_counts(partial);
	assert_int_equal(counts->records, 1);
	assert_int_equal(counts->rows[ROW_ZERO], 1);
	assert_int_equal(counts->rows[ROW_MALFORMED], 1);
	assert_int_equal(counts->rows[ROW_USED], 0);
	assert_int_equal(counts->first_us, 0);
	assert_int_equal(partial_error(partial), ERROR_OK);
	partial_destroy(&partial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seeded_split_depends_on_the_row_and_the_seed_alone),
		cmocka_unit_test(a_split_by_time_leaves_a_gap),
		cmocka_unit_test(one_bucket_holds_nothing_out),
		cmocka_unit_test(merging_in_any_order_gives_the_same),
		cmocka_unit_test(the_tail_holds_what_may_be_held_out),
		cmocka_unit_test(reasons_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
