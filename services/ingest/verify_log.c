/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify_log.h"

#include <inttypes.h>

#include "kafka.h"
#include "timestamp.h"

enum { ANSWER_TIMEOUT_MS = 10000, POLL_MS = 200, SILENCE_US = 30000000, MAX_MESSAGES = 2048 };

enum error verify_log_open(const struct config *config, const char *brokers, const char *group,
			   rd_kafka_t **kafka, struct text *why)
{
	const struct kafka_property properties[] = {
		{ "group.id", group }, /* never joined */
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "error" },
		{ "isolation.level", "read_committed" },
		{ "enable.partition.eof", "true" },
		{ "allow.auto.create.topics", "false" },
		{ NULL, NULL },
	};
	rd_kafka_conf_t *conf;
	enum error error =
		kafka_conf_new(config, brokers, "tickline-ingest-verify", properties, &conf, why);
	return error ? error : kafka_consumer_new(conf, kafka, why);
}

static enum error failed(const char *topic, int32_t partition, const char *what, struct text *why)
{
	why_putf(why, "%s[%d]: %s", topic, (int)partition, what);
	return ERROR_KAFKA;
}

enum error verify_log_ends(rd_kafka_t *kafka, const char *topic, struct verify_partition *partition,
			   struct text *why)
{
	rd_kafka_resp_err_t code =
		rd_kafka_query_watermark_offsets(kafka, topic, partition->number, &partition->low,
						 &partition->high, ANSWER_TIMEOUT_MS);
	return code ? failed(topic, partition->number, rd_kafka_err2str(code), why) : ERROR_OK;
}

enum error verify_log_committed(rd_kafka_t *kafka, const char *topic,
				struct verify_partition *partition, struct text *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *one =
		rd_kafka_topic_partition_list_add(list, topic, partition->number);
	rd_kafka_resp_err_t code = rd_kafka_committed(kafka, list, ANSWER_TIMEOUT_MS);
	if (!code)
		code = one->err;
	partition->committed = one->offset >= 0 ? one->offset : -1;
	rd_kafka_topic_partition_list_destroy(list);
	return code ? failed(topic, partition->number, rd_kafka_err2str(code), why) : ERROR_OK;
}

struct log_reader {
	rd_kafka_t *kafka;
	const char *topic;
	struct verify_partition *partition;
	size_t at; /* span */
	bool ended;
	int64_t heard_us; /* monotonic */
	struct text *why;
};

static enum error take(struct log_reader *reader, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		reader->ended = true;
		return ERROR_OK;
	}
	if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
	    message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
		return failed(reader->topic, reader->partition->number,
			      "the log was cut while it was read", reader->why);
	if (message->err) /* passes, or silence tells */
		return ERROR_OK;
	if (message->offset < reader->partition->high)
		verify_add_record(reader->partition, &reader->at, message->offset);
	else
		reader->ended = true;
	return ERROR_OK;
}

static enum error poll_once(struct log_reader *reader, rd_kafka_queue_t *queue)
{
	static rd_kafka_message_t *messages[MAX_MESSAGES];
	enum error error = ERROR_OK;
	ssize_t count = rd_kafka_consume_batch_queue(queue, POLL_MS, messages, MAX_MESSAGES);
	for (ssize_t i = 0; i < count; i++) {
		if (!error)
			error = take(reader, messages[i]);
		rd_kafka_message_destroy(messages[i]);
	}
	int64_t now_us = monotonic_now_us();
	if (count > 0)
		reader->heard_us = now_us;
	if (!error && now_us - reader->heard_us > SILENCE_US) {
		failed(reader->topic, reader->partition->number, "nothing came for half a minute",
		       reader->why);
		error = ERROR_TIMEOUT;
	}
	return error;
}

static enum error read_to_the_end(struct log_reader *reader)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(reader->kafka);
	enum error error = ERROR_OK;
	reader->heard_us = monotonic_now_us();
	while (!error && !reader->ended)
		error = poll_once(reader, queue);
	rd_kafka_queue_destroy(queue);
	return error;
}

enum error verify_log_read(rd_kafka_t *kafka, const char *topic, struct verify_partition *partition,
			   struct text *why)
{
	struct log_reader reader = {
		.kafka = kafka, .topic = topic, .partition = partition, .why = why
	};
	if (partition->low >= partition->high)
		return ERROR_OK;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition->number)->offset = partition->low;
	rd_kafka_resp_err_t code = rd_kafka_assign(kafka, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (code)
		return failed(topic, partition->number, rd_kafka_err2str(code), why);
	enum error error = read_to_the_end(&reader);
	rd_kafka_assign(kafka, NULL);
	return error;
}
