/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Strict: bytes that were not written here are not sent to Kafka.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dead_letter.h"
#include "file_name.h"
#include "json_check.h"
#include "timestamp.h"

enum { NESTING = 4 };
static const int64_t MOST_OFFSET = (int64_t)1 << 53; /* a JSON number holds it */

struct reader {
	const cJSON *json;
	struct text *why;
};

static enum error refuse(const struct reader *reader, const char *name, const char *rule)
{
	why_putf(reader->why, "%s %s", name, rule);
	return ERROR_INVALID;
}

static enum error take_integer(const struct reader *reader, const char *name, int64_t most,
			       int64_t *value)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(reader->json, name);
	double number = cJSON_IsNumber(member) ? member->valuedouble : -1;
	if (number < 0 || number > (double)most || number != floor(number))
		return refuse(reader, name, "is missing or no such number");
	*value = (int64_t)number;
	return ERROR_OK;
}

static enum error take_string(const struct reader *reader, const char *name, const char **value)
{
	*value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reader->json, name));
	return *value ? ERROR_OK : refuse(reader, name, "is missing or no string");
}

/* NULL: it is null. */
static enum error take_optional(const struct reader *reader, const char *name, char **value)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(reader->json, name);
	*value = cJSON_GetStringValue(member);
	return *value || cJSON_IsNull(member)
		       ? ERROR_OK
		       : refuse(reader, name, "is missing, and neither a string nor null");
}

static enum error take_time(const struct reader *reader, const char *name, int64_t *us)
{
	char *value;
	*us = -1;
	enum error error = take_optional(reader, name, &value);
	if (error || !value)
		return error;
	return timestamp_read(value, strlen(value), us)
		       ? refuse(reader, name, "is not an RFC 3339 time")
		       : ERROR_OK;
}

/* --- base64 ------------------------------------------------------------------------------------
 */

/* 0 to 63; 64: no digit. */
static unsigned digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Of four characters, one to three bytes; 0: they are not as text_put_base64 writes them. */
static size_t decode_group(const char *group, bool last, char *out)
{
	size_t pad = last && group[3] == '=' ? (group[2] == '=' ? 2 : 1) : 0;
	unsigned bits = 0;
	for (size_t i = 0; i < 4; i++) {
		unsigned digit = i < 4 - pad ? digit_of(group[i]) : 0;
		if (digit > 63)
			return 0;
		bits = bits << 6 | digit;
	}
	if (bits & ((1U << 8 * pad) - 1)) /* another text for the same bytes */
		return 0;
	out[0] = (char)(bits >> 16);
	if (pad < 2)
		out[1] = (char)(bits >> 8 & 255);
	if (pad < 1)
		out[2] = (char)(bits & 255);
	return 3 - pad;
}

/* In its own place, since the bytes are fewer than the characters. */
static bool decode(char *text, size_t *length)
{
	size_t characters = strlen(text);
	*length = 0;
	for (size_t at = 0; at < characters; at += 4) {
		char bytes[3];
		size_t count = at + 4 <= characters
				       ? decode_group(text + at, at + 4 == characters, bytes)
				       : 0;
		if (count == 0)
			return false;
		memcpy(text + *length, bytes, count);
		*length += count;
	}
	return true;
}

static enum error take_bytes(const struct reader *reader, const char *name, struct slice *bytes)
{
	char *text;
	enum error error = take_optional(reader, name, &text);
	if (error)
		return error;
	bytes->data = text;
	bytes->length = 0;
	return !text || decode(text, &bytes->length) ? ERROR_OK
						     : refuse(reader, name, "is no base64");
}

/* --- the letter --------------------------------------------------------------------------------
 */

static enum error take_place(const struct reader *reader, struct dead_letter *letter)
{
	int64_t partition = 0;
	enum error error = take_string(reader, "topic", &letter->topic);
	if (!error)
		error = take_integer(reader, "partition", FILE_PARTITION_MAX, &partition);
	letter->partition = (int32_t)partition;
	return error ? error : take_integer(reader, "offset", MOST_OFFSET, &letter->offset);
}

static enum error take_refusal(const struct reader *reader, struct dead_letter *letter)
{
	enum error error = take_string(reader, "reason", &letter->reason);
	if (!error)
		error = take_string(reader, "field", &letter->field);
	return error ? error : take_string(reader, "text", &letter->text);
}

static enum error take_record(const struct reader *reader, struct dead_letter *letter)
{
	enum error error = take_time(reader, "timestamp", &letter->timestamp_us);
	if (!error)
		error = take_bytes(reader, "key", &letter->key);
	return error ? error : take_bytes(reader, "raw", &letter->raw);
}

enum error dead_letter_read(const char *line, size_t length, struct dead_letter *letter,
			    cJSON **memory, struct text *why)
{
	struct json_flaw flaw;
	*memory = NULL;
	if (json_check(line, length, NESTING, &flaw)) {
		why_putf(why, "it is no JSON: %s", flaw.reason);
		return ERROR_INVALID;
	}
	*memory = cJSON_ParseWithLength(line, length);
	if (!*memory)
		return ERROR_NO_MEMORY;
	const struct reader reader = { *memory, why };
	enum error error = take_place(&reader, letter);
	if (!error)
		error = take_refusal(&reader, letter);
	return error ? error : take_record(&reader, letter);
}
