/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sorts the numbers that quantiles are taken of.
 */
#ifndef TICKLINE_MODEL_SORT_DOUBLES_H
#define TICKLINE_MODEL_SORT_DOUBLES_H

#include <stddef.h>

/* Ascending, in place; infinities are numbers, NAN is not allowed. Takes as much memory again for
 * the while, and without it sorts all the same, slower. */
void sort_doubles(double *values, size_t count);

#endif
