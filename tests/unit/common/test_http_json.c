/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

static void echo_json(struct http_request *request, void *user)
{
	bool required = strcmp(http_path(request), "/required") == 0;
	cJSON *json;

	(void)user;
	enum error error = strcmp(http_path(request), "/values") == 0
				   ? http_body_read_json_values(request, true, 4, &json)
				   : http_body_read_json(request, required, &json);

	if (error != ERROR_OK)
		return;
	if (json == NULL)
		http_answer(request, 200, "text/plain", "nothing", 7);
	else
		http_answer_json(request, 200, json);
}

static const struct http_route routes[] = {
	{ "POST", "/required", echo_json, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/optional", echo_json, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/values", echo_json, HTTP_SCOPE_NONE, 0 },
};

static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	http_testing_start(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static void assert_refused(void **state, const char *body, const char *slug, const char *said)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "POST /required", "", body), 400);
	if (!http_answer_is_problem(t, slug) || !http_answer_has(t, said))
		fail_msg("\"%s\" gave %s", body, t->answer);
}

static void test_json_is_read(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "POST /required", "", " {\"a\":[1,2.5,\"x\"]}\n"), 200);
	assert_string_equal(http_answer_body(t), "{\"a\":[1,2.5,\"x\"]}");
	assert_int_equal(http_ask(t, "POST /optional", "", "null"), 200);
	assert_string_equal(http_answer_body(t), "null");
}

static void test_no_body(void **state)
{
	struct http_testing *t = *state;

	assert_refused(state, "", "no-body", "none was sent");
	assert_refused(state, NULL, "no-body", "none was sent");
	assert_int_equal(http_ask(t, "POST /optional", "", ""), 200);
	assert_string_equal(http_answer_body(t), "nothing");
}

static void test_flaws_are_told_with_their_offset(void **state)
{
	assert_refused(state, "{\"a\":1", "bad-json", "\"offset\":6");
	assert_refused(state, "{\"a\":NaN}", "bad-json", "\"offset\":5");
	assert_refused(state, "{} {}", "bad-json", "something follows the value, at byte 3");
	assert_refused(state, "\"\xFF\"", "bad-json", "the text is not UTF-8, at byte 1");
	assert_refused(state, " ", "bad-json", "\"offset\":1");
}

static void test_nesting(void **state)
{
	struct http_testing *t = *state;
	static char body[60001];

	memset(body, '[', 64);
	memset(body + 64, ']', 64);
	assert_int_equal(http_ask(t, "POST /required", "", body), 200);
	memset(body, '[', 60000);
	assert_refused(state, body, "nested-too-deep", "the limit is 64, passed at byte 64");
}

/* Two bytes of a body become a hundred in memory. */
static void test_values_have_a_limit(void **state)
{
	struct http_testing *t = *state;
	static char body[20010];

	assert_int_equal(http_ask(t, "POST /values", "", "[1,{\"a\":2}]"), 200);
	assert_int_equal(http_ask(t, "POST /values", "", "[1,{\"a\":2},[]]"), 413);
	assert_true(http_answer_is_problem(t, "too-many-values"));
	assert_true(http_answer_has(t, "holds 5 values, arrays and objects; at most 4 are read"));
	body[0] = '[';
	for (size_t i = 1; i < 20000; i += 2)
		memcpy(body + i, "1,", 2);
	memcpy(body + 19998, "]", 2);
	assert_int_equal(http_ask(t, "POST /required", "", body), 200);
	memcpy(body + 19998, ",1]", 4);
	assert_int_equal(http_ask(t, "POST /required", "", body), 413);
}

static void test_members_given_twice(void **state)
{
	char body[2000] = "{\"z\":0";

	assert_refused(state, "{\"a\":1,\"b\":2,\"a\":1}", "duplicate-member", "\"field\":\"a\"");
	assert_refused(state, "[{\"x\":{\"a\":1,\"\\u0061\":2}}]", "duplicate-member",
		       "\"field\":\"a\"");
	for (int i = 0; i < 50; i++)
		snprintf(body + strlen(body), 20, ",\"m%d\":0", i);
	strcat(body, ",\"m7\":1}");
	assert_refused(state, body, "duplicate-member", "\"field\":\"m7\"");
}

static void test_many_members_given_once(void **state)
{
	struct http_testing *t = *state;
	char body[2000] = "{\"z\":0";

	for (int i = 0; i < 50; i++)
		snprintf(body + strlen(body), 20, ",\"m%d\":0", i);
	strcat(body, ",\"M7\":1}");
	assert_int_equal(http_ask(t, "POST /required", "", body), 200);
}

static void test_numbers_beyond_a_double(void **state)
{
	struct http_testing *t = *state;

	assert_refused(state, "{\"volume\":1e999}", "number-out-of-range", "\"field\":\"volume\"");
	assert_refused(state, "{\"inputs\":[[0,-1e999]]}", "number-out-of-range",
		       "\"field\":\"inputs\"");
	assert_refused(state, "1e999", "number-out-of-range", "\"field\":\"the body\"");
	assert_int_equal(http_ask(t, "POST /required", "", "1.7976931348623157e308"), 200);
	assert_int_equal(http_ask(t, "POST /required", "", "1e-999"), 200);
}

static void test_content_types(void **state)
{
	static const char *const good[] = { "application/json", "Application/JSON;charset=utf-8",
					    "application/merge-patch+json", "" };
	static const char *const bad[] = { "text/plain", "application/x-www-form-urlencoded",
					   "application/jsonx", "text/x+json", "+json" };
	struct http_testing *t = *state;
	char header[100];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		snprintf(header, sizeof header, "Content-Type: %s\r\n", good[i]);
		assert_int_equal(http_ask(t, "POST /required", header, "{}"), 200);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(header, sizeof header, "Content-Type: %s\r\n", bad[i]);
		assert_int_equal(http_ask(t, "POST /required", header, "{}"), 415);
		assert_true(http_answer_is_problem(t, "unsupported-media-type"));
		assert_true(http_answer_has(t, "Accept: application/json\r\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_is_read),
		cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_flaws_are_told_with_their_offset),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_values_have_a_limit),
		cmocka_unit_test(test_members_given_twice),
		cmocka_unit_test(test_many_members_given_once),
		cmocka_unit_test(test_numbers_beyond_a_double),
		cmocka_unit_test(test_content_types),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
