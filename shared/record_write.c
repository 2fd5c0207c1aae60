/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record is laid out in memory of its largest size and handed over whole.
 */
#include <string.h>

#include "record.h"
#include "timestamp.h"

static char *put(char *at, const char *data, size_t length)
{
	memcpy(at, data, length);
	return at + length;
}

static char *put_instant(char *at, const struct record *record)
{
	char instant[TIMESTAMP_MAX_TEXT];
	return put(at, instant, timestamp_print(record->timestamp_us, instant));
}

void record_write_json(const struct record *record, struct text *out)
{
	static const char start[] = "{\"timestamp\":\"";
	char json[RECORD_MAX_JSON];
	char *at = put(json, start, sizeof start - 1);
	at = put_instant(at, record);
	*at++ = '"';
	for (size_t i = 1; i < record->table->count; i++) {
		const struct record_field *field = &record->table->fields[i];
		at = put(at, ",\"", 2);
		at = put(at, field->name, field->name_length);
		at = put(at, "\":", 2);
		at = put(at, record->texts[i], record->text_lengths[i]);
	}
	*at++ = '}';
	text_put(out, json, (size_t)(at - json));
}

void record_write_csv(const struct record *record, struct text *out)
{
	char line[RECORD_MAX_CSV];
	char *at = put_instant(line, record);
	for (size_t i = 1; i < record->table->count; i++) {
		*at++ = ',';
		at = put(at, record->texts[i], record->text_lengths[i]);
	}
	*at++ = '\n';
	text_put(out, line, (size_t)(at - line));
}
