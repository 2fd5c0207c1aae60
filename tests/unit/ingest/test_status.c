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

static void visit_done(struct flush *flush, void *user)
{
	++*(int *)user;
	flush->done = true;
}

struct waiter {
	struct status *status;
	enum error error;
};

static void *wait_for_flush(void *argument)
{
	struct waiter *waiter = argument;
	struct flush flush = { 0 };
	waiter->error = status_flush(waiter->status, &flush, monotonic_now_us() + 30 * SECOND_US);
	return NULL;
}

static void a_flush_waits_until_it_is_done(void **state)
{
	(void)state;
	struct waiter waiter = { .status = status_new() };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_flush, &waiter), 0);
	for (int visits = 0; visits == 0;)
		status_visit_flushes(waiter.status, visit_done, &visits);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.error, ERROR_OK);
	/* it is withdrawn */
	int visits = 0;
	status_visit_flushes(waiter.status, visit_done, &visits);
	assert_int_equal(visits, 0);
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
		cmocka_unit_test(a_flush_waits_until_it_is_done),
		cmocka_unit_test(a_flush_ends_at_its_deadline_and_with_the_service),
		cmocka_unit_test(acknowledgements_are_taken_once_and_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
