/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Feeds: sources that ask an exchange again and again. What an exchange answers is read by its own
 * reader, one function from bytes to rows, which is fuzzed; the asking, the backing off and the
 * telling of new rows from old ones is the same for all.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_FEED_H
#define TICKLINE_GATEWAY_SOURCES_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "record.h"
#include "text.h"

enum { FEED_MAX_ROWS = 20000, FEED_ANSWER_LIMIT_BYTES = 8 << 20, FEED_NESTING = 16 };

/* A row as the exchange has it: nothing is checked yet but that its numbers are numbers. */
struct feed_row {
	int64_t timestamp_us; /* of a bar: its open time */
	double values[5];     /* in the order of the table of its kind */
	int64_t number;       /* of a trade; a reader gives bars none */
};

struct feed_rows {
	struct feed_row *list; /* in the answer's order */
	size_t count;
	size_t null_rows; /* without a price: nothing was traded, or the exchange does not know */
};

void feed_rows_clean_up(struct feed_rows *rows);

/* What is asked for. */
struct feed_question {
	const char *base;       /* address of the exchange, without a slash at its end */
	const char *instrument; /* as the exchange calls it */
	int64_t interval_s;     /* of bars */
	int64_t from_us;        /* bars since then */
	int64_t until_us;
};

/* What can be asked of an exchange. */
struct feed_request {
	enum record_kind kind;
	int64_t rows_limit; /* most rows of one answer; 0: not limited */
	double default_poll_s;
	/* How far back bars of the interval can be asked for; NULL: from their first. */
	int64_t (*history_s)(int64_t interval_s);
	/* The address, percent-encoded. */
	void (*address)(const struct feed_question *question, struct text *url);
	/* OK; INVALID: the answer has another shape, `why` tells which; NO_MEMORY. `rows` is
	 * initialised here, and to be cleaned up in any case. */
	enum error (*read)(const struct feed_question *question, const char *data, size_t length,
			   struct feed_rows *rows, struct text *why);
};

/* An interval of bars by its name ("1m"), in seconds; 0: there is none. */
int64_t feed_interval_s(const char *name);
const char *feed_interval_name(int64_t interval_s);

/* --- readers ------------------------------------------------------------------------------------
 */
enum error yahoo_read_chart(const struct feed_question *question, const char *data, size_t length,
			    struct feed_rows *rows, struct text *why) MUST_USE;
enum error binance_read_klines(const struct feed_question *question, const char *data,
			       size_t length, struct feed_rows *rows, struct text *why) MUST_USE;
enum error coinbase_read_candles(const struct feed_question *question, const char *data,
				 size_t length, struct feed_rows *rows, struct text *why) MUST_USE;
enum error coinbase_read_ticker(const struct feed_question *question, const char *data,
				size_t length, struct feed_rows *rows, struct text *why) MUST_USE;

#endif
