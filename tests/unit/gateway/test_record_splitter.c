/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_splitter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

enum { LIMIT = 64 };

/* Each event as one line: "index@line:data", "index@line too big", "broken@line: reason", "end". */
static enum split_event describe(struct splitter *splitter, struct text *out)
{
	struct split_part part;
	enum split_event event;
	while ((event = splitter_next(splitter, &part)) != SPLIT_MORE) {
		if (event == SPLIT_RECORD)
			text_putf(out, "%d@%d:%.*s\n", (int)part.index, (int)part.line,
				  (int)part.length, part.data);
		else if (event == SPLIT_TOO_BIG)
			text_putf(out, "%d@%d too big\n", (int)part.index, (int)part.line);
		else
			break;
	}
	if (event == SPLIT_BROKEN)
		text_putf(out, "broken@%d: %s\n", (int)part.line, part.reason);
	else if (event == SPLIT_END)
		text_puts(out, splitter_is_blank(splitter) ? "blank end\n" : "end\n");
	return event;
}

/* The body in pieces of `size` bytes, each piece in memory of exactly its length. */
static void split(enum split_format format, const char *body, size_t length, size_t first,
		  size_t size, struct text *out)
{
	struct splitter *splitter = splitter_new(format, LIMIT);
	size_t at = 0, next = first;
	enum split_event event = SPLIT_MORE;
	while (at < length && event == SPLIT_MORE) {
		if (next > length - at)
			next = length - at;
		char *piece = malloc(next ? next : 1);
		assert_non_null(piece);
		memcpy(piece, body + at, next);
		splitter_feed(splitter, piece, next);
		event = describe(splitter, out);
		free(piece);
		at += next;
		next = size;
	}
	if (event == SPLIT_MORE) {
		splitter_finish(splitter);
		describe(splitter, out);
	}
	splitter_destroy(&splitter);
	assert_null(splitter);
}

/* Whole, byte by byte, and cut in two at every place. */
static void assert_split(enum split_format format, const char *body, const char *expected)
{
	size_t length = strlen(body);
	for (size_t first = 0; first <= length; first++) {
		struct text whole, bytes;
		text_init(&whole, 1 << 20);
		text_init(&bytes, 1 << 20);
		split(format, body, length, first, length ? length : 1, &whole);
		assert_string_equal(expected, whole.data);
		split(format, body, length, first ? first : 1, 1, &bytes);
		assert_string_equal(expected, bytes.data);
		text_clean_up(&whole);
		text_clean_up(&bytes);
	}
}

struct row {
	const char *body, *expected;
};

static void assert_rows(enum split_format format, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_split(format, rows[i].body, rows[i].expected);
}

static void lines_are_split_and_numbered(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ "", "blank end\n" },
		{ "\n \r\n\t\n", "blank end\n" },
		{ "{1}", "0@1:{1}\nend\n" },
		{ "{1}\n", "0@1:{1}\nend\n" },
		{ "{1}\r\n{2}\r\n\r\n{3}", "0@1:{1}\n1@2:{2}\n2@4:{3}\nend\n" },
		{ "\n\n  {1}  \n{2}{3}\n", "0@3:{1}\n1@4:{2}{3}\nend\n" },
		{ "\xef\xbb\xbf{1}\n{2}", "0@1:{1}\n1@2:{2}\nend\n" },
		{ "a,b\n1,2\n", "0@1:a,b\n1@2:1,2\nend\n" },
		{ "[[[[\n{1}", "0@1:[[[[\n1@2:{1}\nend\n" },
	};
	assert_rows(SPLIT_LINES, rows, sizeof(rows) / sizeof(rows[0]));
}

static void half_a_byte_order_mark_is_data(void **state)
{
	(void)state;
	assert_split(SPLIT_LINES, "\xef\xbb{1}\n", "0@1:\xef\xbb{1}\nend\n");
	assert_split(SPLIT_LINES, "\xefx", "0@1:\xefx\nend\n");
	assert_split(SPLIT_JSON, "\xef\xbb{}", "broken@1: it begins neither with { nor with [\n");
	assert_split(SPLIT_JSON, "\xef\xbb\xbf{}", "0@1:{}\nend\n");
}

static void a_lone_object_waits_for_the_end(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ "{\"a\":1}", "0@1:{\"a\":1}\nend\n" },
		{ " \n{\"a\":[1,{}]} \n ", "0@2:{\"a\":[1,{}]}\nend\n" },
		{ "{\"a\":\"}\\\"}\\\\\"}", "0@1:{\"a\":\"}\\\"}\\\\\"}\nend\n" },
		{ "{\"a\":1} x", "broken@1: more follows the object; several go as an array or as "
				 "application/x-ndjson\n" },
		{ "{}\n{}", "broken@2: more follows the object; several go as an array or as "
			    "application/x-ndjson\n" },
		{ "{\"a\":1", "broken@1: it ends within the object\n" },
		{ "{\"a\":\"", "broken@1: it ends within the object\n" },
		{ "{\"a\":[}", "broken@1: a bracket does not match\n" },
		{ "\n7", "broken@2: it begins neither with { nor with [\n" },
		{ "hello", "broken@1: it begins neither with { nor with [\n" },
	};
	assert_rows(SPLIT_JSON, rows, sizeof(rows) / sizeof(rows[0]));
}

static void array_elements_come_as_they_arrive(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ "[]", "end\n" },
		{ " [ \n ] ", "end\n" },
		{ "[{1},{2}]", "0@1:{1}\n1@1:{2}\nend\n" },
		{ "[\n{1}\n,\n\n {2}\r\n]\n", "0@2:{1}\n1@5:{2}\nend\n" },
		{ "[{\"a\":\"]},\"},7,[1,2],\"x,y\",{}{}]",
		  "0@1:{\"a\":\"]},\"}\n1@1:7\n2@1:[1,2]\n3@1:\"x,y\"\n4@1:{}{}\nend\n" },
		{ "[{1},]", "0@1:{1}\nbroken@1: an element of the array is missing\n" },
		{ "[,{1}]", "broken@1: an element of the array is missing\n" },
		{ "[{1},,{2}]", "0@1:{1}\nbroken@1: an element of the array is missing\n" },
		{ "[{1},\n{2", "0@1:{1}\nbroken@2: it ends within the array\n" },
		{ "[{1}", "broken@1: it ends within the array\n" },
		{ "[", "broken@1: it ends within the array\n" },
		{ "[{1},", "0@1:{1}\nbroken@1: it ends within the array\n" },
		{ "[{1]}", "broken@1: a bracket does not match\n" },
		{ "[{1}}]", "broken@1: a bracket does not match\n" },
		{ "[{1}] ,", "0@1:{1}\nbroken@1: more follows the array\n" },
		{ "[{1}][{2}]", "0@1:{1}\nbroken@1: more follows the array\n" },
		{ "", "blank end\n" },
		{ " \t\r\n", "blank end\n" },
	};
	assert_rows(SPLIT_JSON, rows, sizeof(rows) / sizeof(rows[0]));
}

/* A document that opens `depth` brackets at once and closes them. */
static void nested(char *out, size_t depth)
{
	memset(out, '[', depth);
	memset(out + depth, ']', depth);
	out[2 * depth] = '\0';
}

static void nesting_has_a_limit(void **state)
{
	(void)state;
	enum { FAR = 60000 };
	char *body = malloc(2 * FAR + 16);
	assert_non_null(body);
	body[0] = '[';
	nested(body + 1, SPLITTER_MAX_DEPTH);
	strcat(body, "]");
	struct text out;
	text_init(&out, 1 << 20);
	split(SPLIT_JSON, body, strlen(body), 7, 1000, &out);
	assert_string_equal("0@1 too big\nend\n", out.data); /* deep enough, but over LIMIT */
	text_reset(&out);
	nested(body + 1, SPLITTER_MAX_DEPTH + 1);
	split(SPLIT_JSON, body, strlen(body), 7, 1000, &out);
	assert_string_equal("broken@1: it is nested too deep\n", out.data);
	text_reset(&out);
	nested(body, FAR);
	memcpy(body, "{\"x\":", 5);
	split(SPLIT_JSON, body, FAR, 4096, 4096, &out);
	assert_string_equal("broken@1: it is nested too deep\n", out.data);
	text_clean_up(&out);
	free(body);
}

static void a_record_over_the_limit_is_skipped_alone(void **state)
{
	(void)state;
	char fits[LIMIT + 1], over[LIMIT + 2], body[4 * LIMIT], expected[4 * LIMIT];
	memset(fits, 'a', LIMIT);
	fits[LIMIT] = '\0';
	memset(over, 'b', LIMIT + 1);
	over[LIMIT + 1] = '\0';
	snprintf(body, sizeof(body), "%s\n%s\nc\n", fits, over);
	snprintf(expected, sizeof(expected), "0@1:%s\n1@2 too big\n2@3:c\nend\n", fits);
	assert_split(SPLIT_LINES, body, expected);
	snprintf(body, sizeof(body), "[%s,%s,c]", fits, over);
	snprintf(expected, sizeof(expected), "0@1:%s\n1@1 too big\n2@1:c\nend\n", fits);
	assert_split(SPLIT_JSON, body, expected);
	snprintf(body, sizeof(body), "{%s}", over);
	assert_split(SPLIT_JSON, body, "0@1 too big\nend\n");
	snprintf(body, sizeof(body), "c\n%s", over);
	assert_split(SPLIT_LINES, body, "0@1:c\n1@2 too big\nend\n");
}

static void an_end_stays_the_end(void **state)
{
	(void)state;
	struct split_part part;
	struct splitter *splitter = splitter_new(SPLIT_JSON, LIMIT);
	splitter_feed(splitter, "x", 1);
	assert_int_equal(SPLIT_BROKEN, splitter_next(splitter, &part));
	assert_int_equal(SPLIT_BROKEN, splitter_next(splitter, &part));
	assert_non_null(part.reason);
	assert_false(splitter_is_lone(splitter));
	splitter_destroy(&splitter);
	splitter = splitter_new(SPLIT_JSON, LIMIT);
	splitter_feed(splitter, "{}", 2);
	assert_int_equal(SPLIT_MORE, splitter_next(splitter, &part));
	splitter_finish(splitter);
	assert_int_equal(SPLIT_RECORD, splitter_next(splitter, &part));
	assert_true(splitter_is_lone(splitter));
	assert_int_equal(SPLIT_END, splitter_next(splitter, &part));
	assert_int_equal(SPLIT_END, splitter_next(splitter, &part));
	splitter_destroy(&splitter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_split_and_numbered),
		cmocka_unit_test(half_a_byte_order_mark_is_data),
		cmocka_unit_test(a_lone_object_waits_for_the_end),
		cmocka_unit_test(array_elements_come_as_they_arrive),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(a_record_over_the_limit_is_skipped_alone),
		cmocka_unit_test(an_end_stays_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
