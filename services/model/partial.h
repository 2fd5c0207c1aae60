/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What rows leave behind for a training: R factors, counts and the latest rows that may be held
 * out. Partials of disjoint rows merge.
 *
 * A seeded split needs two factors: a row's side depends on nothing but the row and the seed. A
 * split by time needs one factor per bucket of time, since where the cut falls is known at the end:
 * buckets are PARTIAL_BUCKET_S long, doubled until they reach the horizon, and doubled again when
 * there are more than PARTIAL_MAX_BUCKETS; the final width is the same in whatever order partials
 * merge. One owner at a time.
 */
#ifndef TICKLINE_MODEL_PARTIAL_H
#define TICKLINE_MODEL_PARTIAL_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "features.h"
#include "rfactor.h"
#include "spec.h"
#include "tail.h"

enum { PARTIAL_BUCKET_S = 900, PARTIAL_MAX_BUCKETS = 256 };

struct partial_counts {
	int64_t records;                /* lines read */
	int64_t rows[ROW_REASON_COUNT]; /* [ROW_USED] went into a factor */
	int64_t first_us, last_us;      /* time range of the rows used; 0: none */
};

struct partial;

struct partial *partial_new(const struct spec *spec); /* NULL: no memory; copies what it needs */
void partial_destroy(struct partial **partial);
void partial_reset(struct partial *partial); /* as new, memory kept */

/* Takes a row as features_push emits it (user is the partial). */
void partial_take(const struct feature_row *row, enum row_reason reason, void *partial);

/* Counts a record that was read, or refused before it got to the features. */
void partial_count_record(struct partial *partial);
void partial_count(struct partial *partial, enum row_reason reason);

/* NO_MEMORY when a factor could not be made, now or in an earlier partial_take. */
enum error partial_merge(struct partial *into, struct partial *from) MUST_USE;
enum error partial_error(const struct partial *partial) MUST_USE;

const struct partial_counts *partial_counts(const struct partial *partial);

struct partial_split {
	struct rfactor *train, *held_out; /* the caller's; held_out NULL: none */
	int64_t cut_us;                   /* split by time: where the held-out part begins; 0 */
	int64_t rows_between;             /* left out, since their targets lie beyond the cut */
};

/* The two sides by the spec's split. NO_MEMORY. */
enum error partial_split(struct partial *partial, struct partial_split *split) MUST_USE;
void partial_split_clean_up(struct partial_split *split);

/* The buckets of the held-out part of a split by time, the oldest first; they stay the partial's,
 * and only waiting rows may be worked in. Returns how many. */
size_t partial_held_out(struct partial *partial, struct rfactor *out[PARTIAL_MAX_BUCKETS]);

/* The latest rows: of a seeded split those held out, of one by time all, since the cut is known at
 * the end. Lives as long as the partial. */
struct tail *partial_tail(const struct partial *partial);

/* Data columns of the factors: features, last (ordered specs), target. */
size_t partial_columns(const struct spec *spec);

/* JSON and back, exact. INVALID: it is not of this spec. */
void partial_write_json(struct partial *partial, struct text *out);
enum error partial_read_json(const struct spec *spec, const cJSON *json, struct partial **partial,
			     struct text *why) MUST_USE;

#endif
