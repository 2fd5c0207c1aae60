/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "array.h"

/* Adds numbers until that is refused; how many there are then. */
static size_t fill(size_t limit, size_t wanted)
{
	size_t count = 0, capacity = 0;
	int64_t *numbers = NULL;
	while (count < wanted) {
		int64_t *moved = array_room(numbers, count, &capacity, limit, sizeof(*numbers));
		if (!moved)
			break;
		numbers = moved;
		assert_in_range(capacity, count + 1, limit);
		numbers[count] = (int64_t)count;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(numbers[i], i);
	free(numbers);
	return count;
}

static void it_grows_and_keeps_what_it_holds(void **state)
{
	(void)state;
	assert_int_equal(fill(SIZE_MAX, 100000), 100000);
}

static void it_ends_at_its_limit(void **state)
{
	static const size_t limits[] = { 1, 2, 15, 16, 17, 100, 1000 };
	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		assert_int_equal(fill(limits[i], 2000), limits[i]);
	assert_int_equal(fill(0, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_keeps_what_it_holds),
		cmocka_unit_test(it_ends_at_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
