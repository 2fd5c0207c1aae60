/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "GET", "/v1/models/{m}/versions", versions_list, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}/versions/{v}", versions_get, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models/{m}/versions/{v}/promote", versions_promote, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models/{m}/rollback", versions_rollback, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}/history", versions_history, HTTP_SCOPE_NONE, 0 },
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

static void reading(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/versions", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"serving\":3,\"total\":1,\"versions\":[{"
					     "\"version\":3,\"created\":\"2025-07-01T00:00:00"));
	assert_int_equal(http_ask(t->http, "GET /v1/models/ia/versions", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"serving\":null,\"total\":0,\"versions\":[]"));
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/versions/3", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"lineage\":"));
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/versions/3",
				  "Accept: text/plain\r\n", NULL),
			 200);
	assert_true(http_answer_has(t->http, "version 3: least squares"));
	assert_true(http_answer_has(t->http, "Nothing is held out."));
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/versions/3",
				  "Accept: image/png\r\n", NULL),
			 406);
	assert_true(http_answer_is_problem(t->http, "not-acceptable"));
	assert_int_equal(http_ask(t->http, "GET /v1/models/streamlit/history", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"history\":[{\"version\":3,\"at\":"
					     "\"2025-07-01T00:00:00.000000Z\",\"by\":\"gate\","
					     "\"reason\":\"a test\"}]"));
}

static void what_is_not_there(void **state)
{
	struct model_testing *t = *state;
	static const struct {
		const char *line, *slug;
	} cases[] = {
		{ "GET /v1/models/none/versions", "no-such-model" },
		{ "GET /v1/models/none/versions/1", "no-such-model" },
		{ "GET /v1/models/none/history", "no-such-model" },
		{ "GET /v1/models/streamlit/versions/4", "no-such-version" },
		{ "GET /v1/models/streamlit/versions/x", "no-such-version" },
		{ "GET /v1/models/streamlit/versions/99999999999999999999", "no-such-version" },
		{ "POST /v1/models/none/versions/3/promote", "no-such-model" },
		{ "POST /v1/models/streamlit/versions/4/promote", "no-such-version" },
		{ "POST /v1/models/none/rollback", "no-such-model" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(http_ask(t->http, cases[i].line, "", ""), 404);
		assert_true(http_answer_is_problem(t->http, cases[i].slug));
	}
}

static void reasons(void **state)
{
	struct model_testing *t = *state;
	char longest[300] = "{\"reason\":\"", line[] = "POST /v1/models/streamlit/rollback";
	memset(longest + strlen(longest), 'x', 251);
	strcat(longest, "\"}");
	const char *bad[] = { "{\"why\":\"x\"}", "{\"reason\":1}", "[]",
			      "{\"reason\":\"a\",\"b\":1}", longest };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(http_ask(t->http, line, JSON, bad[i]), 400);
		assert_true(http_answer_is_problem(t->http, "invalid-body"));
	}
	assert_int_equal(http_ask(t->http, line, JSON, "{\"reason\":\"fine\"}"), 409);
	assert_int_equal(http_ask(t->http, line, JSON, "{}"), 409); /* there was none before */
	assert_int_equal(http_ask(t->http, line, "", ""), 409);
}

static void without_hdfs_nothing_is_promoted(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "POST /v1/models/streamlit/versions/3/promote", "", ""),
			 503);
	assert_true(http_answer_is_problem(t->http, "unreachable"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(reasons),
		cmocka_unit_test(without_hdfs_nothing_is_promoted),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
