/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka_mock.h>

#include "timestamp.h"

enum { WAIT_MS = 4000 };

struct fixture {
	struct text why;
	rd_kafka_t *owner; /* of the mock cluster */
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_t *producer;
};

static int set_up(void **state)
{
	static struct fixture f;
	f = (struct fixture){ 0 };
	text_init(&f.why, 4096);
	f.owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
	f.cluster = rd_kafka_mock_cluster_new(f.owner, 1);
	rd_kafka_conf_t *conf = NULL;
	assert_int_equal(ERROR_OK, kafka_conf_new(NULL, rd_kafka_mock_cluster_bootstraps(f.cluster),
						  "test", NULL, &conf, &f.why));
	assert_int_equal(ERROR_OK, kafka_producer_new(conf, &f.producer, &f.why));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	rd_kafka_destroy(f->producer);
	rd_kafka_mock_cluster_destroy(f->cluster);
	rd_kafka_destroy(f->owner);
	text_clean_up(&f->why);
	return 0;
}

static void assert_property(const rd_kafka_conf_t *conf, const char *name, const char *expected)
{
	char value[256];
	size_t size = sizeof(value);
	assert_int_equal(RD_KAFKA_CONF_OK, rd_kafka_conf_get(conf, name, value, &size));
	assert_string_equal(expected, value);
}

static void settings_pass_through_and_win(void **state)
{
	(void)state;
	char variable[] = "GATEWAY_KAFKA_SOCKET_TIMEOUT_MS=12345";
	char name[] = "gateway", flag[] = "--kafka.client.rack=r1";
	char *environment[] = { variable, NULL };
	char *arguments[] = { name, flag, NULL };
	const struct kafka_property properties[] = { { "linger.ms", "7" },
						     { "client.rack", "r0" },
						     { NULL, NULL } };
	struct text why;
	text_init(&why, 4096);
	struct config *config = config_new("gateway", NULL, 0);
	assert_int_equal(ERROR_OK, config_load(config, 2, arguments, environment, &why));
	rd_kafka_conf_t *conf = NULL;
	assert_int_equal(ERROR_OK,
			 kafka_conf_new(config, "127.0.0.1:1", "me", properties, &conf, &why));
	assert_property(conf, "bootstrap.servers", "127.0.0.1:1");
	assert_property(conf, "client.id", "me");
	assert_property(conf, "linger.ms", "7");
	assert_property(conf, "client.rack", "r1");
	assert_property(conf, "socket.timeout.ms", "12345");
	rd_kafka_conf_destroy(conf);
	config_destroy(&config);
	text_clean_up(&why);
}

static void every_bad_setting_is_told_at_once(void **state)
{
	(void)state;
	const struct kafka_property properties[] = { { "no.such.thing", "1" },
						     { "linger.ms", "-5" },
						     { NULL, NULL } };
	struct text why;
	text_init(&why, 4096);
	rd_kafka_conf_t *conf = NULL;
	assert_int_equal(ERROR_INVALID,
			 kafka_conf_new(NULL, "127.0.0.1:1", "me", properties, &conf, &why));
	assert_null(conf);
	assert_non_null(strstr(why.data, "no.such.thing"));
	assert_non_null(strstr(why.data, "linger.ms"));
	text_clean_up(&why);
}

static void a_client_that_cannot_be_made_says_why(void **state)
{
	(void)state;
	const struct kafka_property properties[] = { { "security.protocol", "ssl" },
						     { "ssl.ca.location", "/nonexistent/ca.pem" },
						     { NULL, NULL } };
	struct text why;
	text_init(&why, 4096);
	rd_kafka_conf_t *conf = NULL;
	rd_kafka_t *producer = NULL;
	assert_int_equal(ERROR_OK,
			 kafka_conf_new(NULL, "127.0.0.1:1", "me", properties, &conf, &why));
	assert_int_equal(ERROR_INVALID, kafka_producer_new(conf, &producer, &why));
	assert_null(producer);
	assert_non_null(strstr(why.data, "ssl.ca.location"));
	text_clean_up(&why);
}

static void existing_topics_are_left_alone(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(0, rd_kafka_mock_topic_create(f->cluster, "here", 3, 1));
	/* The mock cluster cannot make topics: OK proves that nobody asked it to. */
	const struct kafka_topic topics[] = { { "here", 1, 1, -1, false } };
	assert_int_equal(ERROR_OK, kafka_topics_ensure(f->producer, topics, 1, WAIT_MS, &f->why));
	int count = 0;
	assert_int_equal(ERROR_OK,
			 kafka_partition_count(f->producer, "here", WAIT_MS, &count, &f->why));
	assert_int_equal(3, count);
}

static void a_topic_that_cannot_be_made_is_an_error(void **state)
{
	struct fixture *f = *state;
	const struct kafka_topic topics[] = { { "missing", 1, 1, 1 << 30, false } };
	enum error error = kafka_topics_ensure(f->producer, topics, 1, WAIT_MS, &f->why);
	assert_int_not_equal(ERROR_OK, error);
	assert_true(f->why.length > 0);
	int count = -1;
	assert_int_equal(ERROR_NOT_FOUND,
			 kafka_partition_count(f->producer, "missing", WAIT_MS, &count, &f->why));
	assert_int_equal(-1, count);
	assert_non_null(strstr(f->why.data, "missing"));
}

static void a_topic_with_an_impossible_shape_is_invalid(void **state)
{
	struct fixture *f = *state;
	const struct kafka_topic topics[] = { { "bad", 1000000, 1, -1, false } };
	assert_int_equal(ERROR_INVALID,
			 kafka_topics_ensure(f->producer, topics, 1, WAIT_MS, &f->why));
	assert_non_null(strstr(f->why.data, "bad"));
}

static void waiting_for_a_broker_that_is_away_has_a_limit(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(0, rd_kafka_mock_broker_set_down(f->cluster, 1));
	const struct kafka_topic topics[] = { { "here", 1, 1, -1, false } };
	int64_t start_us = monotonic_now_us();
	enum error error = kafka_topics_ensure(f->producer, topics, 1, 300, &f->why);
	assert_true(error == ERROR_TIMEOUT || error == ERROR_UNREACHABLE);
	int count = 0;
	error = kafka_partition_count(f->producer, "here", 300, &count, &f->why);
	assert_true(error == ERROR_TIMEOUT || error == ERROR_UNREACHABLE);
	assert_true(monotonic_now_us() - start_us < 8000000);
	assert_true(f->why.length > 0);
}

static void limits_that_cannot_be_asked_are_the_defaults(void **state)
{
	struct fixture *f = *state;
	struct kafka_topic_limits limits = { 0 };
	/* The mock cluster does not describe topics. */
	assert_int_not_equal(ERROR_OK,
			     kafka_topic_limits(f->producer, "here", 500, &limits, &f->why));
	assert_true(f->why.length > 0);
	assert_memory_equal(&KAFKA_DEFAULT_LIMITS, &limits, sizeof(limits));
}

static void a_consumer_is_made(void **state)
{
	struct fixture *f = *state;
	const struct kafka_property properties[] = { { "group.id", "g" }, { NULL, NULL } };
	rd_kafka_conf_t *conf = NULL;
	rd_kafka_t *consumer = NULL;
	assert_int_equal(ERROR_OK,
			 kafka_conf_new(NULL, rd_kafka_mock_cluster_bootstraps(f->cluster), "me",
					properties, &conf, &f->why));
	assert_int_equal(ERROR_OK, kafka_consumer_new(conf, &consumer, &f->why));
	assert_int_equal(RD_KAFKA_CONSUMER, rd_kafka_type(consumer));
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_pass_through_and_win),
		cmocka_unit_test(every_bad_setting_is_told_at_once),
		cmocka_unit_test(a_client_that_cannot_be_made_says_why),
		cmocka_unit_test_setup_teardown(existing_topics_are_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_topic_that_cannot_be_made_is_an_error, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_topic_with_an_impossible_shape_is_invalid, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(waiting_for_a_broker_that_is_away_has_a_limit,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_that_cannot_be_asked_are_the_defaults,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_consumer_is_made, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
