/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Binance's klines: rows of open time, open, high, low, close, volume and more, oldest first, the
 * numbers as strings. Its last row is the bar that still goes on.
 */
#include <inttypes.h>
#include <string.h>

#include "feed_json.h"
#include "feed_source.h"

enum { ROWS_LIMIT = 1000 };

static void put_address(const struct feed_question *q, struct text *url)
{
	text_putf(url, "%s/api/v3/klines?symbol=", q->base);
	text_put_url(url, q->instrument, strlen(q->instrument), "");
	text_putf(url, "&interval=%s&startTime=%" PRId64 "&endTime=%" PRId64 "&limit=%d",
		  feed_interval_name(q->interval_s), q->from_us / 1000, q->until_us / 1000,
		  ROWS_LIMIT);
}

enum error binance_read_klines(const struct feed_question *q, const char *data, size_t length,
			       struct feed_rows *rows, struct text *why)
{
	static const struct feed_array shape = { .least_cells = 7,
						 .time = 0,
						 .cells = { 1, 2, 3, 4, 5 } };
	(void)q;
	return feed_read_arrays(&shape, data, length, rows, why);
}

static const struct feed_request bars = {
	.kind = RECORD_BAR,
	.rows_limit = ROWS_LIMIT,
	.default_poll_s = 15,
	.address = put_address,
	.read = binance_read_klines,
};

static const char *base_of(const struct gateway_settings *settings)
{
	return settings->binance_url;
}

static const struct feed_exchange exchange = { .base = base_of,
					       .instrument = "BTCUSDT",
					       .bars = &bars };

static void *binance_read(struct definition *d, const struct gateway *gateway, int upload)
{
	return feed_read(&exchange, d, gateway, upload);
}

const struct source_driver binance_driver = FEED_DRIVER("binance", binance_read);
