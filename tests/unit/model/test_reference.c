/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_US INT64_C(60000000)

/* `count` rows, x is the minute and what it foretells is off by 1 for every other hundred. */
static struct reference of(int count, int since, bool last_price)
{
	struct predictor predictor = {
		.last_price = last_price,
		.fit = { .kept = 1, .slope = { 1 }, .scale = { 1 }, .anchor = last_price ? 0 : -1 }
	};
	struct reference reference;
	struct tail *tail = tail_new(2);
	for (int i = 0; i < count; i++) {
		struct feature_row row = { .timestamp_us = i * MINUTE_US, .x = { i, 7 } };
		row.y = row.x[0] + i / 100 % 2;
		assert_true(tail_add(tail, &row));
	}
	assert_int_equal(reference_set(&predictor, 2, tail, since * MINUTE_US, &reference),
			 ERROR_OK);
	tail_destroy(&tail);
	return reference;
}

static void features_and_errors_have_their_own(void **state)
{
	(void)state;
	struct reference all = of(1000, 800, false);
	assert_int_equal(all.features[0].bins, STABILITY_BINS);
	assert_true(all.features[0].edges[4] == 499);
	assert_int_equal(all.features[1].bins, 2); /* it never changes */
	/* Half of 200 errors are 0, half 1, and none is above. */
	assert_true(all.residuals.bins == 3 && all.residuals.edges[0] == 0);
	assert_true(fabs(all.residuals.shares[0] - 100.5 / 201.5) < 1e-12);
	assert_int_equal(of(1000, 950, false).residuals.bins, 0); /* too few */
	struct reference last = of(1000, 0, true);
	assert_true(last.residuals.bins > 1 && last.features[0].bins == STABILITY_BINS);
}

/* Of many rows some are looked at, from all of their time. */
static void many_rows_are_sampled(void **state)
{
	(void)state;
	struct reference many = of(4096, 0, false);
	assert_true(fabs(many.features[0].edges[4] - 2048) < 10);
	assert_true(fabs(many.features[0].edges[8] - 3686) < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_and_errors_have_their_own),
		cmocka_unit_test(many_rows_are_sampled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
