/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Features over a window of time, and of the time of day. A window is summed anew for each row, in
 * the order of time: running sums would be faster, but their rounding depends on where a stream
 * began, and a row must be the same live, in a full training and in one that went on.
 */
#include <math.h>

#include "features_internal.h"

#define DAY_US INT64_C(86400000000)

enum row_reason features_roll(const struct features *f, size_t index, uint64_t from, double *out)
{
	const struct spec_feature *feature = &f->spec.features[index];
	int64_t until_us = f->timestamp_us - feature->lag_s * 1000000;
	uint64_t end = from;
	double sum = 0, squares = 0;
	for (; end < window_end(f->history) && window_time(f->history, end) <= until_us; end++)
		sum += window_values(f->history, end)[feature->column];
	double count = (double)(end - from), mean = sum / count;
	*out = mean;
	if (feature->transform == FEATURE_MEAN)
		return count >= 1 ? ROW_USED : ROW_NO_HISTORY;
	for (uint64_t at = from; at < end; at++) {
		double off = window_values(f->history, at)[feature->column] - mean;
		squares += off * off;
	}
	*out = sqrt(squares / (count - 1));
	return count >= 2 ? ROW_USED : ROW_NO_HISTORY;
}

double features_hour(enum feature_transform transform, int64_t timestamp_us)
{
	int64_t of_day_us = (timestamp_us % DAY_US + DAY_US) % DAY_US;
	double angle = 2 * M_PI * ((double)of_day_us / (double)DAY_US);
	return transform == FEATURE_HOUR_SINE ? sin(angle) : cos(angle);
}
