/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct spec *builtin(const char *name)
{
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, name) == 0)
			return spec_builtin(i);
	fail_msg("there is no %s", name);
	return NULL;
}

static void built_in_specs(void **state)
{
	(void)state;
	const struct spec *ia = builtin("ia"), *streamlit = builtin("streamlit");
	assert_int_equal(ia->feature_count, 6);
	assert_string_equal(ia->table->fields[ia->target].name, "sell_price");
	assert_int_equal(ia->leakage, LEAKAGE_DROP);
	assert_false(spec_is_ordered(ia));
	assert_int_equal(streamlit->feature_count, 5);
	assert_true(spec_is_ordered(streamlit) && spec_reach_s(streamlit) == 0);
	const struct spec *forecast = builtin("forecast_15m");
	assert_int_equal(forecast->horizon_s, 900);
	assert_int_equal(forecast->split, SPLIT_TIME);
	assert_int_equal(forecast->anchor, spec_feature_index(forecast, "close"));
	assert_int_equal(spec_reach_s(forecast), 900 + 30);
	assert_true(builtin("forecast_1m")->builtin && builtin("forecast_5m")->horizon_s == 300);
}

static void names(void **state)
{
	(void)state;
	char longest[SPEC_MAX_NAME + 2];
	memset(longest, 'a', sizeof(longest));
	longest[SPEC_MAX_NAME] = '\0';
	assert_true(spec_name_ok("a") && spec_name_ok("a-1_b") && spec_name_ok(longest));
	longest[SPEC_MAX_NAME] = 'a';
	longest[SPEC_MAX_NAME + 1] = '\0';
	const char *const bad[] = { "", "A", "1a", "-a", "a/b", "a.b", "..", "a b", "ä", longest };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(spec_name_ok(bad[i]));
}

static void the_hash_tells_what_decides_about_rows(void **state)
{
	(void)state;
	struct spec spec = *builtin("forecast_1m");
	char before[65], after[65];
	assert_int_equal(spec_hash(&spec, before), ERROR_OK);
	assert_int_equal(strspn(before, "0123456789abcdef"), 64);
	strcpy(spec.name, "other");
	spec.description[0] = '\0';
	spec.leakage = LEAKAGE_DROP;
	spec.anchor = -1;
	assert_int_equal(spec_hash(&spec, after), ERROR_OK);
	assert_string_equal(before, after);
	spec.features[1].lag_s++;
	assert_int_equal(spec_hash(&spec, after), ERROR_OK);
	assert_string_not_equal(before, after);
	spec.features[1].lag_s--;
	spec.train_fraction = 0.7;
	assert_int_equal(spec_hash(&spec, after), ERROR_OK);
	assert_string_not_equal(before, after);
}

static void a_difference_with_the_record_before_needs_order(void **state)
{
	(void)state;
	struct spec spec = *builtin("ia");
	spec.features[0].transform = FEATURE_DIFFERENCE;
	assert_true(spec_is_ordered(&spec));
	spec.features[0].other = 2;
	assert_false(spec_is_ordered(&spec));
	spec.horizon_s = 1;
	assert_true(spec_is_ordered(&spec));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_specs),
		cmocka_unit_test(names),
		cmocka_unit_test(the_hash_tells_what_decides_about_rows),
		cmocka_unit_test(a_difference_with_the_record_before_needs_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
