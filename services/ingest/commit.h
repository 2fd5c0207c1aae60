/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Publishes one batch: CREATE in the epoch folder, check the length, RENAME into place, look at
 * the place. Dead letters first: the file of rows is the commit of both.
 */
#ifndef TICKLINE_INGEST_COMMIT_H
#define TICKLINE_INGEST_COMMIT_H

#include "batch.h"
#include "lease.h"
#include "webhdfs.h"

/* Goes on from where the batch stands; never waits beyond the client's limits. OK: published.
 * FENCED: another owner took over, or the truth is only to be had by a new recovery. Else: call
 * again later (webhdfs_is_transient) or when somebody helped (DENIED, QUOTA, CREDENTIAL, …).
 * One writer thread at a time. */
enum error commit_run(struct batch *batch, const struct lease *lease, struct webhdfs *hdfs,
		      struct text *why) MUST_USE;

#endif
