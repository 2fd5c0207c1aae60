/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "GET", "/v1/audit", audit_get, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models/{m}/train", jobs_train, HTTP_SCOPE_NONE, 0 },
	{ "DELETE", "/v1/models/{m}", models_delete, HTTP_SCOPE_NONE, 0 },
};

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

static void a_training_is_recorded(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/audit", "", NULL), 200);
	assert_true(http_answer_has(t->http, "{\"total\":0,\"events\":[]}"));
	assert_int_equal(
		http_ask(t->http, "POST /v1/models/ia/train", JSON, "{\"reason\":\"new data\"}"),
		202);
	assert_int_equal(http_ask(t->http, "GET /v1/audit?model=ia", "", NULL), 200);
	assert_true(http_answer_has(t->http,
				    "\"action\":\"train\",\"model\":\"ia\",\"by\":\"anonymous\","
				    "\"reason\":\"new data\",\"version\":null,\"job\":\""));
	assert_int_equal(http_ask(t->http, "GET /v1/audit?model=streamlit", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"total\":0"));
}

static void refusals(void **state)
{
	struct model_testing *t = *state;
	char line[400] = "DELETE /v1/models/mine?reason=";
	size_t length = strlen(line);
	memset(line + length, 'x', 251);
	line[length + 251] = '\0';
	assert_int_equal(http_ask(t->http, line, "", NULL), 400);
	assert_true(http_answer_is_problem(t->http, "bad-parameter"));
	assert_int_equal(http_ask(t->http, "GET /v1/audit?limit=2001", "", NULL), 400);
	assert_int_equal(http_ask(t->http, "POST /v1/models/ia/train", JSON, "{\"reason\":7}"),
			 400);
	assert_true(http_answer_is_problem(t->http, "invalid-reason"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_training_is_recorded),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
