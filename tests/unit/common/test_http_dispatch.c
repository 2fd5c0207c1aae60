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
	http_answer(request, 200, "text/plain", http_request_id(request),
		    strlen(http_request_id(request)));
}

static void mute(struct http_request *request, void *user)
{
	(void)request;
	(void)user;
}

static const struct http_route routes[] = {
	{ "GET", "/x", hello, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/x", hello, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/mute", mute, HTTP_SCOPE_NONE, 0 },
};

static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	http_testing_start(t);
	log_init("test", LOG_ERROR + 1, LOG_FORMAT_TEXT); /* errors are provoked here */
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static int ask_raw(void **state, const char *request)
{
	return http_ask_raw(*state, request, strlen(request));
}

/* --- heads ----------------------------------------------------------------------------------- */

static void test_malformed_heads(void **state)
{
	static const char *const bad[] = {
		"GET\r\n\r\n",
		"GET /x\r\n\r\n",
		"GET /x HTTQ/1.1\r\nHost: x\r\n\r\n",
		"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost x\r\n\r\n",
		"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x01\r\n\r\n", /* TLS on a plain port */
		"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n" /* no Host */,
	};
	struct http_testing *t = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (ask_raw(state, bad[i]) != 400)
			fail_msg("\"%s\" gave %s", bad[i], t->answer);
		assert_true(http_answer_has(t, "Content-Type: application/problem+json\r\n"));
		assert_true(http_answer_has(t, "Connection: close\r\n"));
	}
}

static void test_versions(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(ask_raw(state, "GET /x HTTP/1.0\r\n\r\n"), 200); /* closes by itself */
	assert_int_equal(ask_raw(state, "GET /x HTTP/3.0\r\nHost: x\r\n\r\n"), 505);
	assert_true(http_answer_is_problem(t, "bad-http-version"));
}

static void test_a_long_target_is_414(void **state)
{
	struct http_testing *t = *state;
	char line[9000] = "GET /x?";

	memset(line + 7, 'a', 8192 - 3);
	assert_int_equal(http_ask(t, line, "", NULL), 200);
	strcat(line, "aa");
	assert_int_equal(http_ask(t, line, "", NULL), 414);
	assert_true(http_answer_is_problem(t, "uri-too-long"));
}

static void test_a_large_head_is_431(void **state)
{
	struct http_testing *t = *state;
	static char header[40000] = "X-Large: ";

	memset(header + 9, 'a', 16200);
	strcat(header, "\r\n");
	assert_int_equal(http_ask(t, "GET /x", header, NULL), 200);
	memset(header + 9, 'a', 16384);
	strcat(header, "\r\n");
	assert_int_equal(http_ask(t, "GET /x", header, NULL), 431);
	assert_true(http_answer_is_problem(t, "head-too-large"));
	memset(header + 9, 'a', 33000);
	assert_int_equal(http_ask(t, "GET /x", header, NULL), 400);
	assert_true(http_answer_is_problem(t, "bad-request"));
}

/* What civetweb would drop in silence, a body's length among it. */
static void test_headers_behind_the_last_one_read(void **state)
{
	struct http_testing *t = *state;
	char many[4000] = "";

	for (int i = 0; i < 62; i++) /* with Host and Connection: 64 */
		snprintf(many + strlen(many), 20, "X-%d: 1\r\n", i);
	assert_int_equal(http_ask(t, "GET /x", many, NULL), 200);
	strcat(many, "Content-Length: 3\r\n");
	assert_int_equal(http_ask(t, "POST /x", many, NULL), 431);
	assert_true(http_answer_is_problem(t, "bad-headers"));
	assert_int_equal(ask_raw(state, "POST /x HTTP/1.1\r\nHost: x\r\n folded: 1\r\n"
					"Content-Length: 3\r\n\r\nabc"),
			 431);
	assert_int_equal(ask_raw(state, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
					"X-Empty:\r\n\r\n"),
			 200);
}

/* --- connections ----------------------------------------------------------------------------- */

static void test_connections_live_on(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	for (int i = 0; i < 3; i++) {
		assert_true(socket_say(fd, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
		socket_answer(fd, t->answer, sizeof t->answer, false);
		assert_int_equal(answer_status(t->answer), 200);
		assert_true(http_answer_has(t, "Connection: keep-alive\r\n"));
	}
	/* A refusal with a small unread body does not end it either. */
	assert_true(socket_say(fd, "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
				   "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
	socket_rest(fd, t->answer, sizeof t->answer);
	assert_non_null(strstr(t->answer, "HTTP/1.1 404"));
	assert_non_null(strstr(t->answer, "HTTP/1.1 200"));
	close(fd);
}

/* The answer has promised it; a client may be slow, or stand still for a moment. */
static void test_connections_live_on_after_a_slow_unread_body(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	assert_true(socket_say(fd, "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na"));
	socket_answer(fd, t->answer, sizeof t->answer, false);
	assert_int_equal(answer_status(t->answer), 404);
	assert_true(http_answer_has(t, "Connection: keep-alive\r\n"));
	poll(NULL, 0, 2500);
	assert_true(socket_say(fd, "bcGET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
	socket_rest(fd, t->answer, sizeof t->answer);
	assert_int_equal(answer_status(t->answer), 200);
	close(fd);
}

static void test_http_1_0_keeps_alive_when_asked(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	assert_true(socket_say(fd, "GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
	socket_answer(fd, t->answer, sizeof t->answer, false);
	assert_true(http_answer_has(t, "Connection: keep-alive\r\n"));
	assert_true(socket_say(fd, "GET /x HTTP/1.0\r\n\r\n"));
	socket_rest(fd, t->answer, sizeof t->answer);
	assert_true(http_answer_has(t, "Connection: close\r\n"));
	close(fd);
}

/* --- ids ------------------------------------------------------------------------------------- */

static void test_request_ids(void **state)
{
	struct http_testing *t = *state;
	char first[100], header[200] = "X-Request-Id: ";

	http_ask(t, "GET /x", "", NULL);
	snprintf(first, sizeof first, "%s", http_answer_body(t));
	http_ask(t, "GET /x", "", NULL);
	assert_string_not_equal(http_answer_body(t), first);
	http_ask(t, "GET /x", "X-Request-Id: my_request-1.2\r\n", NULL);
	assert_string_equal(http_answer_body(t), "my_request-1.2");
	assert_true(http_answer_has(t, "X-Request-Id: my_request-1.2\r\n"));
	http_ask(t, "GET /x", "X-Request-Id: <script>\r\n", NULL);
	assert_null(strchr(http_answer_body(t), '<'));
	memset(header + 14, 'a', 64);
	strcpy(header + 78, "\r\n");
	http_ask(t, "GET /x", header, NULL);
	assert_int_equal(strlen(http_answer_body(t)), 64);
	strcpy(header + 78, "a\r\n");
	http_ask(t, "GET /x", header, NULL);
	assert_int_not_equal(strlen(http_answer_body(t)), 65);
}

static void test_a_mute_handler_is_a_500(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "GET /mute", "", NULL), 500);
	assert_true(http_answer_is_problem(t, "no-answer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed_heads),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_a_long_target_is_414),
		cmocka_unit_test(test_a_large_head_is_431),
		cmocka_unit_test(test_headers_behind_the_last_one_read),
		cmocka_unit_test(test_connections_live_on),
		cmocka_unit_test(test_connections_live_on_after_a_slow_unread_body),
		cmocka_unit_test(test_http_1_0_keeps_alive_when_asked),
		cmocka_unit_test(test_request_ids),
		cmocka_unit_test(test_a_mute_handler_is_a_500),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
