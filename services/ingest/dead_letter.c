/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dead_letter.h"

#include <string.h>

#include "timestamp.h"

static void put_string(struct text *out, const char *name, const char *value)
{
	text_putf(out, "\"%s\":", name);
	text_put_json(out, value, strlen(value));
	text_putc(out, ',');
}

static void put_base64(struct text *out, const char *name, const struct slice *bytes)
{
	text_putf(out, "\"%s\":", name);
	if (!bytes->data) {
		text_puts(out, "null");
		return;
	}
	text_putc(out, '"');
	text_put_base64(out, bytes->data, bytes->length);
	text_putc(out, '"');
}

void dead_letter_write(const struct dead_letter *letter, struct text *out)
{
	text_putc(out, '{');
	put_string(out, "topic", letter->topic);
	text_putf(out, "\"partition\":%d,\"offset\":", (int)letter->partition);
	text_put_i64(out, letter->offset);
	text_putc(out, ',');
	if (letter->timestamp_us >= 0) {
		char time[TIMESTAMP_MAX_TEXT];
		timestamp_print(letter->timestamp_us, time);
		put_string(out, "timestamp", time);
	} else {
		text_puts(out, "\"timestamp\":null,");
	}
	put_string(out, "reason", letter->reason);
	put_string(out, "field", letter->field);
	put_string(out, "text", letter->text);
	put_base64(out, "key", &letter->key);
	text_putc(out, ',');
	put_base64(out, "raw", &letter->raw);
	text_puts(out, "}\n");
}
