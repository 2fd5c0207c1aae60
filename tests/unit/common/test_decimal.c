/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "comma_locale.h"
#include "decimal.h"

enum { RANDOM_VALUES = 20000 };

static uint64_t next_random(void)
{
	static uint64_t state = UINT64_C(88172645463325252);
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static double double_of(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* strtod is the reference; it must run in the C locale. */
static void expect_read_as_strtod(const char *text)
{
	double value = -1;
	double expected = strtod(text, NULL);
	enum error error = decimal_read(text, strlen(text), &value);
	if (isinf(expected)) {
		assert_int_equal(error, ERROR_LIMIT);
		return;
	}
	if (error || bits_of(value) != bits_of(expected))
		print_error("%s is read as %.17g, not %.17g\n", text, value, expected);
	assert_int_equal(error, ERROR_OK);
	assert_true(bits_of(value) == bits_of(expected));
}

static void read_is_correctly_rounded(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"0",
		"-0",
		"0.0",
		"-0.000",
		"1",
		"-1",
		"0.1",
		"107120.55",
		"31661563904",
		"9007199254740993",
		"9007199254740992.5",
		"9007199254740993.0000000000000000001",
		"9223372036854775807",
		"18446744073709551615",
		"18446744073709551616",
		"9999999999999999999",
		"99999999999999999999",
		"0.9999999999999999999",
		"123456789012345678901234567890",
		"1e22",
		"1e23",
		"8.5e22",
		"1e-22",
		"1e-23",
		"5e-324",
		"2.4703282292062327e-324",
		"2.4703282292062328e-324",
		"1e-400",
		"2.2250738585072011e-308",
		"2.2250738585072012e-308",
		"1.7976931348623157e308",
		"1.7976931348623158e308",
		"1.7976931348623159e308",
		"1e309",
		"-1e309",
		"1e999",
		"1e99999999999999999999",
		"1e-99999999999999999999",
		"0e99999999999999999999",
		"6.02214076E+23",
		"3.1e-7",
		"9.8848768e+07",
		"0.000000000000000000000000000001",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_read_as_strtod(texts[i]);
}

static void ties_far_behind_the_point_are_decided_by_the_last_digit(void **state)
{
	(void)state;
	char text[3000];
	strcpy(text, "9007199254740993.");
	memset(text + 17, '0', 2500);
	text[2517] = '\0';
	double value;
	assert_int_equal(decimal_read(text, strlen(text), &value), ERROR_OK);
	assert_true(value == 9007199254740992.0);
	text[2516] = '1';
	assert_int_equal(decimal_read(text, strlen(text), &value), ERROR_OK);
	assert_true(value == 9007199254740994.0);
	memmove(text + 1, text, strlen(text) + 1);
	text[0] = '-';
	assert_int_equal(decimal_read(text, strlen(text), &value), ERROR_OK);
	assert_true(value == -9007199254740994.0);
	/* As many zeros before the point as the exponent takes back. */
	strcpy(text, "1");
	memset(text + 1, '0', 2000);
	strcpy(text + 2001, "e-2000");
	assert_int_equal(decimal_read(text, strlen(text), &value), ERROR_OK);
	assert_true(value == 1.0);
}

static void random_texts_are_read_as_strtod_reads_them(void **state)
{
	(void)state;
	char text[128];
	for (int i = 0; i < RANDOM_VALUES; i++) {
		uint64_t a = next_random();
		uint64_t b = next_random();
		snprintf(text, sizeof text, "%u.%llu", (unsigned)(a % 100000),
			 (unsigned long long)b);
		expect_read_as_strtod(text);
		snprintf(text, sizeof text, "0.%019llu", (unsigned long long)(b / 2));
		expect_read_as_strtod(text);
		snprintf(text, sizeof text, "%llue%d", (unsigned long long)a, (int)(b % 80) - 40);
		expect_read_as_strtod(text);
		snprintf(text, sizeof text, "-%llu.%llue%d", (unsigned long long)(a % 10),
			 (unsigned long long)b, (int)(a % 680) - 340);
		expect_read_as_strtod(text);
		/* Halfway between two doubles. */
		snprintf(text, sizeof text, "%llu.5",
			 (unsigned long long)(a >> 12 | UINT64_C(1) << 52));
		expect_read_as_strtod(text);
	}
}

static void what_is_no_json_number_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",      " 1",  "1 ",   "+1",       "01",    "-01",   "-",
		".5",    "1.",  "1.e5", "1e",       "1e+",   "1e-",   "0x1A",
		"NaN",   "nan", "inf",  "Infinity", "-inf",  "1,5",   "107120,55",
		"1_000", "1f",  "1..2", "--1",      "1e5.5", "\"1\"", "107.120,55",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		double value = 42;
		assert_int_equal(decimal_read(texts[i], strlen(texts[i]), &value), ERROR_INVALID);
		assert_true(value == 42);
	}
	double value;
	assert_int_equal(decimal_read("1\0", 2, &value), ERROR_INVALID);
}

static void the_length_bounds_what_is_read(void **state)
{
	(void)state;
	double value;
	assert_int_equal(decimal_read("12345", 2, &value), ERROR_OK);
	assert_true(value == 12);
	assert_int_equal(decimal_read("1e5", 2, &value), ERROR_INVALID);
	char *exact = malloc(3); /* a sanitizer sees a byte too far */
	memcpy(exact, "1.5", 3);
	assert_int_equal(decimal_read(exact, 3, &value), ERROR_OK);
	assert_int_equal(decimal_span(exact, 3), 3);
	free(exact);
}

static void the_span_is_the_longest_number(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t span;
	} cases[] = {
		{ "", 0 },    { "-", 0 },      { "x", 0 },     { "1,2", 1 },   { "-0}", 2 },
		{ "01", 1 },  { "1.", 1 },     { "1.5e", 3 },  { "1.5e+", 3 }, { "1.5e+2,", 6 },
		{ "1e5", 3 }, { "1E-05x", 5 }, { "1.2.3", 3 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(decimal_span(cases[i].text, strlen(cases[i].text)), cases[i].span);
}

static void expect_i64(const char *text, enum error error, int64_t expected)
{
	int64_t value = 42;
	assert_int_equal(decimal_read_i64(text, strlen(text), &value), error);
	assert_true(value == (error ? 42 : expected));
}

static void integers_are_exact_to_their_ends(void **state)
{
	(void)state;
	expect_i64("0", ERROR_OK, 0);
	expect_i64("-0", ERROR_OK, 0);
	expect_i64("1761134477123456701", ERROR_OK, 1761134477123456701);
	expect_i64("9223372036854775807", ERROR_OK, INT64_MAX);
	expect_i64("9223372036854775808", ERROR_LIMIT, 0);
	expect_i64("-9223372036854775808", ERROR_OK, INT64_MIN);
	expect_i64("-9223372036854775809", ERROR_LIMIT, 0);
	expect_i64("18446744073709551617", ERROR_LIMIT, 0);
	expect_i64("100000000000000000000000", ERROR_LIMIT, 0);
	expect_i64("1.0", ERROR_INVALID, 0);
	expect_i64("1e3", ERROR_INVALID, 0);
	expect_i64("", ERROR_INVALID, 0);
	expect_i64("007", ERROR_INVALID, 0);
}

static void expect_print(double value, const char *expected)
{
	char out[DECIMAL_MAX_TEXT];
	size_t length = decimal_print(value, out);
	assert_string_equal(out, expected);
	assert_int_equal(length, strlen(expected));
}

static void print_is_short_and_plain_where_people_expect_it(void **state)
{
	(void)state;
	expect_print(0.0, "0");
	expect_print(-0.0, "-0");
	expect_print(1, "1");
	expect_print(-1.5, "-1.5");
	expect_print(0.1, "0.1");
	expect_print(0.1 + 0.2, "0.30000000000000004");
	expect_print(107120.55, "107120.55");
	expect_print(31661563904.0, "31661563904");
	expect_print(9007199254740992.0, "9007199254740992");
	expect_print(9007199254740991.0, "9007199254740991");
	expect_print(1e20, "100000000000000000000");
	expect_print(999999999999999900000.0, "999999999999999900000");
	expect_print(1e21, "1e21");
	expect_print(1.5e300, "1.5e300");
	expect_print(1e-7, "0.0000001");
	expect_print(1.25e-7, "0.000000125");
	expect_print(9.999e-8, "9.999e-8");
	expect_print(5e-324, "5e-324");
	expect_print(-1.7976931348623157e308, "-1.7976931348623157e308");
	expect_print(2.2250738585072014e-308, "2.2250738585072014e-308");
	expect_print(-1.2345678901234566e-7, "-0.00000012345678901234566");
}

/* Significant digits: without signs, point, exponent and zeros at the ends. */
static int significant(const char *text)
{
	int count = 0;
	int zeros = 0;
	for (; *text && *text != 'e'; text++) {
		if (*text == '0')
			zeros += count > 0;
		if (*text < '1' || *text > '9')
			continue;
		count += 1 + zeros;
		zeros = 0;
	}
	return count;
}

/* It reads back, and no precision of printf that reads back is shorter. */
static void expect_shortest(double value)
{
	char out[DECIMAL_MAX_TEXT];
	size_t length = decimal_print(value, out);
	double back;
	assert_int_equal(length, strlen(out));
	assert_true(length < DECIMAL_MAX_TEXT);
	assert_int_equal(decimal_read(out, length, &back), ERROR_OK);
	assert_true(bits_of(back) == bits_of(value));
	assert_true(strtod(out, NULL) == value);
	if (value == floor(value) && fabs(value) < 0x1p53)
		return; /* printed in full */
	char reference[64];
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(reference, sizeof reference, "%.*e", digits - 1, value);
		if (strtod(reference, NULL) == value)
			break;
	}
	if (significant(out) > significant(reference))
		print_error("%s is longer than %s\n", out, reference);
	assert_true(significant(out) <= significant(reference));
}

static void print_is_the_shortest_that_reads_back(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_VALUES; i++) {
		uint64_t random = next_random();
		double any = double_of(random);
		double price = (double)(random % 6000000 + 2000000) / 100;
		if (isfinite(any))
			expect_shortest(any);
		expect_shortest(price);
		expect_shortest((price - 20000) / 40000);
		expect_shortest((double)(random >> 11) * 0x1p-53);
		expect_shortest(ldexp((double)(random >> 11), -(int)(random % 64)));
		expect_shortest(-(double)(random % 100000) / 1e6);
	}
}

static void print_is_right_at_every_power_of_two(void **state)
{
	(void)state;
	for (int exponent = -1074; exponent < 1024; exponent++) {
		double power = ldexp(1, exponent);
		expect_shortest(power);
		expect_shortest(nextafter(power, INFINITY));
		expect_shortest(nextafter(power, 0));
	}
}

static void canonical_texts_are_told_from_others(void **state)
{
	(void)state;
	static const char *const canonical[] = { "0",
						 "1",
						 "-1",
						 "0.5",
						 "-0.25",
						 "100",
						 "107120.55",
						 "0.00000000001",
						 "12345678901234567890.123" };
	static const char *const others[] = { "1.0", "1.50", "0.0", "-0", "-0.0", "1e3", "1E3",
					      "0e0", "",     "01",  "x",  "1.",   "1.2 " };
	for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++)
		assert_true(decimal_is_canonical(canonical[i], strlen(canonical[i])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(decimal_is_canonical(others[i], strlen(others[i])));
}

static void a_comma_locale_changes_nothing(void **state)
{
	(void)state;
	if (!comma_locale_begin())
		skip(); /* no comma locale can be made here */
	expect_print(107120.55, "107120.55");
	expect_print(1.2345678901234566e-7, "0.00000012345678901234566");
	expect_print(1.5e300, "1.5e300");
	double value;
	assert_int_equal(decimal_read("1.00000000000000000000000001e-30", 32, &value), ERROR_OK);
	assert_true(bits_of(value) == bits_of(1e-30));
	assert_int_equal(decimal_read("1,5", 3, &value), ERROR_INVALID);
	comma_locale_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_is_correctly_rounded),
		cmocka_unit_test(ties_far_behind_the_point_are_decided_by_the_last_digit),
		cmocka_unit_test(random_texts_are_read_as_strtod_reads_them),
		cmocka_unit_test(what_is_no_json_number_is_refused),
		cmocka_unit_test(the_length_bounds_what_is_read),
		cmocka_unit_test(the_span_is_the_longest_number),
		cmocka_unit_test(integers_are_exact_to_their_ends),
		cmocka_unit_test(print_is_short_and_plain_where_people_expect_it),
		cmocka_unit_test(print_is_the_shortest_that_reads_back),
		cmocka_unit_test(print_is_right_at_every_power_of_two),
		cmocka_unit_test(canonical_texts_are_told_from_others),
		cmocka_unit_test(a_comma_locale_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
