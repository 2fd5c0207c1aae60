/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_testing.h"
#include "row.h"
#include "timestamp.h"

static struct record_rules rules_now(const struct record_bounds *bounds)
{
	struct record_rules rules = row_rules(bounds);
	rules.wall_us = wall_now_us();
	return rules;
}

static void every_refusal_has_its_code(void **state)
{
	(void)state;
	static const struct {
		struct slice value;
		const char *code;
	} cases[] = {
		{ { NULL, 0 }, "null" },
		{ { "", 0 }, "empty" },
		{ { "x", 1 }, "not-json" },
		{ { "[]", 2 }, "not-object" },
	};
	const struct record_rules rules = rules_now(&RECORD_DEFAULT_BOUNDS);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct record record;
		struct record_fault fault;
		assert_int_equal(row_read(record_table(RECORD_TICK), &rules, &cases[i].value,
					  &record, &fault),
				 ERROR_INVALID);
		assert_string_equal(fault.code, cases[i].code);
		assert_string_equal(fault.field, "");
		assert_true(strlen(fault.reason) > 0);
	}
}

static void other_writers_members_are_ignored_and_theirs_kept(void **state)
{
	(void)state;
	static const char tick[] =
		"{\"origin\":1,\"timestamp\":\"2025-07-01T00:00:00Z\",\"buy_price\":1,"
		"\"sell_price\":1,\"volume\":1,\"volatility\":1,\"volume_normalized\":7}";
	const struct record_rules rules = rules_now(&RECORD_DEFAULT_BOUNDS);
	const struct slice value = { tick, sizeof tick - 1 };
	struct record record;
	struct record_fault fault;
	assert_int_equal(row_read(record_table(RECORD_TICK), &rules, &value, &record, &fault),
			 ERROR_OK);
	assert_true(record.values[7] == 7);
}

static void bounds_that_can_not_derive_refuse(void **state)
{
	(void)state;
	static const char tick[] =
		"{\"timestamp\":\"2025-07-01T00:00:00Z\",\"buy_price\":90000,\"sell_price\":1,"
		"\"volume\":1,\"volatility\":1}";
	struct record_bounds bounds = RECORD_DEFAULT_BOUNDS;
	bounds.price_low = 0;
	bounds.price_high = 1e-305;
	const struct record_rules rules = rules_now(&bounds);
	const struct slice value = { tick, sizeof tick - 1 };
	struct record record;
	struct record_fault fault;
	assert_int_equal(row_read(record_table(RECORD_TICK), &rules, &value, &record, &fault),
			 ERROR_INVALID);
	assert_string_equal(fault.code, "not-finite");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_code),
		cmocka_unit_test(other_writers_members_are_ignored_and_theirs_kept),
		cmocka_unit_test(bounds_that_can_not_derive_refuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
