/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which small files of a partition become one. The files are told in the order of their names, and
 * the first thing to do is the plan: an unfinished join (a name that covers the files after it), or
 * the leftmost file that is not full, with the files that follow it. Two joiners who see the same
 * files thus mean the same target, and HDFS lets one rename it. No calls; any thread.
 */
#ifndef TICKLINE_INGEST_JOIN_PLAN_H
#define TICKLINE_INGEST_JOIN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "file_name.h"
#include "text.h"

enum { JOIN_MAX_SOURCES = 64 };

struct join_rules {
	int64_t bytes;     /* a file of this size is full */
	int64_t files;     /* fewer than this many, the target included, are not worth a join yet */
	size_t sources;    /* for one CONCAT: 1 to JOIN_MAX_SOURCES */
	int64_t published; /* files that begin beyond this offset are none of ours */
	bool ended;        /* no file comes any more: what there is, is worth it */
};

struct join_file {
	struct file_range range;
	int64_t file_id, length, block_size;
};

struct join_plan {
	const struct join_rules *rules;
	/* The target, then the sources in the order of their offsets. */
	struct join_file files[JOIN_MAX_SOURCES + 1];
	size_t count;
	int64_t last;    /* what the target's name has to cover */
	int64_t bytes;   /* of all of them */
	bool unfinished; /* the target covers a source already */
	bool closed;     /* no file can be added: waiting for more is no use */
	int64_t next;    /* where the file behind them begins; INT64_MAX: there is none */
	/* The last file that no later join can touch; last < first: none. */
	struct file_range behind;
};

void join_plan_init(struct join_plan *plan, const struct join_rules *rules);

/* The next file. OK: go on; CANCELLED: the plan needs no more files; CONFLICT: two files begin with
 * the same offset, or one covers one of another format, which no join makes. */
enum error join_plan_add(struct join_plan *plan, const struct join_file *file,
			 struct text *why) MUST_USE;

/* After CANCELLED, or the last file: whether there is something to do. */
bool join_plan_is_due(const struct join_plan *plan);

/* Whether files[index] is an empty file that may be deleted: none was seen that it covers, so that
 * nobody can have a file to append to it. */
bool join_plan_may_delete(const struct join_plan *plan, size_t index);

#endif
