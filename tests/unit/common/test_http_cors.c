/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

static void hello(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", "hello", 5);
}

static const struct http_route routes[] = {
	{ "GET", "/x", hello, HTTP_SCOPE_READ, 0 },
	{ "POST", "/x", hello, HTTP_SCOPE_WRITE, 0 },
};

static struct http_testing *start(const char *origins)
{
	struct http_testing *t = http_testing_new(routes, 2);

	t->options.cors_origins = origins;
	http_testing_start(t);
	return t;
}

static void test_a_listed_origin_may_see_and_write(void **state)
{
	struct http_testing *t = start("https://a.example, https://b.example:8443");

	(void)state;
	assert_int_equal(http_ask(t, "GET /x", "Origin: https://b.example:8443\r\n", NULL), 200);
	assert_true(http_answer_has(t, "Access-Control-Allow-Origin: https://b.example:8443\r\n"));
	assert_true(http_answer_has(t, "Access-Control-Expose-Headers: ETag"));
	assert_true(http_answer_has(t, "Vary: Origin\r\n"));
	assert_int_equal(http_ask(t, "POST /x", "Origin: https://a.example\r\n", ""), 200);
	http_testing_stop(t);
}

static void test_another_origin_sees_nothing_and_may_not_write(void **state)
{
	struct http_testing *t = start("https://a.example");

	(void)state;
	assert_int_equal(http_ask(t, "GET /x", "Origin: https://a.example.evil\r\n", NULL), 200);
	assert_false(http_answer_has(t, "Access-Control-Allow-Origin"));
	assert_true(http_answer_has(t, "Vary: Origin\r\n"));
	assert_int_equal(http_ask(t, "POST /x", "Origin: https://evil.example\r\n", ""), 403);
	assert_true(http_answer_is_problem(t, "foreign-origin"));
	assert_int_equal(http_ask(t, "POST /x", "Origin: null\r\n", ""), 403);
	assert_int_equal(http_ask(t, "POST /x", "Origin: http://X\r\n", ""), 200); /* its own */
	assert_int_equal(http_ask(t, "POST /x", "", ""), 200);
	http_testing_stop(t);
}

static void test_no_origins_is_no_cors(void **state)
{
	struct http_testing *t = start("");

	(void)state;
	assert_int_equal(http_ask(t, "GET /x", "Origin: https://a.example\r\n", NULL), 200);
	assert_false(http_answer_has(t, "Access-Control"));
	assert_false(http_answer_has(t, "Vary"));
	http_testing_stop(t);
}

static void test_any_origin(void **state)
{
	struct http_testing *t = start("*");

	(void)state;
	assert_int_equal(http_ask(t, "POST /x", "Origin: https://a.example\r\n", ""), 200);
	assert_true(http_answer_has(t, "Access-Control-Allow-Origin: *\r\n"));
	http_testing_stop(t);
}

static void test_preflight_tells_the_route_s_methods(void **state)
{
	struct http_testing *t = start("https://a.example");

	(void)state;
	assert_int_equal(http_ask(t, "OPTIONS /x",
				  "Origin: https://a.example\r\n"
				  "Access-Control-Request-Method: POST\r\n",
				  NULL),
			 204);
	assert_true(http_answer_has(t, "Access-Control-Allow-Origin: https://a.example\r\n"));
	assert_true(
		http_answer_has(t, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"));
	assert_true(http_answer_has(t, "Access-Control-Allow-Headers: Authorization"));
	assert_true(http_answer_has(t, "Access-Control-Max-Age: 600\r\n"));
	assert_string_equal(http_answer_body(t), "");
	assert_int_equal(http_ask(t, "OPTIONS /x",
				  "Origin: https://evil.example\r\n"
				  "Access-Control-Request-Method: POST\r\n",
				  NULL),
			 204);
	assert_false(http_answer_has(t, "Access-Control"));
	assert_int_equal(http_ask(t, "OPTIONS /x", "", NULL), 204);
	assert_true(http_answer_has(t, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
	assert_int_equal(http_ask(t, "OPTIONS /nope", "", NULL), 404);
	http_testing_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_listed_origin_may_see_and_write),
		cmocka_unit_test(test_another_origin_sees_nothing_and_may_not_write),
		cmocka_unit_test(test_no_origins_is_no_cors),
		cmocka_unit_test(test_any_origin),
		cmocka_unit_test(test_preflight_tells_the_route_s_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
