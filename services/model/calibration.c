/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibration.h"

#include <math.h>
#include <stdlib.h>

#include "interval.h"

struct miss {
	int64_t time_us, target_us;
	double size; /* of the error, over sqrt(1 + leverage) */
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double size_of(const struct predictor *predictor, const struct feature_row *row)
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
		struct feature_row row = tail_row(tail, i);
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
	qsort(sizes, known, sizeof(*sizes), by_size);
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

/* As it goes live: an interval learns only from actuals that were known by then. */
static double share_inside_adaptive(const struct miss *misses, size_t count, double half)
{
	struct adaptive adaptive = { 0 };
	size_t inside = 0, learned = 0;
	bool *was_inside = calloc(count + 1, sizeof(*was_inside));
	for (size_t i = 0; was_inside && i < count; i++) {
		for (; learned < i && misses[learned].target_us <= misses[i].time_us; learned++)
			adaptive_learn(&adaptive, was_inside[learned], CALIBRATION_LEVEL);
		was_inside[i] = misses[i].size <= half * adaptive_factor(&adaptive);
		inside += was_inside[i];
	}
	bool known = was_inside && count > 0 && isfinite(half);
	free(was_inside);
	return known ? (double)inside / (double)count : NAN;
}

static void prove(const struct predictor *predictor, const struct miss *misses, size_t count,
		  double *sizes, struct calibration *calibration)
{
	size_t earlier = count / 2;
	const struct miss *proof = misses + earlier;
	calibration->proof_rows = count - earlier;
	size_t known = sort_sizes(misses, earlier, proof[0].time_us, sizes);
	double half = quantile(sizes, known, CALIBRATION_LEVEL);
	double plain =
		predictor->last_price ? NAN : fit_half_width(&predictor->fit, 0, CALIBRATION_LEVEL);
	calibration->plain = share_inside(proof, count - earlier, plain);
	calibration->conformal = share_inside(proof, count - earlier, half);
	calibration->adaptive = share_inside_adaptive(proof, count - earlier, half);
}

enum error calibrate(const struct predictor *predictor, struct tail *tail, int64_t since_us,
		     struct calibration *calibration)
{
	*calibration = (struct calibration){ .plain = NAN, .conformal = NAN, .adaptive = NAN };
	struct miss *misses = calloc(TAIL_ROWS, sizeof(*misses));
	double *sizes = calloc(TAIL_ROWS, sizeof(*sizes));
	size_t count = misses && sizes ? gather(predictor, tail, since_us, misses) : 0;
	if (count > 0) {
		calibration->since_us = misses[0].time_us;
		calibration->until_us = misses[count - 1].time_us;
		prove(predictor, misses, count, sizes, calibration);
		sort_sizes(misses, count, INT64_MAX, sizes);
	}
	calibration->rows = count;
	for (size_t i = 0; i < PREDICTOR_SPREADS; i++)
		calibration->spread[i] = quantile(sizes, count, PREDICTOR_PARTS[i]);
	enum error error = misses && sizes ? ERROR_OK : ERROR_NO_MEMORY;
	free(misses);
	free(sizes);
	return error;
}
