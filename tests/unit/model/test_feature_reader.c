/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feature_testing.h"

static void rows_are_taken_by_name(void **state)
{
	(void)state;
	struct taken t = taken_new();
	assert_int_equal(taken_read_json(&t, feature_read_objects,
					 "[{\"volume\":4,\"open\":1},{\"open\":5,\"high\":6,"
					 "\"volume\":7}]"),
			 ERROR_OK);
	assert_int_equal(t.rows, 2);
	assert_true(t.x[0][0] == 1 && t.x[0][1] == 0 && t.x[0][3] == 4);
	assert_true(t.x[1][0] == 5 && t.x[1][1] == 6 && t.x[1][3] == 7);
	version_release(&t.version);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{ "[7]", "wrong-type", NULL, "must be an object", 0 },
		{ "[{\"open\":1,\"volume\":1},{\"open\":1}]", "missing-feature", "volume",
		  "is missing", 1 },
		{ "[{\"open\":\"1\",\"volume\":1}]", "wrong-type", "open", "not a string", 0 },
		{ "[{\"\":1}]", "unknown-feature", "", "is unknown", 0 },
		{ "[{\"open\":-1,\"volume\":1}]", "below-zero", NULL, "", 0 },
		{ "[{\"open\":1,\"volume\":1},{\"open\":1,\"volume\":1},{\"open\":1,\"volume\":1},"
		  "{\"open\":1,\"volume\":1}]",
		  "too-many-rows", NULL, "more than 3 rows", -1 },
	};
	struct taken t = taken_new();
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		t.reader.row = 0;
		assert_int_equal(taken_read_json(&t, feature_read_objects, refusals[i].text),
				 ERROR_INVALID);
		refusal_check(&t, &refusals[i]);
	}
	version_release(&t.version);
}

static void a_single_row_has_no_number(void **state)
{
	(void)state;
	static const struct refusal refusal = { "{}", "missing-feature", "open", "is missing", -1 };
	struct taken t = taken_new();
	t.reader.row = -1;
	assert_int_equal(taken_read_json(&t, feature_read_object, refusal.text), ERROR_INVALID);
	refusal_check(&t, &refusal);
	version_release(&t.version);
}

static void a_long_name_is_cut(void **state)
{
	(void)state;
	char json[400], name[300];
	struct taken t = taken_new();
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(json, sizeof json, "{\"%s\":1}", name);
	assert_int_equal(taken_read_json(&t, feature_read_object, json), ERROR_INVALID);
	assert_int_equal(strlen(t.reader.fault.feature), sizeof t.reader.fault.feature - 1);
	version_release(&t.version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_taken_by_name),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_single_row_has_no_number),
		cmocka_unit_test(a_long_name_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
