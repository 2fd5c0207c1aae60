/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joins small published files of one partition without a moment at which a reader sees a row twice
 * or not at all: the target is renamed so that its name covers the files that follow, then one
 * CONCAT appends them to it, which HDFS does at once. What was begun and not ended, by whomever, is
 * ended first.
 *
 * A join is not fenced by the epoch folder. It need not be: see join_plan.h for why two joiners
 * want the same rename, and of two CONCATs one finds its sources gone, and then does nothing.
 */
#ifndef TICKLINE_INGEST_JOIN_H
#define TICKLINE_INGEST_JOIN_H

#include "date_folder.h"
#include "join_plan.h"
#include "lease.h"
#include "webhdfs.h"

struct join_result {
	bool joined;            /* there may be more to do */
	bool settled;           /* an answer was lost, and the join had been done */
	int64_t before, after;  /* files that took part, and what is left of them */
	struct file_range into; /* the name that they have now */
	/* What is not worth a join yet. */
	int64_t waiting_files, waiting_bytes;
};

/* One look into one folder of the dataset, and at most one join in it. `date`: which one, see
 * date_folder.h; files of two folders are never joined. `behind` keeps what need not be looked at
 * again; "" at first and after any error. OK; CANCELLED: the lease ended, nothing was begun;
 * CONFLICT: see join_plan_add; else an error of webhdfs.h, NOT_FOUND or EXISTS when another joiner
 * was first: look again later. One thread. */
enum error join_run(const struct lease *lease, int32_t date, const struct join_rules *rules,
		    char behind[FILE_NAME_MAX], struct webhdfs *hdfs, struct join_result *result,
		    struct text *why) MUST_USE;

/* How many sources one CONCAT takes in this folder, by the length of its URL. */
size_t join_sources_max(const char *folder);

#endif
