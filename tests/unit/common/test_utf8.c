/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void knows_sequences(void **state)
{
	(void)state;
	static const char *const good[] = { "a",
					    "\x7f",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xbf",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "\xc3(",
					   "\xe2\x82(" };
	for (size_t i = 0; i < COUNT(good); i++) {
		const size_t length = strlen(good[i]);
		assert_int_equal(utf8_sequence(good[i], length), length);
		assert_int_equal(utf8_sequence(good[i], length + 1), length);
		if (length > 1)
			assert_int_equal(utf8_sequence(good[i], length - 1), 0);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(utf8_sequence(bad[i], strlen(bad[i])), 0);
}

static void knows_texts(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0\xe2\x82\xac", 5));
	assert_false(utf8_valid("a\xe2\x82\xac", 3));
	assert_false(utf8_valid("\xac", 1));
}

static void cuts_between_characters(void **state)
{
	(void)state;
	const char *text = "a\xe2\x82\xac\xc3\xa4"; /* 1, 3 and 2 bytes */
	static const size_t cuts[] = { 0, 1, 1, 1, 4, 4, 6, 6 };
	for (size_t most = 0; most < COUNT(cuts); most++)
		assert_int_equal(utf8_cut(text, 6, most), cuts[most]);
	assert_int_equal(utf8_cut("\x80\x80\x80", 3, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_sequences),
		cmocka_unit_test(knows_texts),
		cmocka_unit_test(cuts_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
