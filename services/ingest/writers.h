/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The threads that talk to HDFS. A job goes in, is tried once, and comes back with its result; to
 * repeat it is the polling thread's business, so that a writer never sleeps on somebody's behalf.
 */
#ifndef TICKLINE_INGEST_WRITERS_H
#define TICKLINE_INGEST_WRITERS_H

#include <librdkafka/rdkafka.h>

#include "batch.h"
#include "lease.h"
#include "recovery.h"
#include "webhdfs.h"

enum job_kind { JOB_RECOVER, JOB_PUBLISH, JOB_GIVE_BACK };
enum { JOB_WHY_BYTES = 1024 };

struct job {
	struct job *next;
	enum job_kind kind;
	struct lease *lease;      /* held by the job */
	struct batch *batch;      /* JOB_PUBLISH; owned */
	struct recovery recovery; /* result of JOB_RECOVER */
	enum error error;
	char why[JOB_WHY_BYTES];
};

struct writers;

/* NULL: no memory. Takes `batch`; holds the lease. */
struct job *job_new(enum job_kind kind, struct lease *lease, struct batch *batch);
void job_destroy(struct job **job);

struct writers_options {
	size_t threads;
	struct webhdfs_options hdfs; /* `cancel` is set here */
	rd_kafka_t *kafka;
};

enum error writers_new(const struct writers_options *options, struct writers **writers,
		       struct text *why) MUST_USE;

/* Never blocks. The polling thread. */
void writers_submit(struct writers *writers, struct job *job);

/* A job that is through, or NULL at `deadline_us` (monotonic; 0: at once). The polling thread. */
struct job *writers_done(struct writers *writers, int64_t deadline_us);

/* Jobs submitted that writers_done has not returned. The polling thread. */
size_t writers_pending(const struct writers *writers);

/* Cuts the calls under way short and joins the threads; what is queued or done is destroyed. */
void writers_destroy(struct writers **writers);

#endif
