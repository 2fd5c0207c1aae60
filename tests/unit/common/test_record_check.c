/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

#include <math.h>
#include <stdio.h>

#include "comma_locale.h"
#include "timestamp.h"

#define TICK_START "{\"timestamp\":\"2026-11-25T01:00:00.123456\",\"buy_price\":43210.55,"

/* The value of one field of a good tick, as its raw JSON. */
static enum error read_tick(const struct record_rules *rules, const char *field, const char *value,
			    struct record *out, struct record_fault *fault)
{
	static const char *const fields[][2] = {
		{ "timestamp", "\"2026-11-25T01:00:00.123456\"" },
		{ "buy_price", "43210.55" },
		{ "sell_price", "43219.12" },
		{ "volume", "2311" },
		{ "volatility", "2.31" },
	};
	char json[1024] = "{";
	bool known = false;
	for (size_t i = 0; i < COUNT(fields); i++) {
		const bool here = strcmp(fields[i][0], field) == 0;
		known = known || here;
		snprintf(json + strlen(json), sizeof json - strlen(json), "%s\"%s\":%s",
			 i > 0 ? "," : "", fields[i][0], here ? value : fields[i][1]);
	}
	if (!known)
		snprintf(json + strlen(json), sizeof json - strlen(json), ",\"%s\":%s", field,
			 value);
	strcat(json, "}");
	return read_exact(record_read_json, RECORD_TICK, rules, json, strlen(json), out, fault);
}

static void assert_refused(const char *field, const char *value, const char *code, const char *rule)
{
	struct record record;
	struct record_fault fault;
	assert_int_equal(read_tick(&strict, field, value, &record, &fault), ERROR_INVALID);
	assert_string_equal(fault.field, field);
	assert_string_equal(fault.code, code);
	if (strstr(fault.reason, rule) == NULL)
		fail_msg("reason of %s=%s: %s", field, value, fault.reason);
}

static void derives_what_is_missing(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	assert_int_equal(read_tick(&lenient, "volume", "2311", &record, &fault), ERROR_OK);
	assert_written(
		&record,
		"{\"timestamp\":\"2026-11-25T01:00:00.123456Z\",\"buy_price\":43210.55,"
		"\"sell_price\":43219.12,\"volume\":2311,\"volatility\":2.31,"
		"\"buy_price_normalized\":0.5802637500000001,\"sell_price_normalized\":0.580478,"
		"\"volume_normalized\":0.32775}",
		"2026-11-25T01:00:00.123456Z,43210.55,43219.12,2311,2.31,0.5802637500000001,0."
		"580478,"
		"0.32775\n");
	assert_true(record.values[7] == (2311.0 - 1000) / 4000);
}

static void derived_values_are_kept_or_replaced_by_the_rules(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	assert_int_equal(read_tick(&lenient, "volume_normalized", "0.5", &record, &fault),
			 ERROR_OK);
	assert_true(record.values[7] == 0.5);
	assert_int_equal(read_tick(&strict, "volume_normalized", "0.5", &record, &fault), ERROR_OK);
	assert_true(record.values[7] == 0.32775);
	assert_int_equal(read_tick(&lenient, "volume_normalized", "-0.25", &record, &fault),
			 ERROR_OK);
	assert_refused("volume_normalized", "\"x\"", "wrong-type", "is not a number");
	assert_refused("volume_normalized", "null", "wrong-type", "null");
	assert_refused("volume_normalized", "1e999", "not-finite", "range of a double");
}

static void bounds_are_configurable(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	struct record_rules rules = strict;
	rules.bounds = (struct record_bounds){ 0, 86421.1, 0, 4622 };
	assert_int_equal(read_tick(&rules, "volume", "2311", &record, &fault), ERROR_OK);
	assert_true(record.values[5] == 0.5 && record.values[7] == 0.5);
	rules.bounds.volume_high = 1e-300;
	assert_int_equal(read_tick(&rules, "volume", "1e300", &record, &fault), ERROR_INVALID);
	assert_string_equal(fault.code, "not-finite");
	assert_string_equal(fault.field, "volume_normalized");
}

static void numbers_are_exact(void **state)
{
	(void)state;
	static const struct {
		const char *given, *text;
		double value;
	} cases[] = {
		{ "\"107120.55000000\"", "107120.55", 107120.55 },
		{ "1.0712055e5", "107120.55", 107120.55 },
		{ "107120.55", "107120.55", 107120.55 },
		{ "3.1e-7", "0.00000031", 3.1e-7 },
		{ "9.8848768e+07", "98848768", 98848768 },
		{ "31661563904", "31661563904", 31661563904 },
		{ "4294967296", "4294967296", 4294967296 },
		{ "9007199254740991", "9007199254740991", 9007199254740991 },
		{ "9007199254740992", "9007199254740992", 9007199254740992 },
		{ "0", "0", 0 },
		{ "-0", "0", 0 },
		{ "-0.0", "0", 0 },
		{ "2311.0", "2311", 2311 },
		{ "1e-400", "0", 0 },
		{ "0.1000000000000000055511151231257827021181583404541015625", /* 57 bytes */
		  "0.1000000000000000055511151231257827021181583404541015625", 0.1 },
		{ "0.1000000000000000055511151231257827021181583404541015625000000001", "0.1",
		  0.1 },
	};
	struct record record;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_tick(&strict, "volume", cases[i].given, &record, &fault),
				 ERROR_OK);
		assert_true(record.values[3] == cases[i].value && !signbit(record.values[3]));
		assert_int_equal(record.text_lengths[3], strlen(cases[i].text));
		assert_memory_equal(record.texts[3], cases[i].text, strlen(cases[i].text));
	}
}

static void refuses_what_is_no_number(void **state)
{
	(void)state;
	static const struct {
		const char *given, *code;
	} cases[] = {
		{ "1e999", "not-finite" },
		{ "\"1e999\"", "not-finite" },
		{ "NaN", "not-finite" },
		{ "Infinity", "not-finite" },
		{ "-Infinity", "not-finite" },
		{ "\"Infinity\"", "not-finite" },
		{ "\"-inf\"", "not-finite" },
		{ "\"nan\"", "not-finite" },
		{ "\"107.120,55\"", "wrong-type" },
		{ "\"107120,55\"", "wrong-type" },
		{ "\" 1\"", "wrong-type" },
		{ "\"1 \"", "wrong-type" },
		{ "\"\"", "wrong-type" },
		{ "null", "wrong-type" },
		{ "\"0x1A\"", "wrong-type" },
		{ "\"+1\"", "wrong-type" },
		{ "\"01\"", "wrong-type" },
		{ "\"1.\"", "wrong-type" },
		{ "\".5\"", "wrong-type" },
		{ "true", "wrong-type" },
		{ "[1]", "wrong-type" },
		{ "{\"a\":1}", "wrong-type" },
		{ "\"infinit\"", "wrong-type" },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused("buy_price", cases[i].given, cases[i].code, "buy_price is ");
}

static void refuses_by_bounds_with_value_and_rule(void **state)
{
	(void)state;
	assert_refused("buy_price", "0", "out-of-range", "buy_price is 0: a price must be above 0");
	assert_refused("sell_price", "-5", "out-of-range",
		       "sell_price is -5: a price must be above 0");
	assert_refused("sell_price", "\"-5\"", "out-of-range", "is \"-5\": a price must");
	assert_refused("buy_price", "1e-400", "out-of-range", "above 0");
	assert_refused("volume", "-0.001", "out-of-range", "it must not be negative");
	assert_refused("volatility", "-1", "out-of-range", "volatility is -1");
}

static void timestamps_of_every_unit(void **state)
{
	(void)state;
	static const struct {
		const char *given;
		int64_t us;
	} cases[] = {
		{ "1735603200000", INT64_C(1735603200000000) },
		{ "1740787200000000", INT64_C(1740787200000000) },
		{ "1761134477123456701", INT64_C(1761134477123456) },
		{ "1761134477123456789", INT64_C(1761134477123456) },
		{ "1751328000", INT64_C(1751328000000000) },
		{ "\"1751328000\"", INT64_C(1751328000000000) },
		{ "1751328000.25", INT64_C(1751328000250000) },
		{ "\"2025-07-01 00:00:00+00:00\"", INT64_C(1751328000000000) },
		{ "\"2025-07-01T02:00:00.000001+02:00\"", INT64_C(1751328000000001) },
		{ "\"2025-07-01T00:00:00\"", INT64_C(1751328000000000) },
		{ "\"2009-01-03T00:00:00Z\"", TIMESTAMP_MIN_US },
	};
	struct record record;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_tick(&strict, "timestamp", cases[i].given, &record, &fault),
				 ERROR_OK);
		assert_true(record.timestamp_us == cases[i].us);
	}
}

static void timestamps_outside_the_time_of_bitcoin(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"0",
		"1",
		"-1751328000",
		"\"1970-01-01T00:00:00Z\"",
		"\"2009-01-02T23:59:59.999999Z\"",
		"\"2100-01-01T00:00:00Z\"",
		"4102444800",
		"\"2026-11-26T01:00:00.000001Z\"",
		"\"yesterday\"",
		"\"\"",
		"\"2025-13-01T00:00:00Z\"",
		"1e400",
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused("timestamp", cases[i], "bad-timestamp", "timestamp is ");
	assert_refused("timestamp", "\"1970-01-01T00:00:00Z\"", "bad-timestamp",
		       "is 1970-01-01T00:00:00.000000Z: it must not be before 2009-01-03");
	assert_refused("timestamp", "\"2100-01-01T00:00:00Z\"", "bad-timestamp",
		       "more than a day from now");
	assert_refused("timestamp", "null", "wrong-type", "is null");
	assert_refused("timestamp", "[]", "wrong-type", "is an array");

	struct record record;
	struct record_fault fault;
	assert_int_equal(
		read_tick(&strict, "timestamp", "\"2026-11-26T01:00:00.000000Z\"", &record, &fault),
		ERROR_OK);
}

static void missing_fields_are_named(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	const char *json = TICK_START "\"volume\":1,\"volatility\":1}";
	assert_int_equal(read_exact(record_read_json, RECORD_TICK, &strict, json, strlen(json),
				    &record, &fault),
			 ERROR_INVALID);
	assert_string_equal(fault.code, "missing");
	assert_string_equal(fault.reason, "sell_price is missing: a tick needs it");
	assert_int_equal(
		read_exact(record_read_json, RECORD_TICK, &strict, "{}", 2, &record, &fault),
		ERROR_INVALID);
	assert_string_equal(fault.field, "timestamp");
}

static void symbols_become_keys(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	assert_int_equal(read_tick(&strict, "symbol", "\"BTC-USD\"", &record, &fault), ERROR_OK);
	assert_string_equal(record.symbol, "BTC-USD");
	assert_int_equal(read_tick(&strict, "volume", "1", &record, &fault), ERROR_OK);
	assert_string_equal(record.symbol, "");
	assert_refused("symbol", "\"<img src=x onerror=document.title='x'>\"", "bad-symbol", "A-Z");
	assert_refused("symbol", "\"\"", "bad-symbol", "is \"\"");
	assert_refused("symbol", "7", "wrong-type", "is a number");
}

static void bars_must_be_consistent(void **state)
{
	(void)state;
	static const struct {
		double open, high, low, close;
		const char *field; /* NULL: good */
	} cases[] = {
		{ 2, 3, 1, 2.5, NULL },    { 2, 2, 2, 2, NULL },    { 1, 2, 1, 2, NULL },
		{ 0.5, 3, 1, 2, "low" },   { 2, 3, 1, 0.5, "low" }, { 3.5, 3, 1, 2, "open" },
		{ 2, 3, 1, 3.5, "close" }, { 2, 1, 3, 2, "low" },
	};
	struct record record;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const double values[] = { cases[i].open, cases[i].high, cases[i].low,
					  cases[i].close, 0 };
		enum error error = record_from_values(record_table(RECORD_BAR), &strict, NOW_US,
						      values, 5, &record, &fault);
		assert_int_equal(error, cases[i].field == NULL ? ERROR_OK : ERROR_INVALID);
		if (cases[i].field == NULL)
			continue;
		assert_string_equal(fault.code, "inconsistent");
		assert_string_equal(fault.field, cases[i].field);
	}
	const double swapped[] = { 107010.5, 107090, 107050, 107020.25, 0.84 };
	assert_int_equal(record_from_values(record_table(RECORD_BAR), &strict, NOW_US, swapped, 5,
					    &record, &fault),
			 ERROR_INVALID);
	assert_string_equal(fault.reason,
			    "low is 107050: it must not be above open, which is 107010.5");
}

static void builds_from_values(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	double values[] = { 43210.55, 43219.12, 2311, 2.31, 9, 9, 9 };
	const struct record_table *tick = record_table(RECORD_TICK);
	const char *csv = "2026-11-25T01:00:00.000000Z,43210.55,43219.12,2311,2.31,0."
			  "5802637500000001,0.580478,"
			  "0.32775\n";
	char out[1024];
	assert_int_equal(record_from_values(tick, &strict, NOW_US, values, 4, &record, &fault),
			 ERROR_OK);
	written(&record, record_write_csv, out);
	assert_string_equal(out, csv);
	assert_string_equal(record.symbol, "");
	assert_int_equal(record_from_values(tick, &strict, NOW_US, values, 7, &record, &fault),
			 ERROR_OK);
	written(&record, record_write_csv, out);
	assert_string_equal(out, csv);
	assert_int_equal(record_from_values(tick, &lenient, NOW_US, values, 7, &record, &fault),
			 ERROR_OK);
	assert_true(record.values[5] == 9);

	assert_int_equal(record_from_values(tick, &strict, NOW_US, values, 3, &record, &fault),
			 ERROR_INVALID);
	assert_string_equal(fault.reason, "volatility is missing: a tick needs it");
	assert_int_equal(record_from_values(tick, &strict, 0, values, 4, &record, &fault),
			 ERROR_INVALID);
	assert_string_equal(fault.code, "bad-timestamp");
	const struct {
		double value;
		const char *code;
	} bad[] = { { NAN, "not-finite" },
		    { INFINITY, "not-finite" },
		    { 0, "out-of-range" },
		    { -1.5, "out-of-range" } };
	for (size_t i = 0; i < COUNT(bad); i++) {
		values[1] = bad[i].value;
		assert_int_equal(
			record_from_values(tick, &strict, NOW_US, values, 4, &record, &fault),
			ERROR_INVALID);
		assert_string_equal(fault.code, bad[i].code);
		assert_string_equal(fault.field, "sell_price");
	}
}

static void a_comma_locale_changes_nothing(void **state)
{
	if (!comma_locale_begin())
		skip(); /* no comma locale can be made here */
	derives_what_is_missing(state);
	numbers_are_exact(state);
	refuses_what_is_no_number(state);
	comma_locale_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_what_is_missing),
		cmocka_unit_test(derived_values_are_kept_or_replaced_by_the_rules),
		cmocka_unit_test(bounds_are_configurable),
		cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(refuses_by_bounds_with_value_and_rule),
		cmocka_unit_test(timestamps_of_every_unit),
		cmocka_unit_test(timestamps_outside_the_time_of_bitcoin),
		cmocka_unit_test(missing_fields_are_named),
		cmocka_unit_test(symbols_become_keys),
		cmocka_unit_test(bars_must_be_consistent),
		cmocka_unit_test(builds_from_values),
		cmocka_unit_test(a_comma_locale_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
