/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Takes a partition over: fences every earlier owner, then reads from the published names where to
 * go on. Also gives the epoch folder back at the end.
 */
#ifndef TICKLINE_INGEST_RECOVERY_H
#define TICKLINE_INGEST_RECOVERY_H

#include <librdkafka/rdkafka.h>

#include "lease.h"
#include "webhdfs.h"

enum { RECOVERY_MAX_GAPS = 32 };

struct gap {
	int64_t first, last; /* offsets, both inclusive */
};

struct recovery {
	int64_t start;     /* the first offset to read */
	int64_t published; /* the largest published offset; -1: none */
	int64_t files;
	int64_t covered;  /* of them, those of a join that was begun and not ended */
	int64_t overlaps; /* files that share only some offsets with the one before */
	/* Offsets that are in no file and can't be read any more. Only the first RECOVERY_MAX_GAPS
	 * are kept: the next recovery finds those that are left. */
	struct gap gaps[RECOVERY_MAX_GAPS];
	size_t gap_count;
};

/* One attempt. OK; CONFLICT: the topic's log ends before what was published (it was made anew);
 * KAFKA, or an error of webhdfs.h. A writer thread. */
enum error recovery_run(const struct lease *lease, struct webhdfs *hdfs, rd_kafka_t *kafka,
			struct recovery *recovery, struct text *why) MUST_USE;

/* The half that needs no Kafka: the fence and the published names. */
enum error recovery_take_over(const struct lease *lease, struct webhdfs *hdfs,
			      struct recovery *recovery, struct text *why) MUST_USE;

/* The other half: `committed` -1: none; [low, high) is what the log holds. */
enum error recovery_find_start(struct recovery *recovery, int64_t committed, int64_t low,
			       int64_t high, struct text *why) MUST_USE;

/* Remembers offsets that are in no file, unless there are RECOVERY_MAX_GAPS already. */
void recovery_note_gap(struct recovery *recovery, int64_t first, int64_t last);

/* Removes the epoch folder with whatever is in it. */
enum error recovery_give_back(const struct lease *lease, struct webhdfs *hdfs,
			      struct text *why) MUST_USE;

#endif
