/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Splits a body into records while it arrives: one JSON object, a JSON array of them, NDJSON or CSV
 * lines. Any cut of the body into pieces gives the same records; memory is one record's at most.
 *
 *   splitter_feed(s, piece, length);
 *   while ((event = splitter_next(s, &part)) != SPLIT_MORE) …
 *   splitter_finish(s); and splitter_next again until SPLIT_END or SPLIT_BROKEN
 *
 * What it decides: where a record begins and ends. Whether it is a good one is for record.h.
 * - Lines end with LF or CR LF; blank lines are counted but are no records; a line with two objects
 *   is one (bad) record.
 * - A lone object is handed over only when nothing but white space followed it.
 * - An array's elements are whatever stands between its commas. A bracket that does not match, a
 *   missing element, nesting beyond SPLITTER_MAX_DEPTH or an end that is missing breaks the body:
 *   the records before it stand, nothing after it is looked at.
 * - A record over the limit is skipped and reported; lines and elements after it go on.
 * Belongs to one thread.
 */
#ifndef TICKLINE_GATEWAY_RECORD_SPLITTER_H
#define TICKLINE_GATEWAY_RECORD_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { SPLITTER_MAX_DEPTH = 64 };

enum split_format { SPLIT_JSON, SPLIT_LINES };

enum split_event {
	SPLIT_MORE,    /* feed the next piece, or finish */
	SPLIT_RECORD,  /* `data` holds one */
	SPLIT_TOO_BIG, /* one over the limit was skipped */
	SPLIT_BROKEN,  /* the body is no such document; `reason` says why. Nothing follows */
	SPLIT_END,     /* the body was whole */
};

struct split_part {
	const char *data; /* valid until the next call */
	size_t length;    /* without white space around it */
	uint64_t index;   /* of the record, from 0 */
	uint64_t line;    /* where it begins (BROKEN: where it broke), from 1 */
	const char *reason;
};

struct splitter;

/* NULL: no memory. `record_limit` bytes of one record. */
struct splitter *splitter_new(enum split_format format, size_t record_limit);
void splitter_destroy(struct splitter **splitter);

/* Only after SPLIT_MORE (or at first). The piece must stay until the next SPLIT_MORE. */
void splitter_feed(struct splitter *splitter, const char *piece, size_t length);
void splitter_finish(struct splitter *splitter);

/* After BROKEN or END it gives the same event again. Out of memory is SPLIT_TOO_BIG. */
enum split_event splitter_next(struct splitter *splitter, struct split_part *part);

/* Whether the body held nothing but white space so far. */
bool splitter_is_blank(const struct splitter *splitter);

/* SPLIT_JSON: the document is a lone object. */
bool splitter_is_lone(const struct splitter *splitter);

#endif
