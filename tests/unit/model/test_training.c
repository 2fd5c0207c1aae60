/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "training.h"

#include "training_fixture.h"

static int begin(void **state)
{
	fixture_begin(state);
	open_training(*state);
	return 0;
}

static void a_job_makes_a_version_that_serves(void **state)
{
	struct fixture *f = *state;
	put_ticks(f, 0, 700, 1);
	put_ticks(f, 700, 800, 2);
	struct job job = train(f, "ia");
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(job.version, 1);
	assert_true(job.serves);
	assert_int_equal(job.files_done, 2);
	assert_int_equal(job.rows_used, 1500);
	assert_int_equal(job.bytes_done, job.bytes_total);
	assert_int_equal(job.remaining_ms, 0);
	assert_string_equal(job.phase, "ended");
	assert_string_equal(job.reason, "");
	struct version *version = registry_acquire(f->registry, "ia");
	struct prediction prediction;
	const double x[] = { 40000, 2000, 0.5, NAN, NAN, NAN };
	assert_int_equal(version_predict(version, x, 0.95, &prediction), ERROR_OK);
	assert_true(fabs(prediction.value - (40080 + 20 + 24.5)) < 5);
	assert_true(prediction.low < prediction.value && prediction.value < prediction.high);
	assert_false(prediction.extrapolated);
	const double far[] = { 70000, 2000, 0.5, 0, 0, 0 };
	assert_int_equal(version_predict(version, far, 0.5, &prediction), ERROR_OK);
	assert_true(prediction.extrapolated);
	version_release(&version);
}

static void a_second_job_of_a_model_conflicts(void **state)
{
	struct fixture *f = *state;
	char id[JOB_ID_LENGTH + 1], other[JOB_ID_LENGTH + 1];
	put_ticks(f, 0, 100, 1);
	atomic_store(&f->hdfs->hold_data, true);
	assert_int_equal(training_begin(f->training, "ia", "api", id, NULL), ERROR_OK);
	assert_int_equal(training_begin(f->training, "ia", "api", other, &f->why), ERROR_CONFLICT);
	assert_string_equal(id, other);
	assert_int_equal(training_begin(f->training, "none", "api", other, &f->why),
			 ERROR_NOT_FOUND);
	/* Another model waits for its turn, and can be cancelled while it waits. */
	assert_int_equal(training_begin(f->training, "streamlit", "api", other, NULL), ERROR_OK);
	assert_int_equal(training_cancel(f->training, other, NULL), ERROR_OK);
	assert_int_equal(wait_job(f, other).state, JOB_CANCELLED);
	atomic_store(&f->hdfs->hold_data, false);
	assert_int_equal(wait_job(f, id).state, JOB_DONE);
	assert_int_equal(training_cancel(f->training, id, &f->why), ERROR_CONFLICT);
	assert_int_equal(training_cancel(f->training, "none", NULL), ERROR_NOT_FOUND);
}

static void a_running_job_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	char id[JOB_ID_LENGTH + 1];
	put_ticks(f, 0, 100, 1);
	assert_int_equal(train(f, "ia").version, 1);
	put_ticks(f, 100, 100, 2);
	atomic_store(&f->hdfs->hold_data, true);
	assert_int_equal(training_begin(f->training, "ia", "api", id, NULL), ERROR_OK);
	assert_int_equal(training_cancel(f->training, id, NULL), ERROR_OK);
	struct job job = wait_job(f, id);
	atomic_store(&f->hdfs->hold_data, false);
	assert_int_equal(job.state, JOB_CANCELLED);
	assert_int_equal(job.version, -1);
	assert_int_equal(serving(f, "ia"), 1);
}

static void too_little_is_refused_with_counts(void **state)
{
	struct fixture *f = *state;
	struct job job = train(f, "ia");
	assert_int_equal(job.state, JOB_REFUSED);
	assert_non_null(strstr(job.reason, "no published files"));
	put_ticks(f, 0, 5, 1);
	job = train(f, "ia");
	assert_int_equal(job.state, JOB_REFUSED);
	assert_non_null(strstr(job.reason, "too few rows: 5"));
	assert_non_null(strstr(job.reason, "1 files, 5 records"));
	assert_int_equal(serving(f, "ia"), -1);
	assert_int_equal(train(f, "streamlit").state, JOB_REFUSED);
}

static void passing_faults_of_hdfs_are_overcome(void **state)
{
	struct fixture *f = *state;
	for (int faults = 1; faults <= 3; faults++) {
		char id[JOB_ID_LENGTH + 1];
		put_ticks(f, faults * 300, 300, (unsigned)faults);
		atomic_store(&f->hdfs->hold_data, true);
		assert_int_equal(training_begin(f->training, "ia", "api", id, NULL), ERROR_OK);
		struct job job;
		int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
		do { /* until it is past the listing */
			assert_int_equal(training_job(f->training, id, &job), ERROR_OK);
			assert_true(monotonic_now_us() < until_us);
		} while (job.files_total == 0);
		atomic_store(&f->hdfs->fail_next, faults);
		atomic_store(&f->hdfs->hold_data, false);
		job = wait_job(f, id);
		assert_int_equal(atomic_load(&f->hdfs->fail_next), 0);
		if (job.state != JOB_DONE)
			fail_msg("%s: %s", job_state_name(job.state), job.reason);
		assert_int_equal(job.rows_used, 300);
	}
}

static int64_t rows_of(struct fixture *f, int64_t number)
{
	struct version *version = registry_version(f->registry, "ia", number);
	assert_non_null(version);
	struct version_summary summary = version_summary(version);
	version_release(&version);
	return summary.rows + summary.held_out_rows;
}

static void only_what_is_new_is_read(void **state)
{
	struct fixture *f = *state;
	put_ticks(f, 0, 300, 1);
	assert_int_equal(train(f, "ia").rows_used, 300);
	put_ticks(f, 300, 200, 2);
	struct job job = train(f, "ia");
	assert_int_equal(job.files_total, 1);
	assert_int_equal(job.rows_used, 200);
	assert_int_equal(rows_of(f, 2), 500);
	job = train(f, "ia");
	assert_int_equal(job.files_total, 0);
	assert_int_equal(job.state, JOB_DONE);
	assert_false(job.serves); /* the same rows are no progress */
	assert_int_equal(rows_of(f, 3), 500);
	/* By the clock, nothing new is no reason to train. */
	char id[JOB_ID_LENGTH + 1];
	assert_int_equal(training_begin(f->training, "ia", "schedule", id, NULL), ERROR_OK);
	job = wait_job(f, id);
	assert_int_equal(job.state, JOB_REFUSED);
	assert_non_null(strstr(job.reason, "nothing new"));
	/* A changed file is noticed. */
	put_ticks(f, 0, 299, 3);
	pthread_mutex_lock(&f->hdfs->lock);
	fake_remove(f->hdfs, "/bitcoin/data/bitcoin_data/"
			     "part-00000-00000000000000000000-00000000000000000299.csv");
	pthread_mutex_unlock(&f->hdfs->lock);
	assert_int_equal(train(f, "ia").rows_used, 499);
	/* Broken factors only cost time. They are kept after their job has ended, and before
	 * another one of this single thread begins. */
	assert_int_equal(train(f, "streamlit").state, JOB_REFUSED);
	assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
	fake_put(f->hdfs, "/bitcoin/models/ia/factors.json", "{\"sha256\":", 10);
	assert_int_equal(train(f, "ia").rows_used, 499);
	assert_int_equal(train(f, "ia").rows_used, 0);
}

#define FACTORS "/bitcoin/models/ia/factors.json"

static int factors_id(struct fixture *f)
{
	pthread_mutex_lock(&f->hdfs->lock);
	const struct fake_file *file = fake_find(f->hdfs, FACTORS);
	int id = file ? file->id : 0;
	pthread_mutex_unlock(&f->hdfs->lock);
	return id;
}

/* They are kept after the job has ended. */
static void bring_factors(struct fixture *f)
{
	int before = factors_id(f);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (factors_id(f) == before) {
		assert_true(monotonic_now_us() < until_us);
		assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
		poll(NULL, 0, 2);
	}
}

static void copy_factors(struct fixture *f, struct text *out)
{
	bring_factors(f);
	pthread_mutex_lock(&f->hdfs->lock);
	const struct fake_file *file = fake_find(f->hdfs, FACTORS);
	text_init(out, file->length + 1);
	text_put(out, file->data, file->length);
	pthread_mutex_unlock(&f->hdfs->lock);
	assert_int_equal(out->error, 0);
}

/* Little is new by the local copy, but another instance, or an operator who went back, has put
 * other factors on HDFS: those count, and no row counts twice. */
static void factors_that_were_replaced_are_noticed(void **state)
{
	struct fixture *f = *state;
	struct text early;
	put_ticks(f, 0, 300, 1);
	assert_int_equal(train(f, "ia").rows_used, 300);
	copy_factors(f, &early);
	put_ticks(f, 300, 200, 2);
	assert_int_equal(train(f, "ia").rows_used, 200);
	bring_factors(f);
	fake_put(f->hdfs, FACTORS, early.data, early.length);
	text_clean_up(&early);
	put_ticks(f, 500, 100, 3);
	struct job job = train(f, "ia");
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(job.files_total, 2);
	assert_int_equal(job.rows_used, 300);
	assert_int_equal(rows_of(f, 3), 600);
}

static void fail_twice(struct fake_hdfs *hdfs, int listings)
{
	(void)listings;
	atomic_store(&hdfs->fail_next, 2);
}

/* Another machine, or a restart: only HDFS has the factors. */
static void a_passing_fault_does_not_cost_the_factors(void **state)
{
	struct fixture *f = *state;
	put_ticks(f, 0, 300, 1);
	assert_int_equal(train(f, "ia").rows_used, 300);
	bring_factors(f);
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	open_registry(f);
	assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
	open_training(f);
	put_ticks(f, 300, 100, 2);
	f->hdfs->after_listing = fail_twice;
	struct job job = train(f, "ia");
	assert_int_equal(atomic_load(&f->hdfs->fail_next), 0);
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(job.rows_used, 100);
	assert_int_equal(rows_of(f, 2), 400);
}

static void a_cut_file_is_looked_at_again(void **state)
{
	struct fixture *f = *state;
	const char *path = "/bitcoin/data/bitcoin_data/"
			   "part-00000-00000000000000000300-00000000000000000399.csv";
	put_ticks(f, 0, 300, 1);
	fake_put(f->hdfs, path, "2025-07-01T00:0", 15);
	struct job job = train(f, "ia");
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(job.files_refused, 1);
	assert_int_equal(rows_of(f, 1), 300);
	put_ticks(f, 300, 100, 2);
	assert_int_equal(train(f, "ia").rows_used, 400);
}

static void the_history_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct job jobs[10];
	char last[JOB_ID_LENGTH + 1] = "";
	for (int i = 0; i < 6; i++)
		strcpy(last, train(f, i % 2 ? "ia" : "streamlit").id);
	char id[JOB_ID_LENGTH + 1];
	assert_int_equal(training_begin(f->training, "ia", "api", id, NULL), ERROR_OK);
	wait_job(f, id);
	size_t count = training_jobs(f->training, NULL, jobs, 10);
	assert_true(count >= 3 && count <= 4);
	assert_string_equal(jobs[0].id, id);
	assert_string_equal(jobs[1].id, last);
	assert_int_equal(training_jobs(f->training, NULL, jobs, 1), 1);
	for (size_t i = training_jobs(f->training, "ia", jobs, 10); i-- > 0;)
		assert_string_equal(jobs[i].model, "ia");
}

static void draining_cancels_and_takes_nothing_new(void **state)
{
	struct fixture *f = *state;
	char id[JOB_ID_LENGTH + 1], other[JOB_ID_LENGTH + 1];
	put_ticks(f, 0, 100, 1);
	atomic_store(&f->hdfs->hold_data, true);
	assert_int_equal(training_begin(f->training, "ia", "api", id, NULL), ERROR_OK);
	training_drain(f->training, monotonic_now_us() + 5000000);
	struct job job;
	assert_int_equal(training_job(f->training, id, &job), ERROR_OK);
	assert_true(job.state == JOB_CANCELLED || job.state == JOB_QUEUED);
	assert_int_equal(training_begin(f->training, "ia", "api", other, &f->why), ERROR_CLOSED);
	atomic_store(&f->hdfs->hold_data, false);
}

static void trains_by_itself(void **state)
{
	struct fixture *f = *state;
	training_destroy(&f->training);
	f->settings.autotrain = true;
	put_ticks(f, 0, 150, 1);
	open_training(f);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (serving(f, "ia") < 0 && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(serving(f, "ia"), 1);
	struct job job;
	assert_int_equal(training_jobs(f->training, "ia", &job, 1), 1);
	assert_string_equal(job.by, "autotrain");
	assert_int_equal(training_jobs(f->training, "streamlit", &job, 1), 0); /* no bars */
}

static void a_job_as_json(void **state)
{
	(void)state;
	struct job job = { .id = "1-1",
			   .model = "ia",
			   .by = "me",
			   .phase = "reading",
			   .state = JOB_RUNNING,
			   .version = -1,
			   .remaining_ms = -1 };
	cJSON *json = job_to_json(&job);
	assert_string_equal(cJSON_GetObjectItem(json, "state")->valuestring, "running");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "version")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "remaining_ms")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "reason")));
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_job_makes_a_version_that_serves, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(a_second_job_of_a_model_conflicts, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(a_running_job_can_be_cancelled, begin, fixture_end),
		cmocka_unit_test_setup_teardown(too_little_is_refused_with_counts, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(passing_faults_of_hdfs_are_overcome, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(only_what_is_new_is_read, begin, fixture_end),
		cmocka_unit_test_setup_teardown(factors_that_were_replaced_are_noticed, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(a_passing_fault_does_not_cost_the_factors, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(a_cut_file_is_looked_at_again, begin, fixture_end),
		cmocka_unit_test_setup_teardown(the_history_is_bounded, begin, fixture_end),
		cmocka_unit_test_setup_teardown(draining_cancels_and_takes_nothing_new, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(trains_by_itself, begin, fixture_end),
		cmocka_unit_test(a_job_as_json),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
