/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "utf8.h"

enum { FIRST_CAPACITY = 128 };

/* What an unallocated text shows. Never written: several threads may look at it. */
static char nothing[1];

void text_init(struct text *text, size_t limit)
{
	assert(limit < SIZE_MAX);
	*text = (struct text){ .data = nothing, .limit = limit };
}

void text_init_fixed(struct text *text, char *memory, size_t size)
{
	assert(size > 0);
	memory[0] = '\0';
	*text = (struct text){ .data = memory, .capacity = size, .limit = size - 1, .fixed = true };
}

void text_clean_up(struct text *text)
{
	if (!text->fixed && text->capacity)
		free(text->data);
	*text = (struct text){ .data = nothing };
}

void text_reset(struct text *text)
{
	text->length = 0;
	text->error = ERROR_OK;
	if (text->capacity)
		text->data[0] = '\0';
}

/* Makes room for `extra` more bytes and the terminator, or for as many as the limit lets through;
 * returns how many may be written. */
static size_t reserve(struct text *text, size_t extra)
{
	if (text->error)
		return 0;
	if (extra > text->limit - text->length) {
		text->error = ERROR_LIMIT;
		extra = text->limit - text->length;
	}
	size_t needed = text->length + extra + 1;
	if (needed <= text->capacity)
		return extra;
	size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
	while (capacity < needed)
		capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
	if (capacity > text->limit + 1)
		capacity = text->limit + 1;
	char *grown = realloc(text->capacity ? text->data : NULL, capacity);
	if (!grown) {
		text->error = ERROR_NO_MEMORY;
		return 0;
	}
	text->data = grown;
	text->capacity = capacity;
	text->data[text->length] = '\0';
	return extra;
}

void text_put(struct text *text, const char *data, size_t length)
{
	size_t room = reserve(text, length);
	if (!room)
		return;
	memcpy(text->data + text->length, data, room);
	text->length += room;
	text->data[text->length] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

void text_putc(struct text *text, char c)
{
	text_put(text, &c, 1);
}

void text_putf(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_putv(text, format, arguments);
	va_end(arguments);
}

void text_putv(struct text *text, const char *format, va_list arguments)
{
	if (text->error)
		return;
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	assert(length >= 0);
	size_t room = reserve(text, (size_t)length);
	if (room) {
		vsnprintf(text->data + text->length, room + 1, format, again);
		text->length += room;
	}
	va_end(again);
}

void text_put_i64(struct text *text, int64_t value)
{
	char digits[20];
	size_t at = sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	text_put(text, digits + at, sizeof digits - at);
}

void text_put_double(struct text *text, double value)
{
	char digits[DECIMAL_MAX_TEXT];
	if (!isfinite(value))
		text_put(text, "null", 4);
	else
		text_put(text, digits, decimal_print(value, digits));
}

static void put_json_escape(struct text *text, unsigned char c)
{
	static const char letters[32] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	if (c == '"' || c == '\\')
		text_put(text, (const char[]){ '\\', (char)c }, 2);
	else if (letters[c])
		text_put(text, (const char[]){ '\\', letters[c] }, 2);
	else
		text_putf(text, "\\u%04x", c);
}

void text_put_json(struct text *text, const char *data, size_t length)
{
	size_t plain = 0; /* start of the run that needs no escape */
	size_t at = 0;
	text_putc(text, '"');
	while (at < length) {
		unsigned char c = (unsigned char)data[at];
		bool escaped = c < 0x20 || c == '"' || c == '\\';
		size_t step = escaped ? 0 : utf8_sequence(data + at, length - at);
		if (step) {
			at += step;
			continue;
		}
		text_put(text, data + plain, at - plain);
		if (escaped)
			put_json_escape(text, c);
		else
			text_puts(text, UTF8_REPLACEMENT);
		plain = ++at;
	}
	if (length > plain)
		text_put(text, data + plain, length - plain);
	text_putc(text, '"');
}

void text_put_utf8(struct text *text, const char *data, size_t length)
{
	for (size_t at = 0, step; at < length; at += step ? step : 1) {
		step = utf8_sequence(data + at, length - at);
		text_put(text, step ? data + at : UTF8_REPLACEMENT,
			 step ? step : sizeof UTF8_REPLACEMENT - 1);
	}
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void text_put_url(struct text *text, const char *data, size_t length, const char *keep)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)data[i];
		if (is_unreserved(c) || (c && strchr(keep, c)))
			text_putc(text, (char)c);
		else
			text_put(text, (const char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
	}
}

void text_put_base64(struct text *text, const void *data, size_t length)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = data;
	for (size_t at = 0; at < length; at += 3) {
		size_t have = length - at < 3 ? length - at : 3;
		unsigned group = (unsigned)bytes[at] << 16;
		group |= have > 1 ? (unsigned)bytes[at + 1] << 8 : 0;
		group |= have > 2 ? bytes[at + 2] : 0;
		char out[4] = { alphabet[group >> 18], alphabet[group >> 12 & 63],
				have > 1 ? alphabet[group >> 6 & 63] : '=',
				have > 2 ? alphabet[group & 63] : '=' };
		text_put(text, out, sizeof out);
	}
}

char *text_take(struct text *text)
{
	if (text->error)
		return NULL;
	char *taken = text->data;
	if (text->fixed || !text->capacity) {
		taken = malloc(text->length + 1);
		if (!taken) {
			text->error = ERROR_NO_MEMORY;
			return NULL;
		}
		memcpy(taken, text->data, text->length + 1);
	} else {
		text->data = nothing;
		text->capacity = 0;
	}
	text_reset(text);
	return taken;
}

void why_putf(struct text *why, const char *format, ...)
{
	if (!why)
		return;
	va_list arguments;
	va_start(arguments, format);
	text_putv(why, format, arguments);
	va_end(arguments);
}
