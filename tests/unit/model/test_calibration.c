/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibration.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_US INT64_C(60000000)

/* y = 2 + x, leverage 0 but for rounding. */
static struct predictor line(void)
{
	struct predictor line = { .fit = { .kept = 1,
					   .base = 2,
					   .slope = { 1 },
					   .scale = { 1 },
					   .anchor = -1,
					   .ones = true,
					   .triangle = { 1e9, 0, 0, 1e9 },
					   .s = 1,
					   .freedom = 100000,
					   .rows = 100002 } };
	return line;
}

/* One row a minute, known `horizon` minutes later, off by `error`. */
static void add(struct tail *tail, int minute, int horizon, double error)
{
	struct feature_row row = { .timestamp_us = minute * MINUTE_US,
				   .target_us = (minute + horizon) * MINUTE_US,
				   .x = { minute },
				   .last = minute };
	row.y = 2 + row.x[0] + error;
	assert_true(tail_add(tail, &row));
}

static struct calibration of(const struct predictor *predictor, struct tail *tail, int since)
{
	struct calibration calibration;
	assert_int_equal(calibrate(predictor, SPLIT_TIME, tail, since * MINUTE_US, &calibration),
			 ERROR_OK);
	return calibration;
}

static void the_half_width_is_the_error_of_its_rank(void **state)
{
	(void)state;
	struct predictor fit = line();
	struct tail *tail = tail_new(1);
	for (int i = 0; i < 199; i++)
		add(tail, i, 0, (i % 2 ? 1 : -1) * (i * 83 % 199 + 1)); /* sizes 1 to 199 */
	struct calibration all = of(&fit, tail, 0);
	assert_int_equal(all.rows, 199);
	assert_int_equal(all.proof_rows, 100);
	assert_int_equal(all.until_us, 198 * MINUTE_US);
	assert_true(fabs(all.spread[0] - 100) < 1e-6); /* 200 x 0.5 */
	assert_true(fabs(all.spread[4] - 190) < 1e-6); /* 200 x 0.95 */
	assert_true(fabs(all.spread[6] - 198) < 1e-6);
	assert_true(isnan(all.spread[7])); /* 99.9% of 200 rows */
	assert_true(all.plain < 0.05);     /* the fit claims that its errors are 1 */
	assert_true(all.conformal > 0.9);
	tail_destroy(&tail);
}

static void rows_that_were_fitted_are_passed_over(void **state)
{
	(void)state;
	struct predictor fit = line();
	struct tail *tail = tail_new(1);
	for (int i = 0; i < 100; i++)
		add(tail, i, 0, i < 60 ? 1000 : 1);
	struct calibration later = of(&fit, tail, 60);
	assert_int_equal(later.rows, 40);
	assert_true(fabs(later.spread[4] - 1) < 1e-6);
	struct calibration none = of(&fit, tail, 100);
	assert_int_equal(none.rows, 0);
	assert_true(isnan(none.spread[0]) && isnan(none.plain) && isnan(none.adaptive));
	tail_destroy(&tail);
}

/* The later half is three times as wild: the calibration on the earlier half covers too little, the
 * adaptive interval finds its width. Actuals come 15 minutes late. */
static void the_adaptive_interval_follows(void **state)
{
	(void)state;
	struct predictor fit = line();
	struct tail *tail = tail_new(1);
	srand(7);
	for (int i = 0; i < 4000; i++)
		add(tail, i, 15, (i < 2000 ? 1 : 3) * ((double)rand() / RAND_MAX - 0.5));
	struct calibration all = of(&fit, tail, 0);
	assert_true(all.conformal < 0.4);
	assert_true(all.adaptive > 0.93 && all.adaptive < 0.97);
	tail_destroy(&tail);
}

/* Independent errors, spread as widely as the time of day says: by a wave of `period` rows. */
static double error_at(int row, int period)
{
	double wave = period > 0 ? exp(sin(2 * M_PI * row / period)) : 1, sum = -6;
	for (int i = 0; i < 12; i++)
		sum += (double)rand() / RAND_MAX;
	return wave * sum;
}

/* What a stored version covers of the `later` rows that follow its `rows`, without an actual of
 * theirs: the mean over versions that were made at all times of the wave. */
static double coverage_of_stored(int period, int rows, int later, bool factor)
{
	struct predictor fit = line();
	int inside = 0, all = 0;
	for (int start = 0; start < 40 * 97; start += 97) {
		struct tail *tail = tail_new(1);
		for (int i = 0; i < rows; i++)
			add(tail, i, 5, error_at(start + i, period));
		struct calibration stored = of(&fit, tail, 0);
		double half = stored.spread[4] * (factor ? exp(stored.log_factor) : 1);
		for (int i = 0; i < later; i++, all++)
			inside += fabs(error_at(start + rows + i, period)) <= half;
		tail_destroy(&tail);
	}
	return (double)inside / all;
}

/* Where nothing changes, the factor costs nothing but its noise. */
static void independent_errors_keep_their_coverage(void **state)
{
	(void)state;
	srand(11);
	double with = coverage_of_stored(0, 800, 60, true);
	double without = coverage_of_stored(0, 800, 60, false);
	assert_true(with > 0.93 && with < 0.97);
	assert_true(without > 0.93 && without < 0.97);
}

/* Data that end calm are answered with narrow intervals, data that end wild with wide ones; and
 * where both take turns, what is stored holds for the hour after the training. */
static void the_factor_of_the_end_is_kept(void **state)
{
	(void)state;
	struct predictor fit = line();
	struct tail *calm = tail_new(1), *wild = tail_new(1);
	srand(13);
	for (int i = 0; i < 2000; i++) {
		add(calm, i, 5, (i < 1500 ? 4 : 1) * error_at(i, 0));
		add(wild, i, 5, (i < 1500 ? 1 : 4) * error_at(i, 0));
	}
	struct calibration calmer = of(&fit, calm, 0), wilder = of(&fit, wild, 0);
	double calm_half = calmer.spread[4] * exp(calmer.log_factor);
	double wild_half = wilder.spread[4] * exp(wilder.log_factor);
	assert_true(calmer.log_factor < -0.5 && wilder.log_factor > 0.1);
	assert_true(calm_half > 1.5 && calm_half < 2.5); /* 1.96 */
	assert_true(wild_half > 6 && wild_half < 10);    /* 7.84 */
	double waves = coverage_of_stored(2000, 4000, 60, true);
	assert_true(waves > 0.93 && waves < 0.97);
	tail_destroy(&calm);
	tail_destroy(&wild);
}

/* Rows of a seeded split are of all times alike. */
static void a_seeded_split_has_no_end(void **state)
{
	(void)state;
	struct predictor fit = line();
	struct calibration calibration;
	struct tail *tail = tail_new(1);
	srand(17);
	for (int i = 0; i < 2000; i++)
		add(tail, i, 0, (i < 1000 ? 1 : 3) * error_at(i, 0));
	assert_int_equal(calibrate(&fit, SPLIT_SEEDED, tail, 0, &calibration), ERROR_OK);
	assert_true(calibration.log_factor == 0 && calibration.rows == 2000);
	assert_true(calibration.conformal < 0.6 && calibration.adaptive > 0.93);
	tail_destroy(&tail);
}

static void the_last_price_is_calibrated_on_its_own_errors(void **state)
{
	(void)state;
	struct predictor last = { .last_price = true, .fit.anchor = 0 };
	struct tail *tail = tail_new(1);
	for (int i = 0; i < 99; i++)
		add(tail, i, 0, i); /* y is 2 + i above x */
	struct calibration all = of(&last, tail, 0);
	assert_true(fabs(all.spread[4] - 96) < 1e-9); /* rank 95 */
	assert_true(isnan(all.plain));
	tail_destroy(&tail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_half_width_is_the_error_of_its_rank),
		cmocka_unit_test(rows_that_were_fitted_are_passed_over),
		cmocka_unit_test(the_adaptive_interval_follows),
		cmocka_unit_test(independent_errors_keep_their_coverage),
		cmocka_unit_test(the_factor_of_the_end_is_kept),
		cmocka_unit_test(a_seeded_split_has_no_end),
		cmocka_unit_test(the_last_price_is_calibrated_on_its_own_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
