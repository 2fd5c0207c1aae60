/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_close(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static struct live_prediction made(int64_t at, double value, double actual)
{
	return (struct live_prediction){ .timestamp_us = at,
					 .target_us = at + 60,
					 .version = 3,
					 .value = value,
					 .low = value - 2,
					 .high = value + 2,
					 .level = 0.95,
					 .last = 100,
					 .actual = actual };
}

static void nothing_is_undefined_not_zero(void **state)
{
	(void)state;
	struct score score = score_of(NULL, 0, 3);
	assert_int_equal(score.count, 0);
	assert_true(isnan(score.rmse) && isnan(score.mae) && isnan(score.coverage) &&
		    isnan(score.skill_last) && isnan(score.level));
}

static void plain_numbers(void **state)
{
	(void)state;
	const struct live_prediction all[] = { made(0, 101, 104), made(60, 103, 99),
					       made(120, 100, 102) };
	struct score score = score_of(all, 3, 3);
	assert_int_equal(score.count, 3);
	assert_close(score.rmse, sqrt((9.0 + 16 + 4) / 3), 1e-12);
	assert_close(score.mae, 3, 1e-12);
	assert_true(isfinite(score.bias) && fabs(score.bias) <= score.mae);
	assert_close(score.coverage, 1.0 / 3, 1e-12); /* the border belongs to it */
	assert_close(score.skill_last, 1 - sqrt(29.0 / 21.0), 1e-12);
	assert_int_equal(score.from_us, 60);
	assert_int_equal(score.to_us, 180);
	assert_close(score.level, 0.95, 0);
}

static void training_waiting_and_other_versions_do_not_count(void **state)
{
	(void)state;
	struct live_prediction all[] = { made(0, 101, 104), made(60, 101, 104), made(120, 101, NAN),
					 made(180, 101, 102) };
	all[0].in_training = true;
	all[1].version = 2;
	struct score score = score_of(all, 4, 3);
	assert_int_equal(score.count, 1);
	assert_int_equal(score.in_training, 1);
	assert_int_equal(score.waiting, 1);
	assert_close(score.rmse, 1, 1e-12);
}

static void undefined_parts_stay_undefined(void **state)
{
	(void)state;
	struct live_prediction one = made(0, 101, 102);
	one.low = one.high = NAN;
	one.last = NAN;
	struct score score = score_of(&one, 1, 3);
	assert_close(score.rmse, 1, 1e-12);
	assert_true(isnan(score.coverage) && isnan(score.level) && isnan(score.skill_last));
	one.last = 102; /* the last price was right: nothing to be better than */
	score = score_of(&one, 1, 3);
	assert_true(isnan(score.skill_last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_undefined_not_zero),
		cmocka_unit_test(plain_numbers),
		cmocka_unit_test(training_waiting_and_other_versions_do_not_count),
		cmocka_unit_test(undefined_parts_stay_undefined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
