/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dead letters that a replay is about: read back from HDFS, and looked at by the rules of now.
 * One owner at a time. Only what a published range of rows has committed is taken: other dead
 * letters' records are read again by whoever takes the partition over.
 */
#ifndef TICKLINE_INGEST_REPLAY_LETTERS_H
#define TICKLINE_INGEST_REPLAY_LETTERS_H

#include "dead_letter.h"
#include "dead_letters.h"

enum {
	REPLAY_MOST_LETTERS = 10000,
	REPLAY_MOST_BYTES = 16 * 1024 * 1024,  /* of letters that are to be sent */
	REPLAY_MOST_RECORD_BYTES = 512 * 1024, /* key and value, well below Kafka's own limit */
	REPLAY_REASON_BYTES = 40
};

struct replay_letter {
	int64_t offset;
	const char *fault;         /* code of why it is refused still; NULL: it would be a row */
	bool before;               /* the ledger says that it was sent already */
	struct dead_letter record; /* where there is no fault; points into `memory` */
	cJSON *memory;
};

struct replay_letters {
	/* asked */
	const struct dataset *dataset;
	int32_t partition;
	int64_t since, until; /* offsets, both inclusive */
	const char *reason;   /* only these; NULL: all */
	int64_t limit;        /* at most REPLAY_MOST_LETTERS */
	struct record_rules rules;
	int64_t deadline_us; /* monotonic: what was not looked at by then is left, but for one */
	/* found; ascending */
	struct replay_letter *letters;
	size_t count;
	int64_t bytes;
	int64_t next; /* where to go on */
	bool more;    /* there may be such letters from `next` on */
};

/* Errors as dead_letters_read, or NO_MEMORY. */
enum error replay_letters_find(struct replay_letters *letters, struct webhdfs *hdfs,
			       struct text *why) MUST_USE;

/* What the ledger says: [first, last] were sent already. `user` is the struct replay_letters. */
void replay_letters_mark(int64_t first, int64_t last, void *user);

/* To be sent: without a fault, and not sent before. */
static inline bool replay_letter_is_due(const struct replay_letter *letter)
{
	return !letter->fault && !letter->before;
}

void replay_letters_clean_up(struct replay_letters *letters);

#endif
