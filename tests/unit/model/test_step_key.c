/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/step_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NAME "part-00042-00000000000000000107-09223372036854775807.csv"

static void a_key_reads_back(void **state)
{
	(void)state;
	char text[STEP_KEY_SIZE];
	struct step_key key = { { 42, 107, INT64_MAX, 0, DATA_CSV, DATE_NONE, true }, 0, STEP_END },
			back;
	step_key_print(&key, text);
	assert_string_equal(text, NAME ":0000000000000000000:9223372036854775807");
	assert_true(step_key_parse(text, strlen(text), &back));
	assert_true(step_key_same_file(&key, &back));
	assert_true(back.start == 0 && back.number == STEP_END);
	for (size_t length = 0; length < strlen(text); length++)
		assert_false(step_key_parse(text, length, &back));
}

static void other_texts_are_no_keys(void **state)
{
	(void)state;
	static const char *const bad[] = {
		NAME ":000000000000000000x:0000000000000000001",
		NAME ":0000000000000000000 0000000000000000001",
		NAME ":0000000000000000000:9999999999999999999",
		"part-00042-00000000000000000107-0922337203685477580x.csv:0000000000000000000:"
		"0000000000000000001",
	};
	struct step_key key;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (step_key_parse(bad[i], strlen(bad[i]), &key))
			fail_msg("taken: %s", bad[i]);
}

static void the_order_of_bytes_is_that_of_the_data(void **state)
{
	(void)state;
	static const struct step_key keys[] = {
		{ { 0, 0, 9, 0, DATA_CSV, DATE_NONE, true }, 0, 0 },
		{ { 0, 0, 9, 0, DATA_CSV, DATE_NONE, true }, 0, 1 },
		{ { 0, 0, 9, 0, DATA_CSV, DATE_NONE, true }, 0, STEP_END },
		{ { 0, 0, 9, 0, DATA_CSV, DATE_NONE, true }, 77, 0 },
		{ { 0, 0, 9, 0, DATA_CSV, DATE_NONE, true }, INT64_C(1) << 40, 0 },
		{ { 0, 10, 19, 0, DATA_CSV, DATE_NONE, true }, 0, 0 },
		{ { 9, 5, 6, 0, DATA_CSV, DATE_NONE, true }, 0, 0 },
		{ { 10, 0, 6, 0, DATA_CSV, DATE_NONE, true }, 0, 0 },
	};
	char before[STEP_KEY_SIZE] = "", now[STEP_KEY_SIZE];
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		step_key_print(&keys[i], now);
		assert_true(strcmp(before, now) < 0);
		strcpy(before, now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_reads_back),
		cmocka_unit_test(other_texts_are_no_keys),
		cmocka_unit_test(the_order_of_bytes_is_that_of_the_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
