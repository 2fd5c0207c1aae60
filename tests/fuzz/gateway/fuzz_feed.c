/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever an exchange answers: a row is whole and finite, or the answer is refused and says why.
 * The first byte chooses the reader.
 */
#include <assert.h>
#include <math.h>
#include <stdint.h>

#include "sources/feed.h"
#include "sources/feed_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum error (*const readers[])(const struct feed_question *question, const char *data,
				     size_t length, struct feed_rows *rows, struct text *why) = {
	yahoo_read_chart, binance_read_klines, coinbase_read_candles, coinbase_read_ticker
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct feed_question question = { .instrument = "BTC-USD", .interval_s = 60 };
	if (size < 1)
		return 0;
	struct feed_rows rows;
	struct text why, shown;
	text_init(&why, 4096);
	text_init(&shown, 4096);
	const char *answer = (const char *)data + 1;
	enum error error = readers[data[0] % 4](&question, answer, size - 1, &rows, &why);
	assert(error == ERROR_OK ? why.length == 0 : error == ERROR_INVALID && why.length > 0);
	assert(rows.count <= FEED_MAX_ROWS);
	for (size_t i = 0; error == ERROR_OK && i < rows.count; i++) {
		assert(rows.list[i].timestamp_us >= 0 || data[0] % 4 == 3);
		for (size_t k = 0; k < 5; k++)
			assert(isfinite(rows.list[i].values[k]));
	}
	feed_explain(answer, size - 1, &shown);
	assert(text_ok(&shown) && shown.length > 0 && shown.length < 400);
	feed_rows_clean_up(&rows);
	text_clean_up(&why);
	text_clean_up(&shown);
	return 0;
}
