/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry.h"

#include "training_fixture.h"

static struct spec own_spec(const char *name)
{
	struct spec spec = *spec_builtin(0);
	snprintf(spec.name, sizeof(spec.name), "%s", name);
	spec.builtin = false;
	return spec;
}

static void wait_serving(struct fixture *f, const char *model, int64_t number)
{
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (serving(f, model) != number && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(serving(f, model), number);
}

static void reopen(struct fixture *f)
{
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	open_registry(f);
	open_training(f);
}

static void serving_starts_from_the_local_copy(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(train(f, "ia").version, 1);
	atomic_store(&f->hdfs->fail_next, 1000000); /* HDFS is away */
	reopen(f);
	assert_int_equal(serving(f, "ia"), 1);
	assert_int_equal(registry_promote(f->registry, "ia", 1, "me", "", &f->why),
			 ERROR_UNAVAILABLE);
	assert_int_equal(serving(f, "ia"), 1);
	struct spec spec = own_spec("mine");
	assert_int_equal(registry_create(f->registry, &spec, &f->why), ERROR_UNAVAILABLE);
	assert_int_equal(registry_spec(f->registry, "mine", &spec), ERROR_NOT_FOUND);
	atomic_store(&f->hdfs->fail_next, 0);
}

static void a_new_machine_reads_everything_from_hdfs(void **state)
{
	struct fixture *f = *state;
	struct spec spec = own_spec("mine");
	assert_int_equal(registry_create(f->registry, &spec, &f->why), ERROR_OK);
	assert_int_equal(train(f, "ia").version, 1);
	assert_int_equal(train(f, "mine").version, 1);
	assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
	char command[200];
	snprintf(command, sizeof(command), "rm -rf %s/models", f->state_dir);
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	assert_int_equal(system(command), 0);
	open_registry(f);
	assert_int_equal(serving(f, "ia"), -1);
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	wait_serving(f, "ia", 1);
	wait_serving(f, "mine", 1);
}

static void what_hdfs_lost_is_written_again(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(train(f, "ia").version, 1);
	pthread_mutex_lock(&f->hdfs->lock);
	fake_remove(f->hdfs, "/bitcoin/models/ia/version-00000001.json");
	pthread_mutex_unlock(&f->hdfs->lock);
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	bool back = false;
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (!back && monotonic_now_us() < until_us) {
		pthread_mutex_lock(&f->hdfs->lock);
		back = fake_find(f->hdfs, "/bitcoin/models/ia/version-00000001.json") != NULL;
		pthread_mutex_unlock(&f->hdfs->lock);
		poll(NULL, 0, 5);
	}
	assert_true(back);
}

static void broken_files_are_never_used(void **state)
{
	struct fixture *f = *state;
	char path[200];
	assert_int_equal(train(f, "ia").version, 1);
	put_ticks(f, 300, 3000, 2);
	assert_int_equal(train(f, "ia").version, 2);
	int64_t before = serving(f, "ia");
	assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
	snprintf(path, sizeof(path), "%s/models/ia/version-%08lld.json", f->state_dir,
		 (long long)before);
	assert_int_equal(truncate(path, 100), 0);
	fake_put(f->hdfs, "/bitcoin/models/ia/version-00000009.json", "{\"half\":", 8);
	reopen(f);
	assert_true(serving(f, "ia") != before);
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	wait_serving(f, "ia", before); /* read again from HDFS */
	assert_null(registry_version(f->registry, "ia", 9));
}

static void promotion_rollback_and_history(void **state)
{
	struct fixture *f = *state;
	struct serving_event events[10];
	size_t count, total;
	int64_t number;
	assert_int_equal(registry_rollback(f->registry, "ia", "me", "", &number, &f->why),
			 ERROR_CONFLICT);
	assert_int_equal(train(f, "ia").version, 1);
	assert_int_equal(train(f, "ia").version, 2);
	assert_int_equal(serving(f, "ia"), 1);
	assert_int_equal(registry_promote(f->registry, "ia", 2, "me", "why not", NULL), ERROR_OK);
	assert_int_equal(serving(f, "ia"), 2);
	assert_int_equal(registry_promote(f->registry, "ia", 3, "me", "", &f->why),
			 ERROR_NOT_FOUND);
	assert_int_equal(registry_promote(f->registry, "none", 1, "me", "", NULL), ERROR_NOT_FOUND);
	assert_int_equal(registry_rollback(f->registry, "ia", "you", "slow", &number, NULL),
			 ERROR_OK);
	assert_int_equal(number, 1);
	assert_int_equal(serving(f, "ia"), 1);
	reopen(f);
	assert_int_equal(serving(f, "ia"), 1);
	assert_int_equal(registry_history(f->registry, "ia", events, 10, &count, &total), ERROR_OK);
	assert_int_equal(count, 3);
	assert_true(events[0].rollback && events[0].version == 1);
	assert_string_equal(events[1].by, "me");
	assert_string_equal(events[1].reason, "why not");
	assert_string_equal(events[2].by, "gate");
	assert_int_equal(registry_history(f->registry, "none", events, 10, &count, &total),
			 ERROR_NOT_FOUND);
}

static void specs_of_ones_own(void **state)
{
	struct fixture *f = *state;
	struct spec spec = own_spec("mine"), read;
	assert_int_equal(registry_create(f->registry, &spec, NULL), ERROR_OK);
	assert_int_equal(registry_create(f->registry, &spec, &f->why), ERROR_EXISTS);
	spec = own_spec("ia");
	assert_int_equal(registry_create(f->registry, &spec, &f->why), ERROR_EXISTS);
	reopen(f);
	assert_int_equal(registry_spec(f->registry, "mine", &read), ERROR_OK);
	assert_int_equal(registry_delete(f->registry, "ia", &f->why), ERROR_CONFLICT);
	assert_int_equal(registry_delete(f->registry, "none", NULL), ERROR_NOT_FOUND);
	assert_int_equal(train(f, "mine").version, 1);
	assert_int_equal(registry_delete(f->registry, "mine", NULL), ERROR_OK);
	assert_null(registry_acquire(f->registry, "mine"));
	reopen(f);
	assert_int_equal(registry_spec(f->registry, "mine", &read), ERROR_NOT_FOUND);
}

/* Another instance took the number of the event. */
static void an_event_gets_the_next_number(void **state)
{
	struct fixture *f = *state;
	struct serving_event event;
	size_t count, total;
	assert_int_equal(train(f, "ia").version, 1);
	fake_put(f->hdfs, "/bitcoin/models/ia/serving-00000001.json", "x", 1);
	assert_int_equal(registry_promote(f->registry, "ia", 1, "me", "", NULL), ERROR_OK);
	assert_int_equal(registry_history(f->registry, "ia", &event, 1, &count, &total), ERROR_OK);
	assert_int_equal(event.sequence, 2);
	assert_int_equal(total, 2);
}

struct reader {
	struct fixture *f;
	atomic_bool stop;
	atomic_int count;
};

static void *read_all_the_time(void *user)
{
	struct reader *reader = user;
	while (!atomic_load(&reader->stop)) {
		struct version *version = registry_acquire(reader->f->registry, "ia");
		const double x[] = { 40000, 2000, 0.5, 0, 0, 0 };
		struct prediction prediction;
		assert(version);
		assert(version_predict(version, x, 0.95, &prediction) == ERROR_OK);
		assert(prediction.value > 40000 && prediction.value < 40300);
		version_release(&version);
		atomic_fetch_add(&reader->count, 1);
	}
	return NULL;
}

static void versions_are_swapped_whole(void **state)
{
	struct fixture *f = *state;
	struct reader reader = { .f = f };
	pthread_t threads[2];
	for (int i = 0; i < 3; i++)
		train(f, "ia");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &reader), 0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(registry_promote(f->registry, "ia", i % 3 + 1, "me", "", NULL),
				 ERROR_OK);
	atomic_store(&reader.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&reader.count) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(serving_starts_from_the_local_copy,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(a_new_machine_reads_everything_from_hdfs,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(what_hdfs_lost_is_written_again,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(broken_files_are_never_used,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(promotion_rollback_and_history,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(specs_of_ones_own, fixture_begin_with_ticks,
						fixture_end),
		cmocka_unit_test_setup_teardown(an_event_gets_the_next_number,
						fixture_begin_with_ticks, fixture_end),
		cmocka_unit_test_setup_teardown(versions_are_swapped_whole,
						fixture_begin_with_ticks, fixture_end),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
