/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json_check.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

struct scan {
	const char *data;
	size_t at, length;
	enum error error;
	const char *reason; /* of the first flaw */
	size_t depth, values;
	bool in_object[JSON_NESTING_MAX];
};

/* --- tokens ---------------------------------------------------------------------------------- */

static int peek(const struct scan *scan)
{
	return scan->at < scan->length ? (unsigned char)scan->data[scan->at] : -1;
}

static bool flaw_here(struct scan *scan, const char *reason)
{
	scan->error = ERROR_INVALID;
	scan->reason = reason;
	return false;
}

static void skip_blanks(struct scan *scan)
{
	for (int c = peek(scan); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = peek(scan))
		scan->at++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool digits(struct scan *scan, const char *reason)
{
	if (!is_digit(peek(scan)))
		return flaw_here(scan, reason);
	while (is_digit(peek(scan)))
		scan->at++;
	return true;
}

static bool number(struct scan *scan)
{
	if (peek(scan) == '-')
		scan->at++;
	if (peek(scan) == '0') {
		scan->at++;
		if (is_digit(peek(scan)))
			return flaw_here(scan, "a number starts with a zero");
	} else if (!digits(scan, "a number has no digits")) {
		return false;
	}
	if (peek(scan) == '.') {
		scan->at++;
		if (!digits(scan, "a number has no digits after its point"))
			return false;
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		return digits(scan, "a number has no digits in its exponent");
	}
	return true;
}

/* Four hexadecimal digits; -1 for anything else. */
static int hex4(struct scan *scan)
{
	int value = 0;

	for (int i = 0; i < 4; i++, scan->at++) {
		int c = peek(scan);
		int lower = c | 0x20;

		if (is_digit(c))
			value = value << 4 | (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (lower - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static bool unicode_escape(struct scan *scan)
{
	int unit = hex4(scan);

	if (unit < 0)
		return flaw_here(scan, "an escape \\u has no four hexadecimal digits");
	if (unit == 0)
		return flaw_here(scan, "a string has a NUL character");
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return flaw_here(scan, "a string has a lone surrogate");
	if (unit < 0xD800 || unit > 0xDBFF)
		return true;
	if (peek(scan) != '\\')
		return flaw_here(scan, "a string has a lone surrogate");
	scan->at++;
	if (peek(scan) != 'u')
		return flaw_here(scan, "a string has a lone surrogate");
	scan->at++;
	unit = hex4(scan);
	if (unit < 0xDC00 || unit > 0xDFFF)
		return flaw_here(scan, "a string has a lone surrogate");
	return true;
}

static bool escape(struct scan *scan)
{
	int c = peek(scan);

	if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
		return flaw_here(scan, "a string has an unknown escape");
	scan->at++;
	return c != 'u' || unicode_escape(scan);
}

static bool string(struct scan *scan)
{
	scan->at++; /* the quote */
	for (;;) {
		int c = peek(scan);
		size_t step;

		if (c < 0)
			return flaw_here(scan, "the text ends within a string");
		if (c == '"') {
			scan->at++;
			return true;
		}
		if (c < 0x20)
			return flaw_here(scan, "a string has a control character");
		step = utf8_sequence(scan->data + scan->at, scan->length - scan->at);
		if (step == 0)
			return flaw_here(scan, "the text is not UTF-8");
		scan->at += step;
		if (c == '\\' && !escape(scan))
			return false;
	}
}

static bool word(struct scan *scan, const char *expected)
{
	size_t length = strlen(expected);

	if (scan->length - scan->at < length ||
	    memcmp(scan->data + scan->at, expected, length) != 0)
		return flaw_here(scan, "a value was expected");
	scan->at += length;
	return true;
}

static bool scalar(struct scan *scan)
{
	switch (peek(scan)) {
	case -1:
		return flaw_here(scan, "the text ends where a value was expected");
	case '"':
		return string(scan);
	case 't':
		return word(scan, "true");
	case 'f':
		return word(scan, "false");
	case 'n':
		return word(scan, "null");
	default:
		if (peek(scan) != '-' && !is_digit(peek(scan)))
			return flaw_here(scan, "a value was expected");
		return number(scan);
	}
}

/* --- structure ------------------------------------------------------------------------------- */

static bool member_name(struct scan *scan)
{
	skip_blanks(scan);
	if (peek(scan) != '"')
		return flaw_here(scan, peek(scan) < 0 ? "the text ends within an object"
						      : "a member's name was expected");
	if (!string(scan))
		return false;
	skip_blanks(scan);
	if (peek(scan) != ':')
		return flaw_here(scan, peek(scan) < 0 ? "the text ends within an object"
						      : "a colon was expected");
	scan->at++;
	return true;
}

/* Goes into arrays and objects until a scalar or an empty one was passed. */
static bool value(struct scan *scan, size_t nesting)
{
	for (;;) {
		bool object;

		skip_blanks(scan);
		scan->values++;
		object = peek(scan) == '{';
		if (!object && peek(scan) != '[')
			return scalar(scan);
		if (scan->depth == nesting) {
			flaw_here(scan, "too many arrays and objects are within each other");
			scan->error = ERROR_LIMIT;
			return false;
		}
		scan->in_object[scan->depth++] = object;
		scan->at++;
		skip_blanks(scan);
		if (peek(scan) == (object ? '}' : ']')) {
			scan->at++;
			scan->depth--;
			return true;
		}
		if (object && !member_name(scan))
			return false;
	}
}

/* After a value: closes what ends here. True with depth above 0: another value follows. */
static bool after_value(struct scan *scan)
{
	while (scan->depth > 0) {
		bool object = scan->in_object[scan->depth - 1];
		int c;

		skip_blanks(scan);
		c = peek(scan);
		if (c == ',') {
			scan->at++;
			return !object || member_name(scan);
		}
		if (c != (object ? '}' : ']'))
			return flaw_here(scan, c < 0 ? "the text ends within an array or object"
						     : "a comma or the end of the array or object "
						       "was expected");
		scan->at++;
		scan->depth--;
	}
	return true;
}

enum error json_check(const char *data, size_t length, size_t nesting, struct json_flaw *flaw)
{
	struct scan scan = { .data = data, .length = length };
	bool good;

	assert(nesting <= JSON_NESTING_MAX);
	do {
		good = value(&scan, nesting) && after_value(&scan);
	} while (good && scan.depth > 0);
	if (good) {
		skip_blanks(&scan);
		if (scan.at < length)
			flaw_here(&scan, "something follows the value");
	}
	*flaw = (struct json_flaw){ scan.at, scan.reason, scan.values };
	return scan.error;
}
