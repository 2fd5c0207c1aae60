/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

static void look(struct http_request *request, void *user)
{
	struct text out;
	int64_t limit, since;

	(void)user;
	if (http_query_i64(request, "limit", 1, 100, 50, &limit) != ERROR_OK ||
	    http_query_timestamp(request, "since", -1, &since) != ERROR_OK)
		return;
	text_init(&out, 10000);
	text_putf(&out, "method=%s limit=%lld since=%lld principal=%s header=%s",
		  http_method(request), (long long)limit, (long long)since, http_principal(request),
		  http_request_header(request, "x-mine") ? http_request_header(request, "X-Mine")
							 : "none");
	http_answer_text(request, 200, "text/plain", &out);
	text_clean_up(&out);
}

static void types(struct http_request *request, void *user)
{
	struct text out;

	(void)user;
	text_init(&out, 10000);
	text_putf(&out, "json=%d csv=%d none=%d accepts-json=%d accepts-csv=%d",
		  http_content_type_is(request, "application/json"),
		  http_content_type_is(request, "text/csv"), http_content_type_is(request, ""),
		  http_accepts(request, "application/json"), http_accepts(request, "text/csv"));
	http_answer_text(request, 200, "text/plain", &out);
	text_clean_up(&out);
}

static void preferred(struct http_request *request, void *user)
{
	static const char *const offered[] = { "application/json", "text/csv" };
	int found = http_preferred(request, offered, 2);

	(void)user;
	http_answer(request, 200, "text/plain", found < 0 ? "none" : offered[found],
		    strlen(found < 0 ? "none" : offered[found]));
}

static const struct http_route routes[] = {
	{ "GET", "/preferred", preferred, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/look", look, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/types", types, HTTP_SCOPE_NONE, 0 },
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

static void assert_said(void **state, const char *line, const char *headers, const char *body)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, line, headers, NULL), 200);
	assert_string_equal(http_answer_body(t), body);
}

static void test_what_a_handler_sees(void **state)
{
	assert_said(state, "GET /look", "",
		    "method=GET limit=50 since=-1 principal=anonymous header=none");
	assert_said(state, "GET /look?limit=1", "X-MINE:  a b \r\n",
		    "method=GET limit=1 since=-1 principal=anonymous header=a b ");
	assert_said(state, "GET /look?limit=100&since=2025-07-01T00:00:00Z", "",
		    "method=GET limit=100 since=1751328000000000 principal=anonymous header=none");
	assert_said(state, "GET /look?since=1751328000.25", "",
		    "method=GET limit=50 since=1751328000250000 principal=anonymous header=none");
}

static void test_a_bad_number_is_named(void **state)
{
	static const char *const bad[] = { "0",
					   "101",
					   "",
					   "x",
					   "1x",
					   "1.5",
					   "0x10",
					   "%201",
					   "1%20",
					   "-1",
					   "+5",
					   "1e1",
					   "99999999999999999999" };
	struct http_testing *t = *state;
	char line[100];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(line, sizeof line, "GET /look?limit=%s", bad[i]);
		assert_int_equal(http_ask(t, line, "", NULL), 400);
		assert_true(http_answer_is_problem(t, "bad-parameter"));
		assert_true(http_answer_has(t, "\"field\":\"limit\""));
		assert_true(http_answer_has(t, "is not an integer from 1 to 100"));
	}
}

static void test_a_bad_time_is_named(void **state)
{
	static const char *const bad[] = { "", "yesterday", "1", "2025-13-01T00:00:00Z",
					   "2025-07-01T00:00:00+00:00" /* the '+' is a blank */ };
	struct http_testing *t = *state;
	char line[100];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(line, sizeof line, "GET /look?since=%s", bad[i]);
		assert_int_equal(http_ask(t, line, "", NULL), 400);
		assert_true(http_answer_has(t, "\"field\":\"since\""));
	}
}

static void test_content_types(void **state)
{
	assert_said(state, "GET /types", "", "json=0 csv=0 none=1 accepts-json=1 accepts-csv=1");
	assert_said(state, "GET /types", "Content-Type: Application/JSON ; charset=utf-8\r\n",
		    "json=1 csv=0 none=0 accepts-json=1 accepts-csv=1");
	assert_said(state, "GET /types", "Content-Type: application/jsonx\r\n",
		    "json=0 csv=0 none=0 accepts-json=1 accepts-csv=1");
	assert_said(state, "GET /types", "Content-Type: text/CSV\r\n",
		    "json=0 csv=1 none=0 accepts-json=1 accepts-csv=1");
}

static void assert_accepts(void **state, const char *accept, int json, int csv)
{
	char header[200], body[100];

	snprintf(header, sizeof header, "Accept: %s\r\n", accept);
	snprintf(body, sizeof body, "json=0 csv=0 none=1 accepts-json=%d accepts-csv=%d", json,
		 csv);
	assert_said(state, "GET /types", header, body);
}

static void test_accept(void **state)
{
	assert_accepts(state, "", 1, 1);
	assert_accepts(state, "*/*", 1, 1);
	assert_accepts(state, "text/csv", 0, 1);
	assert_accepts(state, "TEXT/*;q=0.5, application/json;q=0", 0, 1);
	assert_accepts(state, "*/*;q=0.0", 0, 0);
	assert_accepts(state, "*/*, text/csv;q=0", 1, 0);
	assert_accepts(state, "application/json;charset=utf-8;q=0.001", 1, 0);
	assert_accepts(state, "application/json;q=0.000,text/html", 0, 0);
	assert_accepts(state, "text", 0, 0);
	assert_accepts(state, ",,;q=0,*/json", 0, 0);
}

static void test_preferred(void **state)
{
	static const struct {
		const char *accept, *preferred;
	} cases[] = {
		{ "*/*", "application/json" },
		{ "text/csv, */*", "application/json" },
		{ "text/csv, */*;q=0.1", "text/csv" },
		{ "text/csv;q=0.25, application/json;q=0.3", "application/json" },
		{ "text/csv;q=0.25, application/json;q=0.2", "text/csv" },
		{ "text/csv;q=0.001, application/json;q=0.0001", "text/csv" },
		{ "text/csv;q=x, application/json;q=0.5", "text/csv" },
		{ "text/csv;q=0x, application/json;q=0.5", "text/csv" },
		{ "application/json;q=0", "none" },
		{ "text/html", "none" },
	};

	assert_said(state, "GET /preferred", "", "application/json");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char header[100];

		snprintf(header, sizeof header, "Accept: %s\r\n", cases[i].accept);
		assert_said(state, "GET /preferred", header, cases[i].preferred);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_handler_sees),
		cmocka_unit_test(test_a_bad_number_is_named),
		cmocka_unit_test(test_a_bad_time_is_named),
		cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_preferred),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
