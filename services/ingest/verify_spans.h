/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One partition for --verify: stretches of offsets, in order and without a hole, each of files or
 * of nothing, with what the folder and the log hold of them; and the judgement. No calls.
 */
#ifndef TICKLINE_INGEST_VERIFY_SPANS_H
#define TICKLINE_INGEST_VERIFY_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "file_name.h"
#include "text.h"

struct verify_span {
	int64_t first, last; /* offsets, both inclusive; the last span may end at INT64_MAX */
	int64_t files;       /* 0: a hole. More than one: a join that is not ended */
	int64_t rows, letters;
	int64_t records;  /* that the log delivers now */
	int64_t overlaps; /* files that share some of their offsets with a file before */
};

struct verify_partition {
	int32_t number;
	struct verify_span *spans;
	size_t count, capacity;
	int64_t low, high;     /* the log holds [low, high); high -1: there is no such log */
	int64_t committed;     /* by the group, before the folder was read; -1: nothing */
	int64_t cut_files;     /* whose last line has no end, or that don't unpack */
	int64_t stray_letters; /* of published offsets, but in no file's range */
	int64_t open_letters;  /* beyond what is published: the next recovery deletes them */
};

void verify_partition_clean_up(struct verify_partition *partition);

/* A file, in the order of the names. NO_MEMORY. */
enum error verify_add_file(struct verify_partition *partition, const struct file_range *range,
			   int64_t rows) MUST_USE;

/* A file of dead letters, after all files. */
void verify_add_letters(struct verify_partition *partition, const struct file_range *range,
			int64_t letters);

/* After all files: makes holes into spans, from the log's beginning to its end. NO_MEMORY. */
enum error verify_close(struct verify_partition *partition) MUST_USE;

/* A record that the log delivers; they come in order. `at` is the reader's, 0 at first. */
void verify_add_record(struct verify_partition *partition, size_t *at, int64_t offset);

int64_t verify_published(const struct verify_partition *partition); /* -1: nothing */

/* Appends a line per fault (at most VERIFY_MAX_SHOWN, then their number) and per note. Returns the
 * number of faults. */
enum { VERIFY_MAX_SHOWN = 20 };
int64_t verify_judge(const struct verify_partition *partition, struct text *report);

#endif
