/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "training_fixture.h"

static size_t listed(struct fixture *f, struct audit_event out[4])
{
	size_t total;
	assert_true(registry_audit(f->registry, NULL, out, 4, &total) <= total);
	return total;
}

static void asked_for(struct fixture *f, const char *action, const char *by)
{
	struct audit_event event = { .version = -1 };
	snprintf(event.action, sizeof(event.action), "%s", action);
	snprintf(event.model, sizeof(event.model), "ia");
	snprintf(event.by, sizeof(event.by), "%s", by);
	registry_record(f->registry, &event);
}

static size_t on_hdfs(struct fixture *f)
{
	size_t count = 0;
	pthread_mutex_lock(&f->hdfs->lock);
	for (size_t i = 0; i < f->hdfs->count; i++)
		count += strncmp(f->hdfs->files[i].path, "/bitcoin/models/_audit/", 23) == 0;
	pthread_mutex_unlock(&f->hdfs->lock);
	return count;
}

static void wait_on_hdfs(struct fixture *f, size_t count)
{
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (on_hdfs(f) != count && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(on_hdfs(f), count);
}

static void promotions_and_rollbacks_are_recorded(void **state)
{
	struct fixture *f = *state;
	struct audit_event out[4];
	int64_t number;
	assert_int_equal(train(f, "ia").version, 1);
	put_ticks(f, 300, 300, 2);
	assert_int_equal(train(f, "ia").version, 2);
	int64_t other = serving(f, "ia") == 1 ? 2 : 1;
	assert_int_equal(registry_promote(f->registry, "ia", other, "ana", "a test", &f->why),
			 ERROR_OK);
	assert_int_equal(registry_rollback(f->registry, "ia", "bo", "", &number, &f->why),
			 ERROR_OK);
	assert_true(listed(f, out) >= 3);
	assert_string_equal(out[0].action, "rollback");
	assert_string_equal(out[0].by, "bo");
	assert_string_equal(out[1].action, "promote");
	assert_string_equal(out[1].by, "ana");
	assert_string_equal(out[1].reason, "a test");
	assert_int_equal(out[1].version, other);
	assert_string_equal(out[2].by, "gate");
}

static void the_trail_outlives_the_machine(void **state)
{
	struct fixture *f = *state;
	struct audit_event out[4];
	char command[200];
	asked_for(f, "train", "ana");
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	wait_on_hdfs(f, 1);
	asked_for(f, "delete", "bo"); /* wakes the thread */
	wait_on_hdfs(f, 2);
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	snprintf(command, sizeof(command), "rm -rf %s/models", f->state_dir);
	assert_int_equal(system(command), 0);
	open_registry(f);
	assert_int_equal(listed(f, out), 0);
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (listed(f, out) != 2 && monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_int_equal(listed(f, out), 2);
	assert_string_equal(out[0].by, "bo");
	assert_string_equal(out[1].by, "ana");
}

static void hdfs_may_be_away(void **state)
{
	struct fixture *f = *state;
	struct audit_event out[4];
	atomic_store(&f->hdfs->fail_next, 1000000);
	asked_for(f, "train", "ana");
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	open_registry(f);
	assert_int_equal(listed(f, out), 1);
	assert_string_equal(out[0].by, "ana");
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	atomic_store(&f->hdfs->fail_next, 0);
	wait_on_hdfs(f, 1);
}

static void a_broken_file_is_put_aside(void **state)
{
	struct fixture *f = *state;
	struct audit_event out[4];
	char path[200];
	snprintf(path, sizeof(path), "%s/models/_audit/1764000000123456-0123abcd.json",
		 f->state_dir);
	assert_int_equal(local_write(path, "{}", 2, NULL), ERROR_OK);
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	open_registry(f);
	assert_int_equal(listed(f, out), 0);
	assert_int_not_equal(access(path, F_OK), 0);
}

#define WITH_REGISTRY(test) \
	cmocka_unit_test_setup_teardown(test, fixture_begin_with_ticks, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REGISTRY(promotions_and_rollbacks_are_recorded),
		WITH_REGISTRY(the_trail_outlives_the_machine),
		WITH_REGISTRY(hdfs_may_be_away),
		WITH_REGISTRY(a_broken_file_is_put_aside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
