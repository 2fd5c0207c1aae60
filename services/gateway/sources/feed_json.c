/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "json_check.h"
#include "timestamp.h"

enum { SHOWN_BYTES = 100 };

static const struct {
	const char *name;
	int64_t seconds;
} intervals[] = { { "1m", 60 }, { "5m", 300 }, { "15m", 900 }, { "1h", 3600 }, { "1d", 86400 } };

enum { INTERVALS = sizeof(intervals) / sizeof(intervals[0]) };

int64_t feed_interval_s(const char *name)
{
	for (size_t i = 0; i < INTERVALS; i++) {
		if (strcmp(intervals[i].name, name) == 0)
			return intervals[i].seconds;
	}
	return 0;
}

const char *feed_interval_name(int64_t interval_s)
{
	size_t i = 0;
	while (i < INTERVALS - 1 && intervals[i].seconds != interval_s)
		i++;
	return intervals[i].name;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* One line of what may be a page. */
static void put_shown(struct text *out, const char *data, size_t length)
{
	char shown[SHOWN_BYTES];
	size_t count = 0;
	for (size_t i = 0; i < length && count < sizeof(shown); i++) {
		unsigned char c = (unsigned char)data[i];
		bool blank = c <= ' ' || c == 0x7f;
		if (!blank)
			shown[count++] = data[i];
		else if (count > 0 && shown[count - 1] != ' ')
			shown[count++] = ' ';
	}
	text_putc(out, '"');
	text_put_utf8(out, shown, count);
	text_puts(out, count == sizeof(shown) ? "…\"" : "\"");
}

/* Where exchanges put what they have to say. */
static const char *message_of(const cJSON *json)
{
	static const char *const paths[][3] = { { "chart", "error", "description" },
						{ "finance", "error", "description" },
						{ "message" },
						{ "msg" } };
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const cJSON *at = json;
		for (size_t k = 0; k < 3 && paths[i][k]; k++)
			at = cJSON_GetObjectItemCaseSensitive(at, paths[i][k]);
		if (cJSON_IsString(at))
			return at->valuestring;
	}
	return NULL;
}

void feed_explain(const char *data, size_t length, struct text *out)
{
	cJSON *json = NULL;
	const char *message = NULL;
	if (feed_parse(data, length, &json, NULL) == ERROR_OK)
		message = message_of(json);
	if (message)
		put_shown(out, message, strlen(message));
	else if (length > 0)
		put_shown(out, data, length);
	else
		text_puts(out, "nothing");
	cJSON_Delete(json);
}

enum error feed_parse(const char *data, size_t length, cJSON **json, struct text *why)
{
	struct json_flaw flaw;
	*json = NULL;
	if (json_check(data, length, FEED_NESTING, &flaw) != ERROR_OK) {
		why_putf(why, "no JSON (%s): ", flaw.reason);
		if (why)
			put_shown(why, data, length);
		return ERROR_INVALID;
	}
	*json = cJSON_ParseWithLength(data, length);
	return *json ? ERROR_OK : ERROR_NO_MEMORY;
}

/* --- cells ----------------------------------------------------------------------------------- */

bool feed_number(const cJSON *cell, double *value)
{
	if (cJSON_IsString(cell))
		return decimal_read(cell->valuestring, strlen(cell->valuestring), value) ==
		       ERROR_OK;
	if (!cJSON_IsNumber(cell) || !isfinite(cell->valuedouble))
		return false;
	*value = cell->valuedouble;
	return true;
}

bool feed_epoch(const cJSON *cell, int64_t *us)
{
	double value;
	return cJSON_IsNumber(cell) && feed_number(cell, &value) && value >= 0 && value < 0x1p53 &&
	       timestamp_from_epoch((int64_t)value, us) == ERROR_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

enum error feed_rows_reserve(struct feed_rows *rows, size_t count, struct text *why)
{
	if (count > FEED_MAX_ROWS) {
		why_putf(why, "%zu rows, more than %d", count, FEED_MAX_ROWS);
		return ERROR_INVALID;
	}
	rows->list = calloc(count + 1, sizeof(*rows->list));
	return rows->list ? ERROR_OK : ERROR_NO_MEMORY;
}

void feed_rows_clean_up(struct feed_rows *rows)
{
	free(rows->list);
	*rows = (struct feed_rows){ 0 };
}

static bool read_array(const struct feed_array *shape, const cJSON *cells, struct feed_row *row)
{
	if (!cJSON_IsArray(cells) || cJSON_GetArraySize(cells) < shape->least_cells ||
	    !feed_epoch(cJSON_GetArrayItem(cells, shape->time), &row->timestamp_us))
		return false;
	for (size_t i = 0; i < 5; i++) {
		if (!feed_number(cJSON_GetArrayItem(cells, shape->cells[i]), &row->values[i]))
			return false;
	}
	return true;
}

enum error feed_read_arrays(const struct feed_array *shape, const char *data, size_t length,
			    struct feed_rows *rows, struct text *why)
{
	cJSON *json = NULL;
	const cJSON *cells;
	*rows = (struct feed_rows){ 0 };
	enum error error = feed_parse(data, length, &json, why);
	if (error == ERROR_OK && !cJSON_IsArray(json)) {
		const char *message = message_of(json);
		why_putf(why, "no array of rows%s%.100s", message ? ": " : "",
			 message ? message : "");
		error = ERROR_INVALID;
	}
	if (error == ERROR_OK)
		error = feed_rows_reserve(rows, (size_t)cJSON_GetArraySize(json), why);
	if (error == ERROR_OK) {
		cJSON_ArrayForEach(cells, json)
		{
			if (read_array(shape, cells, &rows->list[rows->count])) {
				rows->count++;
				continue;
			}
			why_putf(why, "row %zu is no array of a time and numbers", rows->count);
			error = ERROR_INVALID;
			break;
		}
	}
	cJSON_Delete(json);
	return error;
}
