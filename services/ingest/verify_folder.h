/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the folders of a dataset hold, for --verify: names, rows and dead letters, counted by
 * reading every file.
 */
#ifndef TICKLINE_INGEST_VERIFY_FOLDER_H
#define TICKLINE_INGEST_VERIFY_FOLDER_H

#include "dataset.h"
#include "verify_spans.h"
#include "webhdfs.h"

/* Fills the spans of `partition` (its number and log are set). CONFLICT: files were joined under
 * our hands again and again; else an error of webhdfs.h or NO_MEMORY. */
enum error verify_folder(const struct dataset *dataset, struct webhdfs *hdfs,
			 struct verify_partition *partition, struct text *why) MUST_USE;

/* The largest number of a partition that has a file; -1: none. */
enum error verify_last_partition(const struct dataset *dataset, struct webhdfs *hdfs, int32_t *last,
				 struct text *why) MUST_USE;

#endif
