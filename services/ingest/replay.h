/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sends dead letters to their topic again, each at most once: the records and the ledger's entry
 * that tells of them are one Kafka transaction. Its transactional id is the partition's, so that a
 * second replay of a partition fences the first one, and settles what a killed one has left,
 * before it reads the ledger. Nothing is kept between two calls. Any thread.
 */
#ifndef TICKLINE_INGEST_REPLAY_H
#define TICKLINE_INGEST_REPLAY_H

#include "replay_ledger.h"
#include "replay_letters.h"

/* Headers of a record that was sent again; decimal numbers. */
#define REPLAY_HEADER_PARTITION "tickline-replayed-partition"
#define REPLAY_HEADER_OFFSET    "tickline-replayed-offset"

struct replay {
	struct replay_ledger ledger;
	const char *by; /* who asks */
	bool dry_run;   /* look, and send nothing */
};

/* The ledger must be there (replay_ledger_ensure) unless it is a dry run.
 * Marks the letters that were sent before and sends those that are due. OK: they are committed.
 * FENCED: another replay of this partition began; UNKNOWN_OUTCOME: the commit was asked for, and no
 * answer came (asking again is safe: the ledger tells then); anything else: nothing was sent. */
enum error replay_run(const struct replay *replay, struct replay_letters *letters,
		      struct text *why) MUST_USE;

#endif
