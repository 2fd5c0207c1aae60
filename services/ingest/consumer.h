/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The thread that polls Kafka, fills batches and hands them to the writers. It never waits for
 * HDFS, except for a partition that leaves, and shortly when the memory cap is reached.
 */
#ifndef TICKLINE_INGEST_CONSUMER_H
#define TICKLINE_INGEST_CONSUMER_H

#include <librdkafka/rdkafka.h>

#include "config.h"
#include "dataset.h"
#include "health.h"
#include "ingest_settings.h"
#include "metrics.h"
#include "settings.h"
#include "status.h"

struct consumer;

struct consumer_options {
	const struct config *config; /* kafka.* */
	const struct ingest_settings *settings;
	const struct kafka_settings *kafka;
	const struct hdfs_settings *hdfs;
	const struct dataset *datasets;
	size_t dataset_count;
	struct status *status;
	struct health *health;
	struct metrics *metrics;
};

/* Starts the threads; does not wait for Kafka or HDFS. INVALID: a kafka.* setting or an address.
 * Everything in the options must outlive the consumer. */
enum error consumer_start(const struct consumer_options *options, struct consumer **consumer,
			  struct text *why) MUST_USE;

/* Publishes what is open, leaves the group and ends the polling thread, at the latest at the
 * monotonic deadline. What is not published by then will be read again. */
void consumer_drain(struct consumer *consumer, int64_t deadline_us);
void consumer_destroy(struct consumer **consumer);

/* Librdkafka's handle, for questions from other threads; valid until consumer_destroy. */
rd_kafka_t *consumer_kafka(const struct consumer *consumer);

#endif
