/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hdfs_token.h"

static void assert_slice(struct slice slice, const char *expected)
{
	assert_int_equal(slice.length, strlen(expected));
	assert_memory_equal(slice.data, expected, slice.length);
}

static void without_security_all_is_empty(void **state)
{
	(void)state;
	char text[] = "AAAAAA";
	struct hdfs_token token;
	assert_true(hdfs_token_decode(text, &token));
	assert_slice(token.identifier, "");
	assert_slice(token.password, "");
	assert_slice(token.kind, "");
	assert_slice(token.service, "");
}

static void the_four_parts_come_out(void **state)
{
	(void)state;
	/* 2 "\xff\xfe" | 3 "pw?" | 16 HDFS_BLOCK_TOKEN | 1 "s" */
	char text[] = "Av_-A3B3PxBIREZTX0JMT0NLX1RPS0VOAXM";
	struct hdfs_token token;
	assert_true(hdfs_token_decode(text, &token));
	assert_slice(token.identifier, "\xff\xfe");
	assert_slice(token.password, "pw?");
	assert_slice(token.kind, "HDFS_BLOCK_TOKEN");
	assert_slice(token.service, "s");
}

static void long_parts_have_their_length_in_more_bytes(void **state)
{
	(void)state;
	/* 0x8f: one byte of length follows, 128; then 128 times 'a', and three empty parts */
	struct text packed;
	text_init(&packed, 1000);
	text_put(&packed, "\x8f\x80", 2);
	for (int i = 0; i < 128; i++)
		text_putc(&packed, 'a');
	text_put(&packed, "\0\0\0", 3);
	char memory[400];
	struct text text;
	struct hdfs_token token;
	text_init_fixed(&text, memory, sizeof memory);
	text_put_base64(&text, packed.data, packed.length);
	for (char *at = memory; *at; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at == '=' ? '\0' : *at;
	assert_true(hdfs_token_decode(memory, &token));
	assert_int_equal(token.identifier.length, 128);
	assert_int_equal(token.service.length, 0);
	text_clean_up(&packed);
}

static void what_is_no_token_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",         "A",      "AAAA",   "AAAAA",  "AAA AAA",
		"AAAAAA==", "AgAAAA", "gICAgA", "jwAAAA", "iP__________AAAA",
		"kAAAAA"
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char text[64];
		struct hdfs_token token;
		strcpy(text, bad[i]);
		if (hdfs_token_decode(text, &token))
			fail_msg("%s is taken for a token", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_security_all_is_empty),
		cmocka_unit_test(the_four_parts_come_out),
		cmocka_unit_test(long_parts_have_their_length_in_more_bytes),
		cmocka_unit_test(what_is_no_token_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
