/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What test_live does not reach: Kafka away from the start, and settings that it refuses.
 */
#include "live_consumer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "timestamp.h"

static const struct live_topic topics[] = {
	{ .topic = { .name = "bars", .partitions = 1, .replication = 1, .retention_bytes = -1 },
	  .records = "bars",
	  .history = 10 },
};

static void none(const struct live_message *message, void *user)
{
	(void)message;
	(void)user;
	fail_msg("a message from nowhere");
}

static void kafka_away(void **state)
{
	(void)state;
	char memory[512];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct metrics *metrics = metrics_new();
	struct live_consumer *consumer;
	const struct live_consumer_options options = { .brokers = "127.0.0.1:1",
						       .topics = topics,
						       .topic_count = 1,
						       .max_partitions = 4,
						       .metrics = metrics };
	assert_int_equal(live_consumer_new(&options, &consumer, &why), ERROR_OK);
	assert_int_not_equal(live_consumer_join(consumer, 200, &why), ERROR_OK);
	assert_true(why.length > 0);
	bool away = false;
	text_reset(&why);
	for (int64_t until_us = monotonic_now_us() + 20000000;
	     !away && monotonic_now_us() < until_us;)
		assert_int_equal(live_consumer_poll(consumer, 10, none, NULL, &away, &why), 0);
	assert_true(away && why.length > 0);
	live_consumer_destroy(&consumer);
	assert_null(consumer);
	live_consumer_destroy(&consumer);
	metrics_destroy(&metrics);
}

static void refused_settings(void **state)
{
	(void)state;
	char memory[512], variable[] = "MODEL_KAFKA_SOCKET_TIMEOUT_MS=never", name[] = "model";
	char *environment[] = { variable, NULL }, *arguments[] = { name, NULL };
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct metrics *metrics = metrics_new();
	struct config *config = config_new("model", NULL, 0);
	assert_int_equal(config_load(config, 1, arguments, environment, &why), ERROR_OK);
	struct live_consumer *consumer = NULL;
	const struct live_consumer_options options = { .config = config,
						       .brokers = "127.0.0.1:1",
						       .topics = topics,
						       .topic_count = 1,
						       .max_partitions = 4,
						       .metrics = metrics };
	assert_int_equal(live_consumer_new(&options, &consumer, &why), ERROR_INVALID);
	assert_non_null(strstr(why.data, "socket.timeout.ms"));
	config_destroy(&config);
	metrics_destroy(&metrics);
}

int main(void)
{
	log_init("test", LOG_ERROR + 1, LOG_FORMAT_TEXT);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kafka_away),
		cmocka_unit_test(refused_settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
