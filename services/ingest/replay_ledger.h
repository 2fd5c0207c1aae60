/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ledger of replays: a compacted topic beside each topic, "<topic>.replayed", that says which
 * offsets were sent again (replay_entry.h). Entries are written by the same transactions as the
 * records, so that there is never one without the other. Whoever forgets the ledger replays twice:
 * it must stay as long as the dead letters do.
 */
#ifndef TICKLINE_INGEST_REPLAY_LEDGER_H
#define TICKLINE_INGEST_REPLAY_LEDGER_H

#include <librdkafka/rdkafka.h>

#include "config.h"
#include "text.h"

enum { REPLAY_LEDGER_BYTES = 300 }; /* of the topic's name */

struct replay_ledger {
	const struct config *config; /* kafka.* */
	const char *brokers;
	const char *topic;   /* of the records */
	int replication;     /* of a ledger that is made */
	int64_t deadline_us; /* monotonic; no call waits longer */
};

void replay_ledger_name(const struct replay_ledger *ledger, char out[REPLAY_LEDGER_BYTES]);

/* Makes the topic when it is missing. CONFLICT: it forgets entries (it is not compacted); else as
 * kafka.h. `handle` is any client. */
enum error replay_ledger_ensure(const struct replay_ledger *ledger, rd_kafka_t *handle,
				struct text *why) MUST_USE;

/* Every run of offsets of `partition` that was committed before the call. NOT_FOUND: there is no
 * ledger, as far as the broker knows. TIMEOUT: its end was not reached, because Kafka is away or an
 * unfinished transaction holds it; PROTOCOL: an entry can't be read. */
enum error replay_ledger_read(const struct replay_ledger *ledger, int32_t partition,
			      void (*visit)(int64_t first, int64_t last, void *user), void *user,
			      struct text *why) MUST_USE;

#endif
