/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oip_tensor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double read_one(const char *type, const char *bytes)
{
	double value = 0;
	struct oip_values values = { .bytes = (const unsigned char *)bytes,
				     .type = oip_type(type) };
	assert_non_null(values.type);
	bool finite = oip_values_next(&values, &value);
	assert_ptr_equal(values.bytes, bytes + oip_type_size(values.type));
	assert_int_equal(finite, isfinite(value));
	return value;
}

static void numbers_of_every_type(void **state)
{
	(void)state;
	static const struct {
		const char *type, *bytes;
		double value;
	} cases[] = {
		{ "FP64", "\0\0\0\0\0\0\xF8\x3F", 1.5 },
		{ "FP64", "\0\0\0\0\0\0\0\x80", 0 },
		{ "FP32", "\0\0\xC0\xBF", -1.5 },
		{ "FP16", "\0\x3E", 1.5 },
		{ "FP16", "\xFF\x7B", 65504 },
		{ "FP16", "\x01\x80", -0x1p-24 },
		{ "FP16", "\0\0", 0 },
		{ "INT64", "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", -2 },
		{ "INT64", "\0\0\0\0\0\0\0\x80", -0x1p63 },
		{ "INT64", "\0\0\0\0\0\0\x10\0", 0x1p52 },
		{ "INT32", "\xFF\xFF\xFF\xFF", -1 },
		{ "INT16", "\0\x80", -32768 },
		{ "INT8", "\x7F", 127 },
		{ "INT8", "\x80", -128 },
		{ "UINT64", "\0\0\0\0\0\0\0\x80", 0x1p63 },
		{ "UINT32", "\xFF\xFF\xFF\xFF", 4294967295.0 },
		{ "UINT16", "\x01\x02", 513 },
		{ "UINT8", "\xFF", 255 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double value = read_one(cases[i].type, cases[i].bytes);
		if (value != cases[i].value)
			fail_msg("case %zu, %s: %.17g", i, cases[i].type, value);
	}
}

static void what_is_not_finite_is_told(void **state)
{
	(void)state;
	assert_true(isinf(read_one("FP64", "\0\0\0\0\0\0\xF0\x7F")));
	assert_true(isnan(read_one("FP64", "\0\0\0\0\0\0\xF8\x7F")));
	assert_true(isinf(read_one("FP32", "\0\0\x80\xFF")));
	assert_true(isinf(read_one("FP16", "\0\x7C")));
	assert_true(isnan(read_one("FP16", "\x01\x7C")));
	assert_null(oip_type("BYTES"));
	assert_null(oip_type("BOOL"));
	assert_null(oip_type(""));
}

static void numbers_in_json(void **state)
{
	(void)state;
	double value;
	cJSON *json = cJSON_Parse("[1,[2],\"3\",[4,5]]");
	struct oip_values values = { .cell = json->child, .type = oip_type("FP64") };
	assert_true(oip_values_next(&values, &value) && value == 1);
	assert_true(oip_values_next(&values, &value) && value == 2);
	assert_false(oip_values_next(&values, &value));
	assert_false(oip_values_next(&values, &value));
	assert_null(values.cell);
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_every_type),
		cmocka_unit_test(what_is_not_finite_is_told),
		cmocka_unit_test(numbers_in_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
