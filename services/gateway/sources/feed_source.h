/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The driver of all feeds: asks, sends what is new, waits, and backs off when the exchange wants
 * to be left alone or answers something else. A bar is sent once, when it is finished.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_FEED_SOURCE_H
#define TICKLINE_GATEWAY_SOURCES_FEED_SOURCE_H

#include "feed.h"
#include "gateway.h"
#include "source.h"

struct feed_exchange {
	const char *(*base)(const struct gateway_settings *settings); /* its address */
	const char *instrument;           /* default; NULL: as our symbol */
	const struct feed_request *ticks; /* NULL: it has none */
	const struct feed_request *bars;
};

extern const struct source_driver yahoo_driver, coinbase_driver, binance_driver;

/* For the drivers of the exchanges. */
void *feed_read(const struct feed_exchange *exchange, struct definition *definition,
		const struct gateway *gateway, int upload);
enum error feed_run(struct source *source, void *job);
void feed_describe(const void *job, cJSON *definition, cJSON *progress);
void feed_destroy(void *job);
void feed_save(const void *job, cJSON *position);
enum error feed_restore(void *job, const cJSON *position);
const char *feed_claim(const void *job);
void feed_follow(void *job, const cJSON *position);

#define FEED_DRIVER(name, reader)                                                             \
	{                                                                                     \
		.type = (name), .read = (reader), .run = feed_run, .describe = feed_describe, \
		.destroy = feed_destroy, .save = feed_save, .restore = feed_restore,          \
		.claim = feed_claim, .follow = feed_follow,                                   \
	}

#endif
