/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the names in all folders of a dataset say of one partition: up to where it is published, and
 * what is missing.
 */
#ifndef TICKLINE_INGEST_PUBLISHED_NAMES_H
#define TICKLINE_INGEST_PUBLISHED_NAMES_H

#include "recovery.h"

/* Sets `published`, `files`, `covered`, `overlaps` and the gaps of `recovery`. Makes the dataset's
 * folder. RETRIABLE: files were joined while they were listed; NO_MEMORY, LIMIT, or an error of
 * webhdfs.h. */
enum error published_names_read(const struct lease *lease, struct webhdfs *hdfs,
				struct recovery *recovery, struct text *why) MUST_USE;

#endif
