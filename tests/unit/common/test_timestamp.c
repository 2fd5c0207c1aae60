/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "timestamp.h"

static void expect_read(const char *text, const char *expected)
{
	int64_t us = 0;
	char out[TIMESTAMP_MAX_TEXT];
	enum error error = timestamp_read(text, strlen(text), &us);
	if (error)
		print_error("%s is refused\n", text);
	assert_int_equal(error, ERROR_OK);
	assert_int_equal(timestamp_print(us, out), 27);
	assert_string_equal(out, expected);
}

static void the_forms_people_write_are_read(void **state)
{
	(void)state;
	expect_read("2026-11-25T01:00:00Z", "2026-11-25T01:00:00.000000Z");
	expect_read("2026-11-25t01:00:00.5z", "2026-11-25T01:00:00.500000Z");
	expect_read("2026-11-25 01:00:00.123456", "2026-11-25T01:00:00.123456Z");
	expect_read("2026-11-25T01:00:00.123456789Z", "2026-11-25T01:00:00.123456Z");
	expect_read("2025-07-01 00:00:00+00:00", "2025-07-01T00:00:00.000000Z");
	expect_read("2025-07-01T00:00:00-00:00", "2025-07-01T00:00:00.000000Z");
	expect_read("2025-07-01T00:30:00+05:30", "2025-06-30T19:00:00.000000Z");
	expect_read("2025-06-30T19:00:00-0530", "2025-07-01T00:30:00.000000Z");
	expect_read("2025-07-01T00:00:00+02", "2025-06-30T22:00:00.000000Z");
}

static void the_calendar_knows_its_leap_years(void **state)
{
	(void)state;
	expect_read("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z");
	expect_read("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z");
	expect_read("2024-12-31T23:59:59-01:00", "2025-01-01T00:59:59.000000Z");
	expect_read("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
	expect_read("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
	expect_read("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
}

static void what_is_no_timestamp_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"2026",
		"2026-11-25",
		"2026-11-25T01:00",
		"2026-11-25T01:00Z",
		"2026-11-25T01:00:00.",
		"2026-11-25T01:00:00.Z",
		"2026-11-25T01:00:00.1234567890Z",
		"2026-11-25T01:00:60Z",
		"2026-11-25T24:00:00Z",
		"2026-11-25T01:60:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"0000-01-01T00:00:00Z",
		"26-11-25T01:00:00Z",
		"2026-1-25T01:00:00Z",
		"2026/11/25T01:00:00Z",
		"2026-11-25_01:00:00Z",
		"2026-11-25T01:00:00 Z",
		"2026-11-25T01:00:00+24:00",
		"2026-11-25T01:00:00+05:60",
		"2026-11-25T01:00:00+5",
		"2026-11-25T01:00:00+05:",
		"2026-11-25T01:00:00+05:3",
		"2026-11-25T01:00:00+05:300",
		"2026-11-25T01:00:00Zx",
		" 2026-11-25T01:00:00Z",
		"2026-11-25T01:00:00Z ",
		"0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"+026-11-25T01:00:00Z",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t us = 42;
		if (!timestamp_read(texts[i], strlen(texts[i]), &us))
			print_error("%s is taken\n", texts[i]);
		assert_int_equal(timestamp_read(texts[i], strlen(texts[i]), &us), ERROR_INVALID);
		assert_true(us == 42);
	}
}

static void every_day_is_that_of_the_c_library(void **state)
{
	(void)state;
	for (int64_t day = -719162; day < 2932897; day += 13) { /* years 1 to 9999 */
		time_t seconds = (time_t)(day * 86400 + 45296);
		struct tm tm;
		char expected[64], out[TIMESTAMP_MAX_TEXT];
		gmtime_r(&seconds, &tm);
		snprintf(expected, sizeof expected, "%04d-%02d-%02dT12:34:56.000007Z",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
		timestamp_print((int64_t)seconds * 1000000 + 7, out);
		assert_string_equal(out, expected);
		int64_t back;
		assert_int_equal(timestamp_read(out, 27, &back), ERROR_OK);
		assert_true(back == (int64_t)seconds * 1000000 + 7);
	}
}

/* What we print is read by a way of its own; a seventh digit leads around it. */
static void expect_both_ways(const char printed[TIMESTAMP_MAX_TEXT])
{
	int64_t us = 0, other = 0;
	char longer[TIMESTAMP_MAX_TEXT + 1];
	size_t length = TIMESTAMP_MAX_TEXT - 1;
	char *exact = malloc(length); /* reading over its end is noticed */
	assert_non_null(exact);
	memcpy(exact, printed, length);
	memcpy(longer, printed, length - 1);
	memcpy(longer + length - 1, "0Z", 2);
	enum error error = timestamp_read(exact, length, &us);
	enum error expected = timestamp_read(longer, length + 1, &other);
	if (error != expected || us != other)
		fail_msg("%.27s: %d and %d", printed, (int)error, (int)expected);
	free(exact);
}

static void what_is_printed_is_read_the_same_both_ways(void **state)
{
	(void)state;
	const int64_t first_us = INT64_C(-62135596800000000), last_us = INT64_C(253402300799999999);
	char text[TIMESTAMP_MAX_TEXT];
	int read = 0;
	srand(3);
	for (int i = 0; i < 100000; i++) {
		int64_t us =
			first_us +
			(int64_t)((double)rand() / RAND_MAX * (double)(last_us - first_us)) / 2;
		us += rand();
		timestamp_print(us, text);
		int64_t back;
		assert_int_equal(timestamp_read(text, sizeof text - 1, &back), ERROR_OK);
		assert_true(back == us);
		/* Another character somewhere before the Z: a digit, or what lies around digits. */
		text[rand() % 26] = (char)(rand() % 4 ? '0' + rand() % 10 : rand() % 256);
		expect_both_ways(text);
		read += timestamp_read(text, sizeof text - 1, &back) == ERROR_OK;
	}
	assert_in_range(read, 20000, 90000);
}

static void expect_epoch(const char *text, const char *expected)
{
	int64_t us = 42;
	enum error error = timestamp_read_epoch(text, strlen(text), &us);
	if (!expected) {
		if (!error)
			print_error("%s is taken\n", text);
		assert_int_equal(error, ERROR_INVALID);
		assert_true(us == 42);
		return;
	}
	char out[TIMESTAMP_MAX_TEXT];
	assert_int_equal(error, ERROR_OK);
	timestamp_print(us, out);
	assert_string_equal(out, expected);
}

static void the_unit_of_an_epoch_is_told_by_its_range(void **state)
{
	(void)state;
	expect_epoch("1751328000", "2025-07-01T00:00:00.000000Z");
	expect_epoch("1735603200000", "2024-12-31T00:00:00.000000Z");
	expect_epoch("1740787200000000", "2025-03-01T00:00:00.000000Z");
	expect_epoch("1761134477123456701", "2025-10-22T12:01:17.123456Z");
	expect_epoch("1761134477123456789", "2025-10-22T12:01:17.123456Z");
	expect_epoch("1230940800", "2009-01-03T00:00:00.000000Z");
	expect_epoch("9999999999", "2286-11-20T17:46:39.000000Z");
	expect_epoch("9999999999999999999", "2286-11-20T17:46:39.999999Z");
}

static void an_epoch_may_have_a_fraction_or_an_exponent(void **state)
{
	(void)state;
	expect_epoch("1751328000.25", "2025-07-01T00:00:00.250000Z");
	expect_epoch("1751328000.1234567", "2025-07-01T00:00:00.123456Z");
	expect_epoch("1735603200000.5", "2024-12-31T00:00:00.000500Z");
	expect_epoch("1740787200000000.9", "2025-03-01T00:00:00.000000Z");
	expect_epoch("1.751328e9", "2025-07-01T00:00:00.000000Z");
	expect_epoch("1.751328e+09", "2025-07-01T00:00:00.000000Z");
	expect_epoch("17513280000e-1", "2025-07-01T00:00:00.000000Z");
	expect_epoch("0.0001735603200001E16", "2024-12-31T00:00:00.001000Z");
}

static void an_epoch_outside_every_range_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "0",
					     "-1",
					     "1",
					     "999999999",
					     "10000000000",
					     "999999999999",
					     "10000000000000",
					     "1e99",
					     "10000000000000000000",
					     "1e-9",
					     "0.0",
					     "-1751328000",
					     "1751328000x",
					     "",
					     "NaN",
					     "1e999999999999999999999",
					     "1751328000e1" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_epoch(texts[i], NULL);
}

static void integers_and_texts_agree(void **state)
{
	(void)state;
	static const int64_t values[] = { 1000000000,
					  9999999999,
					  1000000000000,
					  9999999999999,
					  1751328000123456,
					  9999999999999999,
					  1000000000000000000,
					  INT64_MAX,
					  999999999,
					  10000000000,
					  0,
					  -1751328000,
					  INT64_MIN };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char text[32];
		int64_t a = 1, b = 1;
		snprintf(text, sizeof text, "%lld", (long long)values[i]);
		assert_int_equal(timestamp_from_epoch(values[i], &a),
				 timestamp_read_epoch(text, strlen(text), &b));
		assert_true(a == b);
	}
}

static void the_clocks_run(void **state)
{
	(void)state;
	int64_t before = monotonic_now_us();
	assert_true(monotonic_now_us() >= before);
	assert_true(wall_now_us() > INT64_C(1600000000000000));
	assert_true(wall_now_us() / 1000000 - (int64_t)time(NULL) <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_forms_people_write_are_read),
		cmocka_unit_test(the_calendar_knows_its_leap_years),
		cmocka_unit_test(what_is_no_timestamp_is_refused),
		cmocka_unit_test(every_day_is_that_of_the_c_library),
		cmocka_unit_test(what_is_printed_is_read_the_same_both_ways),
		cmocka_unit_test(the_unit_of_an_epoch_is_told_by_its_range),
		cmocka_unit_test(an_epoch_may_have_a_fraction_or_an_exponent),
		cmocka_unit_test(an_epoch_outside_every_range_is_refused),
		cmocka_unit_test(integers_and_texts_agree),
		cmocka_unit_test(the_clocks_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
