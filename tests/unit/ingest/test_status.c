/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "ingest_testing.h"
#include "status.h"
#include "timestamp.h"

enum { SECOND_US = 1000000 };

static void views_are_copies(void **state)
{
	(void)state;
	struct status *status = status_new();
	size_t count;
	struct status_totals totals;
	struct partition_view *copy = status_views(status, &count, &totals);
	assert_non_null(copy);
	assert_int_equal(count, 0);
	assert_false(totals.joined);
	free(copy);
	struct partition_view *views = calloc(2, sizeof *views);
	views[1].partition = 7;
	status_publish(status, views, 2, &(struct status_totals){ .joined = true });
	copy = status_views(status, &count, &totals);
	assert_int_equal(count, 2);
	assert_true(totals.joined);
	status_publish(status, NULL, 0, &totals);
	assert_int_equal(copy[1].partition, 7);
	free(copy);
	status_destroy(&status);
}

static void files_from_a_number_on(void **state)
{
	(void)state;
	struct status *status = status_new();
	struct published_file files[8];
	for (int64_t i = 0; i < 5000; i++)
		status_add_file(status, &(struct published_file){ .rows = i });
	uint64_t next = status_next_file(status);
	assert_int_equal(next, 5000);
	assert_int_equal(status_files(status, next, files, 8), 0);
	assert_int_equal(status_files(status, next - 3, files, 8), 3);
	assert_int_equal(files[0].rows, 4997);
	/* the oldest are forgotten: what is there begins later */
	assert_int_equal(status_files(status, 0, files, 8), 8);
	assert_int_equal(files[0].rows, 5000 - 4096);
	status_destroy(&status);
}

static void files_after_a_time(void **state)
{
	(void)state;
	struct status *status = status_new();
	struct published_file files[4];
	struct files_found found = status_find_files(status, INT64_MIN, true, files, 4);
	assert_int_equal(found.count, 0);
	assert_false(found.more);
	assert_in_range(wall_now_us() - found.complete_since_us, 0, 60 * SECOND_US);
	/* the clock is set back once, and stands still once */
	static const int64_t times_us[] = { 100, 90, 101, 105, 107 };
	for (int64_t i = 0; i < 5; i++)
		status_add_file(status,
				&(struct published_file){ .rows = i, .wall_us = times_us[i] });
	found = status_find_files(status, INT64_MIN, true, files, 4);
	assert_int_equal(found.count, 4);
	assert_true(found.more);
	assert_int_equal(files[0].rows, 1);
	assert_int_equal(files[0].wall_us, 101);
	assert_int_equal(files[1].wall_us, 102);
	found = status_find_files(status, 100, false, files, 2);
	assert_int_equal(files[0].rows, 1);
	assert_true(found.more);
	found = status_find_files(status, files[1].wall_us, false, files, 2);
	assert_int_equal(found.count, 2);
	assert_int_equal(files[0].rows, 3);
	assert_int_equal(files[1].rows, 4);
	assert_false(found.more);
	assert_int_equal(status_find_files(status, 107, false, files, 2).count, 0);
	for (int64_t i = 0; i < 5000; i++)
		status_add_file(status, &(struct published_file){ .wall_us = 1000 + i });
	found = status_find_files(status, 0, false, files, 1);
	assert_int_equal(files[0].wall_us, 1000 + 5000 - 4096);
	assert_int_equal(found.complete_since_us, files[0].wall_us);
	status_destroy(&status);
}

struct pauser {
	struct status *status;
	enum error error;
	struct status_totals totals;
};

static void *pause_and_wait(void *argument)
{
	struct pauser *one = argument;
	one->error =
		status_pause(one->status, true, monotonic_now_us() + 30 * SECOND_US, &one->totals);
	return NULL;
}

static void a_pause_is_answered_when_it_is_so(void **state)
{
	(void)state;
	struct pauser one = { .status = status_new() };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, pause_and_wait, &one), 0);
	while (!status_pause_wished(one.status))
		;
	const struct status_totals totals = { .paused = true, .in_flight = 3 };
	status_publish(one.status, NULL, 0, &totals);
	pthread_join(thread, NULL);
	assert_int_equal(one.error, ERROR_OK);
	assert_int_equal(one.totals.in_flight, 3);
	/* again: it is so already */
	struct status_totals seen;
	assert_int_equal(status_pause(one.status, true, 0, &seen), ERROR_OK);
	/* nobody does it in time; the wish stands */
	assert_int_equal(status_pause(one.status, false, 0, &seen), ERROR_TIMEOUT);
	assert_false(status_pause_wished(one.status));
	status_destroy(&one.status);
}

static void a_pause_gives_way_to_a_later_wish_and_to_the_end(void **state)
{
	(void)state;
	struct pauser one = { .status = status_new() };
	pthread_t thread;
	struct status_totals seen;
	assert_int_equal(pthread_create(&thread, NULL, pause_and_wait, &one), 0);
	while (!status_pause_wished(one.status))
		;
	assert_int_equal(status_pause(one.status, false, 0, &seen), ERROR_OK); /* as it was */
	pthread_join(thread, NULL);
	assert_int_equal(one.error, ERROR_CONFLICT);
	status_close(one.status);
	assert_int_equal(status_pause(one.status, true, INT64_MAX, &seen), ERROR_CANCELLED);
	status_destroy(&one.status);
}

static void visit_reached(struct flush *flush, void *user)
{
	++*(int *)user;
	flush->reached = true;
}

struct waiter {
	struct status *status;
	enum error error;
	int64_t memory_bytes; /* of the totals when it was answered */
};

static void *wait_for_flush(void *argument)
{
	struct waiter *waiter = argument;
	struct flush flush = { 0 };
	waiter->error = status_flush(waiter->status, &flush, monotonic_now_us() + 30 * SECOND_US);
	size_t count;
	struct status_totals totals;
	free(status_views(waiter->status, &count, &totals));
	waiter->memory_bytes = totals.memory_bytes;
	return NULL;
}

static void a_flush_waits_until_it_is_shown(void **state)
{
	(void)state;
	const struct status_totals totals = { .joined = true, .memory_bytes = 7 };
	struct waiter waiter = { .status = status_new() };
	pthread_t thread;
	int visits = 0;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_flush, &waiter), 0);
	while (!status_visit_flushes(waiter.status, visit_reached, &visits))
		;
	/* it is not asked again */
	assert_false(status_visit_flushes(waiter.status, visit_reached, &visits));
	assert_int_equal(visits, 1);
	status_publish(waiter.status, NULL, 0, &totals);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.error, ERROR_OK);
	assert_int_equal(waiter.memory_bytes, 7);
	/* it is withdrawn */
	assert_false(status_visit_flushes(waiter.status, visit_reached, &visits));
	assert_int_equal(visits, 1);
	status_destroy(&waiter.status);
}

static void a_flush_ends_at_its_deadline_and_with_the_service(void **state)
{
	(void)state;
	struct status *status = status_new();
	struct flush flush = { 0 };
	assert_int_equal(status_flush(status, &flush, monotonic_now_us() + 1000), ERROR_TIMEOUT);
	status_close(status);
	assert_int_equal(status_flush(status, &flush, monotonic_now_us() + 30 * SECOND_US),
			 ERROR_CANCELLED);
	status_destroy(&status);
}

static void ends_are_those_noted_last(void **state)
{
	(void)state;
	testing_begin();
	struct status *status = status_new();
	assert_int_equal(status_log_end(status, &testing_dataset, 1), -1);
	struct log_end *ends = calloc(2, sizeof *ends);
	ends[0] = (struct log_end){ &testing_dataset, 1, 40 };
	ends[1] = (struct log_end){ NULL, 2, 41 };
	status_note_ends(status, ends, 2);
	assert_int_equal(status_log_end(status, &testing_dataset, 1), 40);
	assert_int_equal(status_log_end(status, &testing_dataset, 2), -1);
	status_note_ends(status, NULL, 0);
	assert_int_equal(status_log_end(status, &testing_dataset, 1), -1);
	status_destroy(&status);
	testing_end();
}

static void acknowledgements_are_taken_once_and_bounded(void **state)
{
	(void)state;
	testing_begin();
	struct status *status = status_new();
	const struct dataset *dataset;
	int32_t partition;
	assert_false(status_take_acknowledgement(status, &dataset, &partition));
	int taken = 0;
	while (!status_acknowledge(status, &testing_dataset, taken))
		taken++;
	assert_in_range(taken, 1, 1000);
	for (int i = taken; i > 0; i--) {
		assert_true(status_take_acknowledgement(status, &dataset, &partition));
		assert_ptr_equal(dataset, &testing_dataset);
	}
	assert_false(status_take_acknowledgement(status, &dataset, &partition));
	status_destroy(&status);
	testing_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_are_copies),
		cmocka_unit_test(files_from_a_number_on),
		cmocka_unit_test(files_after_a_time),
		cmocka_unit_test(a_pause_is_answered_when_it_is_so),
		cmocka_unit_test(a_pause_gives_way_to_a_later_wish_and_to_the_end),
		cmocka_unit_test(a_flush_waits_until_it_is_shown),
		cmocka_unit_test(a_flush_ends_at_its_deadline_and_with_the_service),
		cmocka_unit_test(ends_are_those_noted_last),
		cmocka_unit_test(acknowledgements_are_taken_once_and_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
