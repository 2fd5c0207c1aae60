/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * With HDFS away: what reads works, what writes says so and changes nothing.
 */
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "GET", "/v1/models", models_list, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models", models_create, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}", models_get, HTTP_SCOPE_NONE, 0 },
	{ "DELETE", "/v1/models/{m}", models_delete, HTTP_SCOPE_NONE, 0 },
};

#define SPEC "{\"name\":\"mine\",\"records\":\"bars\",\"target\":\"close\",\"features\":[\"open\"]}"

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

static void list(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/models", "", NULL), 200);
	cJSON *json = cJSON_Parse(http_answer_body(t->http));
	const cJSON *model, *models = cJSON_GetObjectItem(json, "models");
	assert_int_equal(cJSON_GetArraySize(models), spec_builtin_count());
	cJSON_ArrayForEach(model, models)
	{
		bool served =
			strcmp(cJSON_GetObjectItem(model, "name")->valuestring, "streamlit") == 0;
		const cJSON *serving = cJSON_GetObjectItem(model, "serving");
		assert_true(cJSON_IsTrue(cJSON_GetObjectItem(model, "builtin")));
		assert_int_equal(cJSON_IsNull(serving), !served);
		if (served) {
			assert_int_equal(cJSON_GetObjectItem(serving, "version")->valueint, 3);
			assert_true(cJSON_IsNull(cJSON_GetObjectItem(serving, "r2")));
		}
	}
	cJSON_Delete(json);
}

static void one(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "GET /v1/models/ia", "", NULL), 200);
	assert_true(http_answer_has(t->http, "\"name\":\"ia\""));
	assert_int_equal(http_ask(t->http, "GET /v1/models/none", "", NULL), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-model"));
}

static void bad_specs(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "POST /v1/models", JSON, "{\"name\":\"mine\"}"), 400);
	assert_true(http_answer_is_problem(t->http, "invalid-spec"));
	assert_int_equal(http_ask(t->http, "POST /v1/models", JSON, "[]"), 400);
	assert_true(http_answer_is_problem(t->http, "invalid-spec"));
	assert_int_equal(http_ask(t->http, "POST /v1/models", JSON, ""), 400);
}

static void without_hdfs_nothing_is_made_or_deleted(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(http_ask(t->http, "POST /v1/models", JSON, SPEC), 503);
	assert_true(http_answer_is_problem(t->http, "unreachable"));
	assert_true(http_answer_has(t->http, "Retry-After: "));
	assert_int_equal(http_ask(t->http, "GET /v1/models/mine", "", NULL), 404);
	assert_int_equal(http_ask(t->http, "DELETE /v1/models/ia", "", NULL), 409);
	assert_int_equal(http_ask(t->http, "DELETE /v1/models/none", "", NULL), 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list),
		cmocka_unit_test(one),
		cmocka_unit_test(bad_specs),
		cmocka_unit_test(without_hdfs_nothing_is_made_or_deleted),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
