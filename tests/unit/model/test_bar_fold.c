/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bar_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live_model.h"

static struct ring_record bar(int64_t second, double open, double high, double low, double close,
			      double volume)
{
	return (struct ring_record){ .timestamp_us = second * 1000000,
				     .offset = second,
				     .partition = 1,
				     .values = { 0, open, high, low, close, volume } };
}

static void three_bars_are_one(void **state)
{
	(void)state;
	struct ring_record sum = bar(60, 10, 12, 9, 11, 5);
	const struct ring_record second = bar(120, 11, 30, 10, 20, 0);
	const struct ring_record third = bar(180, 20, 21, 1.5, 2, 2.25);
	bar_fold(&sum, &second);
	bar_fold(&sum, &third);
	assert_int_equal(sum.timestamp_us, 180000000);
	assert_int_equal(sum.offset, 180);
	assert_int_equal(sum.partition, 1);
	const double expected[] = { 10, 30, 1.5, 2, 7.25 };
	for (size_t i = 0; i < 5; i++)
		assert_true(sum.values[i + 1] == expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(three_bars_are_one) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
