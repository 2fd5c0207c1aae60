/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sort_doubles.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void assert_sorts_like_qsort(const double *values, size_t count)
{
	double *sorted = calloc(count + 1, sizeof(*sorted));
	double *expected = calloc(count + 1, sizeof(*expected));
	memcpy(sorted, values, count * sizeof(*sorted));
	memcpy(expected, values, count * sizeof(*expected));
	sorted[count] = expected[count] = 42; /* not its own */
	sort_doubles(sorted, count);
	qsort(expected, count, sizeof(*expected), ascending);
	for (size_t i = 0; i <= count; i++)
		assert_true(sorted[i] == expected[i]);
	free(sorted);
	free(expected);
}

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

enum { MOST = 5000 };

/* Any bits but those of NAN: all exponents, both signs, subnormal numbers, both zeros. */
static double any_number(uint64_t *state)
{
	for (;;) {
		double value;
		uint64_t bits = draw(state);
		memcpy(&value, &bits, sizeof(value));
		if (!isnan(value))
			return value;
	}
}

static void any_numbers_of_any_count(void **state)
{
	(void)state;
	static const size_t counts[] = { 0, 1, 2, 3, 255, 256, 257, 1000, 4096, MOST };
	static double values[MOST];
	uint64_t seed = 6;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		for (size_t i = 0; i < counts[c]; i++)
			values[i] = any_number(&seed);
		assert_sorts_like_qsort(values, counts[c]);
	}
}

/* Errors are of one size, many prices the same. */
static void alike_numbers(void **state)
{
	(void)state;
	static double values[MOST];
	uint64_t seed = 7;
	for (size_t i = 0; i < MOST; i++)
		values[i] = 37000 + (double)(draw(&seed) % 200) / 8;
	assert_sorts_like_qsort(values, MOST);
	for (size_t i = 0; i < MOST; i++)
		values[i] = -1.5;
	assert_sorts_like_qsort(values, MOST);
}

static void ends_of_the_range(void **state)
{
	(void)state;
	static const double ends[] = { INFINITY, 0.0,    -0.0,    -INFINITY, 1.7e308,
				       -1.7e308, 5e-324, -5e-324, 1,         -1 };
	static double values[MOST];
	for (size_t i = 0; i < MOST; i++)
		values[i] = ends[i * 7 % (sizeof(ends) / sizeof(ends[0]))];
	assert_sorts_like_qsort(values, MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_numbers_of_any_count),
		cmocka_unit_test(alike_numbers),
		cmocka_unit_test(ends_of_the_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
