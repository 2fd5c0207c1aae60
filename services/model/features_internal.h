/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the files of features.
 */
#ifndef TICKLINE_MODEL_FEATURES_INTERNAL_H
#define TICKLINE_MODEL_FEATURES_INTERNAL_H

#include "features.h"
#include "window.h"

struct features {
	struct spec spec;
	bool ordered;
	int64_t reach_us, horizon_us, tolerance_us;
	int plain[SPEC_MAX_FEATURES]; /* the column that a feature is as it stands; -1: computed */
	uint64_t used[RECORD_MAX_FIELDS]; /* all bits of the columns that rows need, none of others
					   */
	struct window *history;           /* ordered: {values} of the records that lags may need */
	struct window *pending; /* horizon: {x, last, identity} of rows without their target */
	uint64_t cursor[SPEC_MAX_FEATURES]; /* per lag: a place in history, only moves on */
	bool any;                           /* a record was taken */
	double previous[RECORD_MAX_FIELDS]; /* the record before the last one taken */
	bool has_previous;
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS];
	struct feature_row latest;
	enum row_reason latest_reason;
};

/* The mean or deviation of feature `index`; `from` is the first place in history that may be in its
 * window. NO_HISTORY: too few records there. */
enum row_reason features_roll(const struct features *features, size_t index, uint64_t from,
			      double *out);

/* The sine or cosine of the time of day. */
double features_hour(enum feature_transform transform, int64_t timestamp_us);

/* What one pending row takes in its window: x, last, identity. */
size_t features_pending_width(const struct spec *spec);

#endif
