/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/step_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct dataset_file files[] = { { 0, 0, 9, 100, DATA_CSV, DATE_NONE, true },
				       { 0, 10, 19, 100, DATA_CSV, DATE_NONE, true },
				       { 3, 0, 4, 50, DATA_CSV, DATE_NONE, true },
				       { 7, 2, 3, 20, DATA_CSV, DATE_NONE, true } };
static const struct dataset dataset = { .files = files, .count = 4 };

static void a_plan_holds_what_was_listed(void **state)
{
	(void)state;
	static const struct {
		struct dataset_file file;
		bool held;
	} cases[] = {
		{ { 0, 0, 9, 0, DATA_CSV, DATE_NONE, true }, true },
		{ { 0, 10, 19, 0, DATA_CSV, DATE_NONE, true }, true },
		{ { 0, 20, 29, 0, DATA_CSV, DATE_NONE, true }, false }, /* came later */
		{ { 0, 0, 29, 0, DATA_CSV, DATE_NONE, true },
		  false }, /* joined with one that came later
			    */
		{ { 3, 0, 4, 0, DATA_CSV, DATE_NONE, true }, true },
		{ { 5, 0, 4, 0, DATA_CSV, DATE_NONE, true }, false },
		{ { 7, 2, 3, 0, DATA_CSV, DATE_NONE, true }, true },
		{ { 8, 2, 3, 0, DATA_CSV, DATE_NONE, true }, false },
	};
	struct step_plan made, plan;
	struct text json, why;
	text_init(&json, STEP_MAX_PLAN);
	text_init(&why, 1000);
	assert_int_equal(step_plan_make(spec_builtin(1), &dataset, &made, &why), ERROR_OK);
	assert_int_equal(step_plan_write(&made, &json), ERROR_OK);
	assert_int_equal(step_plan_read(json.data, json.length, &plan, &why), ERROR_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(step_plan_holds(&made, &cases[i].file), cases[i].held);
		assert_int_equal(step_plan_holds(&plan, &cases[i].file), cases[i].held);
	}
	char mine[65], its[65];
	assert_int_equal(spec_hash(&made.spec, mine), ERROR_OK);
	assert_int_equal(spec_hash(&plan.spec, its), ERROR_OK);
	assert_string_equal(mine, its);
	step_plan_clean_up(&made);
	step_plan_clean_up(&plan);
	text_clean_up(&json);
	text_clean_up(&why);
}

static void what_is_no_plan_is_refused(void **state)
{
	(void)state;
	struct step_plan plan;
	struct text json, why;
	text_init(&json, STEP_MAX_PLAN);
	text_init(&why, 1000);
	assert_int_equal(step_plan_make(spec_builtin(0), &dataset, &plan, NULL), ERROR_OK);
	assert_int_equal(step_plan_write(&plan, &json), ERROR_OK);
	step_plan_clean_up(&plan);
	char *end = strstr(json.data, "\"partitions\":") + strlen("\"partitions\":");
	static const char *const bad[] = { "7}", "[[1]]}", "[[1,2],[1,3]]}", "[[-1,2]]}", "[", "" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(end, bad[i]);
		assert_int_equal(step_plan_read(json.data, strlen(json.data), &plan, &why),
				 ERROR_INVALID);
		step_plan_clean_up(&plan);
	}
	text_clean_up(&json);
	text_clean_up(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_holds_what_was_listed),
		cmocka_unit_test(what_is_no_plan_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
