/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static void every_code_has_its_own_name_and_a_text(void **state)
{
	(void)state;
	for (int a = 0; a < ERROR_COUNT; a++) {
		const char *name = error_name((enum error)a);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
		assert_true(strlen(error_text((enum error)a)) > 0);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(name, error_name((enum error)b));
	}
}

static void names_are_stable(void **state)
{
	(void)state;
	assert_string_equal(error_name(ERROR_OK), "ok");
	assert_string_equal(error_name(ERROR_SAFE_MODE), "safe-mode");
	assert_string_equal(error_name(ERROR_UNKNOWN_OUTCOME), "unknown-outcome");
}

static void a_code_outside_the_list_is_no_crash(void **state)
{
	(void)state;
	assert_non_null(error_name(ERROR_COUNT));
	assert_non_null(error_text((enum error) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_own_name_and_a_text),
		cmocka_unit_test(names_are_stable),
		cmocka_unit_test(a_code_outside_the_list_is_no_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
