/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One record of the ledger of replays: which offsets of a partition were sent again by one
 * transaction. Its key is "<partition>:<first offset>", which no other entry has, because no offset
 * is in two of them: compaction keeps every entry. Any thread.
 */
#ifndef TICKLINE_INGEST_REPLAY_ENTRY_H
#define TICKLINE_INGEST_REPLAY_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum { REPLAY_ENTRY_BYTES = 1 << 20, REPLAY_KEY_BYTES = 48 };

struct replay_entry {
	int32_t partition;
	const int64_t *offsets; /* ascending */
	size_t count;           /* at least 1 */
	const char *by;         /* who asked */
	int64_t wall_us;        /* when */
};

void replay_entry_key(const struct replay_entry *entry, char out[REPLAY_KEY_BYTES]);

/* {"partition":0,"offsets":[[first,last],…],"records":n,"by":"…","at":"…"}: runs of offsets. */
void replay_entry_write(const struct replay_entry *entry, struct text *out);

/* Calls `visit` for each run of an entry of `partition`, both ends inclusive; an entry of another
 * partition is checked and passed over. INVALID: not such an entry. */
enum error replay_entry_read(const char *data, size_t length, int32_t partition,
			     void (*visit)(int64_t first, int64_t last, void *user), void *user,
			     struct text *why) MUST_USE;

#endif
