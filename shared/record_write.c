/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record.h"
#include "timestamp.h"

void record_write_json(const struct record *record, struct text *out)
{
	const struct record_field *fields = record->table->fields;
	char instant[TIMESTAMP_MAX_TEXT];
	text_puts(out, "{\"timestamp\":\"");
	text_put(out, instant, timestamp_print(record->timestamp_us, instant));
	text_putc(out, '"');
	for (size_t i = 1; i < record->table->count; i++) {
		text_put(out, ",\"", 2);
		text_put(out, fields[i].name, fields[i].name_length);
		text_put(out, "\":", 2);
		text_put(out, record->texts[i], record->text_lengths[i]);
	}
	text_putc(out, '}');
}

void record_write_csv(const struct record *record, struct text *out)
{
	char instant[TIMESTAMP_MAX_TEXT];
	text_put(out, instant, timestamp_print(record->timestamp_us, instant));
	for (size_t i = 1; i < record->table->count; i++) {
		text_putc(out, ',');
		text_put(out, record->texts[i], record->text_lengths[i]);
	}
	text_putc(out, '\n');
}
