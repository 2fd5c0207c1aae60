/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of the publisher: publisher.c sends and settles, publisher_poll.c polls, publisher_watch.c
 * knows whether Kafka is there, publisher_sent.c when something left for it, publisher_stats.c
 * reads librdkafka's own figures.
 *
 * Threads: any number of senders; the one that has the turn to poll, the poll thread or a sender
 * that waits, which runs every callback of librdkafka; the watch thread, which makes topics and
 * asks the broker.
 * - `link` is replaced (after a fatal error of the idempotent producer) by the poll thread alone,
 *   under `link_lock` held for writing; senders hold it for reading while they produce and
 *   poll, the watch thread while it asks.
 * - `lock` guards the members behind it; `changed` is signalled for each of their changes.
 * - Members marked atomic may be touched by anybody.
 */
#ifndef TICKLINE_GATEWAY_PUBLISHER_PRIVATE_H
#define TICKLINE_GATEWAY_PUBLISHER_PRIVATE_H

#include "publisher.h"

#include <pthread.h>
#include <stdatomic.h>

#include "kafka.h"

enum { PUBLISHER_MAX_ORIGINS = 8, PUBLISHER_POLL_MS = 100 };

/* STARTING and AWAY differ in what is said; sends succeed in OPEN alone. */
enum publisher_gate { GATE_STARTING, GATE_OPEN, GATE_AWAY, GATE_ENDED };

struct publisher_link {
	rd_kafka_t *handle;
	rd_kafka_topic_t *topics[RECORD_KINDS];
};

struct publish_origin {
	char name[32];
	struct metric *records[RECORD_KINDS][PUBLISH_STATUSES];
};

struct publisher {
	struct publisher_options options;
	pthread_t poll_thread, watch_thread;
	struct health_loop *poll_loop, *watch_loop;
	struct health_condition *kafka_condition, *topics_condition;

	pthread_rwlock_t link_lock;
	struct publisher_link link;

	atomic_int gate;                   /* enum publisher_gate */
	atomic_bool polled;                /* somebody has the turn */
	atomic_bool giving_up;             /* the poll thread waits for no outcome any more */
	atomic_bool ending;                /* both threads end */
	atomic_bool has_producer_id;       /* librdkafka says so in its figures */
	_Atomic uint64_t stored;           /* since the start */
	_Atomic uint64_t drain_rate_per_s; /* of the last seconds */
	_Atomic int64_t away_since_us;     /* monotonic */
	/* Monotonic: when the last two Produce requests left. */
	_Atomic int64_t produced_us, produced_before_us;
	_Atomic int64_t after_ms, before_ms; /* the topics' window for times */
	_Atomic int64_t message_limit_bytes; /* the topics' */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_cond_t poll_turn; /* the poll thread waits for it */
	bool poll_wanted;         /* something is on its way and nobody polls */
	bool ask_now;             /* the poll thread has a suspicion */
	unsigned waiting;         /* for room or for the gate */
	uint64_t rounds;          /* of polling, while somebody waits */
	char away_reason[256];
	struct publish_origin origins[PUBLISHER_MAX_ORIGINS];
	size_t origin_count;

	struct metric *ack_seconds, *bytes, *retries, *queue_records, *queue_bytes, *replaced,
		*queue_full;
	double last_retries;
};

/* publisher.c */
int64_t publisher_queue_length(struct publisher *publisher);
enum error publisher_link_new(struct publisher *publisher, struct publisher_link *link,
			      struct text *why) MUST_USE;
void publisher_link_destroy(struct publisher_link *link);

/* publisher_poll.c */
enum error publisher_poll_start(struct publisher *publisher) MUST_USE;
void publisher_poll_join(struct publisher *publisher); /* after `ending` was set */
void publisher_poll_wanted(struct publisher *publisher);

/* publisher_sent.c: the notes begin with the producer that is made from `conf`. */
bool publisher_note_requests(struct publisher *publisher, rd_kafka_conf_t *conf);
bool publisher_may_have_left(struct publisher *publisher, const rd_kafka_message_t *message);
/* False: it may have been sent again, so that an answer says nothing about the tries before. */
bool publisher_was_sent_once(struct publisher *publisher, const rd_kafka_message_t *message);

/* publisher_watch.c */
enum error publisher_watch_start(struct publisher *publisher);
void publisher_set_gate(struct publisher *publisher, enum publisher_gate gate, const char *reason);
void publisher_suspect(struct publisher *publisher); /* ask the broker now */

/* publisher_stats.c: the callback of rd_kafka_conf_set_stats_cb */
int publisher_on_stats(rd_kafka_t *handle, char *json, size_t length, void *user);

#endif
