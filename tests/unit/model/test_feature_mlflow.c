/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feature_testing.h"

/* Two rows, (1, 4) and (7, 1000), in every form that an MLflow client sends. */
static void every_form_gives_the_same_rows(void **state)
{
	(void)state;
	static const char *const forms[] = {
		"{\"dataframe_split\":{\"index\":[0,1],\"columns\":[\"volume\",\"open\"],\"data\":"
		"[[4,1],[1000,7]]}}",
		"{\"dataframe_records\":[{\"open\":1,\"volume\":4},{\"volume\":1000,\"open\":7}]}",
		"{\"instances\":[{\"open\":1,\"volume\":4},{\"volume\":1000,\"open\":7}]}",
		"{\"instances\":[[1,0,0,4,0],[7,0,0,1000,0]]}",
		"{\"inputs\":{\"volume\":[4,1000],\"open\":[1,7]}}",
		"{\"inputs\":{\"volume\":[[4],[1000]],\"open\":[[1],[7]]}}",
		"{\"inputs\":[[1,0,0,4,0],[7,0,0,1000,0]]}",
		"{\"inputs\":[{\"open\":1,\"volume\":4},{\"volume\":1000,\"open\":7}]}",
	};
	struct taken t = taken_new();
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (taken_read_json(&t, feature_read_mlflow, forms[i]) != ERROR_OK)
			fail_msg("%s: %s", forms[i], t.reader.fault.reason);
		assert_int_equal(t.rows, 2);
		assert_true(t.x[0][0] == 1 && t.x[0][3] == 4);
		assert_true(t.x[1][0] == 7 && t.x[1][3] == 1000);
	}
	version_release(&t.version);
}

static void no_rows_give_none(void **state)
{
	(void)state;
	static const char *const forms[] = {
		"{\"dataframe_split\":{\"columns\":[\"volume\",\"open\"],\"data\":[]}}",
		"{\"dataframe_records\":[]}",
		"{\"instances\":[]}",
		"{\"inputs\":{\"volume\":[],\"open\":[]}}",
	};
	struct taken t = taken_new();
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		assert_int_equal(taken_read_json(&t, feature_read_mlflow, forms[i]), ERROR_OK);
		assert_int_equal(t.rows, 0);
	}
	version_release(&t.version);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{ "[]", "no-inputs", NULL, "one of dataframe_split", -1 },
		{ "{}", "no-inputs", NULL, "one of dataframe_split", -1 },
		{ "{\"inputs\":[],\"instances\":[]}", "no-inputs", NULL, "one of", -1 },
		{ "{\"dataframe_split\":[]}", "wrong-type", NULL, "arrays columns and data", -1 },
		{ "{\"dataframe_split\":{\"columns\":[7],\"data\":[]}}", "wrong-type", NULL,
		  "must be the features' names", -1 },
		{ "{\"dataframe_split\":{\"columns\":[\"open\"],\"data\":[]}}", "missing-feature",
		  "volume", "is missing", -1 },
		{ "{\"dataframe_split\":{\"columns\":[\"open\",\"volume\",\"x\"],\"data\":[]}}",
		  "unknown-feature", "x", "is unknown", -1 },
		{ "{\"dataframe_split\":{\"columns\":[\"open\",\"volume\"],\"data\":[[1,1],[1]]}}",
		  "bad-shape", NULL, "array of 2 numbers", 1 },
		{ "{\"dataframe_split\":{\"columns\":[\"open\",\"volume\"],\"data\":[7]}}",
		  "bad-shape", NULL, "array of 2 numbers", 0 },
		{ "{\"dataframe_split\":{\"columns\":[\"open\",\"volume\"],\"data\":[[1,null]]}}",
		  "wrong-type", "volume", "not null", 0 },
		{ "{\"dataframe_records\":{}}", "wrong-type", NULL, "must be an array", -1 },
		{ "{\"dataframe_records\":[{\"open\":1}]}", "missing-feature", "volume",
		  "is missing", 0 },
		{ "{\"instances\":[[1,2]]}", "bad-shape", NULL, "array of 5 numbers", 0 },
		{ "{\"instances\":[[1,2,3,4,5],{}]}", "bad-shape", NULL, "array of 5", 1 },
		{ "{\"instances\":7}", "wrong-type", NULL, "must be an array", -1 },
		{ "{\"inputs\":{}}", "missing-feature", "open", "is missing", -1 },
		{ "{\"inputs\":{\"open\":[1],\"volume\":[1,2]}}", "bad-shape", "volume",
		  "as many values", -1 },
		{ "{\"inputs\":{\"open\":7}}", "bad-shape", "open", "must be an array", -1 },
		{ "{\"inputs\":{\"open\":[1,[1,2]],\"volume\":[1,2]}}", "wrong-type", "open",
		  "not an array", 1 },
	};
	struct taken t = taken_new();
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		assert_int_equal(taken_read_json(&t, feature_read_mlflow, refusals[i].text),
				 ERROR_INVALID);
		refusal_check(&t, &refusals[i]);
	}
	version_release(&t.version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_gives_the_same_rows),
		cmocka_unit_test(no_rows_give_none),
		cmocka_unit_test(what_is_wrong_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
