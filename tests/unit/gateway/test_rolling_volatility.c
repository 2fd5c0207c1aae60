/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/rolling_volatility.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources/random.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1751328000) * SECOND)

static void two_prices_make_a_volatility(void **state)
{
	(void)state;
	struct rolling_volatility v;
	rolling_volatility_init(&v, 300 * SECOND);
	assert_true(fabs(rolling_volatility_next(&v, START, 100)) < 1e-12);
	/* One per cent within a day's 864th part: a day has sqrt(864) of it. */
	double now = rolling_volatility_next(&v, START + 100 * SECOND, 100 * exp(0.01));
	assert_true(fabs(now - sqrt(864)) < 1e-9);
	/* The same time again, or an earlier one, changes nothing. */
	assert_true(fabs(rolling_volatility_next(&v, START + 100 * SECOND, 50) - now) < 1e-12);
	assert_true(fabs(rolling_volatility_next(&v, START, 50) - now) < 1e-12);
}

static void old_prices_do_not_count(void **state)
{
	(void)state;
	struct rolling_volatility v;
	rolling_volatility_init(&v, 300 * SECOND);
	rolling_volatility_next(&v, START, 100);
	rolling_volatility_next(&v, START + SECOND, 200);
	for (int i = 1; i <= 10; i++)
		rolling_volatility_next(&v, START + 1000 * SECOND + i * SECOND, 200);
	assert_true(fabs(rolling_volatility_next(&v, START + 1011 * SECOND, 200)) < 1e-12);
}

/* A walk of 3 per cent a day, over many windows and more points than are held. */
static void a_walk_has_the_volatility_that_it_was_given(void **state)
{
	(void)state;
	enum { STEPS = 30000 };
	struct rolling_volatility v;
	struct random random;
	double price = 60000, sum = 0;
	random_seed(&random, 11);
	rolling_volatility_init(&v, 300 * SECOND);
	for (int i = 0; i < STEPS; i++) {
		price *= exp(0.03 / sqrt(86400) * random_gaussian(&random));
		double now = rolling_volatility_next(&v, START + i * SECOND, price);
		sum += i < 300 ? 0 : now * now;
	}
	/* The mean of the squares is unbiased; its standard error over some 100 independent windows
	 * of 300 steps is 9 * sqrt(2 / 30000) = 0.07. */
	assert_true(fabs(sum / (STEPS - 300) - 9) < 4 * 0.08);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_prices_make_a_volatility),
		cmocka_unit_test(old_prices_do_not_count),
		cmocka_unit_test(a_walk_has_the_volatility_that_it_was_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
