/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/line_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct line_reader *reader_of(const char *data, size_t length)
{
	char path[] = "/tmp/line-reader-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(0, unlink(path));
	assert_int_equal((ssize_t)length, write(fd, data, length));
	struct line_reader *reader = line_reader_new(fd);
	assert_non_null(reader);
	return reader;
}

static void read_rest(struct line_reader *reader, struct text *out)
{
	struct slice line;
	uint64_t number;
	enum error error;
	while ((error = line_reader_next(reader, &line, &number)) != ERROR_NOT_FOUND) {
		if (error == ERROR_OK)
			text_putf(out, "%d:%.*s|", (int)number, (int)line.length, line.data);
		else
			text_putf(out, "%d!%d|", (int)number, (int)error);
	}
}

static void assert_lines(const char *data, size_t skip, bool backwards, const char *expected)
{
	struct text out;
	struct slice line;
	uint64_t number;
	text_init(&out, 1 << 20);
	struct line_reader *reader = reader_of(data, strlen(data));
	for (size_t i = 0; i < skip; i++)
		assert_int_equal(ERROR_OK, line_reader_next(reader, &line, &number));
	if (backwards)
		assert_int_equal(ERROR_OK, line_reader_turn(reader));
	text_puts(&out, "");
	read_rest(reader, &out);
	assert_string_equal(expected, out.data);
	assert_int_equal((int)strlen(data), (int)line_reader_size(reader));
	line_reader_destroy(&reader);
	assert_null(reader);
	text_clean_up(&out);
}

static void lines_come_forwards(void **state)
{
	(void)state;
	assert_lines("a\nbc\nd", 0, false, "1:a|2:bc|3:d|");
	assert_lines("a\n\nd\n", 0, false, "1:a|2:|3:d|");
	assert_lines("\n", 0, false, "1:|");
	assert_lines("", 0, false, "");
}

static void lines_come_backwards(void **state)
{
	(void)state;
	assert_lines("a\nbc\nd", 0, true, "3:d|2:bc|1:a|");
	assert_lines("a\nbc\nd\n", 0, true, "3:d|2:bc|1:a|");
	assert_lines("head\na\nb\n", 1, true, "3:b|2:a|");
	assert_lines("head\n\n\nb", 1, true, "4:b|3:|2:|");
	assert_lines("head\n", 1, true, "");
	assert_lines("head", 1, true, "");
	assert_lines("", 0, true, "");
	assert_lines("\n\n", 0, true, "2:|1:|");
}

/* Lines of many lengths over many windows: both ways give the same lines. */
static void both_ways_agree_over_many_windows(void **state)
{
	(void)state;
	enum { LINES = 3000 };
	struct text data;
	text_init(&data, 64 << 20);
	for (int i = 1; i <= LINES; i++) {
		int length = (i * 7919) % 400;
		text_putf(&data, "%d,%0*d\n", i, length + 1, i);
	}
	for (int way = 0; way < 2; way++) {
		struct line_reader *reader = reader_of(data.data, data.length);
		if (way)
			assert_int_equal(ERROR_OK, line_reader_turn(reader));
		struct slice line;
		uint64_t number;
		for (int i = 1; i <= LINES; i++) {
			int expected = way ? LINES + 1 - i : i;
			assert_int_equal(ERROR_OK, line_reader_next(reader, &line, &number));
			assert_int_equal(expected, (int)number);
			assert_int_equal(expected, atoi(line.data));
		}
		assert_int_equal(ERROR_NOT_FOUND, line_reader_next(reader, &line, &number));
		assert_int_equal((int)data.length, (int)line_reader_done(reader));
		line_reader_destroy(&reader);
	}
	text_clean_up(&data);
}

static void a_line_over_the_limit_is_skipped(void **state)
{
	(void)state;
	struct text data, out;
	text_init(&data, 1 << 20);
	text_init(&out, 1 << 20);
	text_puts(&data, "first\n");
	for (int i = 0; i < 3 * LINE_READER_MAX_LINE; i++)
		text_putc(&data, 'x');
	text_puts(&data, "\nlast\n");
	struct line_reader *reader = reader_of(data.data, data.length);
	read_rest(reader, &out);
	char expected[64];
	snprintf(expected, sizeof(expected), "1:first|2!%d|3:last|", (int)ERROR_LIMIT);
	assert_string_equal(expected, out.data);
	line_reader_destroy(&reader);
	reader = reader_of(data.data, data.length);
	assert_int_equal(ERROR_OK, line_reader_turn(reader));
	text_reset(&out);
	read_rest(reader, &out);
	snprintf(expected, sizeof(expected), "3:last|2!%d|1:first|", (int)ERROR_LIMIT);
	assert_string_equal(expected, out.data);
	line_reader_destroy(&reader);
	text_clean_up(&data);
	text_clean_up(&out);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(0, pipe(ends));
	assert_null(line_reader_new(ends[0]));
	assert_int_equal(-1, close(ends[0])); /* it was taken */
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_forwards),
		cmocka_unit_test(lines_come_backwards),
		cmocka_unit_test(both_ways_agree_over_many_windows),
		cmocka_unit_test(a_line_over_the_limit_is_skipped),
		cmocka_unit_test(what_is_no_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
