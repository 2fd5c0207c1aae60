/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many calls of one kind, several at a time: a dataset may have a folder for each day of years, and
 * asked for one after the other they take as many round trips.
 */
#ifndef TICKLINE_WEBHDFS_MANY_H
#define TICKLINE_WEBHDFS_MANY_H

#include "webhdfs.h"

/* Calls at a time, and how many of them each connection beyond the first must have to do. */
enum { WEBHDFS_AT_ONCE = 8, WEBHDFS_WORTH_ONE = 4 };

/* `index` is for no other thread at the same time; `hdfs` is the thread's own. */
typedef enum error webhdfs_one(struct webhdfs *hdfs, size_t index, void *user, struct text *why);

/* Calls `one` for each index below `count`, in no order: on the caller's thread with `hdfs`, and on
 * up to WEBHDFS_AT_ONCE - 1 others, which have ended at the return, each with a client of its own
 * that asks as `hdfs` does. Where there is no memory or thread for those, it takes longer. After an
 * error nothing more is begun; the first one is the result, with its `why` (at most 1,024 bytes).
 */
enum error webhdfs_many(struct webhdfs *hdfs, size_t count, webhdfs_one *one, void *user,
			struct text *why) MUST_USE;

#endif
