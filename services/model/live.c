/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: one, which owns the consumer and writes the models; `stopping` is the only thing that
 * others tell it.
 */
#include "live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "live_consumer.h"
#include "log.h"
#include "record.h"
#include "timestamp.h"

enum { POLL_MS = 200, JOIN_TIMEOUT_MS = 2000, LOOP_LIMIT_MS = 60000 };
#define SYNC_EVERY_US   INT64_C(500000)
#define RETRY_FIRST_US  INT64_C(500000)
#define RETRY_MOST_US   INT64_C(10000000)
#define REJOIN_EVERY_US INT64_C(60000000)

struct live {
	const struct model_settings *settings;
	struct live_topic topics[RECORD_KINDS];
	struct live_consumer *consumer;
	struct live_models *models;
	struct record_rules rules;
	struct health_condition *kafka;
	struct health_loop *loop;
	struct metrics *metrics;
	struct metric *taken[RECORD_KINDS], *bad[RECORD_KINDS], *retries;
	pthread_t thread;
	bool running;
	atomic_bool stopping;
	/* The live thread's own: */
	bool joined;
	int64_t join_at_us, sync_at_us, retry_us; /* monotonic */
};

static void topics_set(struct live *live, const struct kafka_settings *kafka)
{
	const char *names[RECORD_KINDS] = {
		[RECORD_TICK] = kafka->ticks_topic, [RECORD_BAR] = kafka->bars_topic
	};
	const int64_t history[RECORD_KINDS] = {
		[RECORD_TICK] = live->settings->live_ticks, [RECORD_BAR] = live->settings->live_bars
	};
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		live->topics[kind] = (struct live_topic){
			.topic = { .name = names[kind],
				   .partitions = (int)kafka->topic_partitions,
				   .replication = (int)kafka->topic_replication,
				   .retention_bytes = kafka->topic_retention_bytes },
			.records = record_table((enum record_kind)kind)->plural,
			.history = history[kind],
		};
	}
}

static void metrics_set_up(struct live *live)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		char memory[64];
		struct text labels;
		text_init_fixed(&labels, memory, sizeof memory);
		metrics_label(&labels, "records", live->topics[kind].records);
		live->taken[kind] = metrics_counter(live->metrics, "model_live_records_total",
						    "Records read from Kafka.", labels.data);
		live->bad[kind] =
			metrics_counter(live->metrics, "model_live_bad_records_total",
					"Values in Kafka that are no record.", labels.data);
	}
	live->retries = metrics_counter(live->metrics, "model_live_kafka_retries_total",
					"Failed attempts to reach Kafka's topics.", NULL);
}

enum error live_new(const struct live_options *options, struct live **out, struct text *why)
{
	struct live *live = calloc(1, sizeof *live);
	if (!live)
		return ERROR_NO_MEMORY;
	live->settings = options->settings;
	live->metrics = options->metrics;
	live->rules = (struct record_rules){ .bounds = options->settings->bounds,
					     .unknown_ignored = true };
	topics_set(live, options->kafka);
	metrics_set_up(live);
	live->kafka = health_condition(options->health, "kafka");
	live->loop = health_loop(options->health, "live", LOOP_LIMIT_MS);
	enum error error = ERROR_NO_MEMORY;
	live->models =
		live_models_new(&(struct live_models_options){ .settings = options->settings,
							       .registry = options->registry,
							       .metrics = options->metrics });
	if (!live->models)
		goto fail;
	error = live_consumer_new(
		&(struct live_consumer_options){ .config = options->config,
						 .brokers = options->kafka->kafka_brokers,
						 .topics = live->topics,
						 .topic_count = RECORD_KINDS,
						 .max_partitions = LIVE_MAX_PARTITIONS,
						 .metrics = options->metrics },
		&live->consumer, why);
	if (error != ERROR_OK)
		goto fail;
	*out = live;
	return ERROR_OK;

fail:
	live_destroy(&live);
	return error;
}

void live_destroy(struct live **live)
{
	if (!*live)
		return;
	live_stop(*live);
	live_consumer_destroy(&(*live)->consumer);
	live_models_destroy(&(*live)->models);
	free(*live);
	*live = NULL;
}

struct live_models *live_models_of(struct live *live)
{
	return live->models;
}

/* --- the thread ------------------------------------------------------------------------------ */

static void join_topics(struct live *live, int64_t now_us)
{
	char memory[512];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	if (live_consumer_join(live->consumer, JOIN_TIMEOUT_MS, &why) == ERROR_OK) {
		live->joined = true;
		live->retry_us = RETRY_FIRST_US;
		live->join_at_us = now_us + REJOIN_EVERY_US;
		health_met(live->kafka);
		return;
	}
	health_unmet(live->kafka, "%s", why.data);
	metric_add(live->retries, 1);
	live->join_at_us = now_us + live->retry_us;
	live->retry_us = 2 * live->retry_us < RETRY_MOST_US ? 2 * live->retry_us : RETRY_MOST_US;
}

static void take(const struct live_message *message, void *user)
{
	struct live *live = user;
	enum record_kind kind = (enum record_kind)message->topic;
	struct record record;
	struct record_fault fault;
	if (!message->data || record_read_json(record_table(kind), &live->rules, message->data,
					       message->length, &record, &fault) != ERROR_OK) {
		metric_add(live->bad[kind], 1);
		log_debug("bad record", LOG_STR("topic", live->topics[kind].topic.name),
			  LOG_I64("partition", message->partition),
			  LOG_I64("offset", message->offset),
			  LOG_STR("reason", message->data ? fault.reason : "null value"));
		return;
	}
	struct ring_record kept = { .timestamp_us = record.timestamp_us,
				    .offset = message->offset,
				    .partition = message->partition };
	for (size_t i = 1; i < record.table->count; i++)
		kept.values[i] = record.values[i];
	live_models_take(live->models, kind, &kept, live->rules.wall_us);
	metric_add(live->taken[kind], 1);
}

static void poll_once(struct live *live, int64_t now_us)
{
	char memory[512];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	bool away = false;
	live->rules.wall_us = wall_now_us();
	live_consumer_poll(live->consumer, POLL_MS, take, live, &away, &why);
	if (away && live->joined) { /* look again until the broker answers */
		health_unmet(live->kafka, "%s", why.data);
		live->joined = false;
		live->join_at_us = now_us + live->retry_us;
	}
}

static void *run(void *user)
{
	struct live *live = user;
	while (!atomic_load(&live->stopping)) {
		int64_t now_us = monotonic_now_us();
		health_beat(live->loop);
		if (now_us >= live->sync_at_us) {
			live_models_sync(live->models);
			live->sync_at_us = now_us + SYNC_EVERY_US;
		}
		if (now_us >= live->join_at_us)
			join_topics(live, now_us);
		poll_once(live, now_us);
	}
	health_loop_end(live->loop);
	return NULL;
}

enum error live_start(struct live *live, struct text *why)
{
	live->retry_us = RETRY_FIRST_US;
	if (pthread_create(&live->thread, NULL, run, live) != 0) {
		why_putf(why, "no thread for the live predictions");
		return ERROR_SYSTEM;
	}
	live->running = true;
	return ERROR_OK;
}

void live_stop(struct live *live)
{
	if (!live->running)
		return;
	atomic_store(&live->stopping, true);
	pthread_join(live->thread, NULL);
	live->running = false;
}
