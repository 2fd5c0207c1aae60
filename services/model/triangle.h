/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small dense columns and upper triangles: what fit.c does with an R factor. Reentrant.
 */
#ifndef TICKLINE_MODEL_TRIANGLE_H
#define TICKLINE_MODEL_TRIANGLE_H

#include <stddef.h>

#include "rfactor.h"

enum { TRIANGLE_MAX = RFACTOR_MAX_COLUMNS + 1 };

struct triangle_columns {
	size_t rows, count;
	double column[TRIANGLE_MAX][TRIANGLE_MAX];
};

/* Householder QR in place of the first `pivots` columns, applied to all. */
void triangle_reflect(struct triangle_columns *columns, size_t pivots);

/* Householder QR that takes the columns in the order of their worth: each time the first whose
 * remaining length is at least 0.9 of the longest, until none is longer than `tolerance`.
 * Returns the rank; order[i] is the index that the i-th column had, for i < rank; the columns are
 * left in that order. */
size_t triangle_reveal(struct triangle_columns *columns, double tolerance, size_t *order);

/* Largest over smallest singular value of the leading rank x rank triangle. */
double triangle_condition(const struct triangle_columns *columns, size_t rank);

/* T x = b in place of b; T is size x size, row after row. */
void triangle_solve(const double *t, size_t size, double *b);

/* Adds the row [0 … 0 value 0 … 0], `value` at `place`, with 0 on its right-hand side, to T and its
 * right-hand side b by rotations: a ridge penalty on one column. */
void triangle_add_unit(double *t, size_t size, double *b, size_t place, double value);

/* T' x = b in place of b; returns the length of x. */
double triangle_solve_transposed(const double *t, size_t size, double *b);

#endif
