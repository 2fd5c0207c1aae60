/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

static void names_field_and_rule(void **state)
{
	(void)state;
	struct record_fault fault;
	assert_int_equal(record_fault_set(&fault, "missing", "close", 5, "is %s", "missing"),
			 ERROR_INVALID);
	assert_string_equal(fault.code, "missing");
	assert_string_equal(fault.field, "close");
	assert_string_equal(fault.reason, "close is missing");
	(void)record_fault_set(&fault, "not-json", "", 0, "not JSON");
	assert_string_equal(fault.field, "");
	assert_string_equal(fault.reason, "not JSON");
}

static void hostile_names_are_cut_and_escaped(void **state)
{
	(void)state;
	struct record_fault fault;
	(void)record_fault_set(&fault, "unknown-member", "a\nb\x1b\xff", 5, "is unknown");
	assert_string_equal(fault.field, "a\\nb\\u001b\xef\xbf\xbd");

	char name[4096];
	memset(name, '\x01', sizeof name);
	(void)record_fault_set(&fault, "unknown-member", name, sizeof name, "is unknown");
	assert_true(strlen(fault.field) > 0 && strlen(fault.field) < sizeof fault.field);
	assert_int_equal(strlen(fault.field) % 6, 0); /* whole escapes only */

	for (size_t i = 0; i + 1 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xa4", 2);
	for (size_t shift = 0; shift < 2; shift++) {
		name[0] = 'x';
		(void)record_fault_set(&fault, "unknown-member", name + shift,
				       sizeof name - 2 + shift, "is unknown");
		const size_t n = strlen(fault.field);
		assert_true(n >= 50 && n < sizeof fault.field);
		assert_memory_equal(fault.field + n - 2, "\xc3\xa4", 2);
	}
}

static void reasons_are_bounded(void **state)
{
	(void)state;
	struct record_fault fault;
	char name[100], shown[RECORD_MAX_SHOWN];
	memset(name, 'n', sizeof name);
	record_shown(shown, name, sizeof name, true);
	(void)record_fault_set(&fault, "wrong-type", name, sizeof name, "is %s: %s", shown,
			       "it must be an RFC 3339 time or an epoch number");
	assert_non_null(strstr(fault.reason, "epoch number"));
	char many[1000];
	memset(many, 'x', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	(void)record_fault_set(&fault, "wrong-type", "volume", 6, "%s", many);
	assert_int_equal(strlen(fault.reason), sizeof fault.reason - 1);
}

static void shows_values(void **state)
{
	(void)state;
	char out[RECORD_MAX_SHOWN];
	assert_string_equal(record_shown(out, "-5", 2, false), "-5");
	assert_string_equal(record_shown(out, "-5", 2, true), "\"-5\"");
	assert_string_equal(record_shown(out, "", 0, true), "\"\"");
	assert_string_equal(record_shown(out, "a\"b", 3, true), "\"a\\\"b\"");
	char longer[200];
	memset(longer, '7', sizeof longer);
	record_shown(out, longer, sizeof longer, false);
	assert_string_equal(out + strlen(out) - 4, "7...");
	memset(longer, '\0', sizeof longer);
	record_shown(out, longer, sizeof longer, true);
	assert_string_equal(out + strlen(out) - 10, "\\u0000\"...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_field_and_rule),
		cmocka_unit_test(hostile_names_are_cut_and_escaped),
		cmocka_unit_test(reasons_are_bounded),
		cmocka_unit_test(shows_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
