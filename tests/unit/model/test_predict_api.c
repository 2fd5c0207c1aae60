/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "POST", "/v1/models/{m}/predict", predict_handle, HTTP_SCOPE_NONE, 0 },
};

#define PATH "POST /v1/models/streamlit/predict"
#define ROW  "{\"open\":100,\"high\":101,\"low\":99,\"volume\":5,\"return\":0.001}"

static int set_up(void **state)
{
	*state = model_testing_new(routes, 1);
	return 0;
}

static int tear_down(void **state)
{
	model_testing_destroy(*state);
	return 0;
}

static void one_row(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, ROW), 200);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	assert_true(cJSON_GetObjectItem(json, "prediction")->valuedouble == 101);
	const cJSON *interval = cJSON_GetObjectItem(json, "interval");
	assert_true(cJSON_GetArrayItem(interval, 0)->valuedouble < 101);
	assert_true(cJSON_GetArrayItem(interval, 1)->valuedouble > 101);
	assert_true(cJSON_GetObjectItem(json, "level")->valuedouble == 0.95);
	assert_int_equal(cJSON_GetObjectItem(json, "version")->valueint, 3);
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "extrapolated")));
	cJSON_Delete(json);
	assert_true(metric_value(t->app.predict_rows) == 1);
}

static void unused_features_may_be_left_out(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, "{\"open\":100}"), 200);
	assert_int_equal(http_ask(t->http, PATH, JSON, "{\"open\":5000}"), 200);
	assert_true(http_answer_has(t->http, "\"extrapolated\":true"));
}

static void many_rows(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, "[]"), 200);
	assert_string_equal(http_answer_body(t->http), "[]");
	assert_int_equal(http_ask(t->http, PATH, JSON, "[{\"open\":1},{\"open\":2}]"), 200);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	assert_int_equal(cJSON_GetArraySize(json), 2);
	assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(json, 1), "prediction")->valuedouble ==
		    3);
	cJSON_Delete(json);
	t->app.settings.rows_limit = 2;
	assert_int_equal(http_ask(t->http, PATH, JSON, "[{\"open\":1},{\"open\":2}]"), 200);
	assert_int_equal(http_ask(t->http, PATH, JSON, "[{},{},{}]"), 413);
	assert_true(http_answer_is_problem(t->http, "too-many-rows"));
	t->app.settings.rows_limit = 10000;
}

static void refusals(void **state)
{
	struct model_testing *t = *state;
	static const struct {
		const char *body, *slug, *part;
	} cases[] = {
		{ "{}", "missing-feature", "\"feature\":\"open\"" },
		{ "{\"open\":null}", "wrong-type", "not null" },
		{ "{\"open\":\"12\"}", "wrong-type", "not a string" },
		{ "{\"open\":true}", "wrong-type", "not a boolean" },
		{ "{\"open\":[1]}", "wrong-type", "not an array" },
		{ "{\"open\":{}}", "wrong-type", "not an object" },
		{ "{\"open\":1,\"foo\":2}", "unknown-feature", "\"feature\":\"foo\"" },
		{ "[{\"open\":1},{\"open\":null}]", "wrong-type", "\"row\":1" },
		{ "[{\"open\":1},7]", "wrong-type", "row 1: a row must be an object" },
		{ "7", "wrong-type", "a row must be an object" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(http_ask(t->http, PATH, JSON, cases[i].body), 400);
		assert_true(http_answer_is_problem(t->http, cases[i].slug));
		assert_true(http_answer_has(t->http, cases[i].part));
	}
	assert_int_equal(http_ask(t->http, PATH, JSON, "{\"open\":1.7e308}"), 200);
	assert_false(http_answer_has(t->http, "inf"));
}

static void levels(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH "?level=0.5", JSON, ROW), 200);
	assert_true(http_answer_has(t->http, "\"level\":0.5,"));
	static const char *const bad[] = { "0", "1", "-0.5", "x", "nan", "" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char line[128];
		snprintf(line, sizeof line, PATH "?level=%s", bad[i]);
		assert_int_equal(http_ask(t->http, line, JSON, ROW), 400);
		assert_true(http_answer_is_problem(t->http, "bad-parameter"));
	}
}

static void csv_in_and_out(void **state)
{
	struct model_testing *t = *state;
	static const char csv[] = "Content-Type: text/csv\r\n";
	assert_int_equal(http_ask(t->http, PATH, csv, "volume,open\n5,100\n,7\n"), 200);
	assert_true(http_answer_has(t->http, "[{\"prediction\":101,"));
	assert_true(http_answer_has(t->http, ",{\"prediction\":8,"));
	assert_int_equal(http_ask(t->http, PATH "?level=0.5",
				  "Content-Type: text/csv\r\nAccept: text/csv\r\n",
				  "open\n100\n5000\n"),
			 200);
	const char *body = http_answer_body(t->http);
	static const char head[] =
		"prediction,low,high,level,interval_kind,version,extrapolated,interval_factor\n"
		"101,";
	assert_memory_equal(body, head, sizeof head - 1);
	assert_true(http_answer_has(t->http, ",0.5,plain,3,false,1\n5001,"));
	assert_true(http_answer_has(t->http, ",0.5,plain,3,true,1\n"));
	assert_true(http_answer_has(t->http, "Content-Type: text/csv"));
	assert_int_equal(http_ask(t->http, PATH, JSON "Accept: text/csv, */*;q=0.1\r\n", ROW), 200);
	assert_memory_equal(http_answer_body(t->http), head, sizeof head - 1);
	assert_int_equal(http_ask(t->http, PATH, JSON "Accept: text/html\r\n", ROW), 406);
	assert_true(http_answer_is_problem(t->http, "not-acceptable"));
	assert_int_equal(http_ask(t->http, PATH, csv, "open\n1\nx\n"), 400);
	assert_true(http_answer_is_problem(t->http, "wrong-type"));
	assert_true(http_answer_has(t->http, "\"row\":1,\"feature\":\"open\""));
}

static void no_version_and_no_model(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "POST /v1/models/ia/predict", JSON, "{}"), 503);
	assert_true(http_answer_is_problem(t->http, "no-version"));
	assert_true(http_answer_has(t->http, "Retry-After: "));
	assert_int_equal(http_ask(t->http, "POST /v1/models/x/predict", JSON, "{}"), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-model"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_row),
		cmocka_unit_test(unused_features_may_be_left_out),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(refusals),
		cmocka_unit_test(levels),
		cmocka_unit_test(csv_in_and_out),
		cmocka_unit_test(no_version_and_no_model),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
