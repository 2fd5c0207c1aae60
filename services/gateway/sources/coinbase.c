/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Coinbase Exchange: the ticker, which is the last trade with the best ask and bid beside it, and
 * candles, whose rows are time, low, high, open, close and volume, newest first.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "feed_json.h"
#include "feed_source.h"
#include "timestamp.h"

enum { ROWS_LIMIT = 300 };

static void put_product(const struct feed_question *q, struct text *url)
{
	text_putf(url, "%s/products/", q->base);
	text_put_url(url, q->instrument, strlen(q->instrument), "");
}

/* --- ticker ---------------------------------------------------------------------------------- */

static void put_ticker_address(const struct feed_question *q, struct text *url)
{
	put_product(q, url);
	text_puts(url, "/ticker");
}

static enum error read_trade(const cJSON *json, struct feed_row *row, struct text *why)
{
	/* One buys at the ask and sells at the bid. */
	static const char *const names[] = { "ask", "bid", "size" };
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "trade_id");
	const char *time = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "time"));
	for (size_t i = 0; i < 3; i++) {
		if (feed_number(cJSON_GetObjectItemCaseSensitive(json, names[i]), &row->values[i]))
			continue;
		why_putf(why, "no number \"%s\"", names[i]);
		return ERROR_INVALID;
	}
	if (!time || timestamp_read(time, strlen(time), &row->timestamp_us) != ERROR_OK) {
		why_putf(why, "no \"time\"");
		return ERROR_INVALID;
	}
	if (!cJSON_IsNumber(number) ||
	    !(number->valuedouble >= 0 && number->valuedouble < 0x1p53)) {
		why_putf(why, "no \"trade_id\"");
		return ERROR_INVALID;
	}
	row->number = (int64_t)number->valuedouble;
	return ERROR_OK;
}

enum error coinbase_read_ticker(const struct feed_question *q, const char *data, size_t length,
				struct feed_rows *rows, struct text *why)
{
	cJSON *json = NULL;
	(void)q;
	*rows = (struct feed_rows){ 0 };
	enum error error = feed_parse(data, length, &json, why);
	if (error == ERROR_OK)
		error = feed_rows_reserve(rows, 1, why);
	if (error == ERROR_OK)
		error = read_trade(json, rows->list, why);
	if (error == ERROR_OK)
		rows->count = 1;
	cJSON_Delete(json);
	return error;
}

/* --- candles --------------------------------------------------------------------------------- */

static void put_candles_address(const struct feed_question *q, struct text *url)
{
	char from[TIMESTAMP_MAX_TEXT], until[TIMESTAMP_MAX_TEXT];
	timestamp_print(q->from_us, from);
	timestamp_print(q->until_us, until);
	put_product(q, url);
	text_putf(url, "/candles?granularity=%" PRId64 "&start=%s&end=%s", q->interval_s, from,
		  until);
}

enum error coinbase_read_candles(const struct feed_question *q, const char *data, size_t length,
				 struct feed_rows *rows, struct text *why)
{
	static const struct feed_array shape = { .least_cells = 6,
						 .time = 0,
						 .cells = { 3, 2, 1, 4, 5 } };
	(void)q;
	return feed_read_arrays(&shape, data, length, rows, why);
}

/* --- the driver ------------------------------------------------------------------------------ */

static const struct feed_request ticks = {
	.kind = RECORD_TICK,
	.default_poll_s = 1,
	.address = put_ticker_address,
	.read = coinbase_read_ticker,
};

static const struct feed_request bars = {
	.kind = RECORD_BAR,
	.rows_limit = ROWS_LIMIT,
	.default_poll_s = 15,
	.address = put_candles_address,
	.read = coinbase_read_candles,
};

static const char *base_of(const struct gateway_settings *settings)
{
	return settings->coinbase_url;
}

static const struct feed_exchange exchange = { .base = base_of, .ticks = &ticks, .bars = &bars };

static void *coinbase_read(struct definition *d, const struct gateway *gateway, int upload)
{
	return feed_read(&exchange, d, gateway, upload);
}

const struct source_driver coinbase_driver = FEED_DRIVER("coinbase", coinbase_read);
