/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Versions are claimed on HDFS and saved locally; their bytes follow.
 */
#include "training_fixture.h"

#define VERSION(n) "/bitcoin/models/ia/version-0000000" #n ".json"

/* Bytes of a file on HDFS; -1: it is not there. */
static int64_t bytes_of(struct fixture *f, const char *path)
{
	pthread_mutex_lock(&f->hdfs->lock);
	const struct fake_file *file = fake_find(f->hdfs, path);
	int64_t bytes = file ? (int64_t)file->length : -1;
	pthread_mutex_unlock(&f->hdfs->lock);
	return bytes;
}

static size_t staged(struct fixture *f)
{
	size_t count = 0;
	pthread_mutex_lock(&f->hdfs->lock);
	for (size_t i = 0; i < f->hdfs->count; i++)
		count += strstr(f->hdfs->files[i].path, "/staging/models/") ? 1 : 0;
	pthread_mutex_unlock(&f->hdfs->lock);
	return count;
}

static void bring(struct fixture *f)
{
	assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
}

static void close_all(struct fixture *f)
{
	training_destroy(&f->training);
	registry_destroy(&f->registry);
}

static void open_all(struct fixture *f)
{
	open_registry(f);
	open_training(f);
}

static bool lists(struct fixture *f, int64_t number, bool *on_hdfs)
{
	struct version_summary all[10];
	size_t count, total;
	assert_int_equal(registry_versions(f->registry, "ia", all, 10, &count, &total), ERROR_OK);
	for (size_t i = 0; i < count; i++) {
		*on_hdfs = all[i].on_hdfs;
		if (all[i].number == number)
			return true;
	}
	return false;
}

static void a_version_serves_before_its_bytes_are_on_hdfs(void **state)
{
	struct fixture *f = *state;
	bool on_hdfs;
	assert_int_equal(train(f, "ia").version, 1);
	assert_int_equal(serving(f, "ia"), 1);
	assert_int_equal(bytes_of(f, VERSION(1)), 0);
	assert_true(lists(f, 1, &on_hdfs) && !on_hdfs);
	bring(f);
	assert_true(bytes_of(f, VERSION(1)) > 1000);
	assert_true(lists(f, 1, &on_hdfs) && on_hdfs);
	assert_int_equal(staged(f), 0);
	bring(f);
	assert_int_equal(serving(f, "ia"), 1);
}

/* As after SIGKILL between the two. */
static void a_restart_brings_what_was_left(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(train(f, "ia").version, 1);
	close_all(f);
	assert_int_equal(bytes_of(f, VERSION(1)), 0);
	open_all(f);
	assert_int_equal(serving(f, "ia"), 1);
	bring(f);
	assert_true(bytes_of(f, VERSION(1)) > 1000);
	assert_int_equal(train(f, "ia").version, 2);
}

/* Which version serves is known from HDFS alone. */
static void another_machine_finds_what_followed(void **state)
{
	struct fixture *f = *state;
	struct serving_event event;
	size_t count, total;
	assert_int_equal(train(f, "ia").version, 1);
	bring(f);
	close_all(f);
	strcat(f->state_dir, "/other");
	open_all(f);
	bring(f);
	assert_int_equal(serving(f, "ia"), 1);
	assert_int_equal(registry_history(f->registry, "ia", &event, 1, &count, &total), ERROR_OK);
	assert_int_equal(total, 1);
	assert_string_equal(event.by, "gate");
	assert_true(event.within && event.sequence == 0 && event.version == 1);
	*strrchr(f->state_dir, '/') = '\0';
}

/* Two instances train before either knows of the other: no number is given twice. */
static void two_instances_never_share_a_number(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;
	bool on_hdfs;
	text_init_fixed(&other.why, other.memory, sizeof(other.memory));
	strcat(other.state_dir, "/other");
	open_all(&other);
	assert_int_equal(train(f, "ia").version, 1);
	assert_int_equal(train(&other, "ia").version, 2);
	assert_int_equal(train(f, "ia").version, 3);
	bring(&other);
	assert_false(lists(&other, 1, &on_hdfs)); /* claimed, no more */
	assert_int_equal(bytes_of(f, VERSION(1)), 0);
	bring(f);
	bring(&other);
	for (int64_t number = 1; number <= 3; number++) {
		assert_true(lists(f, number, &on_hdfs) && on_hdfs);
		assert_true(lists(&other, number, &on_hdfs) && on_hdfs);
	}
	assert_int_equal(serving(f, "ia"), serving(&other, "ia"));
	close_all(&other);
}

/* Whoever claimed it died: the number stays a hole, and is nobody's fault. */
static void a_claim_without_bytes_is_passed_over(void **state)
{
	struct fixture *f = *state;
	bool on_hdfs;
	fake_put(f->hdfs, VERSION(1), "", 0);
	fake_put(f->hdfs, VERSION(2), "x", 1);
	struct job job = train(f, "ia");
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(job.version, 3);
	assert_int_equal(serving(f, "ia"), 3);
	fake_remove(f->hdfs, VERSION(2));
	bring(f);
	assert_false(lists(f, 1, &on_hdfs));
	assert_int_equal(bytes_of(f, VERSION(1)), 0);
	assert_int_equal(train(f, "ia").version, 4);
}

static void a_claim_that_is_not_used_is_given_back(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(registry_claim(f->registry, "ia"), 1);
	assert_int_equal(bytes_of(f, VERSION(1)), 0);
	registry_give_back(f->registry, "ia", 1);
	assert_int_equal(bytes_of(f, VERSION(1)), -1);
	assert_int_equal(registry_claim(f->registry, "none"), 0);
	atomic_store(&f->hdfs->fail_next, 1000000);
	assert_int_equal(registry_claim(f->registry, "ia"), 0);
	atomic_store(&f->hdfs->fail_next, 0);
	assert_int_equal(train(f, "ia").version, 1);
}

/* An operator emptied the folders, or restored an older state. */
static void lost_claims_are_made_up_for(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(train(f, "ia").version, 1);
	fake_remove(f->hdfs, "/bitcoin/models");
	bring(f);
	assert_true(bytes_of(f, VERSION(1)) > 1000);
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (staged(f) == 0 && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(staged(f), 1); /* the next claim, ready */
	pthread_mutex_lock(&f->hdfs->lock);
	fake_remove(f->hdfs, "/bitcoin/staging");
	pthread_mutex_unlock(&f->hdfs->lock);
	assert_int_equal(train(f, "ia").version, 2);
}

/* Who reads a promotion on HDFS finds its version there. */
static void a_promotion_brings_its_version(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(train(f, "ia").version, 1);
	assert_int_equal(train(f, "ia").version, 2);
	assert_int_equal(bytes_of(f, VERSION(2)), 0);
	assert_int_equal(registry_promote(f->registry, "ia", 2, "me", "", NULL), ERROR_OK);
	assert_true(bytes_of(f, VERSION(2)) > 1000);
	assert_int_equal(bytes_of(f, "/bitcoin/models/ia/version-00000001.json"), 0);
}

static void stopping_brings_the_rest(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (staged(f) == 0 && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(train(f, "ia").version, 1);
	close_all(f);
	assert_true(bytes_of(f, VERSION(1)) > 1000);
	assert_true(bytes_of(f, "/bitcoin/models/ia/factors.json") > 0);
	assert_int_equal(staged(f), 0);
}

/* HDFS takes connections and never answers: the stop has its limit, and the next start finds what
 * is behind. */
static void a_stop_does_not_wait_for_a_hanging_hdfs(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(train(f, "ia").version, 1);
	atomic_store(&f->hdfs->hold_all, true);
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (atomic_load(&f->hdfs->connections) == 0 && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	int64_t began_us = monotonic_now_us();
	registry_stop(f->registry);
	int64_t spent_ms = (monotonic_now_us() - began_us) / 1000;
	assert_in_range(spent_ms, 0, 8000); /* the call's own limit is 10 s */
	atomic_store(&f->hdfs->hold_all, false);
	close_all(f);
	assert_true(bytes_of(f, VERSION(1)) < 1000);
	open_all(f);
	bring(f);
	assert_true(bytes_of(f, VERSION(1)) > 1000);
}

/* What somebody staged who died over it goes after a day. */
static void stale_files_leave_the_staging_folder(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = { "/bitcoin/staging/models/1-1-1.json",
					     "/bitcoin/staging/models/1-1-2.json",
					     "/bitcoin/staging/models/2-2-1.json" };
	for (size_t i = 0; i < 3; i++)
		fake_put(f->hdfs, paths[i], "x", 1);
	fake_find(f->hdfs, paths[2])->modified_ms = wall_now_us() / 1000 - 3600000;
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while ((bytes_of(f, paths[0]) >= 0 || bytes_of(f, paths[1]) >= 0) &&
	       monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(bytes_of(f, paths[0]), -1);
	assert_int_equal(bytes_of(f, paths[1]), -1);
	assert_int_equal(bytes_of(f, paths[2]), 1);
}

static void a_broken_copy_that_never_followed_is_told(void **state)
{
	struct fixture *f = *state;
	char path[200];
	bool on_hdfs;
	assert_int_equal(train(f, "ia").version, 1);
	bring(f);
	assert_int_equal(train(f, "ia").version, 2);
	snprintf(path, sizeof(path), "%s/models/ia/version-00000002.json", f->state_dir);
	assert_int_equal(truncate(path, 100), 0);
	bring(f);
	assert_false(lists(f, 2, &on_hdfs));
	assert_null(registry_version(f->registry, "ia", 2));
	assert_int_equal(train(f, "ia").version, 3);
	bring(f);
	assert_true(lists(f, 3, &on_hdfs) && on_hdfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_version_serves_before_its_bytes_are_on_hdfs,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(a_restart_brings_what_was_left,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(another_machine_finds_what_followed,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(two_instances_never_share_a_number,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(a_claim_without_bytes_is_passed_over,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(a_claim_that_is_not_used_is_given_back,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(lost_claims_are_made_up_for,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(a_promotion_brings_its_version,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(stopping_brings_the_rest, fixture_begin_with_ticks,
						fixture_end),
		cmocka_unit_test_setup_teardown(a_stop_does_not_wait_for_a_hanging_hdfs,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(stale_files_leave_the_staging_folder,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(a_broken_copy_that_never_followed_is_told,
						fixture_begin_with_ticks, fixture_end),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
