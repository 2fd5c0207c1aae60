/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records of one partition that become one file: rows, dead letters, and the range of offsets
 * they stand for, which has no hole towards the batch before. One owner at a time: the polling
 * thread while it is open, then a writer, then the polling thread again.
 */
#ifndef TICKLINE_INGEST_BATCH_H
#define TICKLINE_INGEST_BATCH_H

#include <stdint.h>

#include "date_folder.h"
#include "dead_letter.h"
#include "file_name.h"
#include "record.h"
#include "text.h"

enum commit_step { COMMIT_CREATE, COMMIT_CHECK, COMMIT_RENAME, COMMIT_DONE };

/* How far one file of the batch got; see commit.h. */
struct commit_file {
	enum commit_step step;
	char staged[FILE_NAME_MAX + 16];
	int64_t file_id;
};

struct batch {
	struct batch *next;
	struct file_range range; /* last < first: nothing was read yet */
	struct text rows;        /* in the format of `range`; until batch_pack not packed */
	struct text dead_letters;
	int32_t date; /* of its rows and of the folder for them; DATE_NONE: the dataset's own */
	int64_t row_count, dead_letter_count;
	int64_t opened_us, newest_us, sealed_us; /* monotonic */
	int64_t opened_wall_us;                  /* set by whoever opens it */
	struct commit_file files[FILE_KINDS];
	unsigned attempts; /* names used in the staging folder */
	bool packed;       /* `rows` are what the file will hold */
	bool fills_gap;    /* acknowledges lost offsets: an empty file for their range */
};

struct batch_rules {
	int64_t rows, bytes, age_us, idle_us;
	int64_t clock_us; /* a file ends at each multiple of it since 1970, UTC; 0: at none */
};

/* `first`: the offset after the last one that was covered. Of CSV, until somebody sets another
 * format. NULL: no memory. */
struct batch *batch_new(int32_t partition, int64_t first, int64_t now_us);
void batch_destroy(struct batch **batch);

/* One record. LIMIT or NO_MEMORY: the batch is spoilt and must be read again. */
enum error batch_add_row(struct batch *batch, int64_t offset, const struct record *record,
			 int64_t now_us) MUST_USE;
enum error batch_add_dead_letter(struct batch *batch, const struct dead_letter *letter,
				 int64_t now_us) MUST_USE;

/* Makes the rows what the file will hold; once. NO_MEMORY or LIMIT: nothing is changed. */
enum error batch_pack(struct batch *batch) MUST_USE;

int64_t batch_records(const struct batch *batch);
int64_t batch_bytes(const struct batch *batch);
/* The most that it may hold while it is packed and published. */
int64_t batch_bytes_to_publish(const struct batch *batch);

/* Rows or bytes say that it is full. */
bool batch_is_full(const struct batch *batch, const struct batch_rules *rules);
/* Age or idleness say that it has waited long enough. */
bool batch_is_due(const struct batch *batch, const struct batch_rules *rules, int64_t now_us);

/* The wall clock stands in another period than when it was opened. Set back over a boundary counts
 * as well: no file holds records of two periods. */
bool batch_is_of_another_period(const struct batch *batch, const struct batch_rules *rules,
				int64_t wall_us);

#endif
