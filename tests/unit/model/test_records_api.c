/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "GET", "/v1/records/{kind}", records_list, HTTP_SCOPE_NONE, 0 },
};

static int set_up(void **state)
{
	struct model_testing *t = model_testing_new(routes, 1);
	for (int minute = 0; minute < 10; minute++)
		bar_take(t, minute, 100 + minute, 100.5 + minute);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	model_testing_destroy(*state);
	return 0;
}

/* Minutes of the records in the last answer, as "0 1 2". */
static const char *minutes(struct model_testing *t)
{
	static char out[128];
	struct text text;
	text_init_fixed(&text, out, sizeof out);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	const cJSON *record;
	cJSON_ArrayForEach(record, cJSON_GetObjectItem(json, "records"))
	{
		int64_t us;
		const char *time = cJSON_GetObjectItem(record, "timestamp")->valuestring;
		assert_int_equal(timestamp_read(time, strlen(time), &us), ERROR_OK);
		text_putf(&text, "%s%d", text.length > 0 ? " " : "",
			  (int)((us - START_US) / MINUTE_US));
	}
	cJSON_Delete(json);
	return out;
}

static void whole_records(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/records/bars?limit=1", "", NULL), 200);
	assert_string_equal(
		http_answer_body(t->http),
		"{\"kind\":\"bars\",\"held\":10,"
		"\"oldest\":\"2025-07-01T00:00:00.000000Z\","
		"\"newest\":\"2025-07-01T00:09:00.000000Z\",\"more\":true,\"records\":["
		"{\"timestamp\":\"2025-07-01T00:09:00.000000Z\",\"open\":109,\"high\":109,"
		"\"low\":109,\"close\":109.5,\"volume\":109}]}");
	assert_int_equal(http_ask(t->http, "GET /v1/records/ticks", "", NULL), 200);
	assert_string_equal(http_answer_body(t->http),
			    "{\"kind\":\"ticks\",\"held\":0,\"oldest\":null,\"newest\":null,"
			    "\"more\":false,\"records\":[]}");
}

static void since_limit_and_every(void **state)
{
	struct model_testing *t = *state;
	static const struct {
		const char *query, *minutes;
	} cases[] = {
		{ "", "0 1 2 3 4 5 6 7 8 9" },
		{ "?limit=3", "7 8 9" },
		{ "?since=2025-07-01T00:03:00Z", "4 5 6 7 8 9" },
		{ "?since=2025-07-01T00:03:00Z&limit=2", "4 5" },
		{ "?since=1751328180", "4 5 6 7 8 9" },
		{ "?every=300", "4 9" },
		{ "?every=240&since=2025-07-01T00:03:00Z", "7 9" },
		{ "?since=2030-01-01T00:00:00Z", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[128];
		snprintf(line, sizeof line, "GET /v1/records/bars%s", cases[i].query);
		assert_int_equal(http_ask(t->http, line, "", NULL), 200);
		assert_string_equal(minutes(t), cases[i].minutes);
	}
}

/* The candle of the longer step, not one bar of many. */
static void bars_are_folded(void **state)
{
	struct model_testing *t = *state;
	for (int minute = 10; minute < 14; minute++)
		bar_take(t, minute, minute == 11 ? 300 : 100, minute == 12 ? 7 : 50);
	assert_int_equal(http_ask(t->http,
				  "GET /v1/records/bars?every=300&since=2025-07-01T00:11:00Z", "",
				  NULL),
			 200);
	assert_true(http_answer_has(t->http,
				    "\"records\":[{\"timestamp\":\"2025-07-01T00:13:00.000000Z\","
				    "\"open\":100,\"high\":300,\"low\":100,\"close\":50,"
				    "\"volume\":600}]}"));
}

static void refusals(void **state)
{
	struct model_testing *t = *state;
	static const char *const bad[] = { "limit=0",  "limit=10001", "limit=",
					   "every=-1", "every=86401", "since=x" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char line[128];
		snprintf(line, sizeof line, "GET /v1/records/bars?%s", bad[i]);
		assert_int_equal(http_ask(t->http, line, "", NULL), 400);
		assert_true(http_answer_is_problem(t->http, "bad-parameter"));
	}
	assert_int_equal(http_ask(t->http, "GET /v1/records/trades", "", NULL), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-records"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_records),
		cmocka_unit_test(since_limit_and_every),
		cmocka_unit_test(bars_are_folded),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
