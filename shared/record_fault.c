/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_internal.h"

#include <string.h>

#include "utf8.h"

/* Writes a JSON string of as much of the value as comes out in `size` bytes, since escaping makes
 * text longer. Returns its length; `whole` tells whether nothing was left out. */
static size_t escape(char *out, size_t size, const char *data, size_t length, bool *whole)
{
	struct text text;
	size_t cut = utf8_cut(data, length, size);
	for (;;) {
		text_init_fixed(&text, out, size);
		text_put_json(&text, data, cut);
		if (text_ok(&text))
			break;
		cut = utf8_cut(data, length, cut - cut / 8 - 1);
	}
	*whole = cut == length;
	return text.length;
}

const char *record_shown(char out[RECORD_MAX_SHOWN], const char *data, size_t length, bool quoted)
{
	static const char more[] = "...";
	char escaped[RECORD_MAX_SHOWN - sizeof more + 1];
	bool whole;
	size_t n = escape(escaped, sizeof escaped, data, length, &whole);
	if (!quoted)
		n -= 2;
	memcpy(out, quoted ? escaped : escaped + 1, n);
	memcpy(out + n, more, sizeof more);
	if (whole)
		out[n] = '\0';
	return out;
}

enum error record_fault_set(struct record_fault *fault, const char *code, const char *field,
			    size_t field_length, const char *format, ...)
{
	char name[sizeof fault->field + 2]; /* with its quotes, which are left out */
	bool whole;
	size_t n = escape(name, sizeof name, field, field_length, &whole) - 2;
	memcpy(fault->field, name + 1, n);
	fault->field[n] = '\0';
	fault->code = code;

	struct text reason;
	text_init_fixed(&reason, fault->reason, sizeof fault->reason);
	if (n > 0)
		text_putf(&reason, "%s ", fault->field);
	va_list arguments;
	va_start(arguments, format);
	text_putv(&reason, format, arguments);
	va_end(arguments);
	return ERROR_INVALID;
}
