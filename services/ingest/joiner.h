/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The thread that joins small files in the background, one join at a time over all partitions of
 * this instance. It is told what was published and takes no file beyond that, so that it never
 * meets a publication under way; what fails is tried again with a back-off, and nothing waits for
 * it.
 */
#ifndef TICKLINE_INGEST_JOINER_H
#define TICKLINE_INGEST_JOINER_H

#include "date_folder.h"
#include "lease.h"
#include "webhdfs.h"

struct joiner;

struct joiner_options {
	struct webhdfs_options hdfs; /* `cancel` is set here */
	int64_t bytes, files;        /* see join_rules */
	int64_t retry_min_us, retry_max_us, blocked_retry_us;
};

enum error joiner_start(const struct joiner_options *options, struct joiner **joiner,
			struct text *why) MUST_USE;

/* A file of `bytes` was published in the folder of `date`, or (bytes 0) the partition was taken
 * over and published up to `published`: then all folders are looked into. Holds the lease until it
 * ends. Never blocks for long; the polling thread. Without a joiner (NULL) nothing happens. */
void joiner_offer(struct joiner *joiner, struct lease *lease, int64_t published, int64_t bytes,
		  int32_t date);

/* Lets the join in hand come to its end for a short while, then cuts it short: the next owner of
 * the partition ends what was begun. */
void joiner_destroy(struct joiner **joiner);

#endif
