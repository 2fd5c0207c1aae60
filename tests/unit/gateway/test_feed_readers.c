/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What exchanges answer, truth and faults. The recorded answers are Yahoo's, Binance's and
 * Coinbase's own.
 */
#include "sources/feed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef enum error (*reader)(const struct feed_question *question, const char *data, size_t length,
			     struct feed_rows *rows, struct text *why);

static const struct feed_question minutes = { .instrument = "BTC-USD", .interval_s = 60 };
static const struct feed_question hours = { .instrument = "BTC-USD", .interval_s = 3600 };

static void assert_row(const struct feed_row *row, int64_t epoch_s, const double *values)
{
	assert_int_equal(epoch_s, row->timestamp_us / 1000000);
	for (size_t i = 0; i < 5; i++)
		assert_true(fabs(row->values[i] - values[i]) < 1e-9);
}

static struct feed_rows read_good(reader read, const struct feed_question *question,
				  const char *answer)
{
	struct feed_rows rows;
	struct text why;
	text_init(&why, 1000);
	if (read(question, answer, strlen(answer), &rows, &why) != ERROR_OK)
		fail_msg("%s: %s", answer, why.data);
	text_clean_up(&why);
	return rows;
}

static void assert_refused(reader read, const char *answer, const char *reason)
{
	struct feed_rows rows;
	struct text why;
	text_init(&why, 1000);
	assert_int_equal(ERROR_INVALID, read(&minutes, answer, strlen(answer), &rows, &why));
	if (!strstr(why.data, reason))
		fail_msg("%s: \"%s\" should say \"%s\"", answer, why.data, reason);
	feed_rows_clean_up(&rows);
	text_clean_up(&why);
}

/* --- Yahoo ----------------------------------------------------------------------------------- */

#define CHART(times, open, high, low, close, volume)                                             \
	"{\"chart\":{\"result\":[{\"meta\":{\"symbol\":\"BTC-USD\",\"dataGranularity\":\"1m\"}," \
	"\"timestamp\":" times ",\"indicators\":{\"quote\":[{\"open\":" open ",\"high\":" high   \
	",\"low\":" low ",\"close\":" close ",\"volume\":" volume "}]}}],\"error\":null}}"
#define THREE "[1751328000,1751328060,1751328120]"

static void a_null_makes_a_null_bar(void **state)
{
	(void)state;
	struct feed_rows rows = read_good(yahoo_read_chart, &minutes,
					  CHART(THREE, "[107120,null,107130]",
						"[107150,null,107150]", "[107100,null,107110]",
						"[107135.33,null,107140.02]", "[0,null,4096]"));
	assert_int_equal(2, rows.count);
	assert_int_equal(1, rows.null_rows);
	assert_row(&rows.list[0], 1751328000,
		   (const double[]){ 107120, 107150, 107100, 107135.33, 0 });
	assert_row(&rows.list[1], 1751328120,
		   (const double[]){ 107130, 107150, 107110, 107140.02, 4096 });
	feed_rows_clean_up(&rows);
}

static void an_answer_of_yahoo_that_is_none_says_what_it_is(void **state)
{
	(void)state;
	reader yahoo = yahoo_read_chart;
	assert_refused(yahoo, "{\"chart\":null}", "\"chart\"");
	assert_refused(yahoo,
		       "{\"chart\":{\"result\":null,\"error\":{\"code\":\"Not Found\","
		       "\"description\":\"No data found, symbol may be delisted\"}}}",
		       "Yahoo says: No data found");
	assert_refused(yahoo, "{\"chart\":{\"result\":[{\"meta\":{},\"indicators\":{}}]}}",
		       "no \"timestamp\"");
	assert_refused(yahoo, "<h1>busy</h1>", "\"<h1>busy</h1>\"");
	assert_refused(yahoo, "slow down", "slow down");
	assert_refused(yahoo, "", "no JSON");
	assert_refused(yahoo, CHART(THREE, "[1,1,1]", "[1,1,1]", "[1,1,1]", "[1,1]", "[1,1,1]"),
		       "2 cells of \"close\" for 3 times");
	assert_refused(yahoo, CHART("[1]", "[1]", "[1]", "[1]", "[1]", "[1]"), "no epoch time");
	assert_refused(yahoo,
		       CHART(THREE, "[1,true,1]", "[1,1,1]", "[1,1,1]", "[1,1,1]", "[1,1,1]"),
		       "no number");
	assert_refused(yahoo,
		       CHART(THREE, "[1,1e999,1]", "[1,1,1]", "[1,1,1]", "[1,1,1]", "[1,1,1]"),
		       "no number");
	assert_refused(yahoo, CHART(THREE, "1", "[1,1,1]", "[1,1,1]", "[1,1,1]", "[1,1,1]"),
		       "no \"open\" array");
	assert_refused(yahoo,
		       "{\"chart\":{\"result\":[{\"meta\":{\"symbol\":\"ETH-USD\"},"
		       "\"timestamp\":[]}]}}",
		       "\"symbol\" is \"ETH-USD\"");
	assert_refused(yahoo,
		       "{\"chart\":{\"result\":[{\"meta\":{\"dataGranularity\":\"1h\"},"
		       "\"timestamp\":[]}]}}",
		       "asked was \"1m\"");
}

static char *read_recorded(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "tests/data/feeds/%s", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *text = calloc(1, 65536);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static void yahoos_own_answer_is_read(void **state)
{
	(void)state;
	char *answer = read_recorded("yahoo_chart_btcusd_1h.json");
	struct feed_rows rows = read_good(yahoo_read_chart, &hours, answer);
	assert_int_equal(31, rows.count + rows.null_rows);
	assert_int_equal(1711846800, rows.list[0].timestamp_us / 1000000);
	/* The last one goes on still, off the grid. */
	assert_int_equal(1711951860, rows.list[rows.count - 1].timestamp_us / 1000000);
	for (size_t i = 0; i < rows.count; i++) {
		const double *v = rows.list[i].values;
		assert_true(v[2] <= v[0] && v[2] <= v[3] && v[1] >= v[0] && v[1] >= v[3]);
	}
	feed_rows_clean_up(&rows);
	free(answer);
}

/* --- Binance --------------------------------------------------------------------------------- */

static void klines_are_read(void **state)
{
	(void)state;
	char *answer = read_recorded("binance_klines_1h.json");
	struct feed_rows rows = read_good(binance_read_klines, &hours, answer);
	assert_int_equal(1, rows.count);
	assert_row(rows.list, 1710327600,
		   (const double[]){ 73249.24, 73394.3, 73234.62, 73347.62, 0.23592 });
	feed_rows_clean_up(&rows);
	free(answer);
	/* The unit of times changed once: found per value. */
	rows = read_good(binance_read_klines, &minutes,
			 "[[1735603200000,\"1\",\"1\",\"1\",\"1\",\"3.1e-7\",0],"
			 "[1740787200000000,\"1\",\"1\",\"1\",\"1\",\"9.8848768e+07\",0]]");
	assert_row(&rows.list[0], 1735603200, (const double[]){ 1, 1, 1, 1, 3.1e-7 });
	assert_row(&rows.list[1], 1740787200, (const double[]){ 1, 1, 1, 1, 98848768 });
	feed_rows_clean_up(&rows);
	rows = read_good(binance_read_klines, &minutes, "[]");
	assert_int_equal(0, rows.count);
	feed_rows_clean_up(&rows);
}

static void an_answer_of_binance_that_is_none_says_what_it_is(void **state)
{
	(void)state;
	reader binance = binance_read_klines;
	assert_refused(binance, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}", "Invalid symbol.");
	assert_refused(binance, "[[1710327600000,\"1\",\"1\",\"1\",\"1\",\"1\"]]", "row 0");
	static const char *const bad[] = {
		"\"NaN\"", "\"Infinity\"", "\"107.120,55\"", "\"107120,55\"", "\" 1\"", "\"\"",
		"null",    "\"0x1A\"",     "\"1e999\"",      "1e999",         "[]"
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char answer[200];
		snprintf(answer, sizeof(answer),
			 "[[1710327600000,\"1\",\"1\",\"1\",\"1\",\"1\",0],"
			 "[1710327660000,\"1\",%s,\"1\",\"1\",\"1\",0]]",
			 bad[i]);
		assert_refused(binance, answer, "row 1");
	}
	assert_refused(binance, "[[17103276,\"1\",\"1\",\"1\",\"1\",\"1\",0]]", "row 0");
}

/* --- Coinbase -------------------------------------------------------------------------------- */

static void the_ticker_is_a_trade_between_ask_and_bid(void **state)
{
	(void)state;
	char *answer = read_recorded("coinbase_ticker.json");
	struct feed_rows rows = read_good(coinbase_read_ticker, &minutes, answer);
	assert_int_equal(1, rows.count);
	assert_int_equal(18502105, rows.list[0].number);
	assert_int_equal(1710328241270099, rows.list[0].timestamp_us);
	assert_true(fabs(rows.list[0].values[0] - 73369.19) < 1e-9);
	assert_true(fabs(rows.list[0].values[1] - 73360.34) < 1e-9);
	assert_true(fabs(rows.list[0].values[2] - 0.00730812) < 1e-12);
	feed_rows_clean_up(&rows);
	free(answer);
	reader ticker = coinbase_read_ticker;
	assert_refused(ticker, "{\"message\":\"NotFound\"}", "no number \"ask\"");
	assert_refused(ticker, "[]", "no number \"ask\"");
	assert_refused(ticker, "{\"ask\":\"1\",\"bid\":\"1\",\"size\":\"1\",\"trade_id\":1}",
		       "time");
	assert_refused(ticker,
		       "{\"ask\":\"1\",\"bid\":\"1\",\"size\":\"1\",\"trade_id\":1e300,"
		       "\"time\":\"2024-03-13T11:10:41Z\"}",
		       "trade_id");
}

/* Time, low, high, open, close, volume; read in the usual order no bar would ever fall. */
static void candles_have_an_order_of_their_own(void **state)
{
	(void)state;
	struct feed_rows rows = read_good(coinbase_read_candles, &minutes,
					  "[[1751328060,107010.5,107090,107050,107020.25,0.84],"
					  "[1751328000,107000,107060,107005.5,107050,1.2]]");
	assert_int_equal(2, rows.count);
	assert_row(&rows.list[0], 1751328060,
		   (const double[]){ 107050, 107090, 107010.5, 107020.25, 0.84 });
	assert_row(&rows.list[1], 1751328000,
		   (const double[]){ 107005.5, 107060, 107000, 107050, 1.2 });
	feed_rows_clean_up(&rows);
	char *answer = read_recorded("coinbase_candles_1h.json");
	rows = read_good(coinbase_read_candles, &hours, answer);
	assert_row(rows.list, 1710327600,
		   (const double[]){ 73243.33, 73402.47, 73241.5, 73370.65, 1.56794406 });
	feed_rows_clean_up(&rows);
	free(answer);
	assert_refused(coinbase_read_candles, "{\"message\":\"granularity too small\"}",
		       "granularity too small");
}

/* --- all ------------------------------------------------------------------------------------- */

static void an_answer_has_bounds(void **state)
{
	(void)state;
	struct text deep, wide;
	text_init(&deep, 1 << 20);
	text_init(&wide, 1 << 22);
	for (int i = 0; i < 60000; i++)
		text_putc(&deep, '[');
	assert_refused(binance_read_klines, deep.data, "no JSON");
	for (int i = 0; i <= FEED_MAX_ROWS; i++)
		text_puts(&wide, i == 0 ? "[1" : ",1");
	text_putc(&wide, ']');
	assert_refused(binance_read_klines, wide.data, "rows, more than 20000");
	text_clean_up(&deep);
	text_clean_up(&wide);
}

static void intervals_have_names(void **state)
{
	(void)state;
	assert_int_equal(60, feed_interval_s("1m"));
	assert_int_equal(86400, feed_interval_s("1d"));
	assert_int_equal(0, feed_interval_s("2m"));
	assert_string_equal("15m", feed_interval_name(900));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_null_makes_a_null_bar),
		cmocka_unit_test(an_answer_of_yahoo_that_is_none_says_what_it_is),
		cmocka_unit_test(yahoos_own_answer_is_read),
		cmocka_unit_test(klines_are_read),
		cmocka_unit_test(an_answer_of_binance_that_is_none_says_what_it_is),
		cmocka_unit_test(the_ticker_is_a_trade_between_ask_and_bid),
		cmocka_unit_test(candles_have_an_order_of_their_own),
		cmocka_unit_test(an_answer_has_bounds),
		cmocka_unit_test(intervals_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
