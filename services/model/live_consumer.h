/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Consumes every partition of some topics into one queue, without a group: nothing is committed,
 * nobody else is disturbed. Belongs to one thread.
 */
#ifndef TICKLINE_MODEL_LIVE_CONSUMER_H
#define TICKLINE_MODEL_LIVE_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "error.h"
#include "kafka.h"
#include "metrics.h"
#include "text.h"

struct live_consumer;

struct live_topic {
	struct kafka_topic topic; /* made when it is missing; the name is kept */
	const char *records;      /* "ticks": for metrics and logs */
	int64_t history;          /* records to go back at start, over all partitions */
};

struct live_message {
	size_t topic; /* index in the topics given */
	int32_t partition;
	int64_t offset;
	const char *data; /* NULL: a null value */
	size_t length;
};

struct live_consumer_options {
	const struct config *config;
	const char *brokers;
	const struct live_topic *topics; /* kept */
	size_t topic_count;
	int max_partitions; /* of one topic; those beyond are not read, and the log says so */
	struct metrics *metrics;
};

enum error live_consumer_new(const struct live_consumer_options *options,
			     struct live_consumer **consumer, struct text *why) MUST_USE;
void live_consumer_destroy(struct live_consumer **consumer);

/* Makes missing topics and starts the partitions that are not read yet. Call it until it is OK, and
 * now and then, because partitions may be added. Waits at most `timeout_ms` per answer. */
enum error live_consumer_join(struct live_consumer *consumer, int timeout_ms,
			      struct text *why) MUST_USE;

/* Waits up to `timeout_ms` for messages and calls `each` for those there are. Returns their number.
 * `away` (may come with messages) tells that no broker can be reached; `why` then says more. */
size_t live_consumer_poll(struct live_consumer *consumer, int timeout_ms,
			  void (*each)(const struct live_message *message, void *user), void *user,
			  bool *away, struct text *why);

#endif
