/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lineage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct lineage read(const char *report)
{
	struct lineage lineage;
	lineage_read(report, strlen(report), &lineage);
	return lineage;
}

static void offsets_by_partition(void **state)
{
	(void)state;
	struct lineage lineage = read(
		"{\"lineage\":{\"partitions\":[{\"partition\":2,\"first_offset\":0,"
		"\"last_offset\":99},{\"partition\":0,\"first_offset\":5,\"last_offset\":7}]}}");
	assert_true(lineage_has_seen(&lineage, 2, 99));
	assert_false(lineage_has_seen(&lineage, 2, 100));
	assert_true(lineage_has_seen(&lineage, 0, 7));
	assert_false(lineage_has_seen(&lineage, 0, 8));
	assert_false(lineage_has_seen(&lineage, 1, 0));
	assert_false(lineage_has_seen(&lineage, 3, 0));
	assert_false(lineage_has_seen(&lineage, -1, 0));
	lineage_clean_up(&lineage);
	assert_false(lineage_has_seen(&lineage, 2, 1));
}

static void nothing_known_is_nothing_seen(void **state)
{
	(void)state;
	const char *reports[] = {
		"",
		"{",
		"[]",
		"{\"lineage\":null}",
		"{\"lineage\":{\"partitions\":{}}}",
		"{\"lineage\":{\"partitions\":[null,{},{\"partition\":\"0\",\"last_offset\":9},"
		"{\"partition\":-1,\"last_offset\":9},{\"partition\":1e300,\"last_offset\":9}]}}",
	};
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
		struct lineage lineage = read(reports[i]);
		assert_int_equal(lineage.count, 0);
		assert_false(lineage_has_seen(&lineage, 0, 0));
		lineage_clean_up(&lineage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_by_partition),
		cmocka_unit_test(nothing_known_is_nothing_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
