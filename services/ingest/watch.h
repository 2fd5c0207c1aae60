/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks Kafka and HDFS every two seconds whether they are there, so that /readyz says what is
 * missing even when there is nothing to read or write; and where the logs end that nobody reads now
 * (paused, held), so that lag is not told from what was true when they were. A thread with clients
 * of its own.
 */
#ifndef TICKLINE_INGEST_WATCH_H
#define TICKLINE_INGEST_WATCH_H

#include <librdkafka/rdkafka.h>

#include "dataset.h"
#include "health.h"
#include "status.h"
#include "webhdfs.h"

struct watch;

struct watch_options {
	rd_kafka_t *kafka; /* must outlive the watch */
	struct webhdfs_options hdfs;
	const struct dataset *datasets;
	size_t dataset_count;
	const char *root;
	struct status *status;
	struct health *health;
};

enum error watch_start(const struct watch_options *options, struct watch **watch,
		       struct text *why) MUST_USE;
void watch_destroy(struct watch **watch);

#endif
