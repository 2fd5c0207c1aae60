/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the files of partial.
 */
#ifndef TICKLINE_MODEL_PARTIAL_INTERNAL_H
#define TICKLINE_MODEL_PARTIAL_INTERNAL_H

#include "partial.h"

enum { SIDE_TRAIN, SIDE_HELD_OUT }; /* keys of a seeded split */

struct slot {
	int64_t key; /* side, or bucket number */
	struct rfactor *factor;
};

/* Slots are ordered by key; rows mostly come ordered by time, so the last one used is tried first.
 */
struct partial {
	enum spec_split split;
	double train_fraction;
	uint64_t seed_mask;
	int64_t horizon_us;
	size_t features, columns;
	bool ones, has_last;
	int64_t width_us; /* of a bucket; split by time only */
	enum error error; /* sticky */
	struct partial_counts counts;
	struct tail *tail;
	size_t count, recent;
	struct slot slots[PARTIAL_MAX_BUCKETS + 1]; /* one above, for the moment before doubling */
};

#endif
