/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "log.h"

enum { WRITERS = 4, LINES = 500 };

static int saved_stderr;
static FILE *captured;

static void capture(void)
{
	captured = tmpfile();
	assert_non_null(captured);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(captured), STDERR_FILENO);
}

/* What was written to standard error since capture(); the caller frees it. */
static char *release(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	long size = lseek(fileno(captured), 0, SEEK_END);
	char *all = calloc(1, (size_t)size + 1);
	rewind(captured);
	assert_int_equal(fread(all, 1, (size_t)size, captured), size);
	fclose(captured);
	return all;
}

static void expect_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_error("%s is not in: %s\n", part, text);
	assert_non_null(strstr(text, part));
}

static void a_text_line_is_logfmt(void **state)
{
	(void)state;
	log_init("gateway", LOG_INFO, LOG_FORMAT_TEXT);
	capture();
	log_info("file published", LOG_STR("file", "/bitcoin/part-0"), LOG_I64("rows", -7),
		 LOG_F64("rate", 0.5), LOG_STR("empty", ""), LOG_STR("missing", NULL),
		 LOG_STR("odd", "a \"b\"\n=\xff"));
	char *line = release();
	assert_memory_equal(line, "time=20", 7);
	expect_contains(line, "Z level=info service=gateway event=\"file published\" "
			      "file=/bitcoin/part-0 rows=-7 rate=0.5 empty=\"\" missing=\"\" "
			      "odd=\"a \\\"b\\\"\\n=\xef\xbf\xbd\"\n");
	free(line);
}

static void a_json_line_is_json(void **state)
{
	(void)state;
	log_init("ingest", LOG_DEBUG, LOG_FORMAT_JSON);
	capture();
	log_debug("x", LOG_STR("s", "a\"\xff"), LOG_I64("i", INT64_MIN), LOG_F64("nan", NAN));
	log_warn("no fields");
	char *lines = release();
	cJSON *json = cJSON_Parse(lines);
	assert_non_null(json);
	assert_string_equal(cJSON_GetObjectItem(json, "level")->valuestring, "debug");
	assert_string_equal(cJSON_GetObjectItem(json, "service")->valuestring, "ingest");
	assert_string_equal(cJSON_GetObjectItem(json, "s")->valuestring, "a\"\xef\xbf\xbd");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "nan")));
	cJSON_Delete(json);
	expect_contains(lines, "\"i\":-9223372036854775808");
	json = cJSON_Parse(strchr(lines, '\n') + 1);
	assert_non_null(json);
	assert_string_equal(cJSON_GetObjectItem(json, "event")->valuestring, "no fields");
	cJSON_Delete(json);
	free(lines);
}

static void what_is_below_the_level_is_not_written(void **state)
{
	(void)state;
	log_init("model", LOG_WARN, LOG_FORMAT_TEXT);
	capture();
	log_debug("a");
	log_info("b");
	log_warn("c");
	log_error("d");
	char *lines = release();
	assert_null(strstr(lines, "event=a"));
	assert_null(strstr(lines, "event=b"));
	expect_contains(lines, "level=warn service=model event=c\n");
	expect_contains(lines, "level=error service=model event=d\n");
	free(lines);
}

static void a_long_value_is_cut_between_characters(void **state)
{
	(void)state;
	char value[3001];
	for (size_t i = 0; i < 3000; i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3);
	value[3000] = '\0';
	log_init("gateway", LOG_INFO, LOG_FORMAT_JSON);
	capture();
	log_info("x", LOG_STR("long", value), LOG_STR("after", "still here"));
	char *line = release();
	assert_null(strstr(line, "\xef\xbf\xbd"));
	expect_contains(line, "\xe2\x82\xac...\",\"after\":\"still here\"}");
	free(line);
}

static void a_line_too_long_says_that_it_is_cut_and_stays_json(void **state)
{
	(void)state;
	char value[1001];
	memset(value, '\x01', 1000);
	value[1000] = '\0';
	log_init("gateway", LOG_INFO, LOG_FORMAT_JSON);
	capture();
	log_info("x", LOG_STR("a", value), LOG_STR("b", value), LOG_STR("c", value));
	char *line = release();
	cJSON *json = cJSON_Parse(line);
	assert_non_null(json);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "cut")));
	assert_non_null(cJSON_GetObjectItem(json, "b"));
	assert_null(cJSON_GetObjectItem(json, "c"));
	cJSON_Delete(json);
	free(line);
}

static void *write_lines(void *user)
{
	for (int i = 0; i < LINES; i++)
		log_info("line", LOG_I64("writer", *(int *)user), LOG_I64("i", i));
	return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
	(void)state;
	pthread_t threads[WRITERS];
	int numbers[WRITERS];
	log_init("gateway", LOG_INFO, LOG_FORMAT_JSON);
	capture();
	for (int i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	char *lines = release();
	int count = 0;
	for (char *at = lines, *end; (end = strchr(at, '\n')); at = end + 1, count++) {
		cJSON *json = cJSON_ParseWithLength(at, (size_t)(end - at));
		assert_non_null(json);
		cJSON_Delete(json);
	}
	assert_int_equal(count, WRITERS * LINES);
	free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_line_is_logfmt),
		cmocka_unit_test(a_json_line_is_json),
		cmocka_unit_test(what_is_below_the_level_is_not_written),
		cmocka_unit_test(a_long_value_is_cut_between_characters),
		cmocka_unit_test(a_line_too_long_says_that_it_is_cut_and_stays_json),
		cmocka_unit_test(lines_of_several_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
