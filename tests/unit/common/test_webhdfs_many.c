/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many calls at a time, against an HDFS in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_hdfs.h"
#include "timestamp.h"
#include "webhdfs_many.h"

enum { MANY = 40 };

struct fixture {
	struct fake_hdfs *fake;
	struct webhdfs *hdfs;
	atomic_int calls[MANY];
	atomic_int now, most; /* calls at a time */
	int wanted;           /* each waits until so many were */
	pthread_t caller;
	atomic_int by_others;
};

static void begin(struct fixture *f, const char *urls_before, const atomic_bool *cancel)
{
	char urls[200];
	memset(f, 0, sizeof *f);
	f->caller = pthread_self();
	f->fake = fake_hdfs_start();
	struct webhdfs_options options = fake_options(f->fake);
	snprintf(urls, sizeof urls, "%s%s", urls_before, f->fake->url);
	options.urls = urls;
	options.cancel = cancel;
	assert_int_equal(webhdfs_new(&options, &f->hdfs, NULL), ERROR_OK);
}

static void finish(struct fixture *f)
{
	webhdfs_destroy(&f->hdfs);
	fake_hdfs_stop(f->fake);
}

static double counted(const struct fixture *f, const char *outcome)
{
	char labels[100];
	snprintf(labels, sizeof labels, "op=\"GETFILESTATUS\",outcome=\"%s\"", outcome);
	return metric_value(metrics_counter(f->fake->metrics, "webhdfs_requests_total",
					    "WebHDFS requests by operation and outcome.", labels));
}

static void wait_for_others(struct fixture *f)
{
	int64_t limit_us = monotonic_now_us() + 20000000;
	int now = atomic_fetch_add(&f->now, 1) + 1, most = atomic_load(&f->most);
	while (now > most && !atomic_compare_exchange_weak(&f->most, &most, now))
		;
	while (atomic_load(&f->most) < f->wanted && monotonic_now_us() < limit_us)
		poll(NULL, 0, 1);
	atomic_fetch_sub(&f->now, 1);
}

static enum error note(struct webhdfs *hdfs, size_t index, void *user, struct text *why)
{
	struct fixture *f = user;
	(void)hdfs;
	(void)why;
	atomic_fetch_add(&f->calls[index], 1);
	atomic_fetch_add(&f->by_others, !pthread_equal(pthread_self(), f->caller));
	wait_for_others(f);
	return ERROR_OK;
}

static void each_is_called_once_several_at_a_time(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, "", NULL);
	f.wanted = WEBHDFS_AT_ONCE;
	assert_int_equal(webhdfs_many(f.hdfs, MANY, note, &f, NULL), ERROR_OK);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(atomic_load(&f.calls[i]), 1);
	assert_int_equal(atomic_load(&f.most), WEBHDFS_AT_ONCE);
	finish(&f);
}

static void a_few_are_not_worth_a_thread(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, "", NULL);
	assert_int_equal(webhdfs_many(f.hdfs, 0, note, &f, NULL), ERROR_OK);
	assert_int_equal(webhdfs_many(f.hdfs, 2 * WEBHDFS_WORTH_ONE - 1, note, &f, NULL), ERROR_OK);
	assert_int_equal(atomic_load(&f.by_others), 0);
	assert_int_equal(atomic_load(&f.calls[2 * WEBHDFS_WORTH_ONE - 2]), 1);
	f.wanted = 2;
	assert_int_equal(webhdfs_many(f.hdfs, 2 * WEBHDFS_WORTH_ONE, note, &f, NULL), ERROR_OK);
	assert_int_equal(atomic_load(&f.most), 2);
	finish(&f);
}

static enum error stat_it(struct webhdfs *hdfs, size_t index, void *user, struct text *why)
{
	char path[100];
	struct webhdfs_status status;
	(void)user;
	snprintf(path, sizeof path, "/d/%zu", index);
	return webhdfs_stat(hdfs, path, &status, why);
}

static void put_files(struct fixture *f)
{
	for (size_t i = 0; i < MANY; i++) {
		char path[100];
		snprintf(path, sizeof path, "/d/%zu", i);
		fake_put(f->fake, path, "x", 1);
	}
}

/* The first address is nobody's: only who asked first has to find that out. */
static void all_ask_as_the_given_one(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, "http://127.0.0.1:1,", NULL);
	put_files(&f);
	assert_int_equal(stat_it(f.hdfs, 0, NULL, NULL), ERROR_OK);
	assert_true(counted(&f, "unreachable") == 1);
	assert_int_equal(webhdfs_many(f.hdfs, MANY, stat_it, NULL, NULL), ERROR_OK);
	assert_true(counted(&f, "unreachable") == 1);
	assert_true(counted(&f, "ok") == MANY + 1);
	finish(&f);
}

static enum error fail_second(struct webhdfs *hdfs, size_t index, void *user, struct text *why)
{
	struct fixture *f = user;
	(void)hdfs;
	atomic_fetch_add(&f->calls[index], 1);
	if (index == 1)
		why_putf(why, "the second one fails");
	return index == 1 ? ERROR_QUOTA : ERROR_OK;
}

static void after_an_error_nothing_more_is_begun(void **state)
{
	(void)state;
	struct fixture f;
	struct text why;
	begin(&f, "", NULL);
	text_init(&why, 1000);
	assert_int_equal(webhdfs_many(f.hdfs, 3, fail_second, &f, &why), ERROR_QUOTA);
	assert_string_equal(why.data, "the second one fails");
	assert_int_equal(atomic_load(&f.calls[0]), 1);
	assert_int_equal(atomic_load(&f.calls[2]), 0);
	text_reset(&why);
	assert_int_equal(webhdfs_many(f.hdfs, MANY, fail_second, &f, &why), ERROR_QUOTA);
	assert_string_equal(why.data, "the second one fails");
	text_clean_up(&why);
	finish(&f);
}

static void an_end_cuts_all_short(void **state)
{
	(void)state;
	struct fixture f;
	static atomic_bool cancel;
	atomic_store(&cancel, true);
	begin(&f, "", &cancel);
	put_files(&f);
	assert_int_equal(webhdfs_many(f.hdfs, MANY, stat_it, NULL, NULL), ERROR_CANCELLED);
	assert_true(counted(&f, "ok") == 0);
	finish(&f);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_called_once_several_at_a_time),
		cmocka_unit_test(a_few_are_not_worth_a_thread),
		cmocka_unit_test(all_ask_as_the_given_one),
		cmocka_unit_test(after_an_error_nothing_more_is_begun),
		cmocka_unit_test(an_end_cuts_all_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
