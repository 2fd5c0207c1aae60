/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A feed, for the files that make up its driver.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_FEED_PRIVATE_H
#define TICKLINE_GATEWAY_SOURCES_FEED_PRIVATE_H

#include <stdatomic.h>

#include "bar_window.h"
#include "feed_source.h"
#include "http_client.h"
#include "outbox.h"
#include "random.h"
#include "rolling_volatility.h"

/* What became of a poll; labels of gateway_feed_polls_total. */
enum feed_outcome { FEED_OK, FEED_LIMITED, FEED_STATUS, FEED_NETWORK, FEED_SHAPE, FEED_OUTCOMES };

struct feed {
	/* constant */
	const struct feed_exchange *exchange;
	const struct feed_request *request;
	const struct record_table *table;
	const struct gateway *gateway;
	char symbol[RECORD_MAX_SYMBOL + 1], instrument[RECORD_MAX_SYMBOL + 1];
	double poll_s;
	int64_t interval_s, since_us; /* since_us 0: not said */

	/* the source's thread's */
	struct record_rules rules;
	struct http_client *client;
	struct outbox *outbox;
	struct random random;
	struct bar_window window;
	struct rolling_volatility volatility;
	int64_t cursor_us;      /* where the next question begins; 0: not asked yet */
	int64_t last_number;    /* of the trades; -1: none yet */
	unsigned failures;      /* in a row */
	int64_t retry_after_ms; /* as the last answer wants it; -1: not said */

	/* for those who look */
	_Atomic int64_t polls, failed_polls, last_status, next_poll_us, last_us;
	_Atomic int64_t null_bars, unfinished_bars, repeats, too_old_bars; /* of the last answer */
	_Atomic int64_t late_bars;                                         /* ever */
};

/* Asks once; the rows of a good answer are sent. OK; CANCELLED: stopping; else a failure, which is
 * told by source_complain. `more`: the next question need not wait. */
enum error feed_poll(struct feed *feed, struct source *source, bool *more) MUST_USE;

/* OK; CANCELLED. */
enum error feed_send_rows(struct feed *feed, struct source *source,
			  struct feed_rows *rows) MUST_USE;

#endif
