/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record is laid out in memory of its largest size and handed over whole. Names and numbers are
 * copied with all of their few bytes of memory and then overwritten from their end on: a copy of a
 * fixed size needs no call.
 */
#include <string.h>

#include "record.h"
#include "timestamp.h"

static char *put_number(char *at, const struct record *record, size_t i)
{
	memcpy(at, record->texts[i], RECORD_MAX_NUMBER);
	return at + record->text_lengths[i];
}

static char *put_json_name(char *at, const struct record_field *field)
{
	memcpy(at, field->json_name, RECORD_MAX_JSON_NAME);
	return at + field->name_length + sizeof ",\"\":" - 1;
}

void record_write_json(const struct record *record, struct text *out)
{
	static const char start[] = "{\"timestamp\":\"";
	char json[RECORD_MAX_JSON];
	memcpy(json, start, sizeof start - 1);
	char *at = json + sizeof start - 1;
	at += timestamp_print(record->timestamp_us, at);
	*at++ = '"';
	for (size_t i = 1; i < record->table->count; i++) {
		at = put_json_name(at, &record->table->fields[i]);
		at = put_number(at, record, i);
	}
	*at++ = '}';
	text_put(out, json, (size_t)(at - json));
}

void record_write_csv(const struct record *record, struct text *out)
{
	char line[RECORD_MAX_CSV];
	char *at = line + timestamp_print(record->timestamp_us, line);
	for (size_t i = 1; i < record->table->count; i++) {
		*at++ = ',';
		at = put_number(at, record, i);
	}
	*at++ = '\n';
	text_put(out, line, (size_t)(at - line));
}
