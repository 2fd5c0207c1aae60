/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The R factor of the QR decomposition of [1 D], D being rows of data columns: all that a
 * least-squares report needs, in a few hundred numbers, however many rows went in. Two factors of
 * disjoint rows merge into the factor of their union.
 *
 * Each column is shifted by a constant and scaled by a power of two, both taken from the first rows
 * seen, so that epoch-sized numbers do not cancel. A shift is a column transform of R, so factors
 * with different shifts merge. Without the column of ones nothing is shifted.
 *
 * One owner at a time.
 */
#ifndef TICKLINE_MODEL_RFACTOR_H
#define TICKLINE_MODEL_RFACTOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

enum { RFACTOR_MAX_COLUMNS = 40, RFACTOR_BLOCK_ROWS = 256 };

struct rfactor;

/* `columns` data columns (1 to RFACTOR_MAX_COLUMNS); `ones`: with the column of ones in front.
 * NULL: no memory. */
struct rfactor *rfactor_new(size_t columns, bool ones);
void rfactor_destroy(struct rfactor **factor);
struct rfactor *rfactor_clone(const struct rfactor *factor); /* NULL: no memory */

/* Adds one row of finite numbers, one per data column. */
void rfactor_add(struct rfactor *factor, const double *row);

/* Adds the rows of `from` to `into`; both have the same columns. `from` stays as it is, but for
 * rows that waited in its block. */
void rfactor_merge(struct rfactor *into, struct rfactor *from);

uint64_t rfactor_rows(const struct rfactor *factor);
size_t rfactor_columns(const struct rfactor *factor);
bool rfactor_has_ones(const struct rfactor *factor);

/* Smallest and largest value of a data column; NAN when there are no rows. Works in
 * waiting rows first. */
double rfactor_min(struct rfactor *factor, size_t column);
double rfactor_max(struct rfactor *factor, size_t column);

/* What R stands for: column j of R holds (data - shift) / scale. Works in waiting rows first. */
struct rfactor_view {
	const double *r;             /* size x size, upper triangular, row after row */
	size_t size;                 /* data columns, plus one with ones, which then is column 0 */
	const double *shift, *scale; /* per data column */
};
struct rfactor_view rfactor_view(struct rfactor *factor);

/* The Euclidean norm, over all rows, of constant + sum of weights[j] * data column j: the root of
 * the sum of squared errors, when the weights are those of y - prediction. */
double rfactor_norm(struct rfactor *factor, double constant, const double *weights);

/* A JSON object whose numbers read back to the same doubles; and back. INVALID: not such an object.
 */
void rfactor_write_json(struct rfactor *factor, struct text *out);
enum error rfactor_read_json(const cJSON *json, struct rfactor **factor, struct text *why) MUST_USE;

#endif
