/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "envelope.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char BODY[] = "{\"version\":1,\"text\":\"}\\n\"}";

static void a_body_comes_back(void **state)
{
	(void)state;
	struct text text;
	struct slice body;
	text_init(&text, 1000);
	assert_int_equal(envelope_write(&text, BODY, strlen(BODY)), ERROR_OK);
	cJSON *json = cJSON_Parse(text.data); /* any reader of JSON can read it */
	assert_string_equal(cJSON_GetObjectItem(json, "sha256")->valuestring,
			    "999304f792cf93f0d1c1429d56ca8d3c7d2ae232b6d905199e0e474288e55cb3");
	cJSON_Delete(json);
	assert_int_equal(envelope_read(text.data, text.length, &body, NULL), ERROR_OK);
	assert_int_equal(body.length, strlen(BODY));
	assert_memory_equal(body.data, BODY, body.length);
	text_clean_up(&text);
}

/* Cut anywhere, or one bit turned anywhere: never taken. */
static void nothing_broken_is_taken(void **state)
{
	(void)state;
	struct text text;
	struct slice body;
	text_init(&text, 1000);
	assert_int_equal(envelope_write(&text, BODY, strlen(BODY)), ERROR_OK);
	for (size_t length = 0; length < text.length; length++)
		assert_int_equal(envelope_read(text.data, length, &body, NULL), ERROR_CHECKSUM);
	for (size_t i = 0; i < text.length; i++) {
		text.data[i] ^= 1;
		assert_int_equal(envelope_read(text.data, text.length, &body, NULL),
				 ERROR_CHECKSUM);
		text.data[i] ^= 1;
	}
	text_putc(&text, '\n');
	assert_int_equal(envelope_read(text.data, text.length, &body, NULL), ERROR_CHECKSUM);
	text_clean_up(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_comes_back),
		cmocka_unit_test(nothing_broken_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
