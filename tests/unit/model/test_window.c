/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void places_stay_while_it_grows_and_moves(void **state)
{
	(void)state;
	struct window *window = window_new(2, 1024);
	uint64_t begin = 0;
	srand(1);
	for (int64_t i = 0; i < 5000; i++) {
		const double values[2] = { (double)i, -(double)i };
		assert_true(window_push(window, i, values));
		while (window_end(window) - begin > (uint64_t)(rand() % 500 + 1)) {
			window_drop(window);
			begin++;
		}
		assert_int_equal(window_begin(window), begin);
		assert_int_equal(window_end(window), i + 1);
		for (uint64_t place = begin; place < window_end(window); place++) {
			assert_int_equal(window_time(window, place), place);
			assert_true(window_values(window, place)[1] == -(double)place);
		}
	}
	struct window *copy = window_clone(window);
	assert_int_equal(window_begin(copy), begin);
	assert_int_equal(window_time(copy, begin), begin);
	window_drop(window);
	assert_int_equal(window_begin(copy), begin);
	window_destroy(&window);
	window_destroy(&copy);
	assert_null(copy);
}

static void the_limit_holds(void **state)
{
	(void)state;
	const double value = 1;
	struct window *window = window_new(1, 32);
	for (int i = 0; i < 32; i++)
		assert_true(window_push(window, i, &value));
	assert_false(window_push(window, 32, &value));
	window_drop(window);
	assert_true(window_push(window, 32, &value));
	assert_int_equal(window_time(window, 32), 32);
	window_destroy(&window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_stay_while_it_grows_and_moves),
		cmocka_unit_test(the_limit_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
