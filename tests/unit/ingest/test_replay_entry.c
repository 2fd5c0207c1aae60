/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay_entry.h"

struct runs {
	int64_t ends[8][2];
	size_t count;
};

static void note(int64_t first, int64_t last, void *user)
{
	struct runs *runs = user;
	assert_true(runs->count < 8);
	runs->ends[runs->count][0] = first;
	runs->ends[runs->count++][1] = last;
}

static void runs_are_written_and_come_back(void **state)
{
	(void)state;
	static const int64_t offsets[] = {
		3, 4, 5, 9, INT64_C(9007199254740991), INT64_C(9007199254740992)
	};
	const struct replay_entry entry = { .partition = 2,
					    .offsets = offsets,
					    .count = 6,
					    .by = "an \"admin\"",
					    .wall_us = 1751328000000000 };
	char key[REPLAY_KEY_BYTES];
	struct text out;
	text_init(&out, REPLAY_ENTRY_BYTES);
	replay_entry_key(&entry, key);
	replay_entry_write(&entry, &out);
	assert_string_equal(key, "2:3");
	assert_string_equal(out.data,
			    "{\"partition\":2,\"offsets\":[[3,5],[9,9],[9007199254740991,"
			    "9007199254740992]],\"records\":6,\"by\":\"an \\\"admin\\\"\","
			    "\"at\":\"2025-07-01T00:00:00.000000Z\"}");
	struct runs runs = { 0 };
	assert_int_equal(replay_entry_read(out.data, out.length, 2, note, &runs, NULL), ERROR_OK);
	assert_int_equal(runs.count, 3);
	assert_int_equal(runs.ends[0][0], 3);
	assert_int_equal(runs.ends[0][1], 5);
	assert_int_equal(runs.ends[1][0], 9);
	assert_int_equal(runs.ends[2][1], INT64_C(9007199254740992));
	struct runs others = { 0 };
	assert_int_equal(replay_entry_read(out.data, out.length, 3, note, &others, NULL), ERROR_OK);
	assert_int_equal(others.count, 0);
	text_clean_up(&out);
}

static void the_largest_entry_fits(void **state)
{
	(void)state;
	enum { MOST = 10000 }; /* single offsets, of the longest numbers */
	int64_t *offsets = calloc(MOST, sizeof *offsets);
	assert_non_null(offsets);
	for (int64_t i = 0; i < MOST; i++)
		offsets[i] = ((int64_t)1 << 53) - 2 * (MOST - i);
	const struct replay_entry entry = { .offsets = offsets, .count = MOST, .by = "x" };
	struct text out;
	text_init(&out, REPLAY_ENTRY_BYTES);
	replay_entry_write(&entry, &out);
	assert_true(text_ok(&out));
	assert_true(out.length < 900000); /* librdkafka's own limit is a million */
	text_clean_up(&out);
	free(offsets);
}

static void what_is_no_entry_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		"no entry",
		"[]",
		"{}",
		"{\"partition\":0}",
		"{\"partition\":0,\"offsets\":{}}",
		"{\"partition\":0,\"offsets\":[3]}",
		"{\"partition\":0,\"offsets\":[[3]]}",
		"{\"partition\":0,\"offsets\":[[3,4,5]]}",
		"{\"partition\":0,\"offsets\":[[4,3]]}",
		"{\"partition\":0,\"offsets\":[[-1,3]]}",
		"{\"partition\":0,\"offsets\":[[1.5,3]]}",
		"{\"partition\":0,\"offsets\":[[1,\"3\"]]}",
		"{\"partition\":0.5,\"offsets\":[]}",
		"{\"partition\":\"0\",\"offsets\":[]}",
		"{\"partition\":1,\"offsets\":[[4,3]]}", /* also another partition's */
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct runs runs = { 0 };
		struct text why;
		text_init(&why, 1000);
		assert_int_equal(
			replay_entry_read(cases[i], strlen(cases[i]), 0, note, &runs, &why),
			ERROR_INVALID);
		assert_true(why.length > 0);
		text_clean_up(&why);
	}
	assert_int_equal(replay_entry_read(NULL, 0, 0, note, NULL, NULL), ERROR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_written_and_come_back),
		cmocka_unit_test(the_largest_entry_fits),
		cmocka_unit_test(what_is_no_entry_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
