/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct window {
	size_t width, limit;
	size_t capacity; /* a power of two, or 0 */
	uint64_t begin, end;
	int64_t *times;
	double *values;
};

struct window *window_new(size_t width, size_t limit)
{
	struct window *window = calloc(1, sizeof(*window));
	if (window) {
		window->width = width;
		window->limit = limit;
	}
	return window;
}

void window_destroy(struct window **window)
{
	if (!*window)
		return;
	free((*window)->times);
	free((*window)->values);
	free(*window);
	*window = NULL;
}

static size_t slot(const struct window *window, uint64_t place)
{
	return (size_t)(place & (window->capacity - 1));
}

static void put(struct window *window, uint64_t place, int64_t time_us, const double *values)
{
	size_t at = slot(window, place);
	window->times[at] = time_us;
	memcpy(window->values + at * window->width, values, window->width * sizeof(double));
}

/* Moves everything into arrays of `capacity` rows. */
static bool resize(struct window *window, size_t capacity)
{
	struct window larger = *window;
	larger.capacity = capacity;
	larger.times = calloc(capacity, sizeof(*larger.times));
	larger.values = calloc(capacity * window->width, sizeof(*larger.values));
	if (!larger.times || !larger.values) {
		free(larger.times);
		free(larger.values);
		return false;
	}
	for (uint64_t place = window->begin; place < window->end; place++)
		put(&larger, place, window_time(window, place), window_values(window, place));
	free(window->times);
	free(window->values);
	*window = larger;
	return true;
}

struct window *window_clone(const struct window *window)
{
	struct window *copy = window_new(window->width, window->limit);
	if (!copy)
		return NULL;
	copy->begin = window->begin;
	copy->end = window->begin;
	for (uint64_t place = window->begin; place < window->end; place++) {
		if (!window_push(copy, window_time(window, place), window_values(window, place))) {
			window_destroy(&copy);
			return NULL;
		}
	}
	return copy;
}

bool window_push(struct window *window, int64_t time_us, const double *values)
{
	size_t count = (size_t)(window->end - window->begin);
	if (count == window->limit)
		return false;
	if (count == window->capacity && !resize(window, count == 0 ? 16 : 2 * count))
		return false;
	put(window, window->end++, time_us, values);
	return true;
}

void window_drop(struct window *window)
{
	assert(window->begin < window->end);
	window->begin++;
}

uint64_t window_begin(const struct window *window)
{
	return window->begin;
}

uint64_t window_end(const struct window *window)
{
	return window->end;
}

int64_t window_time(const struct window *window, uint64_t place)
{
	assert(place >= window->begin && place < window->end);
	return window->times[slot(window, place)];
}

const double *window_values(const struct window *window, uint64_t place)
{
	assert(place >= window->begin && place < window->end);
	return window->values + slot(window, place) * window->width;
}
