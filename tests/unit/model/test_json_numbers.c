/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_numbers.h"

static void exact_numbers_read_back(void **state)
{
	(void)state;
	const double values[] = { 0.1, 1.0 / 3, 5802637500000001e-16, -2.5e-300,
				  9007199254740993.0 };
	enum { COUNT = sizeof values / sizeof *values };
	double back[COUNT];
	cJSON *array = json_exact_array(values, COUNT);
	char *printed = cJSON_PrintUnformatted(array);
	cJSON *parsed = cJSON_Parse(printed);
	assert_true(json_read_doubles(parsed, back, COUNT));
	assert_memory_equal(values, back, sizeof values);
	assert_false(json_read_doubles(parsed, back, COUNT - 1));
	cJSON_Delete(parsed);
	cJSON_free(printed);
	cJSON_Delete(array);
	cJSON *none = json_exact(NAN);
	assert_true(cJSON_IsNull(none));
	cJSON_Delete(none);
}

static void integers_keep_to_what_a_double_holds(void **state)
{
	(void)state;
	int64_t value = 7;
	cJSON *item = cJSON_CreateNumber(9007199254740991.0);
	assert_true(json_read_integer(item, &value));
	assert_true(value == INT64_C(9007199254740991));
	cJSON_SetNumberValue(item, 0.5);
	assert_false(json_read_integer(item, &value));
	cJSON_SetNumberValue(item, 1e300);
	assert_false(json_read_integer(item, &value));
	cJSON_Delete(item);
	assert_false(json_read_integer(NULL, &value));
}

static void times_are_rfc_3339_or_null(void **state)
{
	(void)state;
	cJSON *object = cJSON_CreateObject();
	json_add_time(object, "at", INT64_C(1751328000000001));
	json_add_time(object, "never", 0);
	char *printed = cJSON_PrintUnformatted(object);
	assert_string_equal(printed, "{\"at\":\"2025-07-01T00:00:00.000001Z\",\"never\":null}");
	cJSON_free(printed);
	cJSON_Delete(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_numbers_read_back),
		cmocka_unit_test(integers_keep_to_what_a_double_holds),
		cmocka_unit_test(times_are_rfc_3339_or_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
