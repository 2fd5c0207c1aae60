/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(interval_kind_name(INTERVAL_NONE), "none");
	assert_string_equal(interval_kind_name(INTERVAL_ADAPTIVE), "adaptive");
}

/* Errors that grow tenfold half way, and shrink to a tenth of the first: the coverage stays within
 * the bound that the header states. */
static void the_coverage_holds_whatever_the_errors_do(void **state)
{
	(void)state;
	enum { ROWS = 6000 };
	struct adaptive adaptive = { 0 };
	int inside = 0, wide = 0;
	srand(3);
	for (int i = 0; i < ROWS; i++) {
		double scale = i < ROWS / 3 ? 1 : i < 2 * ROWS / 3 ? 10 : 0.1;
		double error = scale * (double)rand() / RAND_MAX;
		bool fits = error <= adaptive_factor(&adaptive);
		inside += fits;
		wide += !fits;
		adaptive_learn(&adaptive, fits, 0.95);
	}
	assert_int_equal(adaptive.learned, ROWS);
	double off = fabs((double)inside / ROWS - 0.95);
	assert_true(off <= fabs(adaptive.log_factor) / (ADAPTIVE_GAIN * ROWS) + 1e-9);
	assert_true(off < 0.01);
	assert_true(wide > 0);
}

static void the_factor_has_bounds(void **state)
{
	(void)state;
	struct adaptive adaptive = { 0 };
	for (int i = 0; i < 1000; i++)
		adaptive_learn(&adaptive, false, 0.95);
	assert_true(fabs(adaptive_factor(&adaptive) - ADAPTIVE_MOST) < 1e-9);
	for (int i = 0; i < 10000; i++)
		adaptive_learn(&adaptive, true, 0.95);
	assert_true(fabs(adaptive_factor(&adaptive) * ADAPTIVE_MOST - 1) < 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(the_coverage_holds_whatever_the_errors_do),
		cmocka_unit_test(the_factor_has_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
