/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

#include <unistd.h>

static const struct http_route routes[] = {
	{ "GET", "/v1/predictions", predictions_list, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}/live", predictions_live, HTTP_SCOPE_NONE, 0 },
};

static int set_up_early(void **state)
{
	*state = model_testing_new(routes, 2);
	return 0;
}

static int set_up(void **state)
{
	struct model_testing *t = model_testing_new(routes, 2);
	live_models_sync(live_models_of(t->app.live));
	for (int minute = 0; minute < 4; minute++)
		bar_take(t, minute, 100 + minute, 100.5 + minute);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	model_testing_destroy(*state);
	return 0;
}

static void predictions(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/predictions?model=streamlit&limit=2", "", NULL),
			 200);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	assert_string_equal(cJSON_GetObjectItem(json, "target")->valuestring, "close");
	assert_int_equal(cJSON_GetObjectItem(json, "held")->valueint, 3); /* a return needs two */
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "more")));
	const cJSON *last = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "predictions"), 1);
	assert_string_equal(cJSON_GetObjectItem(last, "timestamp")->valuestring,
			    "2025-07-01T00:03:00.000000Z");
	assert_true(cJSON_GetObjectItem(last, "prediction")->valuedouble == 104);
	assert_true(cJSON_GetObjectItem(last, "actual")->valuedouble == 103.5);
	assert_true(cJSON_GetObjectItem(last, "last_price")->valuedouble == 102.5);
	assert_int_equal(cJSON_GetObjectItem(last, "version")->valueint, 3);
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(last, "in_training")));
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(last, "interval")), 2);
	cJSON_Delete(json);
}

static void live(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/live", "", NULL), 200);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	const cJSON *last = cJSON_GetObjectItem(json, "last");
	assert_true(cJSON_GetObjectItem(last, "price")->valuedouble == 103.5);
	assert_true(cJSON_GetObjectItem(last, "age_s")->valuedouble > 180);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "stale")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "reason")));
	assert_int_equal(cJSON_GetObjectItem(json, "version")->valueint, 3);
	const cJSON *score = cJSON_GetObjectItem(json, "score");
	assert_int_equal(cJSON_GetObjectItem(score, "count")->valueint, 2);
	assert_int_equal(cJSON_GetObjectItem(score, "in_training")->valueint, 1);
	assert_true(cJSON_GetObjectItem(score, "rmse")->valuedouble == 0.5);
	assert_true(cJSON_GetObjectItem(score, "skill_last")->valuedouble == 0.5);
	assert_true(cJSON_GetObjectItem(score, "coverage")->valuedouble == 1);
	const cJSON *drift = cJSON_GetObjectItem(json, "drift");
	assert_int_equal(cJSON_GetObjectItem(drift, "rows")->valueint, 2);
	const cJSON *open = cJSON_GetArrayItem(cJSON_GetObjectItem(drift, "features"), 0);
	assert_string_equal(cJSON_GetObjectItem(open, "name")->valuestring, "open");
	assert_true(cJSON_IsNumber(cJSON_GetObjectItem(open, "shift")));
	const cJSON *residuals = cJSON_GetObjectItem(drift, "residuals");
	assert_true(cJSON_GetObjectItem(residuals, "spread")->valuedouble == 0.5);
	cJSON_Delete(json);
}

/* A client that polls pays for news only. */
static void live_is_not_modified_by_getting_older(void **state)
{
	struct model_testing *t = *state;
	char header[160];
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/live", "", NULL), 200);
	const char *tag = strstr(t->http->answer, "ETag: W/\"");
	assert_non_null(tag);
	snprintf(header, sizeof header, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"),
		 tag + 6);
	usleep(3000); /* age_s counts milliseconds */
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/live", header, NULL), 304);
	bar_take(t, 4, 104, 104.5);
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/live", header, NULL), 200);
}

static void a_model_without_a_version_says_so(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/models/ia/live", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"version\":null,\"last\":null,\"prediction\":null,"
					     "\"reason\":\"no-version\",\"stale\":true"));
	assert_false(http_answer_has(t->http, "nan"));
	assert_int_equal(http_ask(t->http, "GET /v1/predictions?model=ia", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"predictions\":[]"));
}

/* Before the live thread has looked at the registry. */
static void a_model_that_is_not_followed_yet_says_so(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/live", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"version\":null,\"last\":null,\"prediction\":null,"
					     "\"reason\":\"no-version\",\"stale\":true"));
	assert_false(http_answer_has(t->http, "nan"));
}

static void refusals(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/predictions", "", NULL), 400);
	assert_true(http_answer_is_problem(t->http, "missing-parameter"));
	assert_int_equal(http_ask(t->http, "GET /v1/predictions?model=", "", NULL), 400);
	assert_int_equal(http_ask(t->http, "GET /v1/predictions?model=x", "", NULL), 404);
	assert_int_equal(http_ask(t->http, "GET /v1/models/x/live", "", NULL), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-model"));
	assert_int_equal(http_ask(t->http, "GET /v1/predictions?model=ia&limit=0", "", NULL), 400);
}

#define WITH_BARS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BARS(predictions),
		WITH_BARS(live),
		WITH_BARS(live_is_not_modified_by_getting_older),
		WITH_BARS(a_model_without_a_version_says_so),
		cmocka_unit_test_setup_teardown(a_model_that_is_not_followed_yet_says_so,
						set_up_early, tear_down),
		WITH_BARS(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
