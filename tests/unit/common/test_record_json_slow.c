/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

#include <stdio.h>

#define TIMES   "\"timestamp\":\"2026-11-25T01:00:00Z\""
#define TICK    "{" TIMES ",\"buy_price\":1,\"sell_price\":2,\"volume\":3,\"volatility\":4}"
#define WITH(m) "{" TIMES ",\"buy_price\":1,\"sell_price\":2,\"volume\":3,\"volatility\":4," m "}"

static enum error read_slow(const struct record_rules *rules, const char *json, size_t length,
			    struct record_fault *fault)
{
	struct record record;
	return read_exact(record_read_json_slow, RECORD_TICK, rules, json, length, &record, fault);
}

static void assert_fault(const char *json, const char *code, const char *reason)
{
	struct record_fault fault;
	assert_int_equal(read_slow(&strict, json, strlen(json), &fault), ERROR_INVALID);
	assert_string_equal(fault.code, code);
	assert_string_equal(fault.reason, reason);
}

static void faults_say_where(void **state)
{
	(void)state;
	assert_fault("", "not-json",
		     "not JSON: the text ends where a value was expected at byte 0");
	assert_fault("{\"volume\":1,]", "not-json",
		     "not JSON: a member's name was expected at byte 12");
	assert_fault("{\"volume\":1,\"volatility\":22 33}", "not-json",
		     "not JSON: a comma or the end of the array or object was expected at byte 28");
	assert_fault("{\"volume\":01}", "not-json",
		     "not JSON: a number starts with a zero at byte 11");
	assert_fault("{\"volume\":1} {}", "not-json",
		     "not JSON: something follows the value at byte 13");
	assert_fault("\xef\xbb\xbf{\"volume\":'1'}", "not-json",
		     "not JSON: a value was expected at byte 13");
	assert_fault("{\"volume\":\"\xc0\xaf\"}", "not-json",
		     "not JSON: the text is not UTF-8 at byte 11");
	assert_fault("{\"volume\":NaN,\"volatility\":nan}", "not-json",
		     "not JSON: a value was expected at byte 27");
	assert_fault("[]", "not-object", "not a JSON object: a tick is one object");
}

static void broken_utf8_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "\x80",
					   "\xc3",
					   "\xc0\x80",
					   "\xed\xa0\x80",
					   "\xe0\x80\x80",
					   "\xf0\x80\x80\x80",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff" };
	static const char *const good[] = { "\xc2\x80", "\xe2\x82\xac", "\xed\x9f\xbf",
					    "\xf0\x9f\x92\xb0", "\xf4\x8f\xbf\xbf" };
	struct record_fault fault;
	char json[512];
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(json, sizeof json, WITH("\"x\":\"%s\""), bad[i]);
		assert_int_equal(read_slow(&lenient, json, strlen(json), &fault), ERROR_INVALID);
		assert_string_equal(fault.code, "not-json");
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		snprintf(json, sizeof json, WITH("\"x\":\"%s\""), good[i]);
		assert_int_equal(read_slow(&lenient, json, strlen(json), &fault), ERROR_OK);
	}
}

static void members_are_judged_by_the_rules(void **state)
{
	(void)state;
	struct record_fault fault;
	assert_fault(WITH("\"price\":1"), "unknown-member", "price is no member of a tick");
	assert_fault(WITH("\"Volume\":1"), "unknown-member", "Volume is no member of a tick");
	assert_fault(WITH("\"\":1"), "unknown-member", "is no member of a tick");
	assert_fault(WITH("\"vol\\u0075me\":1"), "duplicate-member", "volume is given twice");
	static const char *const ignored[] = { WITH("\"x\":1,\"x\":2"),
					       WITH("\"x\":[1,{\"y\":null}]"),
					       WITH("\"x\":\"\\ud83d\\ude00\"") };
	for (size_t i = 0; i < COUNT(ignored); i++)
		assert_int_equal(read_slow(&lenient, ignored[i], strlen(ignored[i]), &fault),
				 ERROR_OK);
	const char *lone = WITH("\"x\":\"\\ud83d\"");
	assert_int_equal(read_slow(&lenient, lone, strlen(lone), &fault), ERROR_INVALID);
	assert_string_equal(fault.code, "not-json");
}

/* 60,000 brackets, and a depth just at the limit. */
static void nesting_is_limited(void **state)
{
	(void)state;
	static char json[RECORD_MAX_INPUT + 1];
	struct record_fault fault;
	strcpy(json, "{\"x\":");
	memset(json + 5, '[', 60000);
	assert_int_equal(read_slow(&lenient, json, 60005, &fault), ERROR_INVALID);
	assert_string_equal(fault.code, "too-large");
	for (int depth = RECORD_MAX_DEPTH - 1; depth <= RECORD_MAX_DEPTH; depth++) {
		char open[RECORD_MAX_DEPTH + 1] = "", close[RECORD_MAX_DEPTH + 1] = "";
		memset(open, '[', (size_t)depth);
		memset(close, ']', (size_t)depth);
		snprintf(json, sizeof json, WITH("\"x\":%s%s"), open, close);
		assert_int_equal(read_slow(&lenient, json, strlen(json), &fault),
				 depth < RECORD_MAX_DEPTH ? ERROR_OK : ERROR_INVALID);
	}
}

static void size_is_limited(void **state)
{
	(void)state;
	static char json[RECORD_MAX_INPUT + 2];
	struct record_fault fault;
	memset(json, ' ', sizeof json);
	memcpy(json, TICK, strlen(TICK));
	assert_int_equal(read_slow(&strict, json, RECORD_MAX_INPUT, &fault), ERROR_OK);
	assert_int_equal(read_slow(&strict, json, RECORD_MAX_INPUT + 1, &fault), ERROR_INVALID);
	assert_string_equal(fault.code, "too-large");
	assert_string_equal(fault.reason, "the record has 65537 bytes: at most 65536 are read");
}

/* The input that grows most by marking. */
static void many_numbers_fit(void **state)
{
	(void)state;
	static char json[RECORD_MAX_INPUT];
	struct record_fault fault;
	size_t n =
		(size_t)snprintf(json, sizeof json, "%.*s,\"x\":[1", (int)strlen(TICK) - 1, TICK);
	while (n + 4 < sizeof json)
		n += (size_t)snprintf(json + n, sizeof json - n, ",1");
	n += (size_t)snprintf(json + n, sizeof json - n, "]}");
	assert_int_equal(read_slow(&lenient, json, n, &fault), ERROR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_say_where),
		cmocka_unit_test(broken_utf8_is_refused),
		cmocka_unit_test(members_are_judged_by_the_rules),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(size_is_limited),
		cmocka_unit_test(many_numbers_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
