/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dead_letter.h"

static void assert_same(const struct slice *a, const struct slice *b)
{
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->data == NULL, b->data == NULL);
	if (a->data)
		assert_memory_equal(a->data, b->data, a->length);
}

static void what_was_written_comes_back(const struct dead_letter *letter)
{
	struct text line;
	struct dead_letter again;
	cJSON *memory;
	text_init(&line, 1 << 20);
	dead_letter_write(letter, &line);
	assert_int_equal(dead_letter_read(line.data, line.length - 1, &again, &memory, NULL),
			 ERROR_OK);
	assert_string_equal(again.topic, letter->topic);
	assert_int_equal(again.partition, letter->partition);
	assert_int_equal(again.offset, letter->offset);
	assert_int_equal(again.timestamp_us, letter->timestamp_us);
	assert_string_equal(again.reason, letter->reason);
	assert_string_equal(again.field, letter->field);
	assert_string_equal(again.text, letter->text);
	assert_same(&again.key, &letter->key);
	assert_same(&again.raw, &letter->raw);
	cJSON_Delete(memory);
	text_clean_up(&line);
}

static void every_byte_comes_back(void **state)
{
	(void)state;
	char bytes[257];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	struct dead_letter letter = { .topic = "t",
				      .partition = 99999,
				      .offset = (int64_t)1 << 53,
				      .timestamp_us = 1751328000123000,
				      .reason = "not-json",
				      .field = "f",
				      .text = "a \"quote\"" };
	for (size_t length = 0; length <= sizeof bytes; length++) {
		letter.raw = (struct slice){ bytes, length };
		letter.key = (struct slice){ bytes + length / 2, length - length / 2 };
		what_was_written_comes_back(&letter);
	}
	letter.raw = letter.key = (struct slice){ 0 };
	letter.timestamp_us = -1;
	what_was_written_comes_back(&letter);
}

#define LINE(place, time, key, raw)      \
	"{" place ",\"timestamp\":" time \
	",\"reason\":\"r\",\"field\":\"\",\"text\":\"\",\"key\":" key ",\"raw\":" raw "}"
#define PLACE       "\"topic\":\"t\",\"partition\":0,\"offset\":1"
#define RAW(base64) LINE(PLACE, "null", "null", "\"" base64 "\"")

static void what_was_not_written_by_us_is_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *line, *why;
	} cases[] = {
		{ "", "no JSON" },
		{ "{", "no JSON" },
		{ "[]", "topic" },
		{ LINE("\"topic\":7,\"partition\":0,\"offset\":1", "null", "null", "null"),
		  "topic" },
		{ LINE("\"topic\":\"t\",\"partition\":-1,\"offset\":1", "null", "null", "null"),
		  "partition" },
		{ LINE("\"topic\":\"t\",\"partition\":100000,\"offset\":1", "null", "null", "null"),
		  "partition" },
		{ LINE("\"topic\":\"t\",\"partition\":0,\"offset\":1.5", "null", "null", "null"),
		  "offset" },
		{ LINE("\"topic\":\"t\",\"partition\":0,\"offset\":1e300", "null", "null", "null"),
		  "offset" },
		{ LINE(PLACE, "\"noon\"", "null", "null"), "timestamp" },
		{ LINE(PLACE, "7", "null", "null"), "timestamp" },
		{ LINE(PLACE, "null", "7", "null"), "key" },
		{ "{" PLACE ",\"timestamp\":null,\"reason\":\"r\",\"field\":\"\",\"text\":\"\","
		  "\"key\":null}",
		  "raw" },
		{ "{" PLACE ",\"timestamp\":null}", "reason" },
		{ RAW("A"), "raw" },
		{ RAW("AA"), "raw" },
		{ RAW("AAA"), "raw" },
		{ RAW("A==="), "raw" },
		{ RAW("AA=A"), "raw" },
		{ RAW("AA==AAAA"), "raw" },
		{ RAW("AB=="), "raw" }, /* bits that no byte has */
		{ RAW("AAB="), "raw" },
		{ RAW("AA A"), "raw" },
		{ RAW("AA_-"), "raw" },
		{ RAW("===="), "raw" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dead_letter letter;
		cJSON *memory;
		struct text why;
		text_init(&why, 1000);
		assert_int_equal(dead_letter_read(cases[i].line, strlen(cases[i].line), &letter,
						  &memory, &why),
				 ERROR_INVALID);
		assert_non_null(strstr(why.data, cases[i].why));
		cJSON_Delete(memory);
		text_clean_up(&why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(what_was_not_written_by_us_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
