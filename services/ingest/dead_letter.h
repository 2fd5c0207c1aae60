/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record that can't become a row is kept as one JSON line: where it stood, why it was refused,
 * and its very bytes, so that it can be sent again after a fix. Any thread.
 */
#ifndef TICKLINE_INGEST_DEAD_LETTER_H
#define TICKLINE_INGEST_DEAD_LETTER_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "text.h"

struct dead_letter {
	const char *topic;
	int32_t partition;
	int64_t offset;
	int64_t timestamp_us; /* Kafka's, wall clock; -1: none */
	const char *reason;   /* stable code: record.h's, or "null" or "empty" */
	const char *field;    /* "": the whole record */
	const char *text;     /* for people */
	struct slice key;     /* data NULL: none */
	struct slice raw;     /* data NULL: a null value */
};

void dead_letter_write(const struct dead_letter *letter, struct text *out);

/* dead_letter_read.c: the way back. Everything in `letter` points into `memory`, which the caller
 * frees by cJSON_Delete, also after an error. INVALID: not such a line; `why` names the member. */
enum error dead_letter_read(const char *line, size_t length, struct dead_letter *letter,
			    cJSON **memory, struct text *why) MUST_USE;

#endif
