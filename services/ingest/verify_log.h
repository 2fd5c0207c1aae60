/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the log of a partition holds, for --verify: read from end to end, committed records only.
 */
#ifndef TICKLINE_INGEST_VERIFY_LOG_H
#define TICKLINE_INGEST_VERIFY_LOG_H

#include <librdkafka/rdkafka.h>

#include "config.h"
#include "verify_spans.h"

/* A consumer that asks for what `group` committed, never joins it and commits nothing. INVALID: a
 * kafka.* setting. */
enum error verify_log_open(const struct config *config, const char *brokers, const char *group,
			   rd_kafka_t **kafka, struct text *why) MUST_USE;

/* Fills `committed`. KAFKA. */
enum error verify_log_committed(rd_kafka_t *kafka, const char *topic,
				struct verify_partition *partition, struct text *why) MUST_USE;

/* Fills `low` and `high`. KAFKA. */
enum error verify_log_ends(rd_kafka_t *kafka, const char *topic, struct verify_partition *partition,
			   struct text *why) MUST_USE;

/* Counts the records of [low, high) in the spans. KAFKA, or TIMEOUT when nothing came for half a
 * minute. */
enum error verify_log_read(rd_kafka_t *kafka, const char *topic, struct verify_partition *partition,
			   struct text *why) MUST_USE;

#endif
