/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A bounded text builder with a sticky error: append freely, check once at the end.
 * Not thread-safe; one owner at a time. The text is NUL-terminated after every call that succeeds.
 */
#ifndef TICKLINE_TEXT_H
#define TICKLINE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* A piece of somebody else's memory; not terminated. */
struct slice {
	const char *data;
	size_t length;
};

struct text {
	char *data;       /* never NULL after an init */
	size_t length;    /* bytes without the terminator */
	size_t capacity;  /* bytes allocated, terminator included */
	size_t limit;     /* length may never exceed this */
	enum error error; /* sticky: OK, LIMIT or NO_MEMORY */
	bool fixed;       /* memory belongs to the caller */
};

/* Grows on the heap up to `limit` bytes. Nothing is allocated yet. Free with text_clean_up. */
void text_init(struct text *text, size_t limit);

/* Builds in the caller's `size` bytes (at least 1). text_clean_up is allowed and frees nothing.
 * What does not fit is cut and the sticky error is LIMIT: what stands there is still terminated. */
void text_init_fixed(struct text *text, char *memory, size_t size);
void text_clean_up(struct text *text);

/* Empties the text, keeps its memory, forgets the sticky error. */
void text_reset(struct text *text);

void text_put(struct text *text, const char *data, size_t length);
void text_puts(struct text *text, const char *string);
void text_putc(struct text *text, char c);
void text_putf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_putv(struct text *text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
void text_put_i64(struct text *text, int64_t value);

/* Shortest decimal that reads back to the same double (see decimal.h); JSON-safe: a NaN or an
 * infinity is written as null. Independent of the locale. */
void text_put_double(struct text *text, double value);

/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD, so that the output is always valid.
 */
void text_put_json(struct text *text, const char *data, size_t length);

/* As it stands, but invalid UTF-8 becomes U+FFFD. */
void text_put_utf8(struct text *text, const char *data, size_t length);

/* Percent-encodes everything but RFC 3986 unreserved bytes and those in `keep` ("/" for paths). */
void text_put_url(struct text *text, const char *data, size_t length, const char *keep);
void text_put_base64(struct text *text, const void *data, size_t length);

/* Hands the memory over to the caller (free()), leaves an empty text; NULL when the error is set.
 */
char *text_take(struct text *text) MUST_USE;

static inline bool text_ok(const struct text *text)
{
	return text->error == ERROR_OK;
}

/* Appends to `why` where there is one: the usual way to explain an error. */
void why_putf(struct text *why, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
