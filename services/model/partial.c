/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "partial_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

size_t partial_columns(const struct spec *spec)
{
	return spec->feature_count + (spec_is_ordered(spec) ? 2 : 1);
}

static int64_t first_width_us(const struct spec *spec)
{
	int64_t width_s = PARTIAL_BUCKET_S;
	while (width_s < spec->horizon_s)
		width_s *= 2;
	return width_s * 1000000;
}

struct partial *partial_new(const struct spec *spec)
{
	struct partial *partial = calloc(1, sizeof(*partial));
	if (!partial)
		return NULL;
	partial->split = spec->split;
	partial->train_fraction = spec->train_fraction;
	partial->seed_mask = (spec->seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	partial->horizon_us = spec->horizon_s * 1000000;
	partial->features = spec->feature_count;
	partial->columns = partial_columns(spec);
	partial->has_last = spec_is_ordered(spec);
	partial->ones = spec->intercept;
	partial->width_us = first_width_us(spec);
	partial->tail = tail_new(spec->feature_count);
	if (!partial->tail)
		partial_destroy(&partial);
	return partial;
}

void partial_reset(struct partial *partial)
{
	for (size_t i = 0; i < partial->count; i++)
		rfactor_destroy(&partial->slots[i].factor);
	partial->count = partial->recent = 0;
	partial->error = ERROR_OK;
	memset(&partial->counts, 0, sizeof(partial->counts));
	tail_reset(partial->tail);
}

void partial_destroy(struct partial **partial)
{
	if (!*partial)
		return;
	if ((*partial)->tail)
		partial_reset(*partial);
	tail_destroy(&(*partial)->tail);
	free(*partial);
	*partial = NULL;
}

/* --- slots ----------------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* Buckets twice as long; neighbours become one. */
static void double_width(struct partial *partial)
{
	size_t kept = 0;
	partial->width_us *= 2;
	for (size_t i = 0; i < partial->count; i++) {
		int64_t key = floor_divide(partial->slots[i].key, 2);
		struct rfactor *factor = partial->slots[i].factor;
		if (kept > 0 && partial->slots[kept - 1].key == key) {
			rfactor_merge(partial->slots[kept - 1].factor, factor);
			rfactor_destroy(&factor);
		} else {
			partial->slots[kept++] = (struct slot){ key, factor };
		}
	}
	partial->count = kept;
	partial->recent = 0;
}

static size_t find(const struct partial *partial, int64_t key)
{
	size_t low = 0, high = partial->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (partial->slots[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct partial *partial, size_t at, int64_t key, struct rfactor *factor)
{
	memmove(&partial->slots[at + 1], &partial->slots[at],
		(partial->count - at) * sizeof(partial->slots[0]));
	partial->slots[at] = (struct slot){ key, factor };
	partial->count++;
	while (partial->count > PARTIAL_MAX_BUCKETS)
		double_width(partial);
}

static bool is_at(const struct partial *partial, size_t at, int64_t key)
{
	return at < partial->count && partial->slots[at].key == key;
}

static int64_t key_of(const struct partial *partial, const struct feature_row *row)
{
	if (partial->split == SPLIT_TIME)
		return floor_divide(row->timestamp_us, partial->width_us);
	uint64_t hash = (row->identity ^ partial->seed_mask) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 29)) * UINT64_C(0x94d049bb133111eb);
	double uniform = (double)((hash ^ (hash >> 32)) >> 11) * 0x1p-53;
	return uniform < partial->train_fraction ? SIDE_TRAIN : SIDE_HELD_OUT;
}

/* The factor for a row of this key; NULL: no memory. */
static struct rfactor *factor_for(struct partial *partial, const struct feature_row *row,
				  int64_t key)
{
	if (is_at(partial, partial->recent, key))
		return partial->slots[partial->recent].factor;
	size_t at = find(partial, key);
	if (!is_at(partial, at, key)) {
		struct rfactor *factor = rfactor_new(partial->columns, partial->ones);
		if (!factor)
			return NULL;
		insert(partial, at, key, factor);
		at = find(partial, key_of(partial, row)); /* the width may have changed */
	}
	partial->recent = at;
	return partial->slots[at].factor;
}

/* --- rows ------------------------------------------------------------------------------------ */

void partial_count_record(struct partial *partial)
{
	partial->counts.records++;
}

void partial_count(struct partial *partial, enum row_reason reason)
{
	partial->counts.rows[reason]++;
}

static void widen(struct partial_counts *counts, int64_t first_us, int64_t last_us)
{
	if (counts->first_us == 0 || first_us < counts->first_us)
		counts->first_us = first_us;
	if (last_us > counts->last_us)
		counts->last_us = last_us;
}

/* Whether a row of this key may be held out, as far as is known by now. */
static bool may_be_held_out(const struct partial *partial, int64_t key)
{
	return partial->split == SPLIT_TIME || partial->train_fraction >= 1 || key == SIDE_HELD_OUT;
}

struct tail *partial_tail(const struct partial *partial)
{
	return partial->tail;
}

void partial_take(const struct feature_row *row, enum row_reason reason, void *user)
{
	struct partial *partial = user;
	double columns[SPEC_MAX_FEATURES + 2];
	partial->counts.rows[reason]++;
	if (reason != ROW_USED)
		return;
	int64_t key = key_of(partial, row);
	struct rfactor *factor = factor_for(partial, row, key);
	if (!factor) {
		partial->error = ERROR_NO_MEMORY;
		return;
	}
	memcpy(columns, row->x, partial->features * sizeof(double));
	if (partial->has_last)
		columns[partial->features] = row->last;
	columns[partial->columns - 1] = row->y;
	rfactor_add(factor, columns);
	if (may_be_held_out(partial, key) && !tail_add(partial->tail, row))
		partial->error = ERROR_NO_MEMORY;
	widen(&partial->counts, row->timestamp_us, row->timestamp_us);
}

enum error partial_error(const struct partial *partial)
{
	return partial->error;
}

const struct partial_counts *partial_counts(const struct partial *partial)
{
	return &partial->counts;
}

static void add_counts(struct partial_counts *into, const struct partial_counts *from)
{
	into->records += from->records;
	for (size_t i = 0; i < ROW_REASON_COUNT; i++)
		into->rows[i] += from->rows[i];
	if (from->first_us != 0)
		widen(into, from->first_us, from->last_us);
}

enum error partial_merge(struct partial *into, struct partial *from)
{
	assert(into->columns == from->columns && into->split == from->split);
	if (from->error != ERROR_OK)
		into->error = from->error;
	while (into->width_us < from->width_us)
		double_width(into);
	while (from->width_us < into->width_us)
		double_width(from);
	for (size_t i = 0; i < from->count; i++) {
		/* Inserting may double the width of `into`: then the rest of `from` follows. */
		int64_t key = from->slots[i].key;
		for (int64_t width_us = from->width_us; width_us < into->width_us; width_us *= 2)
			key = floor_divide(key, 2);
		size_t at = find(into, key);
		if (is_at(into, at, key)) {
			rfactor_merge(into->slots[at].factor, from->slots[i].factor);
			continue;
		}
		struct rfactor *copy = rfactor_clone(from->slots[i].factor);
		if (!copy)
			return into->error = ERROR_NO_MEMORY;
		insert(into, at, key, copy);
	}
	into->recent = 0;
	if (!tail_merge(into->tail, from->tail))
		into->error = ERROR_NO_MEMORY;
	add_counts(&into->counts, &from->counts);
	return into->error;
}

/* --- splitting ------------------------------------------------------------------------------- */

/* Index of the first held-out slot. By time: the first bucket with the wanted part of the rows
 * before it, but both sides get at least one bucket where there are two. */
static size_t find_cut(const struct partial *partial)
{
	if (partial->split == SPLIT_SEEDED)
		return find(partial, SIDE_HELD_OUT);
	if (partial->train_fraction >= 1)
		return partial->count;
	double all = 0, before = 0;
	for (size_t i = 0; i < partial->count; i++)
		all += (double)rfactor_rows(partial->slots[i].factor);
	size_t cut = 0;
	while (cut < partial->count && before < partial->train_fraction * all)
		before += (double)rfactor_rows(partial->slots[cut++].factor);
	if (cut == partial->count && cut > 1)
		cut--;
	return cut;
}

size_t partial_held_out(struct partial *partial, struct rfactor *out[PARTIAL_MAX_BUCKETS])
{
	size_t cut = find_cut(partial), count = 0;
	assert(partial->split == SPLIT_TIME);
	for (size_t i = cut; i < partial->count; i++)
		out[count++] = partial->slots[i].factor;
	return count;
}

/* Copies slots [from, to) merged; NULL in `out` when there are none. */
static enum error collect(const struct partial *partial, size_t from, size_t to,
			  struct rfactor **out)
{
	*out = NULL;
	for (size_t i = from; i < to; i++) {
		if (*out)
			rfactor_merge(*out, partial->slots[i].factor);
		else if (!(*out = rfactor_clone(partial->slots[i].factor)))
			return ERROR_NO_MEMORY;
	}
	return ERROR_OK;
}

enum error partial_split(struct partial *partial, struct partial_split *split)
{
	size_t cut = find_cut(partial), end = cut;
	memset(split, 0, sizeof(*split));
	if (partial->split == SPLIT_TIME && cut < partial->count) {
		split->cut_us = partial->slots[cut].key * partial->width_us;
		/* A bucket is no shorter than the horizon: one is enough. */
		if (partial->horizon_us > 0 && cut > 1)
			split->rows_between = (int64_t)rfactor_rows(partial->slots[--end].factor);
	}
	enum error error = collect(partial, 0, end, &split->train);
	if (error == ERROR_OK)
		error = collect(partial, cut, partial->count, &split->held_out);
	if (error == ERROR_OK && !split->train)
		split->train = rfactor_new(partial->columns, partial->ones);
	if (error == ERROR_OK && !split->train)
		error = ERROR_NO_MEMORY;
	if (error != ERROR_OK)
		partial_split_clean_up(split);
	return error;
}

void partial_split_clean_up(struct partial_split *split)
{
	rfactor_destroy(&split->train);
	rfactor_destroy(&split->held_out);
}
