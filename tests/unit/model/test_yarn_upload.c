/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/yarn_upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../common/fake_hdfs.h"

struct fixture {
	char folder[64], memory[1000];
	struct text why;
};

static int begin(void **state)
{
	static struct fixture f;
	strcpy(f.folder, "/tmp/tickline-step-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	text_init_fixed(&f.why, f.memory, sizeof(f.memory));
	*state = &f;
	return 0;
}

static int end(void **state)
{
	char command[100];
	struct fixture *f = *state;
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	return system(command);
}

static void put(const struct fixture *f, const char *name, const char *content)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void the_folder_is_beside_the_program(void **state)
{
	struct fixture *f = *state;
	char folder[1000];
	assert_int_equal(step_folder("/set", folder, sizeof(folder), &f->why), ERROR_OK);
	assert_string_equal(folder, "/set");
	assert_int_equal(step_folder("", folder, sizeof(folder), &f->why), ERROR_OK);
	assert_non_null(strstr(folder, "/tests/model/step"));
}

static void what_is_missing_is_named(void **state)
{
	struct fixture *f = *state;
	struct step_files files;
	assert_int_equal(step_files_list("/nowhere", &files, &f->why), ERROR_SYSTEM);
	assert_non_null(strstr(f->memory, "yarn_step_dir: /nowhere"));
	text_reset(&f->why);
	put(f, "loader", "1");
	assert_int_equal(step_files_list(f->folder, &files, &f->why), ERROR_INVALID);
	assert_non_null(strstr(f->memory, "there is no train-step"));
	for (int i = 0; i < STEP_MAX_FILES; i++) {
		char name[32];
		snprintf(name, sizeof(name), "lib%d.so", i);
		put(f, name, "");
	}
	assert_int_equal(step_files_list(f->folder, &files, &f->why), ERROR_INVALID);
}

static void all_is_copied(void **state)
{
	struct fixture *f = *state;
	struct fake_hdfs *hdfs = fake_hdfs_start();
	const struct webhdfs_options options = fake_options(hdfs);
	struct webhdfs *client = NULL;
	struct step_files files;
	struct text plan;
	text_init(&plan, 100);
	text_puts(&plan, "{}");
	put(f, "loader", "12345");
	put(f, "train-step", "123");
	assert_int_equal(step_files_list(f->folder, &files, &f->why), ERROR_OK);
	assert_int_equal(webhdfs_new(&options, &client, NULL), ERROR_OK);
	assert_int_equal(step_upload(client, f->folder, &files, &plan, "/w", &f->why), ERROR_OK);
	pthread_mutex_lock(&hdfs->lock);
	assert_int_equal(hdfs->count, 3);
	assert_int_equal(fake_find(hdfs, "/w/step/loader")->length, 5);
	assert_int_equal(fake_find(hdfs, "/w/step/train-step")->length, 3);
	assert_int_equal(fake_find(hdfs, "/w/plan.json")->length, 2);
	pthread_mutex_unlock(&hdfs->lock);
	assert_int_equal(step_upload(client, f->folder, &files, &plan, "/w", &f->why),
			 ERROR_EXISTS);
	webhdfs_destroy(&client);
	text_clean_up(&plan);
	fake_hdfs_stop(hdfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_folder_is_beside_the_program, begin, end),
		cmocka_unit_test_setup_teardown(what_is_missing_is_named, begin, end),
		cmocka_unit_test_setup_teardown(all_is_copied, begin, end),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
