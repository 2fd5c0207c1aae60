/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publisher_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct metrics *metrics;
	struct publisher publisher;
};

static int set_up(void **state)
{
	static struct fixture f;
	memset(&f, 0, sizeof(f));
	f.metrics = metrics_new();
	f.publisher.retries = metrics_counter(f.metrics, "retries_total", "Retries", NULL);
	f.publisher.queue_records = metrics_gauge(f.metrics, "records", "Records", NULL);
	f.publisher.queue_bytes = metrics_gauge(f.metrics, "bytes", "Bytes", NULL);
	pthread_mutex_init(&f.publisher.lock, NULL);
	pthread_cond_init(&f.publisher.changed, NULL);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	pthread_cond_destroy(&f->publisher.changed);
	pthread_mutex_destroy(&f->publisher.lock);
	metrics_destroy(&f->metrics);
	return 0;
}

static void tell(struct fixture *f, const char *text)
{
	char copy[512];
	size_t length = strlen(text);
	memcpy(copy, text, length);
	/* 0: librdkafka frees its own text. */
	assert_int_equal(0, publisher_on_stats(NULL, copy, length, &f->publisher));
}

static void retries_are_counted_once(void **state)
{
	struct fixture *f = *state;
	tell(f, "{\"brokers\":{\"a\":{\"txretries\":2},\"b\":{\"txretries\":3}}}");
	assert_int_equal(5, (int)metric_value(f->publisher.retries));
	tell(f, "{\"brokers\":{\"a\":{\"txretries\":2},\"b\":{\"txretries\":4}}}");
	assert_int_equal(6, (int)metric_value(f->publisher.retries));
	tell(f, "{\"brokers\":{\"a\":{\"txretries\":1}}}"); /* a broker went */
	assert_int_equal(6, (int)metric_value(f->publisher.retries));
}

static void the_queue_is_shown(void **state)
{
	struct fixture *f = *state;
	tell(f, "{\"msg_cnt\":17,\"msg_size\":4096}");
	assert_int_equal(17, (int)metric_value(f->publisher.queue_records));
	assert_int_equal(4096, (int)metric_value(f->publisher.queue_bytes));
}

static void a_producer_id_wakes_the_watch(void **state)
{
	struct fixture *f = *state;
	tell(f, "{\"eos\":{\"idemp_state\":\"WaitPID\"}}");
	assert_false(atomic_load(&f->publisher.has_producer_id));
	assert_false(f->publisher.ask_now);
	tell(f, "{\"eos\":{\"idemp_state\":\"Assigned\"}}");
	assert_true(atomic_load(&f->publisher.has_producer_id));
	assert_true(f->publisher.ask_now);
	f->publisher.ask_now = false;
	tell(f, "{\"eos\":{\"idemp_state\":\"Assigned\"}}");
	assert_false(f->publisher.ask_now); /* nothing new */
	tell(f, "{\"eos\":{\"idemp_state\":\"DrainBump\"}}");
	assert_false(atomic_load(&f->publisher.has_producer_id));
}

static void what_cannot_be_read_changes_nothing(void **state)
{
	struct fixture *f = *state;
	tell(f, "{\"msg_cnt\":17,");
	tell(f, "{}");
	tell(f, "[]");
	assert_int_equal(0, (int)metric_value(f->publisher.queue_records));
	assert_false(atomic_load(&f->publisher.has_producer_id));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(retries_are_counted_once),
		WITH_FIXTURE(the_queue_is_shown),
		WITH_FIXTURE(a_producer_id_wakes_the_watch),
		WITH_FIXTURE(what_cannot_be_read_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
