/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Partitions are given by the group one by one (cooperative-sticky), but Kafka reads a partition
 * only once its position is known: until then it is ours without being assigned in librdkafka.
 */
#include <assert.h>
#include <string.h>

#include "consumer_internal.h"
#include "log.h"
#include "timestamp.h"

enum { COLLECT_MS = 100, RESTART_WAIT_US = 1000000 };

struct partition *group_find(const struct consumer *consumer, const char *topic, int32_t number)
{
	for (struct partition *p = consumer->partitions; p; p = p->next)
		if (p->number == number && strcmp(p->dataset->topic, topic) == 0)
			return p;
	return NULL;
}

static const struct dataset *dataset_of(const struct consumer *consumer, const char *topic)
{
	for (size_t i = 0; i < consumer->options.dataset_count; i++)
		if (strcmp(consumer->options.datasets[i].topic, topic) == 0)
			return &consumer->options.datasets[i];
	return NULL;
}

/* --- what librdkafka reads -----------------------------------------------------------------------
 */

static bool report(rd_kafka_error_t *error, const char *what, const struct partition *partition)
{
	if (!error)
		return true;
	log_error("assignment failed", LOG_STR("step", what),
		  LOG_STR("topic", partition ? partition->dataset->topic : ""),
		  LOG_I64("partition", partition ? partition->number : -1),
		  LOG_STR("why", rd_kafka_error_string(error)));
	rd_kafka_error_destroy(error);
	return false;
}

static rd_kafka_topic_partition_list_t *list_of(const struct partition *partition)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, partition->dataset->topic, partition->number)
		->offset = partition->next_offset;
	return list;
}

static void start_reading(struct consumer *consumer, struct partition *partition)
{
	rd_kafka_topic_partition_list_t *list = list_of(partition);
	partition->assigned =
		report(rd_kafka_incremental_assign(consumer->kafka, list), "assign", partition);
	if (partition->assigned)
		partition->state = PARTITION_READING;
	else
		partition_restart(partition, "not-assigned", RESTART_WAIT_US, consumer->now_us);
	rd_kafka_topic_partition_list_destroy(list);
}

void group_stop_reading(struct consumer *consumer, struct partition *partition)
{
	if (!partition->assigned)
		return;
	rd_kafka_topic_partition_list_t *list = list_of(partition);
	report(rd_kafka_incremental_unassign(consumer->kafka, list), "unassign", partition);
	rd_kafka_topic_partition_list_destroy(list);
	partition->assigned = false;
	if (partition->state == PARTITION_READING)
		partition->state = PARTITION_READY;
}

void group_reposition(struct consumer *consumer)
{
	for (struct partition *p = consumer->partitions; p; p = p->next)
		group_stop_reading(consumer, p);
	consumer->disturbed = false;
}

/* --- jobs --------------------------------------------------------------------------------------
 */

/* For lag alone: recovery goes by the published names. */
static void commit_offset(struct consumer *consumer, const struct partition *partition)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, partition->dataset->topic, partition->number)
		->offset = partition->published + 1;
	rd_kafka_resp_err_t code = rd_kafka_commit(consumer->kafka, list, 1);
	if (code)
		log_debug("offset not committed", LOG_STR("topic", partition->dataset->topic),
			  LOG_STR("why", rd_kafka_err2str(code)));
	rd_kafka_topic_partition_list_destroy(list);
}

static void finish(struct consumer *consumer, struct partition *partition, struct job *job)
{
	switch (partition_finish(partition, job, &consumer->policy, consumer->now_us)) {
	case PARTITION_PUBLISHED:
		status_add_file(consumer->options.status, &partition->last_file);
		commit_offset(consumer, partition);
		joiner_offer(consumer->joiner, partition->lease, partition->published,
			     partition->last_file.bytes, partition->last_file.date);
		break;
	case PARTITION_FENCED:
		/* It is taken over anew: what Kafka delivers until then would be passed over. */
		group_stop_reading(consumer, partition);
		break;
	case PARTITION_RECOVERED:
		joiner_offer(consumer->joiner, partition->lease, partition->published, 0,
			     DATE_NONE);
		break;
	case PARTITION_NOTHING:
		break;
	}
}

void group_collect(struct consumer *consumer, int64_t deadline_us)
{
	struct job *job;
	while ((job = writers_done(consumer->writers, deadline_us))) {
		consumer->now_us = monotonic_now_us();
		struct partition *partition =
			group_find(consumer, job->lease->dataset->topic, job->lease->partition);
		if (partition && partition->flying == job)
			finish(consumer, partition, job);
		else
			job_destroy(&job); /* nobody's any more */
		deadline_us = 0;
	}
}

void group_rotate(struct consumer *consumer, struct partition *partition, bool force)
{
	if (!consumer->paused)
		partition_rotate(partition, &consumer->policy, consumer->now_us, force);
}

static void hand_out(struct consumer *consumer, struct partition *partition)
{
	if (consumer->paused && partition->state != PARTITION_RECOVERING &&
	    partition_in_flight(partition) == 0)
		return;
	struct job *job = partition_next_job(partition, consumer->now_us);
	if (job)
		writers_submit(consumer->writers, job);
}

void group_tend(struct consumer *consumer)
{
	for (struct partition *p = consumer->partitions; p; p = p->next) {
		group_rotate(consumer, p, p->stale);
		if (p->stale && partition_is_idle(p))
			partition_restart(p, "stale", RESTART_WAIT_US, consumer->now_us);
		hand_out(consumer, p);
		if (p->state == PARTITION_READY && !p->held && !p->stale && !consumer->paused)
			start_reading(consumer, p);
	}
}

/* --- coming and going ----------------------------------------------------------------------------
 */

static void add(struct consumer *consumer, const char *topic, int32_t number)
{
	const struct dataset *dataset = dataset_of(consumer, topic);
	if (!dataset || group_find(consumer, topic, number))
		return;
	if (number > FILE_PARTITION_MAX) {
		log_error("partition number too large for a file name, not read",
			  LOG_STR("topic", topic), LOG_I64("partition", number));
		return;
	}
	struct partition *partition = partition_new(dataset, number);
	if (!partition)
		return;
	partition->next = consumer->partitions;
	consumer->partitions = partition;
	log_info("partition assigned", LOG_STR("topic", topic), LOG_I64("partition", number));
}

static void give_back(struct consumer *consumer, struct partition *partition)
{
	if (!partition->lease)
		return;
	struct job *job = job_new(JOB_GIVE_BACK, partition->lease, NULL);
	if (job)
		writers_submit(consumer->writers, job);
}

static void drop(struct consumer *consumer, struct partition *partition)
{
	struct partition **at = &consumer->partitions;
	while (*at && *at != partition)
		at = &(*at)->next;
	assert(*at);
	*at = partition->next;
	consumer->last_topic = NULL;
	consumer->last_partition = NULL;
	consumer->refetched = NULL;
	log_info("partition given up", LOG_STR("topic", partition->dataset->topic),
		 LOG_I64("partition", partition->number),
		 LOG_I64("published", partition->published),
		 LOG_I64("unpublished_bytes", partition_bytes(partition)));
	give_back(consumer, partition);
	views_forget(consumer, partition);
	partition_destroy(&partition);
}

static bool has_work(const struct consumer *consumer, const struct partition *partition)
{
	return partition->state != PARTITION_RECOVERING &&
	       (consumer->paused ? partition_in_flight(partition) > 0
				 : !partition_is_idle(partition));
}

/* `only` NULL: all partitions. */
static void publish_until(struct consumer *consumer, const rd_kafka_topic_partition_list_t *only,
			  int64_t deadline_us)
{
	bool waiting = true;
	while (waiting) {
		waiting = false;
		consumer->now_us = monotonic_now_us();
		for (struct partition *p = consumer->partitions; p; p = p->next) {
			if (only && !rd_kafka_topic_partition_list_find(
					    (rd_kafka_topic_partition_list_t *)only,
					    p->dataset->topic, p->number))
				continue;
			group_rotate(consumer, p, true);
			hand_out(consumer, p);
			waiting |= has_work(consumer, p);
		}
		if (!waiting || consumer->now_us >= deadline_us)
			return;
		int64_t until_us = consumer->now_us + COLLECT_MS * 1000;
		group_collect(consumer, until_us < deadline_us ? until_us : deadline_us);
		health_beat(consumer->loop);
	}
}

void group_publish_all(struct consumer *consumer, int64_t deadline_us)
{
	publish_until(consumer, NULL, deadline_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void assigned(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++)
		add(consumer, list->elems[i].topic, list->elems[i].partition);
	/* An answer to the group that assigns nothing yet. */
	rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
	report(rd_kafka_incremental_assign(consumer->kafka, none), "answer", NULL);
	rd_kafka_topic_partition_list_destroy(none);
}

/* What another member may read already is not ours to publish: the fence would stop it anyway. */
static void revoked(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
	if (!rd_kafka_assignment_lost(consumer->kafka))
		publish_until(consumer, list,
			      earlier(monotonic_now_us() +
					      consumer->options.settings->revoke_timeout_ms * 1000,
				      consumer->revoke_until_us));
	rd_kafka_topic_partition_list_t *reading = rd_kafka_topic_partition_list_new(list->cnt);
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *gone = &list->elems[i];
		struct partition *partition = group_find(consumer, gone->topic, gone->partition);
		if (!partition)
			continue;
		if (partition->assigned)
			rd_kafka_topic_partition_list_add(reading, gone->topic, gone->partition);
		drop(consumer, partition);
	}
	report(rd_kafka_incremental_unassign(consumer->kafka, reading), "answer", NULL);
	rd_kafka_topic_partition_list_destroy(reading);
}

void group_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t code,
		     rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct consumer *consumer = opaque;
	(void)kafka;
	metric_add(consumer->rebalances, 1);
	consumer->joined = consumer->disturbed = true;
	consumer->now_us = monotonic_now_us();
	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		assigned(consumer, list);
		return;
	}
	if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		log_error("rebalance failed", LOG_STR("why", rd_kafka_err2str(code)));
	revoked(consumer, list);
}
