/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: everything in `struct consumer` belongs to the polling thread, rebalance callbacks
 * included, since they run inside its polls; `stop` and `deadline_us` are set by others. The
 * writers get jobs and give them back; librdkafka's handle and the status may be used by all.
 */
#include "consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer_internal.h"
#include "kafka.h"
#include "log.h"
#include "row.h"
#include "timestamp.h"

enum {
	TOPICS_TIMEOUT_MS = 2000,
	TOPICS_WAIT_MS = 200,
	CLOSE_MS = 50,
	GIVE_BACK_US = 2000000,
	FIRST_ASSIGNMENT_US = 5000000,
	LEAVE_US = 5000000,
	COMPLAIN_EVERY_US = 5000000,
	LOOP_LIMIT_MS = 60000,
	FENCE_WAIT_US = 2000000,
	REFETCH_EVERY_US = 10000,
};

rd_kafka_t *consumer_kafka(const struct consumer *consumer)
{
	return consumer->kafka;
}

/* --- messages ------------------------------------------------------------------------------------
 */

static struct partition *partition_of(struct consumer *consumer, const rd_kafka_message_t *message)
{
	if (message->rkt != consumer->last_topic || !consumer->last_partition ||
	    consumer->last_partition->number != message->partition) {
		consumer->last_topic = message->rkt;
		consumer->last_partition =
			group_find(consumer, rd_kafka_topic_name(message->rkt), message->partition);
	}
	return consumer->last_partition;
}

static void count_kafka_error(const struct consumer *consumer, rd_kafka_resp_err_t code)
{
	char memory[96];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "kind", rd_kafka_err2name(code));
	metric_add(metrics_counter(consumer->options.metrics, "ingest_kafka_errors_total",
				   "Errors that Kafka reported while being read.", labels.data),
		   1);
}

static void complain(struct consumer *consumer, const rd_kafka_message_t *message)
{
	count_kafka_error(consumer, message->err);
	if (consumer->now_us - consumer->complained_at_us < COMPLAIN_EVERY_US)
		return;
	consumer->complained_at_us = consumer->now_us;
	log_warn("Kafka reports", LOG_STR("error", rd_kafka_err2name(message->err)),
		 LOG_STR("topic", message->rkt ? rd_kafka_topic_name(message->rkt) : ""),
		 LOG_I64("partition", message->partition),
		 LOG_STR("why", rd_kafka_message_errstr(message)));
}

/* The log no longer holds our position. What was read before is published first: it may be nowhere
 * else any more. */
static void position_lost(struct consumer *consumer, struct partition *partition)
{
	group_stop_reading(consumer, partition);
	partition->stale = true;
}

static void take_error(struct consumer *consumer, const rd_kafka_message_t *message)
{
	struct partition *partition = message->rkt ? partition_of(consumer, message) : NULL;
	bool reading = partition && partition->state == PARTITION_READING;
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		if (reading && message->offset > partition->end_offset)
			partition->end_offset = message->offset;
		return;
	}
	complain(consumer, message);
	if (reading && (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
			message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE))
		position_lost(consumer, partition);
}

static void take_record(struct consumer *consumer, const rd_kafka_message_t *message)
{
	struct partition *partition = partition_of(consumer, message);
	if (!partition)
		return;
	enum error error = partition_take(partition, message, &consumer->policy, consumer->now_us);
	if (!error)
		return;
	log_error("batch spoilt, to be read again", LOG_STR("topic", partition->dataset->topic),
		  LOG_I64("partition", partition->number), LOG_STR("error", error_name(error)));
	group_stop_reading(consumer, partition);
	partition_restart(partition, error_name(error), FENCE_WAIT_US, consumer->now_us);
}

static void take(struct consumer *consumer, const rd_kafka_message_t *message)
{
	if (message->err)
		take_error(consumer, message);
	else
		take_record(consumer, message);
}

/* The next one in turn: others may have other leaders. */
static const struct partition *next_reading(const struct consumer *consumer)
{
	const struct partition *first = NULL, *next = NULL;
	bool passed = false;
	for (const struct partition *p = consumer->partitions; p && !next; p = p->next) {
		if (p->state == PARTITION_READING && !first)
			first = p;
		if (p->state == PARTITION_READING && passed)
			next = p;
		passed |= p == consumer->refetched;
	}
	return next ? next : first;
}

/* More came than fits: there was, or is, a full queue. */
static void fetch_on(struct consumer *consumer)
{
	if (consumer->now_us < consumer->refetch_at_us)
		return;
	consumer->refetch_at_us = consumer->now_us + REFETCH_EVERY_US;
	consumer->refetched = next_reading(consumer);
	if (consumer->refetched)
		refetch_wish(consumer->refetch, consumer->refetched->dataset->topic,
			     consumer->refetched->number);
}

static void poll_messages(struct consumer *consumer, int timeout_ms)
{
	rd_kafka_message_t *messages[MAX_MESSAGES];
	ssize_t count =
		rd_kafka_consume_batch_queue(consumer->queue, timeout_ms, messages, MAX_MESSAGES);
	consumer->now_us = monotonic_now_us();
	consumer->policy.record.wall_us = wall_now_us();
	for (ssize_t i = 0; i < count; i++) {
		if (!consumer->disturbed)
			take(consumer, messages[i]);
		rd_kafka_message_destroy(messages[i]);
	}
	if (consumer->disturbed)
		group_reposition(consumer);
	if (count == MAX_MESSAGES)
		fetch_on(consumer);
}

/* --- the thread ----------------------------------------------------------------------------------
 */

static bool stopping(const struct consumer *consumer)
{
	return atomic_load(&consumer->stop);
}

/* Kafka may be away for long: the service is up all the same, and the health tells. */
static void make_topics(struct consumer *consumer)
{
	const struct kafka_settings *kafka = consumer->options.kafka;
	struct kafka_topic topics[RECORD_KINDS];
	for (size_t i = 0; i < consumer->options.dataset_count; i++)
		topics[i] = (struct kafka_topic){
			.name = consumer->options.datasets[i].topic,
			.partitions = (int)kafka->topic_partitions,
			.replication = (int)kafka->topic_replication,
			.retention_bytes = kafka->topic_retention_bytes,
		};
	while (!stopping(consumer)) {
		char memory[512];
		struct text why;
		text_init_fixed(&why, memory, sizeof memory);
		if (!kafka_topics_ensure(consumer->kafka, topics, consumer->options.dataset_count,
					 TOPICS_TIMEOUT_MS, &why))
			return;
		health_unmet(consumer->publishing, "the topics are not there yet: %s", why.data);
		poll_messages(consumer, TOPICS_WAIT_MS);
		health_beat(consumer->loop);
	}
}

static void subscribe(struct consumer *consumer)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(RECORD_KINDS);
	for (size_t i = 0; i < consumer->options.dataset_count; i++)
		rd_kafka_topic_partition_list_add(list, consumer->options.datasets[i].topic,
						  RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->kafka, list);
	if (code)
		log_error("not subscribed", LOG_STR("why", rd_kafka_err2str(code)));
	consumer->subscribed = !code;
	rd_kafka_topic_partition_list_destroy(list);
}

/* librdkafka before 2.3 aborts when a member that joined a cooperative group is destroyed before
 * its first assignment (its issue 4312, fixed by its change 4381). */
static bool may_abort(const struct consumer *consumer)
{
	return consumer->subscribed && !consumer->joined && rd_kafka_version() < 0x02030000;
}

static void await_assignment(struct consumer *consumer, int64_t deadline_us)
{
	const int64_t soon_us = monotonic_now_us() + FIRST_ASSIGNMENT_US;
	while (may_abort(consumer) && monotonic_now_us() < soon_us &&
	       monotonic_now_us() < deadline_us)
		poll_messages(consumer, POLL_MS);
}

/* Leaves the group, so that another instance need not wait for the session to time out. While a
 * join is on its way the coordinator holds whatever follows it on the connection, until all members
 * have joined or timed out: librdkafka then waits for the last commit and cannot leave. */
static void leave(struct consumer *consumer, int64_t deadline_us)
{
	const int64_t limit_us = monotonic_now_us() + LEAVE_US;
	if (deadline_us > limit_us)
		deadline_us = limit_us;
	consumer->revoke_until_us = deadline_us;
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->kafka, consumer->queue);
	if (error) {
		rd_kafka_error_destroy(error);
		return;
	}
	while (!rd_kafka_consumer_closed(consumer->kafka) && monotonic_now_us() < deadline_us)
		poll_messages(consumer, CLOSE_MS);
	if (!rd_kafka_consumer_closed(consumer->kafka))
		log_warn(
			"the consumer group was not left: its members wait until the session ends");
}

static void end(struct consumer *consumer)
{
	int64_t deadline_us = atomic_load(&consumer->deadline_us);
	/* Something is left for leaving the group. */
	await_assignment(consumer, deadline_us - GIVE_BACK_US);
	group_publish_all(consumer, deadline_us - GIVE_BACK_US);
	leave(consumer, deadline_us);
	while (writers_pending(consumer->writers) > 0 && monotonic_now_us() < deadline_us)
		group_collect(consumer, deadline_us);
	status_close(consumer->options.status);
	health_loop_end(consumer->loop);
}

static void *poll_until_stopped(void *argument)
{
	struct consumer *consumer = argument;
	make_topics(consumer);
	if (!stopping(consumer))
		subscribe(consumer);
	while (!stopping(consumer)) {
		poll_messages(consumer, POLL_MS);
		group_collect(consumer, 0);
		group_tend(consumer);
		memory_mind(consumer);
		pause_mind(consumer);
		views_fulfil(consumer);
		views_update(consumer);
		health_beat(consumer->loop);
	}
	end(consumer);
	return NULL;
}

/* --- life ----------------------------------------------------------------------------------------
 */

static struct partition_policy policy_of(const struct ingest_settings *settings)
{
	return (struct partition_policy){
		.rotate = { .rows = settings->rotate_rows,
			    .bytes = settings->rotate_bytes,
			    .age_us = settings->rotate_age_ms * 1000,
			    .idle_us = settings->rotate_idle_ms * 1000,
			    .clock_us = settings->rotate_clock_s * 1000000 },
		.retry_min_us = settings->retry_min_ms * 1000,
		.retry_max_us = settings->retry_max_ms * 1000,
		.blocked_retry_us = settings->blocked_retry_ms * 1000,
		.fence_wait_us = FENCE_WAIT_US,
		.record = row_rules(&settings->bounds),
	};
}

static enum error check_strategy(const rd_kafka_conf_t *conf, struct text *why)
{
	char strategy[128];
	size_t size = sizeof strategy;
	if (rd_kafka_conf_get(conf, "partition.assignment.strategy", strategy, &size) ==
		    RD_KAFKA_CONF_OK &&
	    strcmp(strategy, "cooperative-sticky") == 0)
		return ERROR_OK;
	why_putf(why, "kafka.partition.assignment.strategy must be cooperative-sticky");
	return ERROR_INVALID;
}

static enum error make_kafka(struct consumer *consumer, struct text *why)
{
	char refresh[32];
	snprintf(refresh, sizeof refresh, "%lld",
		 (long long)consumer->options.settings->partition_refresh_ms);
	const struct kafka_property properties[] = {
		{ "group.id", consumer->options.settings->group },
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "error" }, /* never jump: see recovery.h */
		{ "isolation.level", "read_committed" },
		{ "enable.partition.eof", "true" },
		{ "partition.assignment.strategy", "cooperative-sticky" },
		{ "topic.metadata.refresh.interval.ms", refresh },
		{ "allow.auto.create.topics", "false" },
		{ "fetch.message.max.bytes", "8388608" },
		{ "queued.max.messages.kbytes", "32768" },
		{ "fetch.wait.max.ms", "100" },
		refetch_property(),
		{ NULL, NULL },
	};
	rd_kafka_conf_t *conf;
	enum error error =
		kafka_conf_new(consumer->options.config, consumer->options.kafka->kafka_brokers,
			       "tickline-ingest", properties, &conf, why);
	if (error)
		return error;
	error = check_strategy(conf, why);
	if (error) {
		rd_kafka_conf_destroy(conf);
		return error;
	}
	rd_kafka_conf_set_opaque(conf, consumer);
	rd_kafka_conf_set_rebalance_cb(conf, group_rebalance);
	return kafka_consumer_new(conf, &consumer->kafka, why);
}

static enum error make_writers(struct consumer *consumer, struct text *why)
{
	const struct writers_options options = {
		.threads = (size_t)consumer->options.settings->writers,
		.kafka = consumer->kafka,
		.hdfs = hdfs_client_options(consumer->options.hdfs, consumer->options.metrics),
	};
	return writers_new(&options, &consumer->writers, why);
}

static enum error make_joiner(struct consumer *consumer, struct text *why)
{
	const struct ingest_settings *settings = consumer->options.settings;
	const struct joiner_options options = {
		.hdfs = hdfs_client_options(consumer->options.hdfs, consumer->options.metrics),
		.bytes = settings->join_bytes,
		.files = settings->join_files,
		.retry_min_us = consumer->policy.retry_min_us,
		.retry_max_us = consumer->policy.retry_max_us,
		.blocked_retry_us = consumer->policy.blocked_retry_us,
	};
	if (settings->join_bytes == 0)
		return ERROR_OK;
	/* Two joiners have to see one plan in one listing (join_plan.h), and no name and no status
	 * tells when records were read: a join changes the time of modification. */
	if (settings->rotate_clock_s > 0)
		log_warn(
			"joined files reach across the clock's boundaries: join_bytes=0 keeps them",
			LOG_I64("rotate_clock_s", settings->rotate_clock_s),
			LOG_I64("join_bytes", settings->join_bytes));
	return joiner_start(&options, &consumer->joiner, why);
}

static void register_parts(struct consumer *consumer)
{
	const struct consumer_options *options = &consumer->options;
	consumer->publishing = health_condition(options->health, "publishing");
	consumer->loop = health_loop(options->health, "consumer", LOOP_LIMIT_MS);
	consumer->memory = metrics_gauge(options->metrics, "ingest_memory_bytes",
					 "Records held in batches.", NULL);
	consumer->rebalances = metrics_counter(options->metrics, "ingest_rebalances_total",
					       "Changes of the group's assignment.", NULL);
	consumer->paused_gauge = metrics_gauge(options->metrics, "ingest_paused",
					       "1 while an operator's pause holds, else 0.", NULL);
}

enum error consumer_start(const struct consumer_options *options, struct consumer **made,
			  struct text *why)
{
	struct consumer *consumer = calloc(1, sizeof *consumer);
	if (!consumer)
		return ERROR_NO_MEMORY;
	consumer->options = *options;
	consumer->policy = policy_of(options->settings);
	consumer->revoke_until_us = INT64_MAX;
	enum error error = make_kafka(consumer, why);
	if (error)
		goto fail_kafka;
	consumer->queue = rd_kafka_queue_get_consumer(consumer->kafka);
	error = make_writers(consumer, why);
	if (error)
		goto fail_writers;
	error = make_joiner(consumer, why);
	if (error)
		goto fail_joiner;
	error = refetch_start(consumer->kafka, options->metrics, &consumer->refetch, why);
	if (error)
		goto fail_refetch;
	register_parts(consumer);
	if (pthread_create(&consumer->thread, NULL, poll_until_stopped, consumer) != 0) {
		why_putf(why, "no thread for the consumer");
		error = ERROR_SYSTEM;
		goto fail_thread;
	}
	*made = consumer;
	return ERROR_OK;

fail_thread:
	refetch_destroy(&consumer->refetch);
fail_refetch:
	joiner_destroy(&consumer->joiner);
fail_joiner:
	writers_destroy(&consumer->writers);
fail_writers:
	rd_kafka_queue_destroy(consumer->queue);
	rd_kafka_destroy(consumer->kafka);
fail_kafka:
	free(consumer);
	return error;
}

void consumer_drain(struct consumer *consumer, int64_t deadline_us)
{
	if (consumer->ended)
		return;
	atomic_store(&consumer->deadline_us, deadline_us);
	atomic_store(&consumer->stop, true);
	pthread_join(consumer->thread, NULL);
	consumer->ended = true;
}

void consumer_destroy(struct consumer **made)
{
	struct consumer *consumer = *made;
	if (!consumer)
		return;
	consumer_drain(consumer, monotonic_now_us());
	refetch_destroy(&consumer->refetch);
	joiner_destroy(&consumer->joiner);
	writers_destroy(&consumer->writers);
	while (consumer->partitions) {
		struct partition *partition = consumer->partitions;
		consumer->partitions = partition->next;
		partition_destroy(&partition);
	}
	rd_kafka_queue_destroy(consumer->queue);
	/* Else its destruction would abort, or wait for what could not be waited for above: the end
	 * of the process takes it. */
	if (!consumer->subscribed ||
	    (rd_kafka_consumer_closed(consumer->kafka) && !may_abort(consumer)))
		rd_kafka_destroy_flags(consumer->kafka, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	free(consumer);
	*made = NULL;
}
