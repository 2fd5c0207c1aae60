/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the polling thread works on. All of it is that thread's alone, but for `stop` and
 * `deadline_us`, and for what is constant after the start.
 */
#ifndef TICKLINE_INGEST_CONSUMER_INTERNAL_H
#define TICKLINE_INGEST_CONSUMER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "consumer.h"
#include "joiner.h"
#include "partition.h"
#include "refetch.h"
#include "writers.h"

enum { POLL_MS = 50, MAX_MESSAGES = 2048, VIEWS_EVERY_US = 100000 };

struct consumer {
	struct consumer_options options;
	rd_kafka_t *kafka;
	rd_kafka_queue_t *queue;
	struct writers *writers;
	struct joiner *joiner;             /* NULL: nothing is joined */
	struct refetch *refetch;           /* NULL: not needed */
	const struct partition *refetched; /* the one that it was last wished for */
	int64_t refetch_at_us;
	struct partition_policy policy;
	struct partition *partitions;
	/* the last message's, because messages of one partition come in a row */
	const rd_kafka_topic_t *last_topic;
	struct partition *last_partition;
	int64_t now_us; /* monotonic; read once per turn */
	int64_t views_at_us;
	int64_t complained_at_us;
	bool subscribed;
	bool joined;             /* the group has answered at least once */
	bool disturbed;          /* a rebalance ran inside the last poll: see group_reposition */
	bool paused;             /* by an operator: nothing is read, nothing new is published */
	int64_t paused_since_us; /* wall clock */
	int64_t revoke_until_us; /* no wait of a rebalance goes on after it */
	struct health_condition *publishing;
	struct health_loop *loop;
	struct metric *memory, *rebalances, *paused_gauge;
	pthread_t thread;
	bool ended;
	atomic_bool stop;
	atomic_int_fast64_t deadline_us; /* set before `stop` */
};

/* --- group.c: partitions come, are served, and go ------------------------------------------------
 */
void group_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t code,
		     rd_kafka_topic_partition_list_t *list, void *consumer);
struct partition *group_find(const struct consumer *consumer, const char *topic, int32_t partition);

/* Takes back the jobs that are through; waits for the first one until `deadline_us` (0: not). */
void group_collect(struct consumer *consumer, int64_t deadline_us);

/* Rotates, hands out jobs, starts reading where a position is known. */
void group_tend(struct consumer *consumer);

/* Closes the open batch where that is allowed now; see partition_rotate. */
void group_rotate(struct consumer *consumer, struct partition *partition, bool force);

/* Kafka stops delivering this partition; what was taken stays. */
void group_stop_reading(struct consumer *consumer, struct partition *partition);

/* Reads every partition on from where we are. During a rebalance librdkafka pauses all partitions
 * and goes on from what it takes for our position, messages that it then throws away included
 * (seen with 2.0.2): our own count is what is true. */
void group_reposition(struct consumer *consumer);

/* Publishes everything that is open, at the latest until `deadline_us`. */
void group_publish_all(struct consumer *consumer, int64_t deadline_us);

/* --- memory.c -----------------------------------------------------------------------------------
 */
void memory_mind(struct consumer *consumer);
int64_t memory_used(const struct consumer *consumer);

/* --- pause.c ------------------------------------------------------------------------------------
 */
/* Does what an operator wished: see status_pause. */
void pause_mind(struct consumer *consumer);

/* --- views.c: what others see, and what they wish ------------------------------------------------
 */
void views_update(struct consumer *consumer); /* at most every VIEWS_EVERY_US */
void views_fulfil(struct consumer *consumer); /* flushes and acknowledgements */
/* Its gauges tell nothing any more. */
void views_forget(const struct consumer *consumer, const struct partition *partition);

#endif
