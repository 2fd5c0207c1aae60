/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One partition that the group gave us: from taking it over to giving it back. Belongs to the
 * polling thread. It asks nobody: jobs are handed out by partition_next_job and come back by
 * partition_finish, and records are brought by partition_take.
 */
#ifndef TICKLINE_INGEST_PARTITION_H
#define TICKLINE_INGEST_PARTITION_H

#include <librdkafka/rdkafka.h>

#include "batch.h"
#include "dataset.h"
#include "recovery.h"
#include "writers.h"

enum partition_state {
	PARTITION_RECOVERING, /* taking over: fence, published names, position */
	PARTITION_READY,      /* the position is known; Kafka is not being read */
	PARTITION_READING,
	PARTITION_STATES
};

struct partition_policy {
	struct batch_rules rotate;
	int64_t retry_min_us, retry_max_us, blocked_retry_us, fence_wait_us;
	struct record_rules record;
};

struct published_file {
	const struct dataset *dataset;
	struct file_range range;
	int32_t date; /* see struct batch */
	int64_t rows, dead_letters, bytes;
	int64_t wall_us;
};

struct partition {
	struct partition *next;
	const struct dataset *dataset;
	int32_t number;
	enum partition_state state;
	struct lease *lease; /* NULL before the first recovery */
	int64_t next_offset; /* nothing below it is taken again */
	int64_t cover_from;  /* where the next batch's range begins */
	int64_t end_offset;  /* Kafka said that there is nothing below it left to read */
	int64_t published;   /* the largest published offset; start - 1 when there is none */
	int64_t files;       /* published, before what the lease's joins took away */
	struct batch *open;
	struct batch *sealed;      /* in order; the first one is next */
	struct batch *last_sealed; /* while there is one */
	int32_t date;              /* of the last row, where the dataset is split by date */
	const struct job *flying;
	int64_t flying_bytes, flying_opened_us;
	bool assigned; /* librdkafka fetches it */
	bool held;     /* not read because of the memory cap */
	bool stale;    /* the position is no good: publish what there is, then take over anew */
	/* what goes wrong: failures 0 means nothing */
	int failures;
	int64_t retry_at_us;      /* monotonic */
	int64_t failing_since_us; /* wall */
	enum error error;
	char why[JOB_WHY_BYTES];
	struct gap gaps[RECOVERY_MAX_GAPS];
	size_t gap_count;
	bool has_last_file;
	struct published_file last_file;
};

struct partition *partition_new(const struct dataset *dataset, int32_t number);
void partition_destroy(struct partition **partition); /* its batches are dropped and counted */

const char *partition_state_name(const struct partition *partition);

/* One message without an error, taken up at `policy->record.wall_us`. What was taken before, or
 * comes before the position is known, is passed over. NO_MEMORY or LIMIT: the partition has to be
 * restarted. */
enum error partition_take(struct partition *partition, const rd_kafka_message_t *message,
			  const struct partition_policy *policy, int64_t now_us) MUST_USE;

/* Closes the open batch when it is full or due, when the wall clock (`policy->record.wall_us`) has
 * left the period of its first record, or at once when `force`. */
void partition_rotate(struct partition *partition, const struct partition_policy *policy,
		      int64_t now_us, bool force);

/* The job to run now, or NULL: one is flying, none is needed, or it is too early. */
struct job *partition_next_job(struct partition *partition, int64_t now_us);

enum partition_event {
	PARTITION_NOTHING,   /* failed, will be repeated */
	PARTITION_RECOVERED, /* the state is PARTITION_READY */
	PARTITION_PUBLISHED, /* see last_file */
	PARTITION_FENCED     /* restarted */
};

/* A job of this partition came back; takes it. */
enum partition_event partition_finish(struct partition *partition, struct job *job,
				      const struct partition_policy *policy, int64_t now_us);

/* Drops what is not published and takes over anew, not before `wait_us` passed. */
void partition_restart(struct partition *partition, const char *reason, int64_t wait_us,
		       int64_t now_us);

/* An operator knows of the lost offsets: an empty file will cover them. Returns how many ranges. */
size_t partition_fill_gaps(struct partition *partition, int64_t now_us);

bool partition_is_idle(const struct partition *partition); /* nothing open, waiting or flying */
int64_t partition_bytes(const struct partition *partition);
int64_t partition_waiting(const struct partition *partition); /* batches sealed or flying */

/* Batches whose publication has begun: a job flies, or one failed and is to be repeated. */
int64_t partition_in_flight(const struct partition *partition);

/* When the oldest record that is held and not published came, monotonic; INT64_MAX: none is. */
int64_t partition_oldest_us(const struct partition *partition);

#endif
