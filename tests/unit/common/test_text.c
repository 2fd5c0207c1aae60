/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_memory.h"
#include "text.h"

static void an_untouched_text_is_empty_and_terminated(void **state)
{
	(void)state;
	struct text text;
	text_init(&text, 10);
	assert_string_equal(text.data, "");
	assert_true(text_ok(&text));
	text_put(&text, "", 0);
	assert_string_equal(text.data, "");
	text_clean_up(&text);
	assert_string_equal(text.data, "");
}

static void it_grows_up_to_its_limit_and_not_past_it(void **state)
{
	(void)state;
	struct text text;
	text_init(&text, 1000);
	for (int i = 0; i < 1000; i++)
		text_putc(&text, 'x');
	assert_true(text_ok(&text));
	assert_int_equal(text.length, 1000);
	assert_true(text.capacity <= 1001);
	text_putc(&text, 'y');
	assert_int_equal(text.error, ERROR_LIMIT);
	assert_int_equal(strlen(text.data), 1000);
	text_clean_up(&text);
}

static void the_error_sticks_until_reset(void **state)
{
	(void)state;
	char memory[4];
	struct text text;
	text_init_fixed(&text, memory, sizeof memory);
	text_puts(&text, "abcdef");
	assert_int_equal(text.error, ERROR_LIMIT);
	assert_string_equal(text.data, "abc");
	text_reset(&text);
	assert_true(text_ok(&text));
	assert_string_equal(text.data, "");
	text_puts(&text, "xyz");
	assert_true(text_ok(&text));
	assert_string_equal(text.data, "xyz");
	text_putf(&text, "%d", 1);
	assert_int_equal(text.error, ERROR_LIMIT);
	text_clean_up(&text);
}

static void a_format_that_does_not_fit_is_cut(void **state)
{
	(void)state;
	char memory[6];
	struct text text;
	text_init_fixed(&text, memory, sizeof memory);
	text_putf(&text, "%s-%d", "ab", 123456);
	assert_int_equal(text.error, ERROR_LIMIT);
	assert_string_equal(text.data, "ab-12");
}

static void the_smallest_fixed_text_holds_nothing(void **state)
{
	(void)state;
	char memory[1];
	struct text text;
	text_init_fixed(&text, memory, 1);
	text_puts(&text, "");
	assert_true(text_ok(&text));
	text_putc(&text, 'a');
	assert_int_equal(text.error, ERROR_LIMIT);
	assert_string_equal(text.data, "");
}

static void expect_i64(int64_t value, const char *expected)
{
	char memory[32];
	struct text text;
	text_init_fixed(&text, memory, sizeof memory);
	text_put_i64(&text, value);
	assert_string_equal(text.data, expected);
}

static void integers_are_written_whole(void **state)
{
	(void)state;
	expect_i64(0, "0");
	expect_i64(-1, "-1");
	expect_i64(31661563904, "31661563904");
	expect_i64(INT64_MAX, "9223372036854775807");
	expect_i64(INT64_MIN, "-9223372036854775808");
}

static void what_is_no_number_becomes_null(void **state)
{
	(void)state;
	char memory[64];
	struct text text;
	text_init_fixed(&text, memory, sizeof memory);
	text_put_double(&text, NAN);
	text_put_double(&text, -INFINITY);
	text_put_double(&text, 107120.55);
	assert_string_equal(text.data, "nullnull107120.55");
}

static void expect_json(const char *data, size_t length, const char *expected)
{
	struct text text;
	text_init(&text, 1000);
	text_put_json(&text, data, length);
	assert_string_equal(text.data, expected);
	text_clean_up(&text);
}

static void json_strings_are_escaped(void **state)
{
	(void)state;
	expect_json("", 0, "\"\"");
	expect_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	expect_json("\n\r\t\b\f\x01\x1f\x7f\0z", 10,
		    "\"\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\\u0000z\"");
	expect_json("\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xb0", 9,
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xb0\"");
}

#define REPLACED "\xef\xbf\xbd"

static void invalid_utf8_is_replaced_byte_by_byte(void **state)
{
	(void)state;
	expect_json("a\xff"
		    "b",
		    3, "\"a" REPLACED "b\"");
	expect_json("\xc0\xaf", 2, "\"" REPLACED REPLACED "\"");              /* overlong */
	expect_json("\xe0\x80\x80", 3, "\"" REPLACED REPLACED REPLACED "\""); /* overlong */
	expect_json("\xed\xa0\x80", 3, "\"" REPLACED REPLACED REPLACED "\""); /* surrogate */
	expect_json("\xf4\x90\x80\x80", 4, "\"" REPLACED REPLACED REPLACED REPLACED "\"");
	expect_json("\xe2\x82", 2, "\"" REPLACED REPLACED "\""); /* cut */
	expect_json("\xf4\x8f\xbf\xbf\xed\x9f\xbf", 7, "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"");
}

static void urls_keep_what_is_unreserved(void **state)
{
	(void)state;
	struct text text;
	text_init(&text, 1000);
	const char path[] = "/lake/btc ticks/p=100%/a+b/\xc3\xa9~-._";
	text_put_url(&text, path, sizeof path - 1, "/");
	assert_string_equal(text.data, "/lake/btc%20ticks/p%3D100%25/a%2Bb/%C3%A9~-._");
	text_reset(&text);
	text_put_url(&text, "a\0/", 3, "");
	assert_string_equal(text.data, "a%00%2F");
	text_clean_up(&text);
}

static void base64_is_that_of_rfc_4648(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{ "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "foobar", "Zm9vYmFy" }
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char memory[32];
		struct text text;
		text_init_fixed(&text, memory, sizeof memory);
		text_put_base64(&text, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(text.data, pairs[i][1]);
	}
	char memory[32];
	struct text text;
	text_init_fixed(&text, memory, sizeof memory);
	text_put_base64(&text, "\xff\xfe\x00\xfb", 4);
	assert_string_equal(text.data, "//4A+w==");
}

static void a_taken_text_belongs_to_the_caller(void **state)
{
	(void)state;
	struct text text;
	text_init(&text, 100);
	text_puts(&text, "mine");
	char *taken = text_take(&text);
	assert_string_equal(taken, "mine");
	free(taken);
	assert_string_equal(text.data, "");
	text_puts(&text, "again");
	assert_string_equal(text.data, "again");
	text_clean_up(&text);

	text_init(&text, 100);
	taken = text_take(&text);
	assert_string_equal(taken, "");
	free(taken);

	char memory[8];
	text_init_fixed(&text, memory, sizeof memory);
	text_puts(&text, "fixed");
	taken = text_take(&text);
	assert_string_equal(taken, "fixed");
	assert_ptr_not_equal(taken, memory);
	free(taken);
	text_puts(&text, "too long for it");
	assert_null(text_take(&text));
}

static void without_memory_the_text_keeps_what_it_had(void **state)
{
	(void)state;
	struct text text;
	text_init(&text, 100000);
	memory_fails_at(1);
	text_puts(&text, "lost");
	assert_true(memory_failed());
	assert_int_equal(text.error, ERROR_NO_MEMORY);
	assert_string_equal(text.data, "");
	assert_null(text_take(&text));
	text_reset(&text);
	text_puts(&text, "kept");
	memory_fails_at(1);
	for (int i = 0; i < 1000; i++)
		text_putf(&text, " %d", i);
	assert_true(memory_failed());
	assert_int_equal(text.error, ERROR_NO_MEMORY);
	assert_memory_equal(text.data, "kept 0 1 2", 10);
	assert_int_equal(strlen(text.data), text.length);
	text_clean_up(&text);
	text_init(&text, 10);
	memory_fails_at(1);
	assert_null(text_take(&text));
	assert_true(memory_failed());
}

static void a_why_may_be_missing(void **state)
{
	(void)state;
	why_putf(NULL, "%s", "nobody listens");
	char memory[32];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	why_putf(&why, "port %d", 5550);
	why_putf(&why, " is taken");
	assert_string_equal(why.data, "port 5550 is taken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_untouched_text_is_empty_and_terminated),
		cmocka_unit_test(it_grows_up_to_its_limit_and_not_past_it),
		cmocka_unit_test(the_error_sticks_until_reset),
		cmocka_unit_test(a_format_that_does_not_fit_is_cut),
		cmocka_unit_test(the_smallest_fixed_text_holds_nothing),
		cmocka_unit_test(integers_are_written_whole),
		cmocka_unit_test(what_is_no_number_becomes_null),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(invalid_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(urls_keep_what_is_unreserved),
		cmocka_unit_test(base64_is_that_of_rfc_4648),
		cmocka_unit_test(a_taken_text_belongs_to_the_caller),
		cmocka_unit_test(without_memory_the_text_keeps_what_it_had),
		cmocka_unit_test(a_why_may_be_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
