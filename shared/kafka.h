/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Set-up of librdkafka, the same for every service. Any thread.
 */
#ifndef TICKLINE_KAFKA_H
#define TICKLINE_KAFKA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "config.h"
#include "error.h"
#include "text.h"

struct kafka_property {
	const char *name, *value;
};

/* A configuration with bootstrap.servers, client.id, `properties` (name NULL ends them), then every
 * kafka.* setting of `config` (may be NULL), which wins; librdkafka's log goes to ours. INVALID
 * with librdkafka's own words, every bad setting at once. The caller owns the result
 * (rd_kafka_conf_destroy, or rd_kafka_new takes it). */
enum error kafka_conf_new(const struct config *config, const char *brokers, const char *client_id,
			  const struct kafka_property *properties, rd_kafka_conf_t **conf,
			  struct text *why) MUST_USE;

/* Both take `conf`, also when they fail. INVALID with librdkafka's own words (a certificate that
 * cannot be read, settings that contradict each other). The caller owns the handle. A consumer's
 * events all arrive by rd_kafka_consumer_poll. */
enum error kafka_producer_new(rd_kafka_conf_t *conf, rd_kafka_t **producer,
			      struct text *why) MUST_USE;
enum error kafka_consumer_new(rd_kafka_conf_t *conf, rd_kafka_t **consumer,
			      struct text *why) MUST_USE;

struct kafka_topic {
	const char *name;
	int partitions;
	int replication;         /* -1: the broker's default */
	int64_t retention_bytes; /* -1: no limit */
	bool compacted;          /* the last record of each key is kept for ever */
};

/* Makes the topics that are missing; one that exists is OK and stays as it is. OK: Kafka lists all
 * of them. UNREACHABLE, TIMEOUT or KAFKA with `why`, after five times `timeout_ms` at most.
 * `handle` is any producer or consumer. A new topic keeps its records by bytes, never by age,
 * because a replay writes records of past years; and it takes times up to two days ahead where the
 * broker has such a limit, because records may be one day ahead. */
enum error kafka_topics_ensure(rd_kafka_t *handle, const struct kafka_topic *topics, size_t count,
			       int timeout_ms, struct text *why) MUST_USE;

/* UNREACHABLE/TIMEOUT, NOT_FOUND: no such topic. */
enum error kafka_partition_count(rd_kafka_t *handle, const char *topic, int timeout_ms, int *count,
				 struct text *why) MUST_USE;

/* What a topic's records must keep to. The broker refuses a whole batch for one record that does
 * not, so a producer checks before it sends. */
struct kafka_topic_limits {
	int64_t before_ms, after_ms; /* a timestamp may be that far behind and ahead of now */
	int64_t message_bytes;       /* of a batch, which holds at least one record */
};

/* What holds where the broker does not tell (old ones, or no right to ask). */
extern const struct kafka_topic_limits KAFKA_DEFAULT_LIMITS;

/* UNREACHABLE, TIMEOUT or KAFKA; `limits` is then KAFKA_DEFAULT_LIMITS. */
enum error kafka_topic_limits(rd_kafka_t *handle, const char *topic, int timeout_ms,
			      struct kafka_topic_limits *limits, struct text *why) MUST_USE;

/* Whether the topic forgets nothing but records whose key came again (cleanup.policy=compact).
 * UNREACHABLE, TIMEOUT or KAFKA: not told. */
enum error kafka_topic_is_compacted(rd_kafka_t *handle, const char *topic, int timeout_ms,
				    bool *compacted, struct text *why) MUST_USE;

#endif
