/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static double uniform(void)
{
	return (double)rand() / RAND_MAX - 0.5;
}

static struct fit solved(struct rfactor *factor, size_t features, double ridge)
{
	struct fit fit;
	const struct fit_request request = {
		.factor = factor, .features = features, .anchor = -1, .ridge = ridge
	};
	assert_int_equal(fit_solve(&request, &fit, NULL), ERROR_OK);
	return fit;
}

/* One column shrinks by 1 / (1 + ridge), whatever its scale; the line still goes through the means.
 */
static void one_column_shrinks(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(2, true);
	for (int i = 0; i < 500; i++)
		rfactor_add(factor, (const double[]){ 1e6 + 3 * i, 7.0 * i + uniform() });
	struct fit free = solved(factor, 1, 0), shrunken = solved(factor, 1, 0.25);
	assert_true(fabs(shrunken.terms[0].value / (free.terms[0].value / 1.25) - 1) < 1e-12);
	double mean = 1e6 + 3 * 249.5;
	assert_true(fabs(fit_predict(&shrunken.predictor, &mean) - free.target_mean) < 1e-8);
	assert_true(fabs(shrunken.effective - (1 + 1 / 1.25)) < 1e-12);
	assert_true(free.effective == 2 && free.ridge == 0 && shrunken.ridge == 0.25);
	assert_true(isnan(shrunken.terms[0].error) && isnan(shrunken.intercept.p));
	assert_true(isfinite(free.terms[0].error));
	rfactor_destroy(&factor);
}

/* The normal equations with the penalty hold: X'(y - Xb) = ridge n var(x) b, and the sum of squares
 * is that of the residuals. */
static void the_penalised_equations_hold(void **state)
{
	(void)state;
	enum { N = 400 };
	static double x[N][3], y[N];
	struct rfactor *factor = rfactor_new(4, true);
	srand(6);
	for (int i = 0; i < N; i++) {
		x[i][0] = 50 + uniform();
		x[i][1] = 10 * x[i][0] + uniform();
		x[i][2] = 1e-4 * uniform();
		y[i] = 2 * x[i][0] - x[i][1] + 1e4 * x[i][2] + uniform();
		rfactor_add(factor, (const double[]){ x[i][0], x[i][1], x[i][2], y[i] });
	}
	struct fit fit = solved(factor, 3, 0.01);
	double rss = 0, residuals = 0;
	for (int i = 0; i < N; i++) {
		double error = y[i] - fit_predict(&fit.predictor, x[i]);
		rss += error * error;
		residuals += error;
	}
	assert_true(fabs(residuals) < 1e-8);
	assert_true(fabs(fit.rss / rss - 1) < 1e-10);
	for (size_t j = 0; j < 3; j++) {
		double mean = 0, variance = 0, along = 0;
		for (int i = 0; i < N; i++)
			mean += x[i][j] / N;
		for (int i = 0; i < N; i++) {
			variance += pow(x[i][j] - mean, 2) / N;
			along += (x[i][j] - mean) * (y[i] - fit_predict(&fit.predictor, x[i]));
		}
		double penalty = 0.01 * N * variance * fit.terms[j].value;
		assert_true(fabs(along / penalty - 1) < 1e-6);
	}
	rfactor_destroy(&factor);
}

/* Features of pure noise want a large penalty, a clear one wants none. */
static void the_held_out_rows_choose(void **state)
{
	(void)state;
	struct rfactor *noise[2], *clear[2];
	struct fit fit;
	srand(9);
	for (size_t side = 0; side < 2; side++) {
		noise[side] = rfactor_new(9, true);
		clear[side] = rfactor_new(2, true);
		for (int i = 0; i < (side ? 2000 : 40); i++) {
			double row[9];
			for (size_t j = 0; j < 9; j++)
				row[j] = uniform();
			rfactor_add(noise[side], row);
			rfactor_add(clear[side], (const double[]){ row[0], 5 * row[0] + 1 });
		}
	}
	struct fit_request request = { .factor = noise[0], .features = 8, .anchor = -1 };
	assert_int_equal(fit_choose_ridge(&request, noise[1], &fit, NULL), ERROR_OK);
	assert_true(fit.ridge >= 1);
	request = (struct fit_request){ .factor = clear[0], .features = 1, .anchor = -1 };
	assert_int_equal(fit_choose_ridge(&request, clear[1], &fit, NULL), ERROR_OK);
	assert_true(fit.ridge <= 1e-5);
	assert_true(fabs(fit.terms[0].value - 5) < 1e-3);
	for (size_t side = 0; side < 2; side++) {
		rfactor_destroy(&noise[side]);
		rfactor_destroy(&clear[side]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_column_shrinks),
		cmocka_unit_test(the_penalised_equations_hold),
		cmocka_unit_test(the_held_out_rows_choose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
