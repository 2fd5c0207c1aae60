/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The newest items of one kind, at most `capacity` of them, in order of time. An item is any
 * struct that begins with `int64_t timestamp_us`. One that comes late takes its place in that
 * order (after those of the same time); when the ring is full, the oldest one goes. Any thread.
 */
#ifndef TICKLINE_TIME_RING_H
#define TICKLINE_TIME_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct time_ring;

/* Both at least 1; `item_bytes` holds at least the timestamp. NULL: out of memory. */
struct time_ring *time_ring_new(size_t capacity, size_t item_bytes);
void time_ring_destroy(struct time_ring **ring);

/* Copies the item. False: it is older than everything in a full ring and was not kept. */
bool time_ring_put(struct time_ring *ring, const void *item);

/* Forgets every item. */
void time_ring_clear(struct time_ring *ring);

struct time_ring_span {
	size_t held;
	int64_t oldest_us, newest_us; /* 0 when nothing is held */
};

struct time_ring_query {
	int64_t after_us; /* only items later than this; INT64_MIN: all */
	int64_t every_us; /* of each aligned interval of this length only the last item; 0: all */
	size_t limit;     /* at least 1 */
	bool newest;      /* beyond the limit keep the newest, else the oldest */
};

/* Copies what matches, oldest first, to `out` (room for query->limit items). Returns the number;
 * `more` tells whether the limit cut something off; `span` is of the same moment. */
size_t time_ring_read(struct time_ring *ring, const struct time_ring_query *query, void *out,
		      bool *more, struct time_ring_span *span);

/* The newest item; false when there is none. */
bool time_ring_last(struct time_ring *ring, void *out);

/* Calls `change` for each item of exactly this time, under the ring's lock; the timestamp must
 * stay. Returns how many there were. */
size_t time_ring_change(struct time_ring *ring, int64_t timestamp_us,
			void (*change)(void *item, void *user), void *user);

#endif
