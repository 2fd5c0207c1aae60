/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Partials to and from JSON.
 */
#include "json_numbers.h"
#include "partial_internal.h"

static void write_counts(const struct partial_counts *counts, struct text *out)
{
	text_puts(out, ",\"records\":");
	text_put_i64(out, counts->records);
	text_puts(out, ",\"rows\":");
	json_write_integers(out, counts->rows, ROW_REASON_COUNT);
	text_puts(out, ",\"first_us\":");
	text_put_i64(out, counts->first_us);
	text_puts(out, ",\"last_us\":");
	text_put_i64(out, counts->last_us);
}

void partial_write_json(struct partial *partial, struct text *out)
{
	text_puts(out, "{\"width_us\":");
	text_put_i64(out, partial->width_us);
	write_counts(&partial->counts, out);
	text_puts(out, ",\"tail\":");
	tail_write_json(partial->tail, out);
	text_puts(out, ",\"slots\":[");
	for (size_t i = 0; i < partial->count; i++) {
		text_puts(out, i > 0 ? ",{\"key\":" : "{\"key\":");
		text_put_i64(out, partial->slots[i].key);
		text_puts(out, ",\"factor\":");
		rfactor_write_json(partial->slots[i].factor, out);
		text_putc(out, '}');
	}
	text_puts(out, "]}");
}

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static bool read_counts(const cJSON *json, struct partial_counts *counts)
{
	return json_read_integer(member(json, "records"), &counts->records) &&
	       json_read_integers(member(json, "rows"), counts->rows, ROW_REASON_COUNT) &&
	       json_read_integer(member(json, "first_us"), &counts->first_us) &&
	       json_read_integer(member(json, "last_us"), &counts->last_us);
}

static bool read_slot(const cJSON *json, struct partial *partial)
{
	struct slot *slot = &partial->slots[partial->count];
	if (partial->count == PARTIAL_MAX_BUCKETS ||
	    !json_read_integer(member(json, "key"), &slot->key) ||
	    rfactor_read_json(member(json, "factor"), &slot->factor, NULL) != ERROR_OK)
		return false;
	partial->count++;
	bool ordered = partial->count < 2 || slot[-1].key < slot->key;
	return ordered && rfactor_columns(slot->factor) == partial->columns &&
	       rfactor_has_ones(slot->factor) == partial->ones;
}

static bool read_slots(const cJSON *array, struct partial *partial)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(item, array) if (!read_slot(item, partial)) return false;
	return true;
}

enum error partial_read_json(const struct spec *spec, const cJSON *json, struct partial **out,
			     struct text *why)
{
	*out = NULL;
	struct partial *partial = partial_new(spec);
	if (!partial)
		return ERROR_NO_MEMORY;
	int64_t least_us = partial->width_us;
	if (json_read_integer(member(json, "width_us"), &partial->width_us) &&
	    partial->width_us >= least_us && read_counts(json, &partial->counts) &&
	    tail_read_json(member(json, "tail"), partial->tail) &&
	    read_slots(member(json, "slots"), partial)) {
		*out = partial;
		return ERROR_OK;
	}
	partial_destroy(&partial);
	why_putf(why, "the factors are not whole or not of this spec");
	return ERROR_INVALID;
}
