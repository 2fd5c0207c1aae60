/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "webhdfs_avoided.h"

enum { FOR_US = 60000000 };

static void a_node_is_left_alone_and_told_of_once_in_a_while(void **state)
{
	(void)state;
	static struct avoided avoided;
	avoided_init(&avoided);
	assert_false(avoided_is(&avoided, "a:1", 5));
	assert_true(avoided_note(&avoided, "a:1", true, 5, FOR_US));
	assert_false(avoided_note(&avoided, "a:1", true, 6, FOR_US));
	assert_true(avoided_is(&avoided, "a:1", 5 + FOR_US));
	assert_false(avoided_is(&avoided, "a:1", 6 + FOR_US));
	assert_false(avoided_is(&avoided, "a:2", 6));
	assert_true(avoided_note(&avoided, "a:1", true, 7 + FOR_US, FOR_US));
	avoided_clean_up(&avoided);
}

static void what_is_not_the_nodes_fault_is_only_told(void **state)
{
	(void)state;
	static struct avoided avoided;
	avoided_init(&avoided);
	assert_true(avoided_note(&avoided, "a:1", false, 5, FOR_US));
	assert_false(avoided_note(&avoided, "a:1", false, 6, FOR_US));
	assert_false(avoided_is(&avoided, "a:1", 6));
	avoided_clean_up(&avoided);
}

static void the_oldest_makes_room(void **state)
{
	(void)state;
	static struct avoided avoided;
	char name[AVOIDED_NAME];
	avoided_init(&avoided);
	for (int i = 0; i <= AVOIDED_MAX; i++) {
		snprintf(name, sizeof name, "a:%d", i);
		assert_true(avoided_note(&avoided, name, true, i, FOR_US));
	}
	assert_false(avoided_is(&avoided, "a:0", 10));
	assert_true(avoided_is(&avoided, "a:1", 10));
	assert_true(avoided_is(&avoided, name, 10));
	avoided_clean_up(&avoided);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_left_alone_and_told_of_once_in_a_while),
		cmocka_unit_test(what_is_not_the_nodes_fault_is_only_told),
		cmocka_unit_test(the_oldest_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
