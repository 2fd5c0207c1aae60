/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * On librdkafka's mock cluster, which answers a Fetch with one batch. With a queue that is full at
 * one record, reading is put off after each of them: a second for each where nobody wishes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdio.h>

#include <librdkafka/rdkafka_mock.h>

#include "kafka.h"
#include "refetch.h"
#include "timestamp.h"

enum { RECORDS = 90, LIMIT_US = 45000000, STEP_MS = 5 };

struct fixture {
	rd_kafka_t *producer, *consumer; /* the producer owns the cluster */
	rd_kafka_mock_cluster_t *cluster;
	struct refetch *refetch;
	struct metrics *metrics;
};

/* Where librdkafka needs no questions, there are none. */
static double questions(const struct fixture *f, const char *outcome)
{
	char labels[40];
	snprintf(labels, sizeof labels, "outcome=\"%s\"", outcome);
	return metric_value(metrics_counter(f->metrics, "ingest_refetch_questions_total",
					    "Questions for a log's end that have librdkafka before "
					    "2.2 fetch on, by outcome.",
					    labels));
}

static rd_kafka_conf_t *conf_of(struct fixture *f, const struct kafka_property *properties)
{
	rd_kafka_conf_t *conf = NULL;
	const char *brokers = f->cluster ? rd_kafka_mock_cluster_bootstraps(f->cluster) : "none:1";
	assert_int_equal(kafka_conf_new(NULL, brokers, "test", properties, &conf, NULL), ERROR_OK);
	return conf;
}

static void produce_in_batches_of_one(struct fixture *f)
{
	const struct kafka_property properties[] = { { "batch.num.messages", "1" },
						     { NULL, NULL } };
	rd_kafka_t *producer;
	assert_int_equal(kafka_producer_new(conf_of(f, properties), &producer, NULL), ERROR_OK);
	for (int i = 0; i < RECORDS; i++)
		assert_int_equal(
			rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_PARTITION(0),
					  RD_KAFKA_V_VALUE((void *)"x", 1), RD_KAFKA_V_END),
			RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(producer, 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_destroy(producer);
}

static void read_from_the_start(struct fixture *f)
{
	const struct kafka_property properties[] = { { "group.id", "g" },
						     { "queued.min.messages", "1" },
						     { "fetch.wait.max.ms", "10" },
						     refetch_property(),
						     { NULL, NULL } };
	assert_int_equal(kafka_consumer_new(conf_of(f, properties), &f->consumer, NULL), ERROR_OK);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, "t", 0)->offset = 0;
	assert_int_equal(rd_kafka_assign(f->consumer, list), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(list);
}

static int set_up(void **state)
{
	static struct fixture f;
	const struct kafka_property quiet[] = { { "log_level", "0" }, { NULL, NULL } };
	f = (struct fixture){ .metrics = metrics_new() };
	assert_int_equal(kafka_producer_new(conf_of(&f, quiet), &f.producer, NULL), ERROR_OK);
	f.cluster = rd_kafka_mock_cluster_new(f.producer, 1);
	rd_kafka_mock_topic_create(f.cluster, "t", 1, 1);
	produce_in_batches_of_one(&f);
	read_from_the_start(&f);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	refetch_destroy(&f->refetch);
	rd_kafka_consumer_close(f->consumer);
	rd_kafka_destroy(f->consumer);
	rd_kafka_mock_cluster_destroy(f->cluster);
	rd_kafka_destroy(f->producer);
	metrics_destroy(&f->metrics);
	return 0;
}

static void a_wish_ends_the_wait_at_a_full_queue(void **state)
{
	struct fixture *f = *state;
	const int64_t limit_us = monotonic_now_us() + LIMIT_US;
	int count = 0;
	assert_int_equal(refetch_start(f->consumer, f->metrics, &f->refetch, NULL), ERROR_OK);
	while (count < RECORDS && monotonic_now_us() < limit_us) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(f->consumer, STEP_MS);
		count += message && !message->err;
		if (message)
			rd_kafka_message_destroy(message);
		refetch_wish(f->refetch, "t", 0);
	}
	assert_int_equal(count, RECORDS);
	assert_true(!f->refetch || questions(f, "ok") > 0);
}

static bool was_asked(const struct fixture *f, const char *outcome)
{
	return !f->refetch || questions(f, outcome) > 0;
}

/* The mock cluster has no such partition: that is answered at once. */
static void after_a_refusal_it_waits(void **state)
{
	struct fixture *f = *state;
	const int64_t began_us = monotonic_now_us(), limit_us = began_us + LIMIT_US;
	assert_int_equal(refetch_start(f->consumer, f->metrics, &f->refetch, NULL), ERROR_OK);
	while (!was_asked(f, "kafka") && monotonic_now_us() < limit_us) {
		refetch_wish(f->refetch, "t", 7);
		poll(NULL, 0, STEP_MS);
	}
	while (!was_asked(f, "ok") && monotonic_now_us() < limit_us) {
		refetch_wish(f->refetch, "t", 0);
		poll(NULL, 0, STEP_MS);
	}
	assert_true(was_asked(f, "kafka") && was_asked(f, "ok"));
	assert_true(!f->refetch || monotonic_now_us() - began_us >= 1000000);
}

static void a_wish_is_allowed_where_none_is_needed(void **state)
{
	(void)state;
	refetch_wish(NULL, "t", 0);
}

static void it_ends_while_a_question_is_on_its_way(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(refetch_start(f->consumer, f->metrics, &f->refetch, NULL), ERROR_OK);
	rd_kafka_mock_broker_set_rtt(f->cluster, 1, 300);
	refetch_wish(f->refetch, "t", 0);
	refetch_destroy(&f->refetch);
	assert_null(f->refetch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_wish_ends_the_wait_at_a_full_queue, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(after_a_refusal_it_waits, set_up, tear_down),
		cmocka_unit_test(a_wish_is_allowed_where_none_is_needed),
		cmocka_unit_test_setup_teardown(it_ends_while_a_question_is_on_its_way, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
