/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "local_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[] = "/tmp/tickline-store-XXXXXX";

static int make_base(void **state)
{
	(void)state;
	return mkdtemp(base) ? 0 : -1;
}

static int remove_base(void **state)
{
	(void)state;
	local_remove_folder(base);
	return 0;
}

static const char *below(const char *name)
{
	static char path[300];
	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void writes_and_reads(void **state)
{
	(void)state;
	struct text text;
	text_init(&text, 10);
	assert_int_equal(local_read(below("a/b/c.json"), &text, NULL), ERROR_NOT_FOUND);
	assert_int_equal(local_write(below("a/b/c.json"), "first", 5, NULL), ERROR_OK);
	assert_int_equal(local_write(below("a/b/c.json"), "second", 6, NULL), ERROR_OK);
	assert_int_equal(local_read(below("a/b/c.json"), &text, NULL), ERROR_OK);
	assert_string_equal(text.data, "second");
	assert_true(access(below("a/b/c.json.new"), F_OK) != 0);
	text_reset(&text);
	assert_int_equal(local_write(below("a/b/c.json"), "12345678901", 11, NULL), ERROR_OK);
	assert_int_equal(local_read(below("a/b/c.json"), &text, NULL), ERROR_LIMIT);
	text_clean_up(&text);
	local_remove_folder(below("a/b"));
	assert_true(access(below("a/b"), F_OK) != 0);
	assert_int_equal(rmdir(below("a")), 0);
}

static void what_is_in_the_way_is_named(void **state)
{
	(void)state;
	char memory[400];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	assert_int_equal(local_write(below("file"), "x", 1, NULL), ERROR_OK);
	assert_int_equal(local_make_folder(below("file/below"), &why), ERROR_SYSTEM);
	assert_non_null(strstr(why.data, "Not a directory"));
	text_reset(&why);
	assert_int_equal(local_make_folder("", &why), ERROR_SYSTEM);
	assert_int_equal(local_make_folder(base, NULL), ERROR_OK);
	assert_int_equal(mkdir(below("taken.json"), 0755), 0);
	text_reset(&why);
	assert_int_equal(local_write(below("taken.json"), "x", 1, &why), ERROR_SYSTEM);
	assert_true(access(below("taken.json.new"), F_OK) != 0);
	assert_int_equal(rmdir(below("taken.json")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads),
		cmocka_unit_test(what_is_in_the_way_is_named),
	};
	return cmocka_run_group_tests(tests, make_base, remove_base);
}
