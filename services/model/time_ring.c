/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: `lock` guards everything but `capacity` and `item_bytes`. The live thread puts and
 * changes, HTTP workers read.
 *
 * Items lie in `slots` and never move; `order` holds their slots by time, from `head` on. It is
 * twice as long as the ring, so that dropping the oldest is a step of `head` and the move back to
 * the start is paid once per `capacity` items. A late item shifts 4 bytes per newer one.
 */
#include "time_ring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct time_ring {
	pthread_mutex_t lock;
	size_t capacity, item_bytes;
	char *slots;
	uint32_t *order;
	size_t head, count;
	int64_t dropped_us; /* the latest time of which an item was dropped; INT64_MIN: none */
};

struct time_ring *time_ring_new(size_t capacity, size_t item_bytes)
{
	assert(capacity >= 1 && capacity <= UINT32_MAX / 2 && item_bytes >= sizeof(int64_t));
	struct time_ring *ring = calloc(1, sizeof *ring);
	if (!ring)
		return NULL;
	ring->capacity = capacity;
	ring->item_bytes = item_bytes;
	ring->dropped_us = INT64_MIN;
	ring->slots = calloc(capacity, item_bytes);
	ring->order = calloc(2 * capacity, sizeof *ring->order);
	if (!ring->slots || !ring->order) {
		free(ring->slots);
		free(ring->order);
		free(ring);
		return NULL;
	}
	pthread_mutex_init(&ring->lock, NULL);
	return ring;
}

void time_ring_destroy(struct time_ring **ring)
{
	if (!*ring)
		return;
	pthread_mutex_destroy(&(*ring)->lock);
	free((*ring)->slots);
	free((*ring)->order);
	free(*ring);
	*ring = NULL;
}

static char *at(const struct time_ring *ring, size_t position)
{
	return ring->slots + ring->order[ring->head + position] * ring->item_bytes;
}

static int64_t time_of(const void *item)
{
	int64_t us;
	memcpy(&us, item, sizeof us);
	return us;
}

/* The first position whose item is later than `us`. */
static size_t first_after(const struct time_ring *ring, int64_t us)
{
	size_t low = 0, high = ring->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (time_of(at(ring, middle)) > us)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Gives a free slot; false when the ring is full of later items. */
static bool slot_take(struct time_ring *ring, int64_t timestamp_us, uint32_t *slot)
{
	if (ring->count < ring->capacity) {
		*slot = (uint32_t)ring->count;
		return true;
	}
	int64_t oldest_us = time_of(at(ring, 0));
	int64_t drop_us = timestamp_us < oldest_us ? timestamp_us : oldest_us;
	if (drop_us > ring->dropped_us)
		ring->dropped_us = drop_us;
	if (timestamp_us < oldest_us)
		return false;
	*slot = ring->order[ring->head++];
	ring->count--;
	return true;
}

static void order_insert(struct time_ring *ring, uint32_t slot, int64_t timestamp_us)
{
	if (ring->head + ring->count == 2 * ring->capacity) {
		memmove(ring->order, ring->order + ring->head, ring->count * sizeof *ring->order);
		ring->head = 0;
	}
	size_t position = ring->count;
	if (position > 0 && time_of(at(ring, position - 1)) > timestamp_us)
		position = first_after(ring, timestamp_us);
	uint32_t *place = ring->order + ring->head + position;
	memmove(place + 1, place, (ring->count - position) * sizeof *place);
	*place = slot;
	ring->count++;
}

bool time_ring_put(struct time_ring *ring, const void *item)
{
	int64_t timestamp_us = time_of(item);
	uint32_t slot;
	pthread_mutex_lock(&ring->lock);
	bool kept = slot_take(ring, timestamp_us, &slot);
	if (kept) {
		memcpy(ring->slots + slot * ring->item_bytes, item, ring->item_bytes);
		order_insert(ring, slot, timestamp_us);
	}
	pthread_mutex_unlock(&ring->lock);
	return kept;
}

void time_ring_clear(struct time_ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->head = ring->count = 0;
	ring->dropped_us = INT64_MIN;
	pthread_mutex_unlock(&ring->lock);
}

/* Rounds down, so that no interval spans the epoch. */
static int64_t interval_of(int64_t us, int64_t every_us)
{
	int64_t quotient = us / every_us;
	return us % every_us < 0 ? quotient - 1 : quotient;
}

/* True when items at these positions are of one interval. */
static bool is_together(const struct time_ring *ring, size_t a, size_t b, int64_t every_us)
{
	return every_us == 0 ? a == b
			     : interval_of(time_of(at(ring, a)), every_us) ==
				       interval_of(time_of(at(ring, b)), every_us);
}

/* The positions of one interval's items. */
struct group {
	size_t begin, end;
};

/* The group that the item at `position` belongs to. It does not depend on where the query starts,
 * so two polls agree. */
static struct group group_at(const struct time_ring *ring, size_t position, int64_t every_us)
{
	struct group group = { position, position + 1 };
	while (group.begin > 0 && is_together(ring, group.begin - 1, position, every_us))
		group.begin--;
	while (group.end < ring->count && is_together(ring, group.end, position, every_us))
		group.end++;
	return group;
}

static bool is_cut(const struct time_ring *ring, struct group group,
		   const struct time_ring_query *query)
{
	return query->fold && query->every_us > 0 && ring->dropped_us != INT64_MIN &&
	       group.begin == 0 &&
	       interval_of(ring->dropped_us, query->every_us) >=
		       interval_of(time_of(at(ring, 0)), query->every_us);
}

static void put_group(const struct time_ring *ring, struct group group,
		      const struct time_ring_query *query, char *out)
{
	size_t i = query->fold ? group.begin : group.end - 1;
	bool begun = false;
	for (; i < group.end; i++) {
		const char *item = at(ring, i);
		if (i + 1 < group.end && time_of(item) == time_of(at(ring, i + 1)))
			continue;
		if (begun)
			query->fold(out, item);
		else
			memcpy(out, item, ring->item_bytes);
		begun = true;
	}
}

static size_t read_oldest(const struct time_ring *ring, const struct time_ring_query *query,
			  char *out, bool *more)
{
	size_t n = 0;
	struct group group;
	for (size_t i = first_after(ring, query->after_us); i < ring->count; i = group.end) {
		group = group_at(ring, i, query->every_us);
		if (is_cut(ring, group, query))
			continue;
		if (n == query->limit) {
			*more = true;
			break;
		}
		put_group(ring, group, query, out + n++ * ring->item_bytes);
	}
	return n;
}

static size_t read_newest(const struct time_ring *ring, const struct time_ring_query *query,
			  char *out, bool *more)
{
	size_t from = first_after(ring, query->after_us), unused = query->limit;
	struct group group;
	for (size_t i = ring->count; i > from; i = group.begin) {
		group = group_at(ring, i - 1, query->every_us);
		if (is_cut(ring, group, query))
			break;
		if (unused == 0) {
			*more = true;
			break;
		}
		put_group(ring, group, query, out + --unused * ring->item_bytes);
	}
	size_t n = query->limit - unused;
	memmove(out, out + unused * ring->item_bytes, n * ring->item_bytes);
	return n;
}

size_t time_ring_read(struct time_ring *ring, const struct time_ring_query *query, void *out,
		      bool *more, struct time_ring_span *span)
{
	assert(query->limit >= 1 && query->every_us >= 0);
	*more = false;
	*span = (struct time_ring_span){ 0 };
	pthread_mutex_lock(&ring->lock);
	size_t n = query->newest ? read_newest(ring, query, out, more)
				 : read_oldest(ring, query, out, more);
	span->held = ring->count;
	if (ring->count > 0) {
		span->oldest_us = time_of(at(ring, 0));
		span->newest_us = time_of(at(ring, ring->count - 1));
	}
	pthread_mutex_unlock(&ring->lock);
	return n;
}

bool time_ring_last(struct time_ring *ring, void *out)
{
	pthread_mutex_lock(&ring->lock);
	bool any = ring->count > 0;
	if (any)
		memcpy(out, at(ring, ring->count - 1), ring->item_bytes);
	pthread_mutex_unlock(&ring->lock);
	return any;
}

size_t time_ring_change(struct time_ring *ring, int64_t timestamp_us,
			void (*change)(void *item, void *user), void *user)
{
	size_t n = 0;
	pthread_mutex_lock(&ring->lock);
	for (size_t i = first_after(ring, timestamp_us);
	     i > 0 && time_of(at(ring, i - 1)) == timestamp_us; i--, n++)
		change(at(ring, i - 1), user);
	pthread_mutex_unlock(&ring->lock);
	return n;
}
