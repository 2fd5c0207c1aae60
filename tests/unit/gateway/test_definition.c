/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/definition.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct definition read_definition(const char *text)
{
	struct definition d = { .json = cJSON_Parse(text), .complaints = cJSON_CreateArray() };
	assert_non_null(d.json);
	return d;
}

static void clean_up(struct definition *d)
{
	cJSON_Delete((cJSON *)(uintptr_t)d->json);
	cJSON_Delete(d->complaints);
}

static void assert_complaints(const struct definition *d, const char *const *fields, int count)
{
	assert_int_equal(count, cJSON_GetArraySize(d->complaints));
	assert_int_equal(count == 0, definition_is_good(d));
	for (int i = 0; i < count; i++) {
		const cJSON *one = cJSON_GetArrayItem(d->complaints, i);
		assert_string_equal(fields[i],
				    cJSON_GetStringValue(cJSON_GetObjectItem(one, "field")));
		assert_true(strlen(cJSON_GetStringValue(cJSON_GetObjectItem(one, "reason"))) > 0);
	}
}

static void what_is_given_is_read(void **state)
{
	(void)state;
	struct definition d =
		read_definition("{\"n\":2.5,\"low\":1,\"high\":9,\"i\":-7,\"s\":\"x\","
				"\"t\":\"2025-07-01T00:00:00Z\",\"e\":1751328000000}");
	assert_true(fabs(definition_number(&d, "n", 1, 9, 0) - 2.5) < 1e-12);
	assert_true(fabs(definition_number(&d, "low", 1, 9, 0) - 1) < 1e-12);
	assert_true(fabs(definition_number(&d, "high", 1, 9, 0) - 9) < 1e-12);
	assert_int_equal(-7, definition_integer(&d, "i", -7, 7, 0));
	assert_string_equal("x", definition_string(&d, "s", "y"));
	assert_int_equal(INT64_C(1751328000000000), definition_timestamp(&d, "t", 0));
	assert_int_equal(INT64_C(1751328000000000), definition_timestamp(&d, "e", 0));
	assert_complaints(&d, NULL, 0);
	clean_up(&d);
}

static void what_is_missing_or_null_has_its_default(void **state)
{
	(void)state;
	struct definition d = read_definition("{\"n\":null,\"s\":null}");
	assert_true(fabs(definition_number(&d, "n", 1, 9, 4) - 4) < 1e-12);
	assert_int_equal(5, definition_integer(&d, "absent", 1, 9, 5));
	assert_string_equal("y", definition_string(&d, "s", "y"));
	assert_null(definition_string(&d, "absent", NULL));
	assert_int_equal(6, definition_timestamp(&d, "absent", 6));
	assert_complaints(&d, NULL, 0);
	clean_up(&d);
}

static void what_is_wrong_is_complained_about_and_replaced(void **state)
{
	(void)state;
	struct definition d = read_definition(
		"{\"a\":\"1\",\"b\":10,\"c\":1.5,\"d\":[],\"e\":7,\"f\":\"noon\",\"g\":12,"
		"\"h\":1e300}");
	const char *const fields[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	assert_true(fabs(definition_number(&d, "a", 1, 9, 4) - 4) < 1e-12);
	assert_true(fabs(definition_number(&d, "b", 1, 9, 4) - 4) < 1e-12);
	assert_int_equal(4, definition_integer(&d, "c", 1, 9, 4));
	assert_int_equal(4, definition_integer(&d, "d", 1, 9, 4));
	assert_string_equal("y", definition_string(&d, "e", "y"));
	assert_int_equal(4, definition_timestamp(&d, "f", 4));
	assert_int_equal(4, definition_timestamp(&d, "g", 4));
	assert_int_equal(4, definition_timestamp(&d, "h", 4));
	assert_complaints(&d, fields, 8);
	clean_up(&d);
}

static void members_that_are_not_known_are_named(void **state)
{
	(void)state;
	static const char *const known[] = { "type", "seed" };
	const char *const fields[] = { "sede", "Type" };
	struct definition d = read_definition("{\"type\":1,\"sede\":2,\"Type\":3}");
	definition_allow(&d, known, 2);
	assert_complaints(&d, fields, 2);
	clean_up(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_given_is_read),
		cmocka_unit_test(what_is_missing_or_null_has_its_default),
		cmocka_unit_test(what_is_wrong_is_complained_about_and_replaced),
		cmocka_unit_test(members_that_are_not_known_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
