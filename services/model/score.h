/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A live prediction, and how well a run of them did. Reentrant.
 */
#ifndef TICKLINE_MODEL_SCORE_H
#define TICKLINE_MODEL_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interval.h"

struct live_prediction {
	int64_t timestamp_us; /* of the record whose features were used; first: see time_ring.h */
	int64_t target_us;    /* the instant that is predicted */
	int64_t made_us;      /* wall clock */
	int64_t version;
	double value;
	double low, high, level; /* low, high NAN: undefined */
	enum interval_kind interval;
	double last;      /* the last price known when it was made; NAN: none */
	double actual;    /* NAN: not known yet */
	bool in_training; /* the version was fitted on this record: no proof of anything */
};

struct score {
	size_t count;           /* predictions with a known actual, not seen in training */
	size_t in_training;     /* left out because the version had seen them */
	size_t waiting;         /* left out because the actual is not known yet */
	int64_t from_us, to_us; /* targets of the first and last one counted; 0: none */
	double rmse, mae;       /* NAN when count is 0 */
	double bias;            /* mean of actual - prediction; NAN likewise */
	double coverage;        /* share of actuals inside their interval; NAN: no intervals */
	double level;           /* that the interval claims; NAN: no intervals */
	double skill_last; /* 1 - rmse / rmse of "it stays at the last price"; NAN: undefined */
};

/* Over the predictions made by `version`; those of others are passed over. */
struct score score_of(const struct live_prediction *predictions, size_t count, int64_t version);

#endif
