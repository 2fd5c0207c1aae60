/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The live side of every model of the registry, and the recent records of both datasets.
 * One thread (the live thread) calls the functions of the first group; the others are for any.
 */
#ifndef TICKLINE_MODEL_LIVE_MODELS_H
#define TICKLINE_MODEL_LIVE_MODELS_H

#include "error.h"
#include "live_model.h"
#include "metrics.h"
#include "model_settings.h"
#include "record.h"
#include "registry.h"
#include "time_ring.h"

struct live_models;

struct live_models_options {
	const struct model_settings *settings; /* kept */
	struct registry *registry;             /* outlives them */
	struct metrics *metrics;
};

/* NULL: out of memory. */
struct live_models *live_models_new(const struct live_models_options *options);
void live_models_destroy(struct live_models **models);

/* --- the live thread --- */

/* Takes over what changed in the registry: new and deleted models, versions that serve; and tells
 * the metrics how the predictions do. */
void live_models_sync(struct live_models *models);

/* A new record of this kind. */
void live_models_take(struct live_models *models, enum record_kind kind,
		      const struct ring_record *record, int64_t wall_us);

/* --- any thread --- */

/* struct ring_record */
struct time_ring *live_models_records(const struct live_models *models, enum record_kind kind);

/* Predictions of one model as time_ring_read gives them. NOT_FOUND: no such model. */
enum error live_models_predictions(struct live_models *models, const char *model,
				   const struct time_ring_query *query, struct live_prediction *out,
				   size_t *count, bool *more, struct time_ring_span *span) MUST_USE;

struct live_status {
	int64_t version; /* that predicts; -1: none yet */
	bool has_record, has_prediction;
	struct ring_record record; /* the newest */
	struct live_prediction prediction;
	enum row_reason reason; /* why the newest record gave no prediction */
	struct score score;
	struct drift_report drift;
	double interval_factor; /* live_model_factor */
	int64_t stale_after_s;
	bool stale; /* the newest record is older than that, or there is none */
};

/* NOT_FOUND: no such model. NO_MEMORY. */
enum error live_models_status(struct live_models *models, const char *model, int64_t wall_us,
			      struct live_status *status) MUST_USE;

#endif
