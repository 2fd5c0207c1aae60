/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "features_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

size_t features_pending_width(const struct spec *spec)
{
	return spec->feature_count + 2;
}

const char *row_reason_name(enum row_reason reason)
{
	static const char *const names[] = {
#define ROW_REASON_NAME(code, name) [ROW_##code] = name,
		ROW_REASONS(ROW_REASON_NAME)
#undef ROW_REASON_NAME
	};
	return names[reason];
}

/* The column that a feature is as it stands; -1: there is something to compute. */
static int plain_column(const struct spec_feature *feature)
{
	bool plain = feature->transform == FEATURE_VALUE && feature->lag_s == 0 &&
		     feature->window_s == 0;
	return plain ? feature->column : -1;
}

struct features *features_new(const struct spec *spec)
{
	struct features *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->spec = *spec;
	f->ordered = spec_is_ordered(spec);
	f->reach_us = spec_reach_s(spec) * 1000000;
	f->horizon_us = spec->horizon_s * 1000000;
	f->tolerance_us = spec->tolerance_s * 1000000;
	f->latest_reason = ROW_NO_HISTORY;
	for (size_t i = 0; i < spec->feature_count; i++)
		f->plain[i] = plain_column(&spec->features[i]);
	for (size_t i = 0; i < RECORD_MAX_FIELDS; i++)
		f->used[i] = spec_columns(spec) >> i & 1 ? UINT64_MAX : 0;
	f->history = window_new(RECORD_MAX_FIELDS, FEATURES_MAX_WINDOW);
	f->pending = window_new(features_pending_width(spec), FEATURES_MAX_WINDOW);
	if (!f->history || !f->pending)
		features_destroy(&f);
	return f;
}

void features_destroy(struct features **features)
{
	struct features *f = *features;
	if (!f)
		return;
	window_destroy(&f->history);
	window_destroy(&f->pending);
	free(f);
	*features = NULL;
}

struct features *features_clone(const struct features *features)
{
	struct features *copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	memcpy(copy, features, sizeof(*copy));
	copy->history = window_clone(features->history);
	copy->pending = window_clone(features->pending);
	if (!copy->history || !copy->pending)
		features_destroy(&copy);
	return copy;
}

/* Both halves of the product: each bit of either number reaches all of them. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	u128 product = (u128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Of the columns in `used`: the others need not be read. By pairs, of which none waits for another;
 * the keys are the golden ratio's and those of splitmix64 (Steele, Lea and Flood 2014), a different
 * sum for each place. */
static uint64_t identity(int64_t timestamp_us, const double *values, const uint64_t *used,
			 size_t count)
{
	const uint64_t first = UINT64_C(0x9e3779b97f4a7c15), second = UINT64_C(0xbf58476d1ce4e5b9);
	uint64_t hash = fold((uint64_t)timestamp_us ^ first, second);
	for (size_t i = 1; i < count; i += 2) {
		uint64_t next = i + 1 < count ? bits_of(values[i + 1]) & used[i + 1] : 0;
		hash ^= fold((bits_of(values[i]) & used[i]) ^ (first * (i + 1)),
			     next ^ (second * (i + 2)));
	}
	return fold(hash ^ first, UINT64_C(0x94d049bb133111eb));
}

/* --- one feature ---------------------------------------------------------------------------- */

/* The record at t - lag, or at the beginning of a window; NULL: none. */
static const double *lagged(struct features *f, size_t index)
{
	const struct spec_feature *feature = &f->spec.features[index];
	int64_t at_us = f->timestamp_us - (feature->lag_s + feature->window_s) * 1000000;
	uint64_t *cursor = &f->cursor[index];
	if (*cursor < window_begin(f->history))
		*cursor = window_begin(f->history);
	while (*cursor + 1 < window_end(f->history) &&
	       window_time(f->history, *cursor + 1) <= at_us)
		++*cursor;
	if (*cursor >= window_end(f->history))
		return NULL;
	int64_t found_us = window_time(f->history, *cursor);
	if (found_us > at_us || found_us < at_us - f->tolerance_us)
		return NULL;
	return window_values(f->history, *cursor);
}

static enum row_reason divide(const struct spec_feature *feature, double above, double below,
			      double minus, double *out)
{
	*out = above / below - minus;
	if (below != 0)
		return ROW_USED;
	*out = feature->zero_value;
	return feature->zero_drops ? ROW_ZERO : ROW_USED;
}

static enum row_reason compute(const struct features *f, size_t index, const double *before,
			       double *out)
{
	const struct spec_feature *feature = &f->spec.features[index];
	const double *now = f->values;
	double value = now[feature->column];
	switch (feature->transform) {
	case FEATURE_RETURN:
		return divide(feature, value, before[feature->column], 1, out);
	case FEATURE_RATIO:
		return divide(feature, value, now[feature->other], 0, out);
	case FEATURE_DIFFERENCE:
		*out = value -
		       (feature->other >= 0 ? now[feature->other] : before[feature->column]);
		return ROW_USED;
	case FEATURE_LOG:
		*out = log(before[feature->column]);
		return ROW_USED;
	case FEATURE_MEAN:
	case FEATURE_DEVIATION: /* `before` lies just outside of the window */
		return features_roll(f, index, f->cursor[index] + 1, out);
	case FEATURE_HOUR_SINE:
	case FEATURE_HOUR_COSINE:
		*out = features_hour(feature->transform, f->timestamp_us);
		return ROW_USED;
	default:
		*out = before[feature->column];
		return ROW_USED;
	}
}

/* The record that a feature compares with or takes its value from; NULL: there is none. */
static const double *reference(struct features *f, size_t index)
{
	const struct spec_feature *feature = &f->spec.features[index];
	if (feature->lag_s + feature->window_s > 0)
		return lagged(f, index);
	bool compares = feature->transform == FEATURE_RETURN ||
			(feature->transform == FEATURE_DIFFERENCE && feature->other < 0);
	if (!compares)
		return f->values;
	return f->has_previous ? f->previous : NULL;
}

static enum row_reason compute_one(struct features *f, size_t index, double *out)
{
	const double *before = reference(f, index);
	return before ? compute(f, index, before, out) : ROW_NO_HISTORY;
}

/* `values` are the caller's of f->values, which was copied in larger pieces than the reader wrote
 * them in: the processor would wait until all of them have left its store buffer. */
static enum row_reason compute_all(struct features *f, const double *values,
				   struct feature_row *row)
{
	for (size_t i = 0; i < f->spec.feature_count; i++) {
		enum row_reason reason = ROW_USED;
		if (f->plain[i] >= 0)
			row->x[i] = values[f->plain[i]];
		else
			reason = compute_one(f, i, &row->x[i]);
		if (reason != ROW_USED)
			return reason;
		if (!isfinite(row->x[i]))
			return ROW_NOT_FINITE;
	}
	return ROW_USED;
}

/* --- the stream ----------------------------------------------------------------------------- */

typedef void emit_function(const struct feature_row *row, enum row_reason reason, void *user);

/* The oldest pending row got its target, or never will. */
static void settle(struct features *f, double target, emit_function *emit, void *user)
{
	uint64_t oldest = window_begin(f->pending);
	const double *kept = window_values(f->pending, oldest);
	size_t count = f->spec.feature_count;
	struct feature_row row = { .timestamp_us = window_time(f->pending, oldest) };
	enum row_reason reason = ROW_NO_TARGET;
	if (f->timestamp_us <= row.timestamp_us + f->horizon_us + f->tolerance_us) {
		memcpy(row.x, kept, count * sizeof(double));
		row.last = kept[count];
		memcpy(&row.identity, &kept[count + 1], sizeof(row.identity));
		row.target_us = f->timestamp_us;
		row.y = target;
		reason = ROW_USED;
	}
	window_drop(f->pending);
	if (emit)
		emit(&row, reason, user);
}

static void settle_due(struct features *f, emit_function *emit, void *user)
{
	double target = f->values[f->spec.target];
	while (window_begin(f->pending) < window_end(f->pending) &&
	       window_time(f->pending, window_begin(f->pending)) + f->horizon_us <= f->timestamp_us)
		settle(f, target, emit, user);
}

static bool keep_pending(struct features *f, const struct feature_row *row)
{
	double kept[SPEC_MAX_FEATURES + 2];
	size_t count = f->spec.feature_count;
	memcpy(kept, row->x, count * sizeof(double));
	kept[count] = row->last;
	memcpy(&kept[count + 1], &row->identity, sizeof(row->identity));
	return window_push(f->pending, row->timestamp_us, kept);
}

/* Lets go of what no lag can reach any more, and takes the record itself. */
static bool keep_history(struct features *f)
{
	while (window_begin(f->history) < window_end(f->history) &&
	       window_time(f->history, window_begin(f->history)) < f->timestamp_us - f->reach_us)
		window_drop(f->history);
	return window_push(f->history, f->timestamp_us, f->values);
}

/* The row of the record just taken; y is set for horizon 0. */
static enum row_reason make_row(struct features *f, const double *values, struct feature_row *row)
{
	const struct spec *spec = &f->spec;
	row->timestamp_us = f->timestamp_us;
	row->target_us = f->horizon_us == 0 ? f->timestamp_us : 0;
	row->y = f->horizon_us == 0 ? values[spec->target] : NAN;
	row->last = NAN;
	if (f->reach_us > 0 && !keep_history(f))
		return ROW_WINDOW;
	if (f->horizon_us > 0)
		row->last = values[spec->target];
	else if (f->ordered && f->has_previous)
		row->last = f->previous[spec->target];
	else if (f->ordered)
		return ROW_NO_HISTORY;
	row->identity = identity(f->timestamp_us, values, f->used, spec->table->count);
	return compute_all(f, values, row);
}

static enum row_reason check_order(const struct features *f, int64_t timestamp_us)
{
	if (!f->ordered || !f->any || timestamp_us > f->timestamp_us)
		return ROW_USED;
	return timestamp_us == f->timestamp_us ? ROW_REPEATED : ROW_OUT_OF_ORDER;
}

void features_push(struct features *f, int64_t timestamp_us, const double *values,
		   emit_function *emit, void *user)
{
	enum row_reason reason = check_order(f, timestamp_us);
	if (reason != ROW_USED) {
		struct feature_row refused = { .timestamp_us = timestamp_us };
		f->latest_reason = reason;
		if (emit)
			emit(&refused, reason, user);
		return;
	}
	f->has_previous = f->any;
	f->any = true;
	memcpy(f->previous, f->values, sizeof(f->previous));
	memcpy(f->values, values, f->spec.table->count * sizeof(double));
	f->timestamp_us = timestamp_us;
	if (f->horizon_us > 0)
		settle_due(f, emit, user);
	f->latest_reason = make_row(f, values, &f->latest);
	if (f->latest_reason == ROW_USED && f->horizon_us > 0) {
		if (keep_pending(f, &f->latest))
			return;
		f->latest_reason = ROW_WINDOW;
	}
	if (emit)
		emit(&f->latest, f->latest_reason, user);
}

enum row_reason features_latest(const struct features *features, struct feature_row *row)
{
	*row = features->latest;
	return features->latest_reason;
}

size_t features_pending(const struct features *features)
{
	return (size_t)(window_end(features->pending) - window_begin(features->pending));
}
