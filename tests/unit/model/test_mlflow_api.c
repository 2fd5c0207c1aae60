/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "GET", "/ping", mlflow_ping, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/invocations", mlflow_invocations, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}/ping", mlflow_ping, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models/{m}/invocations", mlflow_invocations, HTTP_SCOPE_NONE, 0 },
};

#define PATH  "POST /invocations"
#define SPLIT "\"dataframe_split\":{\"columns\":[\"open\"],\"data\":[[100],[7]]}"

static int set_up(void **state)
{
	*state = model_testing_new(routes, sizeof routes / sizeof *routes);
	return 0;
}

static int tear_down(void **state)
{
	model_testing_destroy(*state);
	return 0;
}

static void predictions_are_plain_numbers(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, "{" SPLIT "}"), 200);
	assert_string_equal(http_answer_body(t->http),
			    "{\"predictions\":[101,8],\"model\":\"streamlit\",\"version\":3}");
	assert_int_equal(http_ask(t->http, PATH, "Content-Type: text/csv\r\n", "open\n100\n7\n"),
			 200);
	assert_true(http_answer_has(t->http, "\"predictions\":[101,8]"));
	assert_int_equal(http_ask(t->http, "POST /v1/models/streamlit/invocations", JSON,
				  "{" SPLIT ",\"params\":{}}"),
			 200);
	assert_true(metric_value(t->app.predict_rows) == 6);
}

static void a_level_gives_intervals(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, "{" SPLIT ",\"params\":{\"level\":0.5}}"),
			 200);
	assert_true(http_answer_has(t->http, "{\"predictions\":[{\"prediction\":101,\"low\":"));
	assert_true(http_answer_has(t->http, "\"interval_kind\":\"plain\",\"interval_factor\":1,"
					     "\"extrapolated\":false}"));
	static const char *const bad[] = {
		"7",          "[]", "{\"level\":1}", "{\"level\":\"x\"}", "{\"level\":0.5,\"x\":1}",
		"{\"x\":0.5}"
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char body[200];
		snprintf(body, sizeof body, "{" SPLIT ",\"params\":%s}", bad[i]);
		assert_int_equal(http_ask(t->http, PATH, JSON, body), 400);
		assert_true(http_answer_is_problem(t->http, "bad-parameter"));
	}
}

static void refusals_have_mlflows_members(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, "{\"dataframe_records\":[{}]}"), 400);
	assert_true(http_answer_is_problem(t->http, "missing-feature"));
	assert_true(http_answer_has(t->http, "\"error_code\":\"BAD_REQUEST\""));
	assert_true(
		http_answer_has(t->http, "\"message\":\"row 0: feature \\\"open\\\" is missing\""));
	assert_true(http_answer_has(t->http, "\"row\":0"));
	assert_int_equal(http_ask(t->http, PATH, JSON, "{" SPLIT ",\"signature_name\":\"x\"}"),
			 400);
	assert_true(http_answer_is_problem(t->http, "unknown-member"));
	assert_int_equal(http_ask(t->http, PATH, "Content-Type: text/html\r\n", "x"), 415);
	t->app.settings.rows_limit = 1;
	assert_int_equal(http_ask(t->http, PATH, JSON, "{" SPLIT "}"), 413);
	t->app.settings.rows_limit = 10000;
}

static void ping_tells_whether_there_is_a_version(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /ping", "", ""), 200);
	assert_string_equal(http_answer_body(t->http), "\n");
	assert_int_equal(http_ask(t->http, "GET /v1/models/ia/ping", "", ""), 404);
	assert_true(http_answer_is_problem(t->http, "no-version"));
	assert_int_equal(http_ask(t->http, "GET /v1/models/none/ping", "", ""), 404);
	assert_int_equal(http_ask(t->http, "POST /v1/models/ia/invocations", JSON, "{" SPLIT "}"),
			 503);
	char other[] = "none", *model = t->app.settings.invocations_model;
	t->app.settings.invocations_model = other;
	assert_int_equal(http_ask(t->http, "GET /ping", "", ""), 404);
	t->app.settings.invocations_model = model;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(predictions_are_plain_numbers),
		cmocka_unit_test(a_level_gives_intervals),
		cmocka_unit_test(refusals_have_mlflows_members),
		cmocka_unit_test(ping_tells_whether_there_is_a_version),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
