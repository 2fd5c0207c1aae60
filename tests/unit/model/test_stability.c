/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stability.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* 0 to count - 1, each as often as the other. */
static struct stability ramp(size_t count)
{
	struct stability reference;
	double *values = calloc(count, sizeof *values);
	for (size_t i = 0; i < count; i++)
		values[i] = (double)(i * 7919 % count);
	stability_set(&reference, values, count);
	free(values);
	return reference;
}

/* `rows` values from `from` on, each 1 above the one before. */
static double moved(const struct stability *reference, double from, size_t rows)
{
	struct stability_now now = { 0 };
	for (size_t i = 0; i < rows; i++)
		stability_count(reference, from + (double)i, &now);
	return stability_index(reference, &now);
}

static void deciles_hold_a_tenth_each(void **state)
{
	(void)state;
	struct stability reference = ramp(1000);
	assert_int_equal(reference.bins, STABILITY_BINS);
	for (size_t i = 0; i < STABILITY_BINS; i++)
		assert_true(fabs(reference.shares[i] - 0.1) < 1e-12);
	assert_true(reference.edges[0] == 99 && reference.edges[8] == 899);
	assert_true(moved(&reference, 0, 1000) < 1e-12);
}

/* By hand: all of 1,000 rows in the last bin, with half a row in each of the others. */
static void a_move_is_the_sum_over_bins(void **state)
{
	(void)state;
	struct stability reference = ramp(1000);
	double p = 0.5 / 1005, all = 1000.5 / 1005;
	double expected = 9 * (p - 0.1) * log(p / 0.1) + (all - 0.1) * log(all / 0.1);
	assert_true(fabs(moved(&reference, 900, 1000) - expected) < 1e-9);
	assert_true(expected > 5);
	/* A tenth of the rows leaves the lowest bin for above the highest. */
	double some = moved(&reference, 100, 1000);
	assert_true(some > 0.25 && some < expected);
	assert_true(moved(&reference, 20, 1000) < 0.1);
}

/* Without a change it comes to (bins - 1) (1/n + 1/m). */
static void noise_is_small(void **state)
{
	(void)state;
	double sum = 0;
	srand(5);
	for (int i = 0; i < 50; i++) {
		struct stability reference;
		struct stability_now now = { 0 };
		double values[1000];
		for (size_t row = 0; row < 1000; row++)
			values[row] = rand();
		stability_set(&reference, values, 1000);
		for (size_t row = 0; row < 500; row++)
			stability_count(&reference, rand(), &now);
		sum += stability_index(&reference, &now) / 50;
	}
	assert_true(sum > 0.7 * 9 * (1.0 / 1000 + 1.0 / 500));
	assert_true(sum < 1.3 * 9 * (1.0 / 1000 + 1.0 / 500));
}

/* A volume that is mostly 0, and a value that never changes. */
static void repeated_values_share_a_bin(void **state)
{
	(void)state;
	struct stability reference;
	double values[200] = { 0 };
	for (int i = 100; i < 200; i++)
		values[i] = i;
	stability_set(&reference, values, 200);
	assert_int_equal(reference.bins, 6);
	assert_true(reference.edges[0] == 0 && fabs(reference.shares[0] - 100.5 / 203) < 1e-12);
	for (int i = 0; i < 200; i++)
		values[i] = 7;
	stability_set(&reference, values, 200);
	assert_int_equal(reference.bins, 2);
	assert_true(moved(&reference, 8, 200) > 1);
}

static void too_few_rows_tell_nothing(void **state)
{
	(void)state;
	struct stability none = ramp(STABILITY_LEAST - 1), some = ramp(STABILITY_LEAST);
	assert_int_equal(none.bins, 0);
	assert_true(isnan(moved(&none, 0, 1000)));
	assert_true(isnan(moved(&some, 0, STABILITY_LEAST - 1)));
	assert_true(isfinite(moved(&some, 0, STABILITY_LEAST)));
}

static void what_is_stored_is_read_back(void **state)
{
	(void)state;
	static const char *const broken[] = {
		"7",
		"{}",
		"[]",
		"{\"shares\":[]}",
		"{\"shares\":[1],\"edges\":[1]}",
		"{\"shares\":[0.5,0],\"edges\":[1]}",
		"{\"shares\":[0.5,0.5],\"edges\":[null]}",
		"{\"shares\":[0.2,0.3,0.5],\"edges\":[2,1]}",
		"{\"shares\":[1,1,1,1,1,1,1,1,1,1,1],\"edges\":[1,2,3,4,5,6,7,8,9,10]}",
	};
	struct stability reference = ramp(1000), read;
	cJSON *json = stability_to_json(&reference);
	char *text = cJSON_PrintUnformatted(json);
	cJSON *again = cJSON_Parse(text);
	assert_true(stability_from_json(again, &read));
	assert_memory_equal(&read, &reference, sizeof read);
	cJSON_Delete(json);
	cJSON_Delete(again);
	cJSON_free(text);
	reference = ramp(5);
	json = stability_to_json(&reference);
	assert_true(cJSON_IsNull(json) && stability_from_json(json, &read) && read.bins == 0);
	cJSON_Delete(json);
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		json = cJSON_Parse(broken[i]);
		assert_false(stability_from_json(json, &read));
		cJSON_Delete(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deciles_hold_a_tenth_each),
		cmocka_unit_test(a_move_is_the_sum_over_bins),
		cmocka_unit_test(noise_is_small),
		cmocka_unit_test(repeated_values_share_a_bin),
		cmocka_unit_test(too_few_rows_tell_nothing),
		cmocka_unit_test(what_is_stored_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
