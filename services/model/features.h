/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns a stream of records, ordered by time, into rows of features and target. Training and live
 * predictions use this same code, so that a model sees live what it saw in training.
 * One owner at a time. Memory is bounded by FEATURES_MAX_WINDOW records.
 */
#ifndef TICKLINE_MODEL_FEATURES_H
#define TICKLINE_MODEL_FEATURES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "spec.h"
#include "text.h"

/* Records kept for lags and pending targets; a stream denser than this over the reach of its spec
 * drops rows, counted as ROW_WINDOW. */
enum { FEATURES_MAX_WINDOW = 65536 };

/* Why a record gave no row. */
#define ROW_REASONS(X)                                                                       \
	X(USED, "used")                                                                      \
	X(MALFORMED, "malformed")       /* not a line of this table */                       \
	X(OUT_OF_ORDER, "out-of-order") /* older than the record before it, ordered specs */ \
	X(REPEATED, "repeated")         /* the same time again, ordered specs */             \
	X(NO_HISTORY, "no-history")     /* nothing at t - lag */                             \
	X(NO_TARGET, "no-target")       /* nothing at t + horizon */                         \
	X(ZERO, "zero-denominator")                                                          \
	X(NOT_FINITE, "not-finite") /* a transform gave no finite number */                  \
	X(WINDOW, "window-full")

enum row_reason {
#define ROW_REASON_ENUM(code, name) ROW_##code,
	ROW_REASONS(ROW_REASON_ENUM)
#undef ROW_REASON_ENUM
		ROW_REASON_COUNT
};
const char *row_reason_name(enum row_reason reason); /* "no-history" */

struct feature_row {
	int64_t timestamp_us;        /* of the record that the row describes */
	int64_t target_us;           /* of the record that gave y; 0: not known yet */
	double x[SPEC_MAX_FEATURES]; /* in the spec's order */
	double y;                    /* NAN: not known yet */
	double last; /* the last known value of the target column: the record before for horizon 0,
			this record otherwise; NAN: none (unordered specs too) */
	uint64_t identity; /* a hash of the record's used columns, for the seeded split */
};

struct features;

/* NULL: no memory. The spec is copied. */
struct features *features_new(const struct spec *spec);
void features_destroy(struct features **features);

/* A copy with the same window, to try a file and go back. NULL: no memory. */
struct features *features_clone(const struct features *features);

/* Takes the next record; values as record_read_published gives them ([0] unused). `emit` is called
 * once for each row that this record completes: the record's own row for horizon 0, else the rows
 * whose target it is, oldest first, and once for each record that can't give a row (`reason` other
 * than ROW_USED; only timestamp_us is set then). So each record is told of exactly once, sooner or
 * later, except those whose target never came. */
void features_push(struct features *features, int64_t timestamp_us, const double *values,
		   void (*emit)(const struct feature_row *row, enum row_reason reason, void *user),
		   void *user);

/* The row of the record pushed last, to predict from: y is NAN unless horizon is 0.
 * ROW_USED, or why there is no such row. */
enum row_reason features_latest(const struct features *features, struct feature_row *row);

/* Records whose target has not come yet. */
size_t features_pending(const struct features *features);

/* Where an ordered stream stands, as JSON, to go on from there in another run; what features_latest
 * would tell is not part of it. INVALID: it is not of this spec. */
void features_write_json(const struct features *features, struct text *out);
enum error features_read_json(const struct spec *spec, const cJSON *json,
			      struct features **features, struct text *why) MUST_USE;

#endif
