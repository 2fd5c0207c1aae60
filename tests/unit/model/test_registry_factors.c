/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "training_fixture.h"

#define PATH "/bitcoin/models/ia/factors.json"

static int begin(void **state)
{
	fixture_begin(state);
	struct fixture *f = *state;
	open_training(f);
	return 0;
}

static void keep(struct fixture *f, const char *model, const char *body)
{
	assert_int_equal(registry_put_factors(f->registry, model, body, strlen(body), &f->why),
			 ERROR_OK);
}

static void bring_to_hdfs(struct fixture *f)
{
	assert_int_equal(registry_sync(f->registry, &f->why), ERROR_OK);
}

/* As a training gets them. */
static enum error get_factors(struct fixture *f, struct webhdfs *client, struct text *body)
{
	struct model_factors seen;
	enum error error = registry_local_factors(f->registry, "ia", body, &seen);
	error = error != ERROR_OK
			? ERROR_CONFLICT
			: registry_factors_hold(f->registry, "ia", &seen, client, &f->why);
	if (error != ERROR_CONFLICT)
		return error;
	text_reset(body);
	return registry_read_factors(f->registry, "ia", client, body, &f->why);
}

/* "" when there are none; `reads` gets how many files of HDFS were read for it. */
static const char *get(struct fixture *f, int *reads)
{
	static char found[100];
	const struct webhdfs_options options = fake_options(f->hdfs);
	struct webhdfs *client = NULL;
	struct text body;
	text_init(&body, 1000);
	assert_int_equal(webhdfs_new(&options, &client, &f->why), ERROR_OK);
	int before = atomic_load(&f->hdfs->opens);
	enum error error = get_factors(f, client, &body);
	*reads = atomic_load(&f->hdfs->opens) - before;
	assert_true(error == ERROR_OK || error == ERROR_NOT_FOUND);
	snprintf(found, sizeof(found), "%s", error == ERROR_OK ? body.data : "");
	webhdfs_destroy(&client);
	text_clean_up(&body);
	return found;
}

static bool is_on_hdfs(struct fixture *f, const char *path)
{
	pthread_mutex_lock(&f->hdfs->lock);
	bool there = fake_find(f->hdfs, path) != NULL;
	pthread_mutex_unlock(&f->hdfs->lock);
	return there;
}

static void remove_from_hdfs(struct fixture *f, const char *path)
{
	pthread_mutex_lock(&f->hdfs->lock);
	fake_remove(f->hdfs, path);
	pthread_mutex_unlock(&f->hdfs->lock);
}

static void the_local_copy_spares_a_reading(void **state)
{
	struct fixture *f = *state;
	int reads;
	assert_string_equal(get(f, &reads), "");
	keep(f, "ia", "[1]");
	assert_false(is_on_hdfs(f, PATH));
	assert_string_equal(get(f, &reads), "[1]");
	assert_int_equal(reads, 0);
	bring_to_hdfs(f);
	assert_true(is_on_hdfs(f, PATH));
	assert_string_equal(get(f, &reads), "[1]");
	assert_int_equal(reads, 0);
	keep(f, "ia", "[1,2]");
	keep(f, "ia", "[1,2,3]");
	bring_to_hdfs(f);
	assert_string_equal(get(f, &reads), "[1,2,3]");
	assert_int_equal(reads, 0);
}

static void what_hdfs_holds_is_the_truth(void **state)
{
	struct fixture *f = *state;
	const char theirs[] =
		"{\"sha256\":"
		"\"ea5e81f3c4e1da42dcdbfac6b1ee95ef9aef2e9f6c19ae3f2ff3f67f7ae33d46\","
		"\"body\":[9]}";
	int reads;
	struct webhdfs *client = NULL;
	const struct webhdfs_options options = fake_options(f->hdfs);
	keep(f, "ia", "[1]");
	bring_to_hdfs(f);
	/* Another instance replaced them, and not well. */
	fake_put(f->hdfs, PATH, theirs, sizeof(theirs) - 1);
	struct text body;
	text_init(&body, 1000);
	assert_int_equal(webhdfs_new(&options, &client, &f->why), ERROR_OK);
	assert_int_equal(get_factors(f, client, &body), ERROR_CHECKSUM);
	webhdfs_destroy(&client);
	text_clean_up(&body);
	/* An operator removed them. */
	remove_from_hdfs(f, PATH);
	assert_string_equal(get(f, &reads), "");
	keep(f, "ia", "[2]");
	bring_to_hdfs(f);
	assert_string_equal(get(f, &reads), "[2]");
	assert_int_equal(reads, 0);
	/* A broken local copy is one that is not there. */
	char path[200];
	snprintf(path, sizeof(path), "%s/models/ia/factors.json", f->state_dir);
	assert_int_equal(truncate(path, 20), 0);
	assert_string_equal(get(f, &reads), "[2]");
	assert_int_equal(reads, 1);
}

static void a_restart_reads_those_of_hdfs(void **state)
{
	struct fixture *f = *state;
	int reads;
	keep(f, "ia", "[1]");
	bring_to_hdfs(f);
	keep(f, "ia", "[2]"); /* stays behind */
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	open_registry(f);
	assert_string_equal(get(f, &reads), "[1]");
	assert_int_equal(reads, 1);
}

static void they_follow_once_hdfs_is_back(void **state)
{
	struct fixture *f = *state;
	atomic_store(&f->hdfs->fail_next, 1000000);
	keep(f, "ia", "[1]");
	assert_int_equal(registry_start(f->registry, NULL), ERROR_OK);
	keep(f, "streamlit", "[2]");
	atomic_store(&f->hdfs->fail_next, 0);
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	while (!(is_on_hdfs(f, PATH) && is_on_hdfs(f, "/bitcoin/models/streamlit/factors.json")) &&
	       monotonic_now_us() < until_us)
		poll(NULL, 0, 5);
	assert_true(is_on_hdfs(f, PATH));
	assert_true(is_on_hdfs(f, "/bitcoin/models/streamlit/factors.json"));
}

static void those_of_a_removed_model_stay_away(void **state)
{
	struct fixture *f = *state;
	struct spec spec = *spec_builtin(0);
	snprintf(spec.name, sizeof(spec.name), "mine");
	spec.builtin = false;
	assert_int_equal(registry_create(f->registry, &spec, &f->why), ERROR_OK);
	keep(f, "mine", "[1]");
	assert_int_equal(registry_delete(f->registry, "mine", &f->why), ERROR_OK);
	assert_int_equal(registry_put_factors(f->registry, "mine", "[2]", 3, NULL),
			 ERROR_NOT_FOUND);
	bring_to_hdfs(f);
	assert_false(is_on_hdfs(f, "/bitcoin/models/mine/factors.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_local_copy_spares_a_reading, begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(what_hdfs_holds_is_the_truth, begin, fixture_end),
		cmocka_unit_test_setup_teardown(a_restart_reads_those_of_hdfs, begin, fixture_end),
		cmocka_unit_test_setup_teardown(they_follow_once_hdfs_is_back, begin, fixture_end),
		cmocka_unit_test_setup_teardown(those_of_a_removed_model_stay_away, begin,
						fixture_end),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
