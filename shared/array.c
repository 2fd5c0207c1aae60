/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "array.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

void *array_room(void *array, size_t count, size_t *capacity, size_t limit, size_t size)
{
	if (count >= limit)
		return NULL;
	if (count < *capacity)
		return array;
	size_t larger = *capacity > 0 ? 2 * *capacity : FIRST_CAPACITY;
	if (larger > limit)
		larger = limit;
	void *moved = reallocarray(array, larger, size);
	if (moved)
		*capacity = larger;
	return moved;
}
