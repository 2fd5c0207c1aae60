/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folders in which a dataset's files of rows stand: its own, and those of a split by date. All
 * are looked into, whatever the setting says now: it may have been another when they were made.
 */
#ifndef TICKLINE_INGEST_DATE_LIST_H
#define TICKLINE_INGEST_DATE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "dataset.h"
#include "date_folder.h"
#include "webhdfs.h"

enum { DATE_LIST_MAX = 100000 };

struct date_list {
	int32_t *dates; /* DATE_NONE first, then ascending */
	size_t count;
};

/* One listing. Without a folder there is DATE_NONE alone. NO_MEMORY; LIMIT: more than
 * DATE_LIST_MAX; else an error of webhdfs.h. Free with date_list_clean_up in any case. */
enum error date_list_read(const struct dataset *dataset, struct webhdfs *hdfs,
			  struct date_list *list, struct text *why) MUST_USE;
void date_list_clean_up(struct date_list *list);

#endif
