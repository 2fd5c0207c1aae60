/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records of one source on their way, a window of them at a time. What Kafka certainly did not
 * store (it was away for longer than a record waits) is sent again, in its order and before
 * anything new, so that a source survives an outage whole; what it may have stored is not, because
 * that could double a record.
 *
 * Each record has a mark, by which its source knows it again. Belongs to the source's thread, or
 * after its join to the one that joined.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_OUTBOX_H
#define TICKLINE_GATEWAY_SOURCES_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "error.h"
#include "record.h"
#include "source.h"

struct outbox;

struct outbox *outbox_new(void); /* NULL: no memory */

/* Nothing may be on its way any more. */
void outbox_destroy(struct outbox **outbox);

/* Waits for room. OK; INVALID: refused and counted; CANCELLED: stopping. */
enum error outbox_send(struct outbox *outbox, struct source *source, const struct record *record,
		       int64_t mark) MUST_USE;

/* The mark has no record, or one that was refused: it is settled when those before it are.
 * CANCELLED: stopping. */
enum error outbox_skip(struct outbox *outbox, struct source *source, int64_t mark) MUST_USE;

/* Waits until every record has its last word. False: stopping. */
bool outbox_settle(struct outbox *outbox, struct source *source);

/* The run ends: what waits for being sent again will not be. */
void outbox_forgo(struct outbox *outbox, struct source *source);

/* --- positions, for marks that rise -------------------------------------------------------------
 * Adds to `position` which marks are settled: all up to one, and some beyond it. */
void outbox_save(const struct outbox *outbox, cJSON *position);

/* Takes back what was saved, before the first send. INVALID: it is not what outbox_save wrote. */
enum error outbox_restore(struct outbox *outbox, const cJSON *position) MUST_USE;

/* Whether the mark was settled before the restore. */
bool outbox_was_settled(const struct outbox *outbox, int64_t mark);

/* --- for marks in any order --------------------------------------------------------------------
 * The marks of what certainly is not in Kafka, once nothing is on its way any more. */
void outbox_each_lost(const struct outbox *outbox, void (*each)(int64_t mark, void *user),
		      void *user);

#endif
