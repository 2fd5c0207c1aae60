/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "date_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "timestamp.h"

static const char *const NOT_OURS[] = {
	"",
	"dt=",
	"dt=2026-11-2",
	"dt=2026-11-255",
	"dt=2026-13-01",
	"dt=2026-02-29",
	"dt=1970-01-01",
	"dt=1969-12-31",
	"dt=2026/11/25",
	"DT=2026-11-25",
	"dt=+026-11-25",
	"dt=2026-1125 ",
	"dt=2026-11-25T",
};

static void names_and_back(void **state)
{
	(void)state;
	const char *names[] = { "dt=2009-01-03", "dt=2024-02-29", "dt=2026-11-25",
				"dt=9999-12-31" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char name[DATE_FOLDER_SIZE];
		int32_t date = DATE_NONE;
		assert_true(date_folder_parse(names[i], &date));
		date_folder_print(date, name);
		assert_string_equal(name, names[i]);
	}
	for (size_t i = 0; i < sizeof NOT_OURS / sizeof NOT_OURS[0]; i++) {
		int32_t date;
		if (date_folder_parse(NOT_OURS[i], &date))
			fail_msg("taken: %s", NOT_OURS[i]);
	}
}

static void a_day_is_that_of_utc(void **state)
{
	(void)state;
	const char *last = "2026-11-25T23:59:59.999999Z";
	int64_t us;
	assert_int_equal(timestamp_read(last, strlen(last), &us), ERROR_OK);
	assert_int_equal(date_of_us(us) + 1, date_of_us(us + 1));
	assert_int_equal(date_of_us(us), date_of_us(us - INT64_C(86399999999)));
	assert_int_equal(date_of_us(-1), -1);
}

static void paths(void **state)
{
	(void)state;
	char path[40], cut[8];
	date_folder_path("/a/b", DATE_NONE, path, sizeof path);
	assert_string_equal(path, "/a/b");
	date_folder_path("/a/b", 1, path, sizeof path);
	assert_string_equal(path, "/a/b/dt=1970-01-02");
	date_folder_path("/a/b", 1, cut, sizeof cut);
	assert_string_equal(cut, "/a/b/dt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_back),
		cmocka_unit_test(a_day_is_that_of_utc),
		cmocka_unit_test(paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
