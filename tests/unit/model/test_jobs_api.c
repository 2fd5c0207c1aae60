/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "POST", "/v1/models/{m}/train", jobs_train, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/jobs", jobs_list, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/jobs/{id}", jobs_get, HTTP_SCOPE_NONE, 0 },
	{ "DELETE", "/v1/jobs/{id}", jobs_cancel, HTTP_SCOPE_NONE, 0 },
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

static void bodies(void **state)
{
	struct model_testing *t = *state;
	static const struct {
		const char *body, *slug;
	} cases[] = {
		{ "{\"engine\":\"abacus\"}", "invalid-engine" },
		{ "{\"engine\":1}", "invalid-engine" },
		{ "[]", "invalid-body" },
		{ "{\"reason\":1}", "invalid-reason" },
		{ "{\"motor\":\"local\"}", "unknown-member" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(http_ask(t->http, "POST /v1/models/ia/train", JSON, cases[i].body),
				 400);
		assert_true(http_answer_is_problem(t->http, cases[i].slug));
	}
	assert_int_equal(http_ask(t->http, "GET /v1/jobs", "", NULL), 200);
	assert_string_equal(http_answer_body(t->http), "{\"jobs\":[]}");
}

/* The trainings are not started, so a job waits for good. */
static void a_job_from_beginning_to_cancel(void **state)
{
	struct model_testing *t = *state;
	char id[64], line[128], location[128];
	assert_int_equal(
		http_ask(t->http, "POST /v1/models/ia/train", JSON, "{\"engine\":\"local\"}"), 202);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	snprintf(id, sizeof id, "%s", cJSON_GetObjectItem(json, "id")->valuestring);
	cJSON_Delete(json);
	snprintf(location, sizeof location, "Location: /v1/jobs/%s\r\n", id);
	assert_true(http_answer_has(t->http, location));
	assert_true(http_answer_has(t->http, "\"state\":\"queued\""));

	assert_int_equal(http_ask(t->http, "POST /v1/models/ia/train", "", ""), 409);
	assert_true(http_answer_is_problem(t->http, "training-already"));
	assert_true(http_answer_has(t->http, location));

	snprintf(line, sizeof line, "GET /v1/jobs/%s", id);
	assert_int_equal(http_ask(t->http, line, "", NULL), 200);
	assert_int_equal(http_ask(t->http, "GET /v1/jobs?model=ia", "", NULL), 200);
	assert_true(http_answer_has(t->http, id));
	assert_int_equal(http_ask(t->http, "GET /v1/jobs?model=streamlit", "", NULL), 200);
	assert_string_equal(http_answer_body(t->http), "{\"jobs\":[]}");

	snprintf(line, sizeof line, "DELETE /v1/jobs/%s", id);
	assert_int_equal(http_ask(t->http, line, "", NULL), 202);
	assert_true(http_answer_has(t->http, "\"state\":\"cancelled\""));
	assert_int_equal(http_ask(t->http, line, "", NULL), 409);
}

static void what_is_not_there(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "POST /v1/models/none/train", "", ""), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-model"));
	assert_int_equal(http_ask(t->http, "GET /v1/jobs/none", "", NULL), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-job"));
	assert_int_equal(http_ask(t->http, "DELETE /v1/jobs/none", "", NULL), 404);
	assert_int_equal(http_ask(t->http, "GET /v1/jobs?limit=0", "", NULL), 400);
}

static void draining_takes_no_jobs(void **state)
{
	struct model_testing *t = *state;
	training_drain(t->app.training, monotonic_now_us());
	assert_int_equal(http_ask(t->http, "POST /v1/models/ia/train", "", ""), 503);
	assert_true(http_answer_is_problem(t->http, "stopping"));
	assert_true(http_answer_has(t->http, "Retry-After: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),
		cmocka_unit_test(a_job_from_beginning_to_cancel),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(draining_takes_no_jobs),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
