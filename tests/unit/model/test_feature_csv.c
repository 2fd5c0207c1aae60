/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feature_testing.h"

static void columns_are_bound_by_name(void **state)
{
	(void)state;
	struct taken t = taken_new();
	assert_int_equal(taken_read_csv(&t, "\xEF\xBB\xBFvolume,\"open\", high \r\n\r\n"
					    "4,1, 2.5\t\r\n"
					    "1e3,\"7\",\n"),
			 ERROR_OK);
	assert_int_equal(t.rows, 2);
	assert_true(t.x[0][0] == 1 && t.x[0][1] == 2.5 && t.x[0][3] == 4);
	assert_true(t.x[1][0] == 7 && t.x[1][1] == 0 && t.x[1][3] == 1000);
	assert_int_equal(taken_read_csv(&t, "open,volume"), ERROR_OK);
	assert_int_equal(t.rows, 0);
	version_release(&t.version);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{ "", "bad-csv", NULL, "no header", -1 },
		{ "\n\r\n", "bad-csv", NULL, "no header", -1 },
		{ "open,volume,foo\n", "unknown-feature", "foo", "is unknown", -1 },
		{ ",open,volume\n", "unknown-feature", "", "is unknown", -1 },
		{ "open,volume,open\n", "repeated-feature", "open", "two columns", -1 },
		{ "open\n1\n", "missing-feature", "volume", "is missing", -1 },
		{ "\"open,volume\n", "bad-csv", NULL, "quote", -1 },
		{ "open,volume\n1,2\n1,\n", "missing-feature", "volume", "is empty", 1 },
		{ "open,volume\n1,two\n", "wrong-type", "volume", "not \"two\"", 0 },
		{ "open,volume\n1,nan\n", "wrong-type", "volume", "must be a number", 0 },
		{ "open,volume\n1,1e999\n", "wrong-type", "volume", "double can hold", 0 },
		{ "open,volume\n1\n", "bad-csv", NULL, "1 cells, and the header 2", 0 },
		{ "open,volume\n1,2,3\n", "bad-csv", NULL, "3 cells, and the header 2", 0 },
		{ "open,volume\n1,\"2\n", "bad-csv", NULL, "quote", 0 },
		{ "open,volume\n1,1\n-1,1\n", "below-zero", NULL, "", 1 },
		{ "open,volume\n1,1\n1,1\n1,1\n1,1\n", "too-many-rows", NULL, "more than 3", -1 },
	};
	struct taken t = taken_new();
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		assert_int_equal(taken_read_csv(&t, refusals[i].text), ERROR_INVALID);
		refusal_check(&t, &refusals[i]);
	}
	version_release(&t.version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_bound_by_name),
		cmocka_unit_test(what_is_wrong_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
