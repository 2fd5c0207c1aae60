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
	int64_t every_us; /* of each aligned interval of this length one item; 0: all */
	/* NULL: that one is the interval's last item. Else it is made of all of them: of its first,
	 * into which the later ones are folded in turn; of items of the same time only the one that
	 * arrived last counts. It must take over the timestamp of `next`. Called under the lock. */
	void (*fold)(void *into, const void *next);
	size_t limit; /* at least 1 */
	bool newest;  /* beyond the limit keep the newest, else the oldest */
};

/* Copies what matches, oldest first, to `out` (room for query->limit items). Returns the number;
 * `more` tells whether the limit cut something off; `span` is of the same moment.
 * What stands for an interval does not depend on `after_us`: with `fold` it also holds the
 * interval's items before that. An interval of which the full ring has dropped items is left out
 * then, for it would be told wrong. */
size_t time_ring_read(struct time_ring *ring, const struct time_ring_query *query, void *out,
		      bool *more, struct time_ring_span *span);

/* The newest item; false when there is none. */
bool time_ring_last(struct time_ring *ring, void *out);

/* Calls `change` for each item of exactly this time, under the ring's lock; the timestamp must
 * stay. Returns how many there were. */
size_t time_ring_change(struct time_ring *ring, int64_t timestamp_us,
			void (*change)(void *item, void *user), void *user);

#endif
