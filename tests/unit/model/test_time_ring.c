/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "time_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct item {
	int64_t timestamp_us;
	int tag;
};

enum { CAPACITY = 5 };

static struct time_ring *ring_of(const int64_t *times, size_t count)
{
	struct time_ring *ring = time_ring_new(CAPACITY, sizeof(struct item));
	assert_non_null(ring);
	for (size_t i = 0; i < count; i++)
		time_ring_put(ring, &(struct item){ times[i], (int)i });
	return ring;
}

static void expect(struct time_ring *ring, struct time_ring_query query, const int64_t *times,
		   size_t count, bool expect_more)
{
	struct item out[16];
	struct time_ring_span span;
	bool more;
	assert_int_equal(time_ring_read(ring, &query, out, &more, &span), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(out[i].timestamp_us, times[i]);
	assert_int_equal(more, expect_more);
}

#define TIMES(...) ((const int64_t[]){ __VA_ARGS__ })
#define ALL(n)     ((struct time_ring_query){ .after_us = INT64_MIN, .limit = (n) })

static void empty(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(NULL, 0);
	struct item item;
	assert_false(time_ring_last(ring, &item));
	struct time_ring_span span;
	bool more = true;
	assert_int_equal(time_ring_read(ring, &ALL(3), &item, &more, &span), 0);
	assert_false(more);
	assert_int_equal(span.held, 0);
	time_ring_destroy(&ring);
	assert_null(ring);
	time_ring_destroy(&ring);
}

static void late_items_are_sorted_in(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(30, 10, 20, 5), 4);
	expect(ring, ALL(9), TIMES(5, 10, 20, 30), 4, false);
	struct item last;
	assert_true(time_ring_last(ring, &last));
	assert_int_equal(last.timestamp_us, 30);
	time_ring_destroy(&ring);
}

static void equal_times_keep_arrival_order(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(10, 20, 10, 20), 4);
	struct item out[4];
	struct time_ring_span span;
	bool more;
	assert_int_equal(time_ring_read(ring, &ALL(4), out, &more, &span), 4);
	assert_int_equal(out[0].tag, 0);
	assert_int_equal(out[1].tag, 2);
	assert_int_equal(out[2].tag, 1);
	assert_int_equal(out[3].tag, 3);
	time_ring_destroy(&ring);
}

static void a_full_ring_drops_the_oldest(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(NULL, 0);
	for (int i = 0; i < 1000; i++) {
		assert_true(time_ring_put(ring, &(struct item){ i, i }));
		if (i >= CAPACITY)
			expect(ring, ALL(9), TIMES(i - 4, i - 3, i - 2, i - 1, i), CAPACITY, false);
	}
	assert_false(time_ring_put(ring, &(struct item){ 994, 0 }));
	assert_true(time_ring_put(ring, &(struct item){ 996, 0 }));
	expect(ring, ALL(9), TIMES(996, 996, 997, 998, 999), 5, false);
	time_ring_destroy(&ring);
}

static void a_cleared_ring_starts_anew(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(10, 20, 30, 40, 50, 60), 6);
	time_ring_clear(ring);
	expect(ring, ALL(9), NULL, 0, false);
	time_ring_put(ring, &(struct item){ 5, 0 });
	expect(ring, ALL(9), TIMES(5), 1, false);
	time_ring_destroy(&ring);
}

static void limits_say_what_they_cut(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(10, 20, 30, 40, 50), 5);
	struct time_ring_query query = { .after_us = 10, .limit = 2 };
	expect(ring, query, TIMES(20, 30), 2, true);
	query.newest = true;
	expect(ring, query, TIMES(40, 50), 2, true);
	query.limit = 4;
	expect(ring, query, TIMES(20, 30, 40, 50), 4, false);
	query.newest = false;
	expect(ring, query, TIMES(20, 30, 40, 50), 4, false);
	query.after_us = 50;
	expect(ring, query, NULL, 0, false);
	time_ring_destroy(&ring);
}

static void thinning_keeps_the_last_of_each_interval(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(-3, 1, 9, 10, 25), 5);
	struct time_ring_query query = { .after_us = INT64_MIN, .every_us = 10, .limit = 9 };
	expect(ring, query, TIMES(-3, 9, 10, 25), 4, false);
	query.after_us = 1; /* the same intervals wherever the query starts */
	expect(ring, query, TIMES(9, 10, 25), 3, false);
	query.newest = true;
	query.limit = 2;
	expect(ring, query, TIMES(10, 25), 2, true);
	time_ring_destroy(&ring);
}

/* The tags are summed, so that a missing and a doubled item show. */
static void add_tags(void *into, const void *next)
{
	struct item *sum = into;
	const struct item *item = next;
	*sum = (struct item){ item->timestamp_us, sum->tag + item->tag };
}

static void expect_sums(struct time_ring *ring, struct time_ring_query query, const int64_t *times,
			const int *tags, size_t count, bool expect_more)
{
	struct item out[16];
	struct time_ring_span span;
	bool more;
	query.fold = add_tags;
	assert_int_equal(time_ring_read(ring, &query, out, &more, &span), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(out[i].timestamp_us, times[i]);
		assert_int_equal(out[i].tag, tags[i]);
	}
	assert_int_equal(more, expect_more);
}

#define TAGS(...) ((const int[]){ __VA_ARGS__ })

static void folding_takes_whole_intervals(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(11, 15, 19, 20, 38), 5); /* tags 0 to 4 */
	struct time_ring_query query = { .after_us = INT64_MIN, .every_us = 10, .limit = 9 };
	expect_sums(ring, query, TIMES(19, 20, 38), TAGS(3, 3, 4), 3, false);
	query.after_us = 15; /* inside an interval: it is still whole */
	expect_sums(ring, query, TIMES(19, 20, 38), TAGS(3, 3, 4), 3, false);
	query.after_us = 19; /* the time of an answer leads on to the next */
	expect_sums(ring, query, TIMES(20, 38), TAGS(3, 4), 2, false);
	query.after_us = 15;
	query.limit = 1;
	expect_sums(ring, query, TIMES(19), TAGS(3), 1, true);
	query.newest = true;
	query.limit = 2;
	expect_sums(ring, query, TIMES(20, 38), TAGS(3, 4), 2, true);
	query.limit = 3;
	expect_sums(ring, query, TIMES(19, 20, 38), TAGS(3, 3, 4), 3, false);
	query.every_us = 0;
	query.limit = 9;
	expect_sums(ring, query, TIMES(19, 20, 38), TAGS(2, 3, 4), 3, false);
	time_ring_destroy(&ring);
}

static void folding_counts_a_repeated_time_once(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(19, 11, 11, 19, 12), 5);
	struct time_ring_query query = { .after_us = INT64_MIN, .every_us = 10, .limit = 9 };
	expect_sums(ring, query, TIMES(19), TAGS(2 + 4 + 3), 1, false);
	time_ring_destroy(&ring);
}

static void folding_leaves_out_what_was_cut(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(11, 15, 19, 20, 38, 45), 6); /* 11 is dropped */
	struct time_ring_query query = { .after_us = INT64_MIN, .every_us = 10, .limit = 9 };
	expect_sums(ring, query, TIMES(20, 38, 45), TAGS(3, 4, 5), 3, false);
	query.newest = true;
	expect_sums(ring, query, TIMES(20, 38, 45), TAGS(3, 4, 5), 3, false);
	query.every_us = 4; /* 11 is of another interval than 15 */
	expect_sums(ring, query, TIMES(15, 19, 20, 38, 45), TAGS(1, 2, 3, 4, 5), 5, false);
	assert_false(time_ring_put(ring, &(struct item){ 13, 9 })); /* not kept is dropped, too */
	expect_sums(ring, query, TIMES(19, 20, 38, 45), TAGS(2, 3, 4, 5), 4, false);
	time_ring_clear(ring);
	time_ring_put(ring, &(struct item){ 13, 9 });
	expect_sums(ring, query, TIMES(13), TAGS(9), 1, false);
	time_ring_destroy(&ring);
}

static void mark(void *item, void *user)
{
	((struct item *)item)->tag = *(int *)user;
}

static void changes_touch_only_their_time(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(TIMES(10, 20, 20, 30), 4);
	int tag = 77;
	assert_int_equal(time_ring_change(ring, 20, mark, &tag), 2);
	assert_int_equal(time_ring_change(ring, 15, mark, &tag), 0);
	assert_int_equal(time_ring_change(ring, 5, mark, &tag), 0);
	struct item out[4];
	struct time_ring_span span;
	bool more;
	assert_int_equal(time_ring_read(ring, &ALL(4), out, &more, &span), 4);
	assert_int_equal(out[0].tag, 0);
	assert_int_equal(out[1].tag, 77);
	assert_int_equal(out[2].tag, 77);
	assert_int_equal(out[3].tag, 3);
	assert_int_equal(span.held, 4);
	assert_int_equal(span.oldest_us, 10);
	assert_int_equal(span.newest_us, 30);
	time_ring_destroy(&ring);
}

static int by_time(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

/* Against the plain definition: the newest CAPACITY of all, sorted. */
static void random_order_agrees_with_sorting(void **state)
{
	(void)state;
	struct time_ring *ring = ring_of(NULL, 0);
	int64_t all[500];
	uint32_t random = 12345;
	for (size_t n = 0; n < 500; n++) {
		random = random * 1664525U + 1013904223U;
		all[n] = (int64_t)(random >> 16) % 300;
		time_ring_put(ring, &(struct item){ all[n], 0 });
		qsort(all, n + 1, sizeof *all, by_time);
		size_t held = n + 1 < CAPACITY ? n + 1 : CAPACITY;
		expect(ring, ALL(9), all + n + 1 - held, held, false);
	}
	time_ring_destroy(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(late_items_are_sorted_in),
		cmocka_unit_test(equal_times_keep_arrival_order),
		cmocka_unit_test(a_full_ring_drops_the_oldest),
		cmocka_unit_test(a_cleared_ring_starts_anew),
		cmocka_unit_test(limits_say_what_they_cut),
		cmocka_unit_test(thinning_keeps_the_last_of_each_interval),
		cmocka_unit_test(folding_takes_whole_intervals),
		cmocka_unit_test(folding_counts_a_repeated_time_once),
		cmocka_unit_test(folding_leaves_out_what_was_cut),
		cmocka_unit_test(changes_touch_only_their_time),
		cmocka_unit_test(random_order_agrees_with_sorting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
