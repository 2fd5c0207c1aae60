/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "extrapolation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rfactor.h"

enum { ROWS = 500, FEATURES = 2 };

static double uniform(void)
{
	return (rand() + 0.5) / ((double)RAND_MAX + 1);
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static struct predictor fitted(double x[][FEATURES], size_t rows, size_t features, bool ones)
{
	struct predictor predictor = { 0 };
	struct fit fit;
	struct rfactor *factor = rfactor_new(features + 1, ones);
	for (size_t i = 0; i < rows; i++) {
		double row[FEATURES + 1] = { 0 };
		for (size_t j = 0; j < features; j++)
			row[j] = x[i][j];
		row[features] = x[i][0] + normal();
		rfactor_add(factor, row);
	}
	struct fit_request request = { .factor = factor, .features = features, .anchor = -1 };
	assert_int_equal(fit_solve(&request, &fit, NULL), ERROR_OK);
	predictor.fit = fit.predictor;
	for (size_t j = 0; j < features; j++) {
		predictor.low[j] = rfactor_min(factor, j);
		predictor.high[j] = rfactor_max(factor, j);
	}
	rfactor_destroy(&factor);
	return predictor;
}

static double largest(const struct predictor *predictor, double x[][FEATURES], size_t rows)
{
	double most = 0;
	for (size_t i = 0; i < rows; i++)
		most = fmax(most, fit_leverage(&predictor->fit, x[i]));
	return most;
}

/* A price and its high: both in their ranges, but never so far apart. */
static void test_a_row_off_the_others_line_is_beyond(void **state)
{
	(void)state;
	static double x[ROWS][FEATURES];
	srand(3);
	for (size_t i = 0; i < ROWS; i++) {
		x[i][0] = 60000 + 500 * normal();
		x[i][1] = x[i][0] + 3 + fabs(normal());
	}
	struct predictor predictor = fitted(x, ROWS, FEATURES, true);
	double limit = extrapolation_limit(&predictor);
	double usual[] = { 60010, 60014 }, apart[] = { 60000, 60050 }, below[] = { 60000, 59990 };
	assert_true(largest(&predictor, x, ROWS) <= limit);
	assert_true(fit_leverage(&predictor.fit, usual) < limit);
	assert_true(fit_leverage(&predictor.fit, apart) > limit);
	assert_true(fit_leverage(&predictor.fit, below) > limit);
}

/* Of 40 trainings on normal features, in about two some row of their own is beyond. */
static void test_rows_of_training_are_seldom_beyond(void **state)
{
	(void)state;
	static double x[ROWS][FEATURES];
	int beyond = 0;
	for (unsigned seed = 0; seed < 40; seed++) {
		srand(seed);
		for (size_t i = 0; i < ROWS; i++) {
			x[i][0] = normal();
			x[i][1] = 0.9 * x[i][0] + normal();
		}
		struct predictor predictor = fitted(x, ROWS, FEATURES, seed % 2 == 0);
		beyond += largest(&predictor, x, ROWS) > extrapolation_limit(&predictor);
	}
	print_message("%d of 40\n", beyond);
	assert_in_range(beyond, 0, 6);
}

/* One minute's volume was a thousand times the others': such a minute is nothing new. */
static void test_an_extreme_that_was_seen_is_not_beyond(void **state)
{
	(void)state;
	static double x[ROWS][FEATURES];
	srand(5);
	for (size_t i = 0; i < ROWS; i++)
		x[i][0] = i == 7 ? 1000 : uniform();
	for (int ones = 0; ones < 2; ones++) {
		struct predictor predictor = fitted(x, ROWS, 1, ones == 1);
		double limit = extrapolation_limit(&predictor), more = 1001;
		assert_true(largest(&predictor, x, ROWS) <= limit);
		assert_true(fit_leverage(&predictor.fit, &more) > limit);
	}
}

static void test_a_fit_that_can_not_tell(void **state)
{
	(void)state;
	double x[3][FEATURES] = { { 1, 2 }, { 3, 5 }, { 4, 4 } };
	struct predictor none = { .fit = { .rows = 10, .ones = true } };
	struct predictor exact = fitted(x, 3, FEATURES, true);
	assert_true(isinf(extrapolation_limit(&none)));
	assert_true(isinf(extrapolation_limit(&exact)));
}

static void test_the_limit_of_four_million_rows(void **state)
{
	(void)state;
	struct predictor many = { .fit = { .kept = 5, .ones = true, .rows = 4000000 } };
	for (size_t i = 0; i < 6; i++)
		many.fit.triangle[i * 6 + i] = i == 0 ? 2000 : 1;
	for (size_t i = 0; i < 5; i++)
		many.fit.scale[i] = 1;
	/* scipy.stats.beta.isf(0.05 / n, 5 / 2, (n - 6) / 2) */
	double expected = 1 / 4e6 + (1 - 1 / 4e6) * 1.1329518287602783e-05;
	assert_true(fabs(extrapolation_limit(&many) / expected - 1) < 1e-7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row_off_the_others_line_is_beyond),
		cmocka_unit_test(test_rows_of_training_are_seldom_beyond),
		cmocka_unit_test(test_an_extreme_that_was_seen_is_not_beyond),
		cmocka_unit_test(test_a_fit_that_can_not_tell),
		cmocka_unit_test(test_the_limit_of_four_million_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
