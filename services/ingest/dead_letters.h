/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the dead letters of one partition back from HDFS, in the order of their offsets. No more
 * than one letter is held at a time, and no more than DEAD_LETTERS_MOST_FILES files are opened.
 */
#ifndef TICKLINE_INGEST_DEAD_LETTERS_H
#define TICKLINE_INGEST_DEAD_LETTERS_H

#include "dataset.h"
#include "webhdfs.h"

enum {
	DEAD_LETTERS_MOST_FILES = 256,
	/* Kafka's messages are smaller, also as base64 with what is told about them. */
	DEAD_LETTERS_MOST_BYTES = 16 * 1024 * 1024
};

struct dead_letters {
	const struct dataset *dataset;
	int32_t partition;
	int64_t from; /* the first offset that is asked for */
	/* One letter: a JSON object as it stands in its file, checked, without the line's end.
	 * CANCELLED: no more of them, this one was not taken. */
	enum error (*visit)(const char *line, size_t length, int64_t offset, void *user);
	void *user;
	/* results, also after an error */
	int64_t next; /* where to go on: every letter before it was visited */
	bool more;    /* there may be letters from `next` on */
};

/* OK also when `visit` wanted no more, and when nothing was ever published. PROTOCOL, LENGTH or
 * LIMIT: a file is not as ingest writes them (`why` names it); else an error of webhdfs.h. */
enum error dead_letters_read(struct dead_letters *letters, struct webhdfs *hdfs,
			     struct text *why) MUST_USE;

#endif
