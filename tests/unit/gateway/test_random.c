/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* xoshiro256**'s reference code, seeded by splitmix64 from 42. */
static void seed_42_gives_the_reference_numbers(void **state)
{
	(void)state;
	static const uint64_t expected[] = { UINT64_C(1546998764402558742),
					     UINT64_C(6990951692964543102),
					     UINT64_C(12544586762248559009) };
	struct random random;
	random_seed(&random, 42);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(random_bits(&random) == expected[i]);
}

static void every_seed_is_one_of_its_own(void **state)
{
	(void)state;
	struct random zero, one, again;
	random_seed(&zero, 0);
	random_seed(&one, 1);
	random_seed(&again, 0);
	uint64_t first = random_bits(&zero);
	assert_true(first != 0);
	assert_true(first != random_bits(&one));
	assert_true(first == random_bits(&again));
}

static void units_are_uniform(void **state)
{
	(void)state;
	enum { N = 100000 };
	struct random random;
	double sum = 0, squares = 0;
	random_seed(&random, 7);
	for (int i = 0; i < N; i++) {
		double u = random_unit(&random);
		assert_true(u >= 0 && u < 1);
		sum += u;
		squares += u * u;
	}
	/* Within 4 standard errors. */
	assert_true(fabs(sum / N - 0.5) < 4 * sqrt(1.0 / 12 / N));
	assert_true(fabs(squares / N - 1.0 / 3) < 4 * sqrt(4.0 / 45 / N));
}

static void integers_fill_their_range(void **state)
{
	(void)state;
	struct random random;
	int counts[7] = { 0 };
	random_seed(&random, 3);
	for (int i = 0; i < 70000; i++) {
		int64_t n = random_integer(&random, -3, 3);
		assert_true(n >= -3 && n <= 3);
		counts[n + 3]++;
	}
	for (int i = 0; i < 7; i++)
		assert_true(abs(counts[i] - 10000) < 4 * 93); /* sqrt(70000 / 7 * 6 / 7) */
	assert_int_equal(5, random_integer(&random, 5, 5));
	(void)random_integer(&random, INT64_MIN, INT64_MAX);
}

static void fresh_seeds_fit_in_json(void **state)
{
	(void)state;
	uint64_t a = random_fresh_seed(), b = random_fresh_seed();
	assert_true(a < UINT64_C(1) << 53 && b < UINT64_C(1) << 53);
	assert_true(a != b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seed_42_gives_the_reference_numbers),
		cmocka_unit_test(every_seed_is_one_of_its_own),
		cmocka_unit_test(units_are_uniform),
		cmocka_unit_test(integers_fill_their_range),
		cmocka_unit_test(fresh_seeds_fit_in_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
