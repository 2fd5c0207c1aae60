/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arrays that grow by doubling.
 */
#ifndef TICKLINE_ARRAY_H
#define TICKLINE_ARRAY_H

#include <stddef.h>

#include "error.h"

/* Room for one element of `size` bytes after the `count` that there are: the array, which may have
 * moved (free it as any other), with its new `capacity`. NULL, and nothing changed: no memory, or
 * there are `limit` elements already (SIZE_MAX: no limit). An array that is NULL has capacity 0. */
void *array_room(void *array, size_t count, size_t *capacity, size_t limit, size_t size) MUST_USE;

#endif
