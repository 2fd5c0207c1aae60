/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The latest rows of a training, at most TAIL_ROWS: intervals are calibrated and skill is tested on
 * them without reading anything twice, in bounded memory. Rows are ordered by time, then by
 * identity, so that the tail of a union is the same in whatever order its parts come and merge: the
 * incremental path is exact here as well. One owner at a time.
 */
#ifndef TICKLINE_MODEL_TAIL_H
#define TICKLINE_MODEL_TAIL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "features.h"
#include "text.h"

enum { TAIL_ROWS = 4096 };

struct tail;

struct tail *tail_new(size_t features); /* NULL: no memory */
void tail_destroy(struct tail **tail);
void tail_reset(struct tail *tail); /* as new, memory kept */

/* A row whose y is known. False: no memory. */
bool tail_add(struct tail *tail, const struct feature_row *row);

/* Both have the same features; `from` stays as it is. False: no memory. */
bool tail_merge(struct tail *into, const struct tail *from);

/* As in features.h; `x` is in the tail, until something is added or merged. */
struct tail_row {
	int64_t timestamp_us, target_us;
	uint64_t identity;
	double last, y;
	const double *x;
};

/* Rows by time, the oldest first; what was added is put in order first. */
size_t tail_count(struct tail *tail);
struct tail_row tail_row(struct tail *tail, size_t index);

/* A JSON string: the rows' bytes in base64, since they are a cache for this machine's kind and four
 * times as long in digits. False: it is not of these features. */
void tail_write_json(struct tail *tail, struct text *out);
bool tail_read_json(const cJSON *json, struct tail *tail);

#endif
