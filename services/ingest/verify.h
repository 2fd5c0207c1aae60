/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `ingest --verify`: reads the topics and the folders, and says whether they agree: each offset in
 * one file, and in each file as many rows and dead letters as the log has records. Changes nothing;
 * may run beside an ingest at work.
 */
#ifndef TICKLINE_INGEST_VERIFY_H
#define TICKLINE_INGEST_VERIFY_H

#include <stdio.h>

#include "config.h"
#include "dataset.h"
#include "webhdfs.h"

enum verify_verdict { VERIFY_AGREES = 0, VERIFY_REFUTED = 1, VERIFY_UNKNOWN = 3 };

struct verify_options {
	const struct config *config; /* kafka.* */
	const char *brokers;
	const char *group; /* of the ingest whose work it is */
	struct webhdfs_options hdfs;
	const struct dataset *datasets;
	size_t dataset_count;
};

/* The report goes to `out`. The verdict is the exit code. */
enum verify_verdict verify_run(const struct verify_options *options, FILE *out);

#endif
