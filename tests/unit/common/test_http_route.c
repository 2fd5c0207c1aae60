/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

/* Says which route it was and what it saw. */
static void tell(struct http_request *request, const char *route)
{
	static const char *const names[] = { "m", "v", "*" };
	struct text out;

	text_init(&out, 100000);
	text_putf(&out, "route=%s path=%s", route, http_path(request));
	for (size_t i = 0; i < 3; i++)
		if (http_path_parameter(request, names[i])[0] != '\0')
			text_putf(&out, " %s=<%s>", names[i],
				  http_path_parameter(request, names[i]));
	if (http_query(request, "q") != NULL)
		text_putf(&out, " q=<%s>", http_query(request, "q"));
	http_answer_text(request, 200, "text/plain", &out);
	text_clean_up(&out);
}

#define TELLER(name)                                               \
	static void name(struct http_request *request, void *user) \
	{                                                          \
		(void)user;                                        \
		tell(request, #name);                              \
	}
TELLER(root)
TELLER(list)
TELLER(make)
TELLER(one)
TELLER(latest)
TELLER(version)
TELLER(assets)

static const struct http_route routes[] = {
	{ "GET", "/", root, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}/versions/{v}", version, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}", one, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/latest", latest, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models", list, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models", make, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/assets/*", assets, HTTP_SCOPE_NONE, 0 },
};

static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	t->options.openapi = "{\"openapi\":\"3.1.0\"}";
	http_testing_start(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static void assert_told(void **state, const char *line, const char *body)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, line, "", NULL), 200);
	assert_string_equal(http_answer_body(t), body);
}

static void test_paths_find_their_routes(void **state)
{
	assert_told(state, "GET /", "route=root path=/");
	assert_told(state, "GET /v1/models", "route=list path=/v1/models");
	assert_told(state, "GET /v1/models/ia", "route=one path=/v1/models/ia m=<ia>");
	assert_told(state, "GET /v1/models/ia/versions/3",
		    "route=version path=/v1/models/ia/versions/3 m=<ia> v=<3>");
	assert_told(state, "GET /assets/", "route=assets path=/assets/");
	assert_told(state, "GET /assets/a/b.js", "route=assets path=/assets/a/b.js *=<a/b.js>");
}

static void test_a_literal_goes_before_a_parameter(void **state)
{
	assert_told(state, "GET /v1/models/latest", "route=latest path=/v1/models/latest");
}

static void test_segments_are_decoded_once_after_the_split(void **state)
{
	assert_told(state, "GET /v1/models/a%2Fb", "route=one path=/v1/models/a/b m=<a/b>");
	assert_told(state, "GET /v1/models/%252F", "route=one path=/v1/models/%2F m=<%2F>");
	assert_told(state, "GET /v1/%6Dodels/%C3%A9?x",
		    "route=one path=/v1/models/\xC3\xA9 m=<\xC3\xA9>");
	assert_told(state, "GET /v1/models/a+b", "route=one path=/v1/models/a+b m=<a+b>");
}

static void test_dots_mean_nothing(void **state)
{
	struct http_testing *t = *state;

	assert_told(state, "GET /assets/../../etc/passwd",
		    "route=assets path=/assets/../../etc/passwd *=<../../etc/passwd>");
	assert_told(state, "GET /v1/models/..", "route=one path=/v1/models/.. m=<..>");
	assert_int_equal(http_ask(t, "GET /v1/x/../models", "", NULL), 404);
	assert_int_equal(http_ask(t, "GET /../v1/models", "", NULL), 404);
}

static void test_what_is_not_there_is_404(void **state)
{
	static const char *const lines[] = { "GET /v1",
					     "GET /v1/models/",
					     "GET //v1/models",
					     "GET /nope",
					     "GET /v1/models/ia/versions/",
					     "GET /v1/models//versions/1",
					     "GET /1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18" };
	struct http_testing *t = *state;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(http_ask(t, lines[i], "", NULL), 404);
		assert_true(http_answer_is_problem(t, "no-such-path"));
	}
}

static void test_wrong_method_is_405_with_allow(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "DELETE /v1/models", "", NULL), 405);
	assert_true(http_answer_has(t, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
	assert_true(http_answer_is_problem(t, "method-not-allowed"));
	assert_int_equal(http_ask(t, "POST /v1/models/ia", "", "{}"), 405);
	assert_true(http_answer_has(t, "Allow: GET, HEAD, OPTIONS\r\n"));
	assert_int_equal(http_ask(t, "TRACE /v1/models", "", NULL), 405);
	assert_true(http_answer_has(t, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
	assert_int_equal(http_ask(t, "TRACE /nope?x=1", "", NULL), 404);
	assert_int_equal(http_ask(t, "get /v1/models", "", NULL), 405);
}

static void test_bad_percent_encoding_is_400(void **state)
{
	static const char *const lines[] = { "GET /v1/models/%",      "GET /v1/models/%4",
					     "GET /v1/models/%zz",    "GET /v1/models/%00",
					     "GET /v1/models/a%FF",   "GET /v1/models?q=%0",
					     "GET /v1/models?q=%00",  "GET /v1/models?%C3=1",
					     "GET /v1/models?q=1&q=2" };
	struct http_testing *t = *state;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(http_ask(t, lines[i], "", NULL), 400);
		assert_true(http_answer_is_problem(t, "bad-target"));
	}
}

static void test_queries(void **state)
{
	assert_told(state, "GET /?q=a%26b+c%2Bd", "route=root path=/ q=<a&b c+d>");
	assert_told(state, "GET /?a=1&&q", "route=root path=/ q=<>");
	assert_told(state, "GET /?q==", "route=root path=/ q=<=>");
	assert_told(state, "GET /?Q=1&q%20=2", "route=root path=/");
	assert_told(state, "GET /?", "route=root path=/");
}

static void test_too_many_query_parameters(void **state)
{
	struct http_testing *t = *state;
	char line[1024] = "GET /?a0";

	for (int i = 1; i < 64; i++)
		snprintf(line + strlen(line), 16, "&a%d", i);
	assert_int_equal(http_ask(t, line, "", NULL), 200);
	strcat(line, "&a64");
	assert_int_equal(http_ask(t, line, "", NULL), 400);
}

static void test_the_document_is_served(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "GET /openapi.json", "", NULL), 200);
	assert_string_equal(http_answer_body(t), "{\"openapi\":\"3.1.0\"}");
}

static double total(struct http_testing *t, const char *labels)
{
	return metric_value(metrics_counter(t->options.metrics, "http_requests_total",
					    "Requests by route, method and status", labels));
}

static void test_metrics_are_by_template(void **state)
{
	static const char one_200[] = "route=\"/v1/models/{m}\",method=\"GET\",status=\"200\"";
	static const char none_404[] = "route=\"/none\",method=\"GET\",status=\"404\"";
	static const char none_405[] = "route=\"/none\",method=\"other\",status=\"405\"";
	struct http_testing *t = *state;
	double one = total(t, one_200), none = total(t, none_404), other = total(t, none_405);

	http_ask(t, "GET /v1/models/a", "", NULL);
	http_ask(t, "GET /v1/models/b", "", NULL);
	http_ask(t, "GET /x", "", NULL);
	http_ask(t, "BREW /v1/models", "", NULL);
	assert_int_equal(total(t, one_200) - one, 2);
	assert_int_equal(total(t, none_404) - none, 1);
	assert_int_equal(total(t, none_405) - other, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_find_their_routes),
		cmocka_unit_test(test_a_literal_goes_before_a_parameter),
		cmocka_unit_test(test_segments_are_decoded_once_after_the_split),
		cmocka_unit_test(test_dots_mean_nothing),
		cmocka_unit_test(test_what_is_not_there_is_404),
		cmocka_unit_test(test_wrong_method_is_405_with_allow),
		cmocka_unit_test(test_bad_percent_encoding_is_400),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_too_many_query_parameters),
		cmocka_unit_test(test_the_document_is_served),
		cmocka_unit_test(test_metrics_are_by_template),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
