/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 8 };

/* Each line in brackets; a lost one as "!". */
static void note(const char *data, size_t length, void *user)
{
	struct text *seen = user;
	if (data)
		text_putf(seen, "[%.*s]", (int)length, data);
	else
		text_putc(seen, '!');
}

static const char INPUT[] = "one\n\ntwo\nthree\nlong-long-long\nx\n12345678\nend";

static void lines_come_whole_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= 4; piece++) {
		struct lines lines;
		struct text seen;
		text_init(&seen, 1000);
		lines_init(&lines, LIMIT, note, &seen);
		for (size_t at = 0; at < sizeof(INPUT) - 1; at += piece) {
			size_t left = sizeof(INPUT) - 1 - at;
			lines_take(&lines, INPUT + at, left < piece ? left : piece);
		}
		assert_string_equal(seen.data, "[one][][two][three]![x][12345678]");
		assert_true(lines_waiting(&lines));
		lines_take(&lines, "\n", 1);
		assert_false(lines_waiting(&lines));
		assert_non_null(strstr(seen.data, "[end]"));
		lines_clean_up(&lines);
		text_clean_up(&seen);
	}
}

static void a_line_in_one_piece_needs_no_memory(void **state)
{
	(void)state;
	struct lines lines;
	struct text seen;
	text_init(&seen, 1000);
	lines_init(&lines, LIMIT, note, &seen);
	lines_take(&lines, "a line of one piece\n", 20);
	assert_string_equal(seen.data, "[a line of one piece]");
	assert_int_equal(lines.carried.capacity, 0);
	lines_clean_up(&lines);
	text_clean_up(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole_however_they_are_cut),
		cmocka_unit_test(a_line_in_one_piece_needs_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
