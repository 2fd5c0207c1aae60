/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../common/scripted_peer.h"
#include "ingest_testing.h"
#include "timestamp.h"
#include "writers.h"

enum { SECOND_US = 1000000 };

struct fixture {
	struct peer peer;
	struct writers *writers;
	struct lease *lease;
};

static void begin(struct fixture *f, const struct peer_step *steps, size_t count, size_t threads)
{
	testing_begin();
	peer_start(&f->peer, steps, count);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%d", f->peer.port);
	const struct writers_options options = {
		.threads = threads,
		.hdfs = { .urls = url,
			  .user = "u",
			  .token = "",
			  .host_map = "",
			  .limits = { .connect_ms = 2000, .idle_ms = 60000, .total_ms = 60000 } },
	};
	assert_int_equal(writers_new(&options, &f->writers, NULL), ERROR_OK);
	f->lease = lease_new(&testing_dataset, 3);
}

static void finish(struct fixture *f)
{
	writers_destroy(&f->writers);
	peer_stop(&f->peer);
	peer_clean_up(&f->peer);
	lease_drop(&f->lease);
	testing_end();
}

static void a_job_comes_back_with_its_result(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "op=DELETE", .status = "200 OK", .body = "{\"boolean\":true}" },
		{ .expect = "op=DELETE", .status = "403 x" },
	};
	struct fixture f;
	begin(&f, steps, 2, 1);
	assert_null(writers_done(f.writers, 0));
	struct job *first = job_new(JOB_GIVE_BACK, f.lease, NULL);
	struct job *second = job_new(JOB_GIVE_BACK, f.lease, NULL);
	writers_submit(f.writers, first);
	writers_submit(f.writers, second);
	assert_int_equal(writers_pending(f.writers), 2);
	int64_t deadline_us = monotonic_now_us() + 30 * SECOND_US;
	struct job *job = writers_done(f.writers, deadline_us);
	assert_ptr_equal(job, first);
	assert_int_equal(job->error, ERROR_OK);
	job_destroy(&job);
	job = writers_done(f.writers, deadline_us);
	assert_ptr_equal(job, second);
	assert_int_equal(job->error, ERROR_DENIED);
	assert_true(job->why[0] != '\0');
	job_destroy(&job);
	assert_int_equal(writers_pending(f.writers), 0);
	finish(&f);
}

static void a_job_of_an_ended_lease_is_not_run(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, NULL, 0, 1);
	atomic_store(&f.lease->ended, true);
	struct job *job = job_new(JOB_PUBLISH, f.lease, batch_new(3, 0, 0));
	writers_submit(f.writers, job);
	job = writers_done(f.writers, monotonic_now_us() + 30 * SECOND_US);
	assert_int_equal(job->error, ERROR_CANCELLED);
	job_destroy(&job);
	finish(&f);
}

static void waiting_ends_at_the_deadline(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, NULL, 0, 2);
	int64_t before_us = monotonic_now_us();
	assert_null(writers_done(f.writers, before_us + 20000));
	assert_true(monotonic_now_us() - before_us >= 20000);
	finish(&f);
}

/* With calls under way on a silent server and jobs in the queue. */
static void destroy_does_not_wait_for_a_silent_server(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { { .then = PEER_HANG } };
	struct fixture f;
	begin(&f, steps, 1, 1);
	for (int i = 0; i < 3; i++)
		writers_submit(f.writers, job_new(JOB_GIVE_BACK, f.lease, NULL));
	int64_t before_us = monotonic_now_us();
	writers_destroy(&f.writers);
	assert_true(monotonic_now_us() - before_us < 20 * SECOND_US);
	finish(&f);
}

static void bad_addresses_are_refused(void **state)
{
	(void)state;
	const struct writers_options options = {
		.threads = 1, .hdfs = { .urls = "nowhere", .user = "", .token = "", .host_map = "" }
	};
	struct writers *writers;
	assert_int_equal(writers_new(&options, &writers, NULL), ERROR_INVALID);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_comes_back_with_its_result),
		cmocka_unit_test(a_job_of_an_ended_lease_is_not_run),
		cmocka_unit_test(waiting_ends_at_the_deadline),
		cmocka_unit_test(destroy_does_not_wait_for_a_silent_server),
		cmocka_unit_test(bad_addresses_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
