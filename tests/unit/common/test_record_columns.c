/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

static enum error bind(enum record_kind kind, const char *line, struct record_columns *columns,
		       struct record_fault *fault)
{
	memset(fault, 0, sizeof *fault);
	return record_columns_bind(record_table(kind), line, strlen(line), columns, fault);
}

static void assert_order(const struct record_columns *columns, const int *fields, size_t count)
{
	assert_int_equal(columns->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(columns->field_of[i], fields[i]);
}

static void binds_by_name(void **state)
{
	(void)state;
	struct record_columns columns;
	struct record_fault fault;
	assert_int_equal(bind(RECORD_BAR, "timestamp,open,high,low,close,volume", &columns, &fault),
			 ERROR_OK);
	assert_order(&columns, (int[]){ 0, 1, 2, 3, 4, 5 }, 6);
	assert_int_equal(bind(RECORD_BAR,
			      "\xef\xbb\xbfOpen time,Volume,\"CLOSE\",low,High,Adj Close,"
			      "open,symbol\r",
			      &columns, &fault),
			 ERROR_OK);
	assert_order(&columns, (int[]){ 0, 5, 4, 3, 2, -1, 1, -2 }, 8);
	assert_int_equal(
		bind(RECORD_TICK, "Date,buy_price,sell_price,volume,volatility", &columns, &fault),
		ERROR_OK);
	assert_order(&columns, (int[]){ 0, 1, 2, 3, 4 }, 5);
}

static void headers_of_binance_and_yahoo(void **state)
{
	(void)state;
	struct record_columns columns;
	struct record_fault fault;
	assert_int_equal(bind(RECORD_BAR,
			      "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
			      "taker_buy_volume,taker_buy_quote_volume,ignore",
			      &columns, &fault),
			 ERROR_OK);
	assert_order(&columns, (int[]){ 0, 1, 2, 3, 4, 5, -1, -1, -1, -1, -1, -1 }, 12);
	assert_int_equal(bind(RECORD_BAR, "Price,Close,High,Low,Open,Volume", &columns, &fault),
			 ERROR_OK);
	assert_order(&columns, (int[]){ 0, 4, 2, 3, 1, 5 }, 6);
	assert_true(record_columns_continue("Ticker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD", 46));
	assert_true(record_columns_continue("Datetime,,,,,", 13));
	assert_false(record_columns_continue("Datetime,1,,,,", 14));
	assert_false(record_columns_continue("2025-07-01 00:00:00+00:00,1,2,3,4,5", 35));
	assert_false(record_columns_continue("", 0));

	struct record record;
	const char *line = "2025-07-01 00:00:00+00:00,107135.33,107150,107100,107120,8192";
	assert_int_equal(record_read_csv(&columns, &strict, line, strlen(line), &record, &fault),
			 ERROR_OK);
	assert_true(record.values[1] == 107120 && record.values[4] == 107135.33);
}

static void refuses_unknown_headers(void **state)
{
	(void)state;
	static const struct {
		const char *line, *field, *reason;
	} cases[] = {
		{ "timestamp,open,high,low,close,volume,vwap", "vwap",
		  "is no column of a bar file" },
		{ "timestamp,open,high,low,close", "volume", "volume has no column in the header" },
		{ "time,date,open,high,low,close,volume", "date", "is there already" },
		{ "timestamp,open,open,low,close,volume", "open", "is there already" },
		{ "timestamp,open,high,low,close,volume,", "", "is no column" },
		{ "timestamp,open,high,low,close,\"volume", "", "a quote that is not closed" },
		{ "", "", "is no column" },
	};
	struct record_columns columns;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(bind(RECORD_BAR, cases[i].line, &columns, &fault), ERROR_INVALID);
		assert_string_equal(fault.code, "bad-csv");
		assert_string_equal(fault.field, cases[i].field);
		assert_non_null(strstr(fault.reason, cases[i].reason));
	}
	assert_int_equal(
		bind(RECORD_TICK, "price,buy_price,sell_price,volume,volatility", &columns, &fault),
		ERROR_INVALID);
	char wide[1024] = "timestamp,open,high,low,close,volume";
	for (int i = 0; i < 59; i++)
		strcat(wide, ",ignore");
	assert_int_equal(bind(RECORD_BAR, wide, &columns, &fault), ERROR_INVALID);
	assert_string_equal(fault.reason, "the header has more than 64 columns");
}

static void tells_headers_from_data(void **state)
{
	(void)state;
	static const struct {
		enum record_kind kind;
		const char *line;
		enum error error;
		bool header;
		size_t count;
	} cases[] = {
		{ RECORD_TICK, "2026-11-25T01:00:00Z,1,2,3,4,5,6,7", ERROR_OK, false, 8 },
		{ RECORD_TICK, "2026-11-25T01:00:00Z,1,2,3,4", ERROR_OK, false, 5 },
		{ RECORD_TICK, "2026-11-25T01:00:00Z,1,2,3,4,5", ERROR_INVALID, false, 0 },
		{ RECORD_TICK, "timestamp,buy_price,sell_price,volume,volatility", ERROR_OK, true,
		  5 },
		{ RECORD_BAR, "1735603200000,1,2,1,2,0,1735603259999,0,0,0,0,0", ERROR_OK, false,
		  12 },
		{ RECORD_BAR, "\xef\xbb\xbf\"1735603200000\",1,2,1,2,0\r", ERROR_OK, false, 6 },
		{ RECORD_BAR, "open_time,open,high,low,close,volume", ERROR_OK, true, 6 },
		{ RECORD_BAR, "a,b", ERROR_INVALID, true, 0 },
		{ RECORD_BAR, "", ERROR_INVALID, true, 0 },
	};
	struct record_columns columns;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool header;
		assert_int_equal(record_columns_detect(record_table(cases[i].kind), cases[i].line,
						       strlen(cases[i].line), &columns, &header,
						       &fault),
				 cases[i].error);
		assert_int_equal(header, cases[i].header);
		if (cases[i].error == ERROR_OK)
			assert_int_equal(columns.count, cases[i].count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_by_name),
		cmocka_unit_test(headers_of_binance_and_yahoo),
		cmocka_unit_test(refuses_unknown_headers),
		cmocka_unit_test(tells_headers_from_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
