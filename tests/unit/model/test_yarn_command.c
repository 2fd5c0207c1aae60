/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/yarn_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char urls[] = "", queue[] = "default", java[] = "java -Xmx256m", path[] = "/c:/lib/*",
	    none[] = "";
static const char *const files[] = { "loader", "libc.so.6" };

static struct yarn_settings settings_of(char *with_queue, char *with_java, char *with_path)
{
	return (struct yarn_settings){ .yarn_urls = urls,
				       .yarn_queue = with_queue,
				       .yarn_java = with_java,
				       .yarn_classpath = with_path,
				       .yarn_step_dir = none,
				       .yarn_maps = 3 };
}

static enum error write(const struct yarn_settings *settings, const char *input, const char *work,
			struct text *out, struct text *why)
{
	const struct yarn_command command = { .settings = settings,
					      .model = "ia",
					      .tag = "tickline-1-0",
					      .input = input,
					      .work = work,
					      .files = files,
					      .file_count = 2 };
	return yarn_command_write(&command, out, why);
}

static void the_command_is_whole(void **state)
{
	(void)state;
	struct yarn_settings settings = settings_of(queue, java, path);
	struct text out;
	text_init(&out, 10000);
	assert_int_equal(write(&settings, "/b/data/d", "/b/staging/yarn/1-0", &out, NULL),
			 ERROR_OK);
	assert_string_equal(
		out.data,
		"java -Xmx256m -cp '/c:/lib/*' org.apache.hadoop.streaming.HadoopStreaming "
		"-files "
		"hdfs:///b/staging/yarn/1-0/plan.json,hdfs:///b/staging/yarn/1-0/step/loader,"
		"hdfs:///b/staging/yarn/1-0/step/libc.so.6 "
		"-D mapreduce.job.name=tickline-ia -D mapreduce.job.tags=tickline-1-0 "
		"-D mapreduce.job.queuename=default -D mapreduce.job.reduces=1 "
		"-D yarn.app.mapreduce.am.staging-dir=/b/staging/yarn/1-0/mr "
		"-D textinputformat.record.delimiter=$'\\n' -D mapreduce.job.maps=3 "
		"-input '/b/data/d/part-*.csv' -output /b/staging/yarn/1-0/out "
		"-mapper 'loader --library-path . ./train-step map' "
		"-reducer 'loader --library-path . ./train-step reduce' "
		"-background 1><LOG_DIR>/stdout 2><LOG_DIR>/stderr");
	text_clean_up(&out);
}

static void folders_of_dates_are_read(void **state)
{
	(void)state;
	const struct {
		bool dated, undated;
		const char *expected;
	} cases[] = {
		{ true, false, " -input '/b/d/dt=*/part-*.csv' -output" },
		{ true, true, " -input '/b/d/{part-*.csv,dt=*/part-*.csv}' -output" },
		{ false, true, " -input '/b/d/part-*.csv' -output" },
	};
	struct yarn_settings settings = settings_of(queue, java, path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct yarn_command command = { .settings = &settings,
						      .model = "ia",
						      .tag = "tickline-1-0",
						      .input = "/b/d",
						      .dated = cases[i].dated,
						      .undated = cases[i].undated,
						      .work = "/b/w" };
		struct text out;
		text_init(&out, 10000);
		assert_int_equal(yarn_command_write(&command, &out, NULL), ERROR_OK);
		assert_non_null(strstr(out.data, cases[i].expected));
		text_clean_up(&out);
	}
}

static void nothing_gets_out_of_its_quotes(void **state)
{
	(void)state;
	char bad_queue[] = "a;b", bad_java[] = "java '", bad_path[] = "/x\"";
	const struct {
		struct yarn_settings settings;
		const char *input, *work, *named;
	} cases[] = {
		{ settings_of(queue, java, path), "/b c", "/w", "\"/b c\"" },
		{ settings_of(queue, java, path), "/b{c}", "/w", "\"/b{c}\"" },
		{ settings_of(queue, java, path), "/b", "/w,v", "\"/w,v\"" },
		{ settings_of(queue, java, path), "/b", "/$w", "\"/$w\"" },
		{ settings_of(queue, java, path), "/b", "", "\"\"" },
		{ settings_of(bad_queue, java, path), "/b", "/w", "yarn_queue" },
		{ settings_of(queue, bad_java, path), "/b", "/w", "yarn_java" },
		{ settings_of(queue, java, bad_path), "/b", "/w", "yarn_classpath" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out, why;
		text_init(&out, 10000);
		text_init(&why, 1000);
		assert_int_equal(
			write(&cases[i].settings, cases[i].input, cases[i].work, &out, &why),
			ERROR_INVALID);
		assert_int_equal(out.length, 0);
		assert_non_null(strstr(why.data, cases[i].named));
		text_clean_up(&out);
		text_clean_up(&why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_is_whole),
		cmocka_unit_test(folders_of_dates_are_read),
		cmocka_unit_test(nothing_gets_out_of_its_quotes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
