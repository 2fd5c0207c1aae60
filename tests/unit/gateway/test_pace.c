/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mean and the evenness of a pace, with a clock whose sleeper wakes late.
 */
#include "sources/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct clock {
	int64_t now_us;
	unsigned state; /* of the lateness */
	int64_t latest_us;
};

/* Wakes at the instant or up to `latest_us` later, and a call takes a microsecond. */
static void sleep_until(struct clock *clock, int64_t until_us)
{
	clock->state = clock->state * 1103515245U + 12345U;
	int64_t late_us = clock->latest_us > 0 ? (clock->state >> 8) % clock->latest_us : 0;
	clock->now_us = until_us + late_us;
}

/* Records in `seconds`; the most and the fewest of any whole window of `window_us`. */
static uint64_t run(struct pace *pace, struct clock *clock, double seconds, int64_t window_us,
		    uint64_t *fewest, uint64_t *most)
{
	int64_t begun_us = clock->now_us, end_us = begun_us + (int64_t)(seconds * 1e6);
	int64_t window_end_us = begun_us + window_us;
	uint64_t count = 0, in_window = 0;
	*fewest = UINT64_MAX;
	*most = 0;
	for (;;) {
		int64_t next_us = pace_next(pace, clock->now_us);
		bool due = next_us <= clock->now_us;
		if (!due)
			sleep_until(clock, next_us);
		while (clock->now_us >= window_end_us) {
			*fewest = in_window < *fewest ? in_window : *fewest;
			*most = in_window > *most ? in_window : *most;
			in_window = 0;
			window_end_us += window_us;
		}
		if (clock->now_us >= end_us)
			return count;
		count += due;
		in_window += due;
	}
}

static void rates_have_their_mean_and_are_even(void **state)
{
	(void)state;
	const double rates[] = { 0.1, 0.5, 1, 7.3, 1000, 99999.9, 100000 };
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double rate = rates[i], seconds = rate < 100 ? 2000 : 50;
		int64_t window_us = rate < 100 ? (int64_t)(10e6 / rate) : 10000;
		struct clock clock = { .now_us = 123456789, .state = 7, .latest_us = 900 };
		struct pace pace;
		uint64_t fewest, most;
		pace_begin(&pace, rate, clock.now_us);
		uint64_t count = run(&pace, &clock, seconds, window_us, &fewest, &most);
		double each = rate * (double)window_us / 1e6, step = rate * 2 * PACE_STEP_US / 1e6;
		assert_true(fabs((double)count - (rate * seconds)) <= 1 + step);
		assert_true((double)fewest >= floor(each - step) - 1);
		assert_true((double)most <= ceil(each + step) + 1);
		assert_int_equal(pace.missed_us, 0);
	}
}

static void what_a_pause_missed_is_made_up_for(void **state)
{
	(void)state;
	struct clock clock = { .now_us = 1 };
	struct pace pace;
	uint64_t fewest, most;
	pace_begin(&pace, 1000, clock.now_us);
	uint64_t count = run(&pace, &clock, 10, 1000000, &fewest, &most);
	clock.now_us += PACE_MAX_LATENESS_US - PACE_STEP_US * 2;
	count += run(&pace, &clock, 10, 1000000, &fewest, &most);
	assert_true(fabs((double)count - (21000)) <= 10);
	assert_int_equal(pace.missed_us, 0);
}

static void a_long_pause_is_told_and_not_made_up_for(void **state)
{
	(void)state;
	struct clock clock = { .now_us = 1 };
	struct pace pace;
	uint64_t fewest, most;
	pace_begin(&pace, 1000, clock.now_us);
	uint64_t count = run(&pace, &clock, 10, 1000000, &fewest, &most);
	clock.now_us += 60000000;
	count += run(&pace, &clock, 10, 1000000, &fewest, &most);
	assert_true(fabs((double)count - (20000)) <= 10);
	assert_true(fabs((double)pace.missed_us - (60e6)) <= 2000);
	assert_true(most <= 1010);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_have_their_mean_and_are_even),
		cmocka_unit_test(what_a_pause_missed_is_made_up_for),
		cmocka_unit_test(a_long_pause_is_told_and_not_made_up_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
