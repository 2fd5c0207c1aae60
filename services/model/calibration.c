/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibration.h"

#include <math.h>
#include <stdlib.h>

#include "interval.h"
#include "sort_doubles.h"

struct miss {
	int64_t time_us, target_us;
	double size; /* of the error, over sqrt(1 + leverage) */
};

static double size_of(const struct predictor *predictor, const struct tail_row *row)
{
	if (predictor->last_price)
		return fabs(row->y - row->x[predictor->fit.anchor]);
	double error = row->y - fit_predict(&predictor->fit, row->x);
	return fabs(error) / sqrt(1 + fit_leverage(&predictor->fit, row->x));
}

static size_t gather(const struct predictor *predictor, struct tail *tail, int64_t since_us,
		     struct miss *misses)
{
	size_t count = 0, rows = tail_count(tail);
	for (size_t i = 0; i < rows; i++) {
		struct tail_row row = tail_row(tail, i);
		double size = size_of(predictor, &row);
		if (row.timestamp_us >= since_us && isfinite(size))
			misses[count++] = (struct miss){ row.timestamp_us, row.target_us, size };
	}
	return count;
}

/* The sizes of the first `count` misses whose actual was known by `until_us`, ascending. */
static size_t sort_sizes(const struct miss *misses, size_t count, int64_t until_us, double *sizes)
{
	size_t known = 0;
	for (size_t i = 0; i < count; i++)
		if (misses[i].target_us <= until_us)
			sizes[known++] = misses[i].size;
	sort_doubles(sizes, known);
	return known;
}

/* NAN: too few. */
static double quantile(const double *sizes, size_t count, double level)
{
	double rank = ceil((double)(count + 1) * level);
	return count > 0 && rank <= (double)count ? sizes[(size_t)rank - 1] : NAN;
}

static double share_inside(const struct miss *misses, size_t count, double half)
{
	size_t inside = 0;
	for (size_t i = 0; i < count; i++)
		inside += misses[i].size <= half;
	return count > 0 && isfinite(half) ? (double)inside / (double)count : NAN;
}

/* As it goes live: an interval learns only from actuals that were known by then, and in the end
 * from those known by `until_us`. `inside` is room for as many. Returns how many were. */
static size_t follow(struct adaptive *adaptive, const struct miss *misses, size_t count,
		     double half, int64_t until_us, bool *inside)
{
	size_t all_inside = 0, learned = 0;
	for (size_t i = 0; i < count; i++) {
		for (; learned < i && misses[learned].target_us <= misses[i].time_us; learned++)
			adaptive_learn(adaptive, inside[learned], CALIBRATION_LEVEL);
		inside[i] = misses[i].size <= half * adaptive_factor(adaptive);
		all_inside += inside[i];
	}
	for (; learned < count && misses[learned].target_us <= until_us; learned++)
		adaptive_learn(adaptive, inside[learned], CALIBRATION_LEVEL);
	return all_inside;
}

struct work {
	struct miss *misses; /* by time */
	size_t count;
	double *sizes; /* room for as many */
	bool *inside;
};

static void prove(const struct predictor *predictor, enum spec_split split, struct work *work,
		  struct calibration *calibration)
{
	size_t earlier = work->count / 2, later = work->count - earlier;
	const struct miss *proof = work->misses + earlier;
	size_t known = sort_sizes(work->misses, earlier, proof[0].time_us, work->sizes);
	double half = quantile(work->sizes, known, CALIBRATION_LEVEL);
	double plain =
		predictor->last_price ? NAN : fit_half_width(&predictor->fit, 0, CALIBRATION_LEVEL);
	calibration->proof_rows = later;
	calibration->plain = share_inside(proof, later, plain);
	if (!isfinite(half))
		return;
	struct adaptive adaptive = { 0 };
	if (split == SPLIT_TIME)
		follow(&adaptive, work->misses, earlier, half, proof[0].time_us, work->inside);
	calibration->conformal = share_inside(proof, later, half * adaptive_factor(&adaptive));
	size_t inside = follow(&adaptive, proof, later, half, INT64_MAX, work->inside);
	calibration->adaptive = (double)inside / (double)later;
}

/* The half widths, and the factor at the end. */
static void set_widths(enum spec_split split, struct work *work, struct calibration *calibration)
{
	struct adaptive adaptive = { 0 };
	sort_sizes(work->misses, work->count, INT64_MAX, work->sizes);
	for (size_t i = 0; i < PREDICTOR_SPREADS; i++)
		calibration->spread[i] = quantile(work->sizes, work->count, PREDICTOR_PARTS[i]);
	double half = quantile(work->sizes, work->count, CALIBRATION_LEVEL);
	if (split == SPLIT_TIME && isfinite(half))
		follow(&adaptive, work->misses, work->count, half, INT64_MAX, work->inside);
	calibration->log_factor = adaptive.log_factor;
}

enum error calibrate(const struct predictor *predictor, enum spec_split split, struct tail *tail,
		     int64_t since_us, struct calibration *calibration)
{
	*calibration = (struct calibration){ .plain = NAN, .conformal = NAN, .adaptive = NAN };
	struct work work = { .misses = calloc(TAIL_ROWS, sizeof(*work.misses)),
			     .sizes = calloc(TAIL_ROWS, sizeof(*work.sizes)),
			     .inside = calloc(TAIL_ROWS, sizeof(*work.inside)) };
	bool has_room = work.misses && work.sizes && work.inside;
	if (has_room)
		work.count = gather(predictor, tail, since_us, work.misses);
	if (work.count > 0) {
		calibration->since_us = work.misses[0].time_us;
		calibration->until_us = work.misses[work.count - 1].time_us;
		prove(predictor, split, &work, calibration);
	}
	calibration->rows = work.count;
	if (has_room)
		set_widths(split, &work, calibration);
	free(work.misses);
	free(work.sizes);
	free(work.inside);
	return has_room ? ERROR_OK : ERROR_NO_MEMORY;
}
