/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "file_name.h"

static void prints_fixed_widths(void **state)
{
	(void)state;
	char name[FILE_NAME_MAX];
	const struct file_range range = { 3, 0, 999, DATA_CSV };
	file_name_print(FILE_ROWS, &range, name);
	assert_string_equal(name, "part-00003-00000000000000000000-00000000000000000999.csv");
	file_name_print(FILE_DEAD_LETTERS, &range, name);
	assert_string_equal(name, "part-00003-00000000000000000000-00000000000000000999.jsonl");
	const struct file_range packed = { 3, 0, 999, DATA_JSONL_GZ };
	file_name_print(FILE_ROWS, &packed, name);
	assert_string_equal(name, "part-00003-00000000000000000000-00000000000000000999.jsonl.gz");
	file_name_print(FILE_DEAD_LETTERS, &packed, name);
	assert_string_equal(name, "part-00003-00000000000000000000-00000000000000000999.jsonl");
	file_name_prefix(FILE_PARTITION_MAX, name);
	assert_string_equal(name, "part-99999-");
}

static void reads_back_what_it_prints(void **state)
{
	(void)state;
	static const struct file_range ranges[] = {
		{ 0, 0, 0, DATA_CSV },
		{ FILE_PARTITION_MAX, 7, INT64_MAX, DATA_CSV },
		{ 42, INT64_MAX, INT64_MAX, DATA_CSV },
		{ FILE_PARTITION_MAX, 0, INT64_MAX, DATA_CSV_GZ },
		{ FILE_PARTITION_MAX, 0, INT64_MAX, DATA_JSONL },
		{ FILE_PARTITION_MAX, 0, INT64_MAX, DATA_JSONL_GZ },
	};
	for (enum file_kind kind = 0; kind < FILE_KINDS; kind++) {
		for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
			char name[FILE_NAME_MAX];
			struct file_range back;
			file_name_print(kind, &ranges[i], name);
			assert_true(file_name_parse(kind, name, &back));
			assert_int_equal(back.partition, ranges[i].partition);
			assert_true(back.first == ranges[i].first && back.last == ranges[i].last);
			assert_int_equal(back.format,
					 kind == FILE_ROWS ? ranges[i].format : DATA_CSV);
		}
	}
}

static void order_of_names_is_order_of_offsets(void **state)
{
	(void)state;
	char before[FILE_NAME_MAX], after[FILE_NAME_MAX];
	file_name_print(FILE_ROWS, &(struct file_range){ 1, 9, 99, DATA_CSV }, before);
	file_name_print(FILE_ROWS, &(struct file_range){ 1, 100, 100, DATA_CSV }, after);
	assert_true(strcmp(before, after) < 0);
	file_name_print(FILE_ROWS, &(struct file_range){ 2, 0, 0, DATA_CSV }, before);
	assert_true(strcmp(after, before) < 0);
}

static void takes_no_other_name(void **state)
{
	(void)state;
	static const char *const others[] = {
		"",
		"part-",
		"_SUCCESS",
		"part-00000-b8a1c2d3-4e5f-6789-abcd-ef0123456789-c000.csv", /* Spark's */
		"part-00000-00000000000000000000-00000000000000000001.csv.1",
		"part-00000-00000000000000000000-00000000000000000001.csv.gz.1",
		"part-00000-00000000000000000000-00000000000000000001.csv.zst",
		"part-00000-00000000000000000000-00000000000000000001.gz",
		"part-00000-00000000000000000000-00000000000000000001",
		"part-00000-00000000000000000002-00000000000000000001.csv", /* first > last */
		"part-0000-00000000000000000000-00000000000000000001.csv",
		"part-000000-00000000000000000000-00000000000000000001.csv",
		"part-00000-0000000000000000000-00000000000000000001.csv",
		"part-00000-0000000000000000000x-00000000000000000001.csv",
		"part-00000-00000000000000000000-09223372036854775808.csv", /* 2^63 */
		"part-00000--0000000000000000001-00000000000000000001.csv",
		"Part-00000-00000000000000000000-00000000000000000001.csv",
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct file_range range;
		assert_false(file_name_parse(FILE_ROWS, others[i], &range));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_fixed_widths),
		cmocka_unit_test(reads_back_what_it_prints),
		cmocka_unit_test(order_of_names_is_order_of_offsets),
		cmocka_unit_test(takes_no_other_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
