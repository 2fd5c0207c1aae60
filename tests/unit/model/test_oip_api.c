/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

#define NONE HTTP_SCOPE_NONE

static const struct http_route routes[] = {
	{ "GET", "/v2", oip_server, NONE, 0 },
	{ "GET", "/v2/health/live", oip_live, NONE, 0 },
	{ "GET", "/v2/health/ready", oip_ready, NONE, 0 },
	{ "GET", "/v2/models/{m}", oip_model, NONE, 0 },
	{ "GET", "/v2/models/{m}/ready", oip_model_ready, NONE, 0 },
	{ "POST", "/v2/models/{m}/infer", oip_infer, NONE, 0 },
	{ "GET", "/v2/models/{m}/versions/{v}", oip_model, NONE, 0 },
	{ "POST", "/v2/models/{m}/versions/{v}/infer", oip_infer, NONE, 0 },
};

#define PATH "POST /v2/models/streamlit/infer"
#define OPEN(shape, data)                                                                          \
	"{\"inputs\":[{\"name\":\"open\",\"datatype\":\"FP64\",\"shape\":" shape ",\"data\":" data \
	"}]}"

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

/* Row `row` of an output of the last answer. */
static double value(struct model_testing *t, const char *name, int row)
{
	double found = NAN;
	const cJSON *output;
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	cJSON_ArrayForEach(output, cJSON_GetObjectItem(json, "outputs"))
	{
		if (strcmp(cJSON_GetObjectItem(output, "name")->valuestring, name) == 0)
			found = cJSON_GetArrayItem(cJSON_GetObjectItem(output, "data"), row)
					->valuedouble;
	}
	cJSON_Delete(json);
	return found;
}

static bool is(double found, double expected)
{
	return fabs(found - expected) < 1e-9;
}

static void rows_give_their_predictions(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, PATH, JSON, OPEN("[2]", "[100,7]")), 200);
	assert_true(is(value(t, "prediction", 0), 101) && is(value(t, "prediction", 1), 8));
	assert_true(value(t, "low", 0) < 101 && value(t, "high", 0) > 101);
	assert_true(http_answer_has(t->http, "\"model_version\":\"3\""));
	assert_true(http_answer_has(t->http, "\"parameters\":{\"interval_kind\":\"plain\","
					     "\"interval_factor\":1},"));
	assert_false(http_answer_has(t->http, "\"id\""));
	assert_int_equal(http_ask(t->http, PATH, JSON, OPEN("[2,1]", "[[100],[7]]")), 200);
	assert_true(is(value(t, "prediction", 1), 8));
	assert_int_equal(http_ask(t->http, PATH, JSON, OPEN("[0]", "[]")), 200);
	assert_true(http_answer_has(t->http, "\"shape\":[0],\"data\":[]"));
	assert_false(http_answer_has(t->http, "parameters"));
	assert_true(metric_value(t->app.predict_rows) == 4);
}

static void a_request_names_itself_and_its_outputs(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(
		http_ask(t->http, PATH, JSON,
			 "{\"id\":\"a\\\"b\",\"outputs\":[{\"name\":\"high\"}],\"inputs\":["
			 "{\"name\":\"volume\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[5]},"
			 "{\"name\":\"open\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}"),
		200);
	assert_true(http_answer_has(t->http, "\"id\":\"a\\\"b\""));
	assert_true(value(t, "high", 0) > 2);
	assert_true(isnan(value(t, "prediction", 0)));
}

static void a_level_may_be_asked_for(void **state)
{
	struct model_testing *t = *state;
	static const char ask[] = "{\"parameters\":{\"level\":%s},\"inputs\":[{\"name\":\"open\","
				  "\"datatype\":\"FP64\",\"shape\":[1],\"data\":[100]}]}";
	char body[300];
	double half[2];
	static const char *const levels[] = { "0.95", "0.5" };
	for (int i = 0; i < 2; i++) {
		snprintf(body, sizeof body, ask, levels[i]);
		assert_int_equal(http_ask(t->http, PATH, JSON, body), 200);
		half[i] = value(t, "high", 0) - value(t, "prediction", 0);
	}
	assert_true(half[1] > 0 && half[1] < half[0] / 2);
	static const char *const bad[] = { "0", "1", "\"0.5\"", "null" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(body, sizeof body, ask, bad[i]);
		assert_int_equal(http_ask(t->http, PATH, JSON, body), 400);
		assert_true(http_answer_is_problem(t->http, "bad-parameter"));
	}
}

static void refusals(void **state)
{
	struct model_testing *t = *state;
	static const struct {
		const char *body, *slug, *part;
	} cases[] = {
		{ "[]", "wrong-type", "must be an object" },
		{ "{}", "no-inputs", "inputs must be an array" },
		{ "{\"inputs\":[]}", "no-inputs", "inputs must be an array" },
		{ "{\"id\":7}", "wrong-type", "id must be a string" },
		{ "{\"parameters\":7}", "wrong-type", "parameters must be an object" },
		{ "{\"outputs\":{},\"inputs\":[{\"name\":\"open\",\"datatype\":\"FP64\","
		  "\"shape\":[1],\"data\":[1]}]}",
		  "wrong-type", "outputs must be an array" },
		{ "{\"inputs\":[7]}", "unknown-feature", "input \\\"\\\" is unknown" },
		{ "{\"inputs\":[{\"name\":\"foo\"}]}", "unknown-feature", "\\\"foo\\\"" },
		{ "{\"inputs\":[{\"name\":\"open\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":["
		  "\"x\"]}]}",
		  "wrong-type", "\\\"BYTES\\\"" },
		{ OPEN("[1,2]", "[1,2]"), "bad-shape", "must be [rows] or [rows,1]" },
		{ OPEN("[]", "[1]"), "bad-shape", "must be [rows] or [rows,1]" },
		{ OPEN("7", "[1]"), "bad-shape", "must be [rows] or [rows,1]" },
		{ OPEN("[1.5]", "[1]"), "bad-shape", "must be [rows] or [rows,1]" },
		{ OPEN("[-1]", "[1]"), "bad-shape", "must be [rows] or [rows,1]" },
		{ OPEN("[2]", "[1]"), "bad-shape", "as many values" },
		{ OPEN("[1]", "7"), "bad-shape", "as many values" },
		{ OPEN("[2]", "[1,\"2\"]"), "wrong-type", "row 1 of input \\\"open\\\"" },
		{ OPEN("[1]", "[[1,2]]"), "wrong-type", "row 0 of input \\\"open\\\"" },
		{ "{\"inputs\":[{\"name\":\"volume\",\"datatype\":\"FP64\",\"shape\":[1],"
		  "\"data\":[1]}]}",
		  "missing-feature", "input \\\"open\\\" is missing" },
		{ "{\"inputs\":[{\"name\":\"open\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]"
		  "},{\"name\":\"volume\",\"datatype\":\"FP64\",\"shape\":[2],\"data\":[1,2]}]}",
		  "bad-shape", "has 2 rows, and the one before it 1" },
		{ "{\"inputs\":[{\"name\":\"open\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]"
		  "},{\"name\":\"open\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]}",
		  "repeated-input", "given twice" },
		{ "{\"outputs\":[{\"name\":\"close\"}],\"inputs\":[{\"name\":\"open\",\"datatype\":"
		  "\"FP64\",\"shape\":[1],\"data\":[1]}]}",
		  "unknown-output", "\\\"close\\\"" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (http_ask(t->http, PATH, JSON, cases[i].body) != 400 ||
		    !http_answer_is_problem(t->http, cases[i].slug) ||
		    !http_answer_has(t->http, cases[i].part) ||
		    !http_answer_has(t->http, "\"error\":\""))
			fail_msg("%s: %s", cases[i].body, http_answer_body(t->http));
	}
	t->app.settings.rows_limit = 1;
	assert_int_equal(http_ask(t->http, PATH, JSON, OPEN("[2]", "[1,2]")), 413);
	t->app.settings.rows_limit = 10000;
}

/* The JSON says that its tensor comes in binary form; `values` follow it. */
static int ask_binary(struct model_testing *t, const char *json, const char *length,
		      const void *values, size_t size)
{
	char request[2048], announced[24];
	snprintf(announced, sizeof announced, "%zu", strlen(json));
	int head =
		snprintf(request, sizeof request,
			 PATH " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n"
			      "Inference-Header-Content-Length: %s\r\n\r\n%s",
			 strlen(json) + size, length ? length : announced, json);
	assert_true(head > 0 && (size_t)head + size < sizeof request);
	memcpy(request + head, values, size);
	return http_ask_raw(t->http, request, (size_t)head + size);
}

#define BINARY(shape, more)                                                      \
	"{\"inputs\":[{\"name\":\"open\",\"datatype\":\"FP64\",\"shape\":" shape \
	",\"parameters\":{\"binary_data_size\":16}" more "}]}"

static void tensors_may_be_binary(void **state)
{
	struct model_testing *t = *state;
	const double rows[] = { 100, 7 }, broken[] = { 100, NAN };
	static const char mixed[] =
		"{\"inputs\":[{\"name\":\"volume\",\"datatype\":\"INT8\",\"shape\":[2],\"data\":[1,"
		"2]},"
		"{\"name\":\"open\",\"datatype\":\"FP64\",\"shape\":[2,1],\"parameters\":{"
		"\"binary_data_size\":16}}]}";
	assert_int_equal(ask_binary(t, BINARY("[2]", ""), NULL, rows, sizeof rows), 200);
	assert_true(is(value(t, "prediction", 0), 101) && is(value(t, "prediction", 1), 8));
	assert_int_equal(ask_binary(t, mixed, NULL, rows, sizeof rows), 200);
	assert_true(is(value(t, "prediction", 1), 8));
	assert_int_equal(ask_binary(t, OPEN("[1]", "[100]"), NULL, "", 0), 200);
	static const struct {
		const char *json, *length;
		size_t size;
		const char *slug, *part;
	} cases[] = {
		{ BINARY("[2]", ""), NULL, 15, "bad-shape", "only 15 are left" },
		{ BINARY("[1]", ""), NULL, 16, "bad-shape", "a binary_data_size of 8" },
		{ BINARY("[2]", ",\"data\":[1,2]"), NULL, 16, "bad-shape", "and no data" },
		{ OPEN("[1]", "[100]"), NULL, 8, "bad-shape",
		  "8 bytes behind the JSON belong to no" },
		{ BINARY("[2]", ""), "10000", 16, "bad-header", "\\\"10000\\\"" },
		{ BINARY("[2]", ""), "-1", 16, "bad-header", "must be the length of the JSON" },
		{ BINARY("[2]", ""), "7", 16, "bad-json", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (ask_binary(t, cases[i].json, cases[i].length, rows, cases[i].size) != 400 ||
		    !http_answer_is_problem(t->http, cases[i].slug) ||
		    !http_answer_has(t->http, cases[i].part))
			fail_msg("case %zu: %s", i, http_answer_body(t->http));
	}
	assert_int_equal(ask_binary(t, BINARY("[2]", ""), NULL, broken, sizeof broken), 400);
	assert_true(http_answer_has(t->http, "row 1 of input \\\"open\\\" must be a finite"));
	assert_int_equal(ask_binary(t, BINARY("[2]", ""), "", rows, sizeof rows), 400);
}

static void versions_are_addressed(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "POST /v2/models/streamlit/versions/3/infer", JSON,
				  OPEN("[1]", "[1]")),
			 200);
	assert_int_equal(http_ask(t->http, "POST /v2/models/streamlit/versions/4/infer", JSON,
				  OPEN("[1]", "[1]")),
			 404);
	assert_true(http_answer_is_problem(t->http, "no-such-version"));
	assert_int_equal(http_ask(t->http, "GET /v2/models/streamlit/versions/x", "", ""), 404);
	assert_int_equal(http_ask(t->http, "POST /v2/models/none/infer", JSON, "{}"), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-model"));
	assert_int_equal(http_ask(t->http, "POST /v2/models/ia/infer", JSON, "{}"), 503);
	assert_true(http_answer_has(t->http, "Retry-After: "));
}

static void the_server_and_its_models_tell_what_they_are(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v2", "", ""), 200);
	assert_true(http_answer_has(t->http, "\"name\":\"tickline-model\""));
	assert_int_equal(http_ask(t->http, "GET /v2/health/live", "", ""), 200);
	assert_true(http_answer_has(t->http, "{\"live\":true}"));
	assert_int_equal(http_ask(t->http, "GET /v2/health/ready", "", ""), 200);
	assert_int_equal(http_ask(t->http, "GET /v2/models/streamlit/ready", "", ""), 200);
	assert_true(http_answer_has(t->http, "\"ready\":true"));
	assert_int_equal(http_ask(t->http, "GET /v2/models/ia/ready", "", ""), 503);
	assert_int_equal(http_ask(t->http, "GET /v2/models/streamlit", "", ""), 200);
	assert_true(http_answer_has(t->http, "\"versions\":[\"3\"]"));
	assert_true(http_answer_has(t->http,
				    "{\"name\":\"return\",\"datatype\":\"FP64\",\"shape\":[-1]}"));
	assert_true(http_answer_has(
		t->http, "{\"name\":\"prediction\",\"datatype\":\"FP64\",\"shape\":[-1]}"));
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MODEL(rows_give_their_predictions),
		WITH_MODEL(a_request_names_itself_and_its_outputs),
		WITH_MODEL(a_level_may_be_asked_for),
		WITH_MODEL(refusals),
		WITH_MODEL(tensors_may_be_binary),
		WITH_MODEL(versions_are_addressed),
		WITH_MODEL(the_server_and_its_models_tell_what_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
