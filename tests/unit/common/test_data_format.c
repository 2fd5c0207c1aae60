/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data_format.h"

static void endings_and_choices_are_in_one_order(void **state)
{
	(void)state;
	char choices[100] = "";
	for (enum data_format format = 0; format < DATA_FORMATS; format++) {
		const char *ending = data_format_ending(format);
		enum data_format back = DATA_FORMATS;
		assert_true(data_format_of_ending(ending, &back));
		assert_int_equal(back, format);
		assert_int_equal(data_format_is_packed(format), strstr(ending, ".gz") != NULL);
		assert_int_equal(data_format_is_json(format), strstr(ending, ".jsonl") != NULL);
		snprintf(choices + strlen(choices), sizeof choices - strlen(choices), "%s%s",
			 format > 0 ? "|" : "", ending + 1);
	}
	assert_string_equal(choices, DATA_FORMAT_CHOICES);
}

static void other_endings_are_not_taken(void **state)
{
	(void)state;
	static const char *const others[] = { "",          "csv",      ".CSV",  ".csv.",
					      ".csv.gz.1", ".csv.zst", ".json", ".csv._COPYING_",
					      ".jsonl.gz " };
	enum data_format format = DATA_FORMATS;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(data_format_of_ending(others[i], &format));
	assert_int_equal(format, DATA_FORMATS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endings_and_choices_are_in_one_order),
		cmocka_unit_test(other_endings_are_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
