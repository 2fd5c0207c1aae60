/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The live side of one model: the features of its partitions, its newest predictions and what
 * became of them. The live thread owns it; what others may
 * call is said below.
 */
#ifndef TICKLINE_MODEL_LIVE_MODEL_H
#define TICKLINE_MODEL_LIVE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drift.h"
#include "features.h"
#include "metrics.h"
#include "model_version.h"
#include "score.h"
#include "spec.h"
#include "time_ring.h"

enum { LIVE_MAX_PARTITIONS = 1024 };
#define LIVE_LEVEL 0.95 /* of the intervals */

struct ring_record {
	int64_t timestamp_us; /* first: see time_ring.h */
	int64_t offset;
	int32_t partition;
	double values[RECORD_MAX_FIELDS]; /* [0] unused */
};

struct live_model;

/* NULL: out of memory. The spec is copied; `capacity` predictions are kept. */
struct live_model *live_model_new(const struct spec *spec, size_t capacity,
				  struct metrics *metrics);
void live_model_destroy(struct live_model **model);

const struct spec *live_model_spec(const struct live_model *model);
const char *live_model_hash(const struct live_model *model); /* spec_hash */

/* Sets the version that predicts from now on (the reference is taken; NULL: none); the factor of
 * its intervals follows the errors here, for whoever else predicts with it (version_follow). True
 * when this is the model's first one: the caller then passes the records that it still has, oldest
 * first, between live_model_restart and the next new record. */
bool live_model_serve(struct live_model *model, struct version *version);

/* Forgets features and predictions. */
void live_model_restart(struct live_model *model);

/* The next record of the model's dataset, in the order of its partition. */
void live_model_take(struct live_model *model, const struct ring_record *record, int64_t wall_us);

/* Sets the gauges of the running score. */
void live_model_tell_score(struct live_model *model, const struct score *score);

/* struct live_prediction, by the time of the record. */
struct time_ring *live_model_predictions(const struct live_model *model);

/* How far features and errors have moved since training. Any thread. */
struct drift *live_model_drift(const struct live_model *model);

/* Why the newest record gave no prediction; ROW_USED: it gave one, or there is no version. Any
 * thread. */
enum row_reason live_model_reason(const struct live_model *model);

/* How much wider than calibrated the next interval is (interval.h); a new version begins with its
 * own. Any thread. */
double live_model_factor(const struct live_model *model);

/* Number of the version that predicts; -1: none. Any thread. */
int64_t live_model_version(const struct live_model *model);

#endif
