/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where an ordered stream stands, to and from JSON. A row's identity is 64 bits that are no number:
 * it is written as two halves.
 */
#include <string.h>

#include "features_internal.h"
#include "json_numbers.h"

static void write_history(const struct features *f, struct text *out)
{
	for (uint64_t at = window_begin(f->history); at < window_end(f->history); at++) {
		text_puts(out, at > window_begin(f->history) ? ",[" : "[");
		text_put_i64(out, window_time(f->history, at));
		text_putc(out, ',');
		json_write_doubles(out, window_values(f->history, at) + 1,
				   f->spec.table->count - 1);
		text_putc(out, ']');
	}
}

static void write_pending(const struct features *f, struct text *out)
{
	size_t numbers = features_pending_width(&f->spec) - 1;
	for (uint64_t at = window_begin(f->pending); at < window_end(f->pending); at++) {
		const double *values = window_values(f->pending, at);
		uint64_t identity;
		memcpy(&identity, &values[numbers], sizeof(identity));
		text_puts(out, at > window_begin(f->pending) ? ",[" : "[");
		text_put_i64(out, window_time(f->pending, at));
		text_putc(out, ',');
		json_write_doubles(out, values, numbers);
		text_putf(out, ",%lu,%lu]", (unsigned long)(identity >> 32),
			  (unsigned long)(identity & UINT32_MAX));
	}
}

void features_write_json(const struct features *f, struct text *out)
{
	text_putf(out, "{\"any\":%s,\"timestamp_us\":", f->any ? "true" : "false");
	text_put_i64(out, f->timestamp_us);
	text_puts(out, ",\"values\":");
	json_write_doubles(out, f->values + 1, f->spec.table->count - 1);
	text_puts(out, ",\"history\":[");
	write_history(f, out);
	text_puts(out, "],\"pending\":[");
	write_pending(f, out);
	text_puts(out, "]}");
}

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static bool read_history(const cJSON *array, struct features *f)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(item, array)
	{
		double values[RECORD_MAX_FIELDS] = { 0 };
		int64_t time_us;
		if (!json_read_integer(cJSON_GetArrayItem(item, 0), &time_us) ||
		    !json_read_doubles(cJSON_GetArrayItem(item, 1), values + 1,
				       f->spec.table->count - 1) ||
		    !window_push(f->history, time_us, values))
			return false;
	}
	return true;
}

static bool read_pending_row(const cJSON *item, struct features *f)
{
	double values[SPEC_MAX_FEATURES + 2];
	size_t numbers = features_pending_width(&f->spec) - 1;
	int64_t time_us, high, low;
	if (!json_read_integer(cJSON_GetArrayItem(item, 0), &time_us) ||
	    !json_read_doubles(cJSON_GetArrayItem(item, 1), values, numbers) ||
	    !json_read_integer(cJSON_GetArrayItem(item, 2), &high) ||
	    !json_read_integer(cJSON_GetArrayItem(item, 3), &low))
		return false;
	uint64_t identity = (uint64_t)high << 32 | (uint64_t)low;
	memcpy(&values[numbers], &identity, sizeof(identity));
	return window_push(f->pending, time_us, values);
}

static bool read_pending(const cJSON *array, struct features *f)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(item, array) if (!read_pending_row(item, f)) return false;
	return true;
}

enum error features_read_json(const struct spec *spec, const cJSON *json, struct features **out,
			      struct text *why)
{
	*out = NULL;
	struct features *f = features_new(spec);
	if (!f)
		return ERROR_NO_MEMORY;
	f->any = cJSON_IsTrue(member(json, "any"));
	if (json_read_integer(member(json, "timestamp_us"), &f->timestamp_us) &&
	    json_read_doubles(member(json, "values"), f->values + 1, spec->table->count - 1) &&
	    read_history(member(json, "history"), f) && read_pending(member(json, "pending"), f)) {
		*out = f;
		return ERROR_OK;
	}
	features_destroy(&f);
	why_putf(why, "the stream's place is not whole or not of this spec");
	return ERROR_INVALID;
}
