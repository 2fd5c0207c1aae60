/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replays on librdkafka's mock cluster, which knows transactions and can fail each of their calls,
 * but keeps what was aborted: what a reader sees then is shown on a real Kafka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include "ingest_testing.h"
#include "kafka.h"
#include "log.h"
#include "replay.h"
#include "timestamp.h"

#define LEDGER "t.replayed"

enum { API_INIT_PRODUCER_ID = 22, API_ADD_PARTITIONS = 24, API_END_TXN = 26, PARTITION = 3 };

struct fixture {
	rd_kafka_t *owner; /* of the mock cluster */
	rd_kafka_mock_cluster_t *cluster;
	struct replay_letter letters[4];
	struct replay_letters found;
	struct replay replay;
	struct text why;
	char memory[1000];
};

static void fill_letters(struct fixture *f)
{
	static const int64_t offsets[] = { 5, 6, 8, 9 };
	for (size_t i = 0; i < 4; i++) {
		f->letters[i] = (struct replay_letter){ .offset = offsets[i] };
		f->letters[i].record = (struct dead_letter){ .topic = "t",
							     .partition = PARTITION,
							     .offset = offsets[i],
							     .timestamp_us = 1751328000123000,
							     .key = { "k", 1 },
							     .raw = { "value", 5 } };
	}
	f->letters[2].fault = "not-json";
	f->letters[3].record.key = (struct slice){ 0 };
	f->found = (struct replay_letters){ .dataset = &testing_dataset,
					    .partition = PARTITION,
					    .letters = f->letters,
					    .count = 4 };
}

static int set_up(void **state)
{
	static struct fixture f;
	char reason[128];
	testing_begin();
	log_init("test", LOG_ERROR, LOG_FORMAT_TEXT);
	f = (struct fixture){ 0 };
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
	f.owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
	f.cluster = rd_kafka_mock_cluster_new(f.owner, 1);
	rd_kafka_mock_topic_create(f.cluster, "t", 4, 1);
	rd_kafka_mock_topic_create(f.cluster, LEDGER, 1, 1);
	fill_letters(&f);
	f.replay =
		(struct replay){ .ledger = { .brokers = rd_kafka_mock_cluster_bootstraps(f.cluster),
					     .topic = "t",
					     .replication = 1,
					     .deadline_us = monotonic_now_us() + 30000000 },
				 .by = "me" };
	text_init_fixed(&f.why, f.memory, sizeof f.memory);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_cluster_destroy(f->cluster);
	rd_kafka_destroy(f->owner);
	testing_end();
	return 0;
}

/* --- what is in the topics ---------------------------------------------------------------------
 */

static rd_kafka_t *reader_of(const struct fixture *f, const char *topic, int32_t partition)
{
	static const struct kafka_property properties[] = { { "group.id", "test" },
							    { "enable.partition.eof", "true" },
							    { "fetch.wait.max.ms", "10" },
							    { NULL, NULL } };
	rd_kafka_conf_t *conf;
	rd_kafka_t *reader;
	assert_int_equal(
		kafka_conf_new(NULL, f->replay.ledger.brokers, "test", properties, &conf, NULL),
		ERROR_OK);
	assert_int_equal(kafka_consumer_new(conf, &reader, NULL), ERROR_OK);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset =
		RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(reader, list);
	rd_kafka_topic_partition_list_destroy(list);
	return reader;
}

/* Calls `look` for each message; how many there were. */
static size_t each_message(const struct fixture *f, const char *topic, int32_t partition,
			   void (*look)(const rd_kafka_message_t *message, size_t at))
{
	rd_kafka_t *reader = reader_of(f, topic, partition);
	const int64_t limit_us = monotonic_now_us() + 30000000;
	size_t count = 0;
	bool end = false;
	while (!end) {
		assert_true(monotonic_now_us() < limit_us);
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 100);
		if (message && !message->err)
			look(message, count++);
		end = message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
	return count;
}

/* Without reading, which takes librdkafka half a second to begin. */
static void assert_nothing_sent(const struct fixture *f)
{
	static const struct {
		const char *topic;
		int32_t partition;
	} logs[] = { { "t", PARTITION }, { LEDGER, 0 } };
	rd_kafka_conf_t *conf;
	rd_kafka_t *asker;
	assert_int_equal(kafka_conf_new(NULL, f->replay.ledger.brokers, "test", NULL, &conf, NULL),
			 ERROR_OK);
	assert_int_equal(kafka_producer_new(conf, &asker, NULL), ERROR_OK);
	for (size_t i = 0; i < 2; i++) {
		int64_t low, high = -1;
		assert_int_equal(rd_kafka_query_watermark_offsets(asker, logs[i].topic,
								  logs[i].partition, &low, &high,
								  20000),
				 0);
		assert_int_equal(high, 0);
	}
	rd_kafka_destroy(asker);
}

static void assert_header(const rd_kafka_message_t *message, const char *name, const char *expected)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t size;
	assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
	assert_int_equal(rd_kafka_header_get_last(headers, name, &value, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(value, expected, size);
}

static void look_at_record(const rd_kafka_message_t *message, size_t at)
{
	static const char *const offsets[] = { "5", "6", "9" };
	rd_kafka_timestamp_type_t type;
	assert_true(at < 3);
	assert_header(message, REPLAY_HEADER_PARTITION, "3");
	assert_header(message, REPLAY_HEADER_OFFSET, offsets[at]);
	assert_int_equal(message->len, 5);
	assert_memory_equal(message->payload, "value", 5);
	assert_int_equal(message->key_len, at < 2 ? 1 : 0);
	assert_int_equal(message->key != NULL, at < 2);
	assert_int_equal(rd_kafka_message_timestamp(message, &type), 1751328000123);
}

static void look_at_entry(const rd_kafka_message_t *message, size_t at)
{
	static const char begin[] =
		"{\"partition\":3,\"offsets\":[[5,6],[9,9]],\"records\":3,\"by\":\"me\",\"at\":";
	assert_int_equal(at, 0);
	assert_int_equal(message->key_len, 3);
	assert_memory_equal(message->key, "3:5", 3);
	assert_true(message->len > sizeof begin);
	assert_memory_equal(message->payload, begin, sizeof begin - 1);
}

/* --- tests -------------------------------------------------------------------------------------
 */

static void what_is_due_is_sent_once(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(replay_run(&f->replay, &f->found, &f->why), ERROR_OK);
	fill_letters(f);
	assert_int_equal(replay_run(&f->replay, &f->found, &f->why), ERROR_OK);
	assert_int_equal(each_message(f, "t", PARTITION, look_at_record), 3);
	assert_int_equal(each_message(f, LEDGER, 0, look_at_entry), 1);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(f->letters[i].before, i != 2);
}

static void a_dry_run_sends_nothing(void **state)
{
	struct fixture *f = *state;
	f->replay.dry_run = true;
	assert_int_equal(replay_run(&f->replay, &f->found, &f->why), ERROR_OK);
	f->replay.ledger.topic = "u"; /* which has no ledger: nothing was replayed */
	assert_int_equal(replay_run(&f->replay, &f->found, &f->why), ERROR_OK);
	assert_nothing_sent(f);
}

static void each_call_that_fails_has_its_outcome(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int16_t api;
		rd_kafka_resp_err_t code;
		enum error error;
	} cases[] = {
		{ API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
		  ERROR_KAFKA },
		{ API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERROR_KAFKA },
		{ API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERROR_FENCED },
		{ API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERROR_UNKNOWN_OUTCOME },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		text_reset(&f->why);
		fill_letters(f);
		rd_kafka_mock_push_request_errors(f->cluster, cases[i].api, 1, cases[i].code);
		assert_int_equal(replay_run(&f->replay, &f->found, &f->why), cases[i].error);
		assert_true(f->why.length > 0);
		if (cases[i].api != API_END_TXN)
			assert_nothing_sent(f);
	}
}

static void while_kafka_is_away_nothing_is_sent(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	f->replay.ledger.deadline_us = monotonic_now_us() + 300000;
	enum error error = replay_run(&f->replay, &f->found, &f->why);
	assert_true(error == ERROR_TIMEOUT || error == ERROR_UNREACHABLE);
	assert_true(f->why.length > 0);
	f->replay.dry_run = true;
	error = replay_run(&f->replay, &f->found, &f->why);
	assert_true(error == ERROR_TIMEOUT || error == ERROR_UNREACHABLE);
	rd_kafka_mock_broker_set_up(f->cluster, 1);
	assert_nothing_sent(f);
}

static void without_letters_nobody_is_asked(void **state)
{
	struct fixture *f = *state;
	f->found.count = 0;
	f->replay.ledger.brokers = "nowhere";
	assert_int_equal(replay_run(&f->replay, &f->found, &f->why), ERROR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_due_is_sent_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_dry_run_sends_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_call_that_fails_has_its_outcome, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(while_kafka_is_away_nothing_is_sent, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(without_letters_nobody_is_asked, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
