/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The right to publish for one partition: an epoch folder of our own under the staging folder.
 * Whoever takes the partition over deletes all other epochs' folders before it lists what is
 * published, so that a replaced owner's late CREATE and RENAME fail. Counted, because a writer may
 * still hold the lease of a partition that is gone. Any thread.
 */
#ifndef TICKLINE_INGEST_LEASE_H
#define TICKLINE_INGEST_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataset.h"

struct lease {
	const struct dataset *dataset;
	int32_t partition;
	char *parent;                    /* <staging>/<partition> */
	char *folder;                    /* <parent>/<epoch> */
	const char *epoch;               /* last part of `folder` */
	atomic_bool ended;               /* given up: a job that did not start yet need not */
	atomic_int_fast64_t joined_away; /* published files that were joined into others */
	atomic_int holders;              /* lease_drop */
};

/* A new epoch with one holder; NULL: no memory. Nothing is made on HDFS yet. */
struct lease *lease_new(const struct dataset *dataset, int32_t partition);
struct lease *lease_hold(struct lease *lease);
void lease_drop(struct lease **lease);

#endif
