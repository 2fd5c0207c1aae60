/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

#define TIMES   "\"timestamp\":\"2026-11-25T01:00:00Z\""
#define TICK    "{" TIMES ",\"buy_price\":1,\"sell_price\":2,\"volume\":3,\"volatility\":4}"
#define WITH(m) "{" TIMES ",\"buy_price\":1,\"sell_price\":2,\"volume\":3,\"volatility\":4," m "}"

static bool is_fast(const char *json)
{
	struct record_cells cells;
	return record_cells_fast(record_table(RECORD_TICK), json, strlen(json), &cells);
}

/* Both readers must say the same; returns what they say. */
static enum error read_both(const struct record_rules *rules, const char *json, size_t length,
			    struct record *out, struct record_fault *fault)
{
	struct record other;
	struct record_fault other_fault;
	enum error error =
		read_exact(record_read_json, RECORD_TICK, rules, json, length, out, fault);
	enum error slow = read_exact(record_read_json_slow, RECORD_TICK, rules, json, length,
				     &other, &other_fault);
	assert_int_equal(error, slow);
	if (error) {
		assert_string_equal(fault->code, other_fault.code);
		assert_string_equal(fault->field, other_fault.field);
		assert_string_equal(fault->reason, other_fault.reason);
		return error;
	}
	char one[1024], two[1024];
	written(out, record_write_json, one);
	written(&other, record_write_json, two);
	assert_string_equal(one, two);
	assert_string_equal(out->symbol, other.symbol);
	return ERROR_OK;
}

static void usual_layouts_are_read_fast(void **state)
{
	(void)state;
	static const char *const usual[] = {
		TICK,
		WITH("\"buy_price_normalized\":0.1,\"sell_price_normalized\":0.2,"
		     "\"volume_normalized\":0.3"),
		WITH("\"symbol\":\"BTC-USD\""),
		" { \"volatility\" : 4 , \"volume\" :3,\t\"sell_price\":\"2\",\r\n\"buy_price\":1,"
		"\"timestamp\":1795568400 } \n",
		"{\"symbol\":\"X\"," TIMES ",\"volume\":3,\"buy_price\":1,\"sell_price\":2,"
		"\"volatility\":4}",
	};
	struct record record;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(usual); i++) {
		assert_true(is_fast(usual[i]));
		assert_int_equal(read_both(&strict, usual[i], strlen(usual[i]), &record, &fault),
				 ERROR_OK);
		assert_true(record.timestamp_us == NOW_US);
		assert_true(record.values[1] == 1 && record.values[2] == 2 &&
			    record.values[3] == 3 && record.values[4] == 4);
	}
}

static void unusual_input_is_left_to_the_slow_reader(void **state)
{
	(void)state;
	static const struct {
		const char *json, *code; /* NULL: good */
	} cases[] = {
		{ WITH("\"symb\\u006fl\":\"X\""), NULL },
		{ WITH("\"symbol\":\"\\u0058\""), NULL },
		{ "\xef\xbb\xbf" TICK, NULL },
		{ WITH("\"x\":1"), "unknown-member" },
		{ WITH("\"volume\":3"), "duplicate-member" },
		{ WITH("\"symbol\":\"A\",\"symbol\":\"A\""), "duplicate-member" },
		{ WITH("\"x\":[]"), "unknown-member" },
		{ TICK "{}", "not-json" },
		{ TICK TICK, "not-json" },
		{ "[" TICK "]", "not-object" },
		{ "", "not-json" },
		{ " ", "not-json" },
		{ "{", "not-json" },
		{ "{}", "missing" },
		{ "7", "not-object" },
		{ "\xff\xfe", "not-json" },
	};
	struct record record;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_false(is_fast(cases[i].json));
		enum error error =
			read_both(&strict, cases[i].json, strlen(cases[i].json), &record, &fault);
		assert_int_equal(error, cases[i].code == NULL ? ERROR_OK : ERROR_INVALID);
		if (error)
			assert_string_equal(fault.code, cases[i].code);
	}
}

static void every_cut_and_every_changed_byte_gives_one_answer(void **state)
{
	(void)state;
	static const char whole[] = WITH("\"volume_normalized\":0.3,\"symbol\":\"BTC-USD\"");
	static const char bytes[] = { '\0', '\n', ' ',  '"',    ',',    ':',    '{',   '}',
				      '[',  ']',  '\\', '0',    '9',    '-',    '+',   '.',
				      'e',  'N',  't',  '\x7f', '\x80', '\xc3', '\xff' };
	struct record record;
	struct record_fault fault;
	char changed[sizeof whole];
	for (size_t n = 0; n < sizeof whole - 1; n++) {
		assert_int_equal(read_both(&strict, whole, n, &record, &fault), ERROR_INVALID);
		assert_string_equal(fault.code, "not-json");
		for (size_t i = 0; i < sizeof bytes; i++) {
			memcpy(changed, whole, sizeof whole);
			changed[n] = bytes[i];
			(void)!read_both(&strict, changed, sizeof whole - 1, &record, &fault);
			(void)!read_both(&lenient, changed, sizeof whole - 1, &record, &fault);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_layouts_are_read_fast),
		cmocka_unit_test(unusual_input_is_left_to_the_slow_reader),
		cmocka_unit_test(every_cut_and_every_changed_byte_gives_one_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
