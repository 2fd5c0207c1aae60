/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Set-up of librdkafka, the same for every service. Any thread.
 */
#ifndef TICKLINE_KAFKA_H
#define TICKLINE_KAFKA_H

#include <stdatomic.h>
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
};

/* Makes the topics that are missing; one that exists is OK and stays as it is. UNREACHABLE, TIMEOUT
 * or KAFKA with `why`. `handle` is any producer or consumer. */
enum error kafka_topics_ensure(rd_kafka_t *handle, const struct kafka_topic *topics, size_t count,
			       int timeout_ms, struct text *why) MUST_USE;

/* UNREACHABLE/TIMEOUT, NOT_FOUND: no such topic. */
enum error kafka_partition_count(rd_kafka_t *handle, const char *topic, int timeout_ms, int *count,
				 struct text *why) MUST_USE;

#endif
