/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "dead_letter.h"

static void writes_one_line_with_every_byte(void **state)
{
	(void)state;
	static const char raw[] = { (char)0xff, '\n', 0, '"' };
	const struct dead_letter letter = {
		.topic = "t",
		.partition = 3,
		.offset = INT64_C(9007199254740993),
		.timestamp_us = 1751328000000000,
		.reason = "not-json",
		.field = "",
		.text = "a \"quote\"\nand a line",
		.key = { "k", 1 },
		.raw = { raw, sizeof raw },
	};
	struct text out;
	text_init(&out, 4096);
	dead_letter_write(&letter, &out);
	assert_string_equal(out.data,
			    "{\"topic\":\"t\",\"partition\":3,\"offset\":9007199254740993,"
			    "\"timestamp\":\"2025-07-01T00:00:00.000000Z\",\"reason\":\"not-json\","
			    "\"field\":\"\",\"text\":\"a \\\"quote\\\"\\nand a line\","
			    "\"key\":\"aw==\",\"raw\":\"/woAIg==\"}\n");
	cJSON *json = cJSON_Parse(out.data);
	assert_non_null(json);
	cJSON_Delete(json);
	text_clean_up(&out);
}

static void nothing_is_null_and_not_empty(void **state)
{
	(void)state;
	struct text out;
	text_init(&out, 4096);
	struct dead_letter letter = {
		.topic = "t", .timestamp_us = -1, .reason = "null", .field = "", .text = ""
	};
	dead_letter_write(&letter, &out);
	assert_non_null(strstr(out.data, "\"timestamp\":null"));
	assert_non_null(strstr(out.data, "\"key\":null,\"raw\":null}"));
	text_reset(&out);
	letter.raw = (struct slice){ "", 0 };
	dead_letter_write(&letter, &out);
	assert_non_null(strstr(out.data, "\"raw\":\"\"}"));
	text_clean_up(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_one_line_with_every_byte),
		cmocka_unit_test(nothing_is_null_and_not_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
