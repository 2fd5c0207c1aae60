/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_check.h"

static enum error check(const char *text)
{
	struct json_flaw flaw;

	return json_check(text, strlen(text), 4, &flaw);
}

static void assert_flaw(const char *text, size_t offset, const char *reason)
{
	struct json_flaw flaw;

	assert_int_equal(json_check(text, strlen(text), 4, &flaw), ERROR_INVALID);
	assert_string_equal(flaw.reason, reason);
	assert_int_equal(flaw.offset, offset);
}

static void test_whatever_the_rfc_allows(void **state)
{
	static const char *const good[] = {
		"null",
		"true",
		"false",
		"0",
		"-0",
		"12",
		"-1.5e+10",
		"0.25",
		"1E5",
		"1e-7",
		"\"\"",
		"\"a\\n\\u00e9\\uD83D\\uDE00\\\\\\/\"",
		"\"\xC3\xA9\xF0\x9F\x98\x80\"",
		"[]",
		"{}",
		" \t\r\n[ 1 , [ ] , { } ] ",
		"{\"a\":{\"b\":[1,2,{\"c\":null}]}}",
		"[[[[1]]],2]",
		"{\"\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_int_equal(check(good[i]), ERROR_OK);
}

static void test_flaws_are_named_with_their_place(void **state)
{
	(void)state;
	assert_flaw("", 0, "the text ends where a value was expected");
	assert_flaw("  ", 2, "the text ends where a value was expected");
	assert_flaw("[1,]", 3, "a value was expected");
	assert_flaw("[1 2]", 3, "a comma or the end of the array or object was expected");
	assert_flaw("[1", 2, "the text ends within an array or object");
	assert_flaw("{", 1, "the text ends within an object");
	assert_flaw("{\"a\"", 4, "the text ends within an object");
	assert_flaw("{\"a\" 1}", 5, "a colon was expected");
	assert_flaw("{a:1}", 1, "a member's name was expected");
	assert_flaw("{\"a\":1,}", 7, "a member's name was expected");
	assert_flaw("{\"a\":1]", 6, "a comma or the end of the array or object was expected");
	assert_flaw("1 1", 2, "something follows the value");
	assert_flaw("{}{}", 2, "something follows the value");
	assert_flaw("nul", 0, "a value was expected");
	assert_flaw("NaN", 0, "a value was expected");
	assert_flaw("Infinity", 0, "a value was expected");
	assert_flaw("+1", 0, "a value was expected");
	assert_flaw("'a'", 0, "a value was expected");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_flaw("01", 1, "a number starts with a zero");
	assert_flaw("-", 1, "a number has no digits");
	assert_flaw("-.5", 1, "a number has no digits");
	assert_flaw("1.", 2, "a number has no digits after its point");
	assert_flaw("1e", 2, "a number has no digits in its exponent");
	assert_flaw("1e+", 3, "a number has no digits in its exponent");
	assert_flaw("0x1A", 1, "something follows the value");
	assert_int_equal(check("1e999"), ERROR_OK); /* grammar only */
}

static void test_strings(void **state)
{
	(void)state;
	assert_flaw("\"a", 2, "the text ends within a string");
	assert_flaw("\"a\nb\"", 2, "a string has a control character");
	assert_flaw("\"\\x\"", 2, "a string has an unknown escape");
	assert_flaw("\"\\", 2, "a string has an unknown escape");
	assert_flaw("\"\\u12G4\"", 5, "an escape \\u has no four hexadecimal digits");
	assert_flaw("\"\\u0000\"", 7, "a string has a NUL character");
	assert_flaw("\"\\uDC00\"", 7, "a string has a lone surrogate");
	assert_flaw("\"\\uD800\"", 7, "a string has a lone surrogate");
	assert_flaw("\"\\uD800\\n\"", 8, "a string has a lone surrogate");
	assert_flaw("\"\\uD800\\u0041\"", 13, "a string has a lone surrogate");
	assert_flaw("\"\xFF\"", 1, "the text is not UTF-8");
}

static void test_a_nul_byte_does_not_end_the_text(void **state)
{
	struct json_flaw flaw;

	(void)state;
	assert_int_equal(json_check("1\0", 2, 4, &flaw), ERROR_INVALID);
	assert_int_equal(json_check("\"\0\"", 3, 4, &flaw), ERROR_INVALID);
}

static void test_nesting_is_counted_exactly(void **state)
{
	struct json_flaw flaw;
	size_t length = 60000;
	char *deep = malloc(length);

	(void)state;
	assert_int_equal(check("[[[[]]]]"), ERROR_OK);
	assert_int_equal(check("[{\"a\":[{}]}]"), ERROR_OK);
	assert_int_equal(check("[[[[[]]]]]"), ERROR_LIMIT);
	assert_int_equal(check("[{\"a\":[{\"b\":[]}]}]"), ERROR_LIMIT);
	assert_int_equal(check("[[[[]]],[[[]]]]"), ERROR_OK); /* depth goes down again */
	memset(deep, '[', length);
	assert_int_equal(json_check(deep, length, 64, &flaw), ERROR_LIMIT);
	assert_int_equal(flaw.offset, 64);
	free(deep);
}

static void test_values_are_counted(void **state)
{
	static const struct {
		const char *text;
		size_t values;
	} cases[] = {
		{ "1", 1 },  { "[]", 1 },           { "[1,\"a\",null]", 4 },
		{ "{}", 1 }, { "[[],{},[[]]]", 5 }, { "{\"a\":{\"b\":1},\"c\":[true]}", 5 },
	};
	struct json_flaw flaw;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(json_check(cases[i].text, strlen(cases[i].text), 4, &flaw),
				 ERROR_OK);
		assert_int_equal(flaw.values, cases[i].values);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whatever_the_rfc_allows),
		cmocka_unit_test(test_flaws_are_named_with_their_place),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_a_nul_byte_does_not_end_the_text),
		cmocka_unit_test(test_nesting_is_counted_exactly),
		cmocka_unit_test(test_values_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
