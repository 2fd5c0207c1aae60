/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: everything belongs to the caller's thread. librdkafka's callbacks run inside
 * rd_kafka_poll, on that thread too.
 */
#include "live_consumer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum { BATCH = 1000 };

struct partition {
	int64_t position; /* next offset; -1: nothing read yet */
};

struct topic {
	const struct live_topic *spec;
	rd_kafka_topic_t *handle;
	struct partition *partitions; /* room for max_partitions */
	int32_t started;
	struct metric *lag;
};

struct live_consumer {
	rd_kafka_t *kafka;
	rd_kafka_queue_t *queue;
	struct topic *topics;
	size_t topic_count;
	int max_partitions;
	rd_kafka_message_t *batch[BATCH];
	bool away;
	char away_reason[256];
};

static void on_error(rd_kafka_t *kafka, int code, const char *reason, void *user)
{
	(void)kafka;
	struct live_consumer *consumer = user;
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		return;
	consumer->away = true;
	snprintf(consumer->away_reason, sizeof consumer->away_reason, "%s", reason);
}

static enum error topic_open(struct live_consumer *consumer, struct topic *topic,
			     const struct live_topic *spec, struct metrics *metrics)
{
	char memory[64];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "records", spec->records);
	topic->spec = spec;
	topic->lag = metrics_gauge(metrics, "model_live_lag_records",
				   "Records in Kafka that the live predictions have not seen yet.",
				   labels.data);
	topic->partitions = calloc((size_t)consumer->max_partitions, sizeof *topic->partitions);
	topic->handle = rd_kafka_topic_new(consumer->kafka, spec->topic.name, NULL);
	return topic->partitions && topic->handle ? ERROR_OK : ERROR_NO_MEMORY;
}

static enum error client_new(const struct live_consumer_options *options,
			     struct live_consumer *consumer, struct text *why)
{
	const struct kafka_property properties[] = {
		{ "enable.auto.commit", "false" },
		{ "enable.partition.eof", "true" },
		{ "auto.offset.reset", "earliest" },
		{ "queued.max.messages.kbytes", "16384" },
		{ NULL, NULL },
	};
	rd_kafka_conf_t *conf;
	enum error error = kafka_conf_new(options->config, options->brokers, "tickline-model",
					  properties, &conf, why);
	if (error != ERROR_OK)
		return error;
	rd_kafka_conf_set_opaque(conf, consumer);
	rd_kafka_conf_set_error_cb(conf, on_error);
	return kafka_consumer_new(conf, &consumer->kafka, why);
}

enum error live_consumer_new(const struct live_consumer_options *options,
			     struct live_consumer **out, struct text *why)
{
	struct live_consumer *consumer = calloc(1, sizeof *consumer);
	if (!consumer)
		return ERROR_NO_MEMORY;
	consumer->max_partitions = options->max_partitions;
	enum error error = client_new(options, consumer, why);
	if (error != ERROR_OK)
		goto fail;
	consumer->queue = rd_kafka_queue_new(consumer->kafka);
	consumer->topics = calloc(options->topic_count, sizeof *consumer->topics);
	error = consumer->topics ? ERROR_OK : ERROR_NO_MEMORY;
	for (size_t t = 0; t < options->topic_count && error == ERROR_OK; t++) {
		consumer->topic_count++;
		error = topic_open(consumer, &consumer->topics[t], &options->topics[t],
				   options->metrics);
	}
	if (error != ERROR_OK)
		goto fail;
	*out = consumer;
	return ERROR_OK;

fail:
	live_consumer_destroy(&consumer);
	return error;
}

void live_consumer_destroy(struct live_consumer **out)
{
	struct live_consumer *consumer = *out;
	if (!consumer)
		return;
	struct topic *topics = consumer->topics;
	for (size_t t = 0; topics && t < consumer->topic_count; t++) {
		struct topic *topic = &topics[t];
		for (int32_t p = 0; p < topic->started; p++)
			rd_kafka_consume_stop(topic->handle, p);
		if (topic->handle)
			rd_kafka_topic_destroy(topic->handle);
		free(topic->partitions);
	}
	free(topics);
	if (consumer->queue)
		rd_kafka_queue_destroy(consumer->queue);
	if (consumer->kafka)
		rd_kafka_destroy(consumer->kafka);
	free(consumer);
	*out = NULL;
}

/* --- partitions ------------------------------------------------------------------------------ */

static enum error partition_start(struct live_consumer *consumer, struct topic *topic, int32_t p,
				  int64_t from, struct text *why)
{
	topic->partitions[p].position = -1;
	if (rd_kafka_consume_start_queue(topic->handle, p, from, consumer->queue) != 0) {
		why_putf(why, "topic %s, partition %" PRId32 ": %s", topic->spec->topic.name, p,
			 rd_kafka_err2str(rd_kafka_last_error()));
		return ERROR_KAFKA;
	}
	topic->started = p + 1;
	return ERROR_OK;
}

static enum error topic_join(struct live_consumer *consumer, struct topic *topic, int timeout_ms,
			     struct text *why)
{
	int count = 0, started = topic->started;
	enum error error = kafka_partition_count(consumer->kafka, topic->spec->topic.name,
						 timeout_ms, &count, why);
	if (error != ERROR_OK)
		return error;
	if (count > consumer->max_partitions) {
		log_warn("partitions beyond the limit are not read live",
			 LOG_STR("topic", topic->spec->topic.name), LOG_I64("partitions", count),
			 LOG_I64("limit", consumer->max_partitions));
		count = consumer->max_partitions;
	}
	/* A partition that was added later is new: all of it is news. */
	int64_t each = topic->spec->history / count > 0 ? topic->spec->history / count : 1;
	int64_t from = started == 0 ? RD_KAFKA_OFFSET_TAIL(each) : RD_KAFKA_OFFSET_BEGINNING;
	for (int32_t p = started; p < count && error == ERROR_OK; p++)
		error = partition_start(consumer, topic, p, from, why);
	if (error == ERROR_OK && count > started)
		log_info("reading live", LOG_STR("topic", topic->spec->topic.name),
			 LOG_I64("partitions", count), LOG_I64("history_each", each));
	return error;
}

enum error live_consumer_join(struct live_consumer *consumer, int timeout_ms, struct text *why)
{
	for (size_t t = 0; t < consumer->topic_count; t++) {
		struct topic *topic = &consumer->topics[t];
		enum error error = kafka_topics_ensure(consumer->kafka, &topic->spec->topic, 1,
						       timeout_ms, why);
		if (error == ERROR_OK)
			error = topic_join(consumer, topic, timeout_ms, why);
		if (error != ERROR_OK)
			return error;
	}
	consumer->away = false;
	return ERROR_OK;
}

/* --- messages -------------------------------------------------------------------------------- */

static struct topic *topic_of(struct live_consumer *consumer, const rd_kafka_message_t *message)
{
	for (size_t t = 0; t < consumer->topic_count; t++) {
		if (consumer->topics[t].handle == message->rkt)
			return &consumer->topics[t];
	}
	return NULL;
}

/* True when the message is a record. */
static bool is_record(struct live_consumer *consumer, struct topic *topic,
		      const rd_kafka_message_t *message)
{
	if (!topic || message->partition < 0 || message->partition >= topic->started)
		return false;
	struct partition *partition = &topic->partitions[message->partition];
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		consumer->away = false;
		partition->position = message->offset;
		return false;
	}
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		log_warn("live read", LOG_STR("topic", topic->spec->topic.name),
			 LOG_I64("partition", message->partition),
			 LOG_STR("error", rd_kafka_message_errstr(message)));
		return false;
	}
	consumer->away = false;
	partition->position = message->offset + 1;
	return true;
}

static int64_t lag_of(const struct live_consumer *consumer, const struct topic *topic)
{
	int64_t lag = 0;
	for (int32_t p = 0; p < topic->started; p++) {
		int64_t low, high, position = topic->partitions[p].position;
		if (rd_kafka_get_watermark_offsets(consumer->kafka, topic->spec->topic.name, p,
						   &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		    position >= 0 && high > position)
			lag += high - position;
	}
	return lag;
}

static void tell_lag(struct live_consumer *consumer)
{
	for (size_t t = 0; t < consumer->topic_count; t++)
		metric_set(consumer->topics[t].lag, (double)lag_of(consumer, &consumer->topics[t]));
}

static size_t batch_fill(struct live_consumer *consumer, int timeout_ms)
{
	/* consume_batch waits until the batch is full, so the wait is for the first one only. */
	consumer->batch[0] = rd_kafka_consume_queue(consumer->queue, timeout_ms);
	if (!consumer->batch[0])
		return 0;
	ssize_t more =
		rd_kafka_consume_batch_queue(consumer->queue, 0, consumer->batch + 1, BATCH - 1);
	return 1 + (more > 0 ? (size_t)more : 0);
}

size_t live_consumer_poll(struct live_consumer *consumer, int timeout_ms,
			  void (*each)(const struct live_message *message, void *user), void *user,
			  bool *away, struct text *why)
{
	size_t records = 0, got = batch_fill(consumer, timeout_ms);
	for (size_t i = 0; i < got; i++) {
		rd_kafka_message_t *message = consumer->batch[i];
		struct topic *topic = topic_of(consumer, message);
		if (is_record(consumer, topic, message)) {
			each(&(struct live_message){ .topic = (size_t)(topic - consumer->topics),
						     .partition = message->partition,
						     .offset = message->offset,
						     .data = message->payload,
						     .length = message->len },
			     user);
			records++;
		}
		rd_kafka_message_destroy(message);
	}
	rd_kafka_poll(consumer->kafka, 0); /* error callbacks */
	tell_lag(consumer);
	*away = consumer->away;
	if (consumer->away)
		why_putf(why, "%s", consumer->away_reason);
	return records;
}
