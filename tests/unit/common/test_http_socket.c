/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

/* Bodies and heads that come too slowly, uploads that nobody reads: with small limits. */

enum { PIECE_MS = 400, BODY_MS = 1000 };

static void read_all(struct http_request *request, void *user)
{
	struct text body;

	(void)user;
	text_init(&body, 1 << 20);
	if (http_body_read_all(request, &body) == ERROR_OK)
		http_answer_text(request, 200, "text/plain", &body);
	text_clean_up(&body);
}

static void large(struct http_request *request, void *user)
{
	static const char data[16 << 20];

	(void)user;
	http_answer(request, 200, "text/plain", data, sizeof data);
}

static const struct http_route routes[] = {
	{ "POST", "/read", read_all, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/large", large, HTTP_SCOPE_NONE, 0 },
};

static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	t->options.request_timeout_ms = PIECE_MS;
	t->options.body_timeout_ms = BODY_MS;
	t->options.keep_alive_timeout_ms = PIECE_MS;
	t->options.threads = 1; /* a worker that stays caught fails the next test */
	http_testing_start(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static void pause_ms(int ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

static int64_t ms_since(int64_t us)
{
	return (monotonic_now_us() - us) / 1000;
}

/* Sends `piece` every 100 ms until the server has answered. */
static void trickle(struct http_testing *t, const char *head, const char *piece)
{
	int fd = socket_connect(http_server_port(t->server));
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	assert_true(socket_say(fd, head));
	for (int i = 0; i < 100 && poll(&wait, 1, 100) == 0; i++)
		socket_say(fd, piece);
	socket_rest(fd, t->answer, sizeof t->answer);
	close(fd);
}

static void test_a_silent_body_is_408(void **state)
{
	struct http_testing *t = *state;
	int64_t begun_us = monotonic_now_us();

	trickle(t, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", "");
	assert_int_equal(answer_status(t->answer), 408);
	assert_true(http_answer_is_problem(t, "body-too-slow"));
	assert_in_range(ms_since(begun_us), PIECE_MS, 5000);
}

static void test_a_trickling_body_ends_with_the_whole_limit(void **state)
{
	struct http_testing *t = *state;
	int64_t begun_us = monotonic_now_us();

	trickle(t, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", "a");
	assert_int_equal(answer_status(t->answer), 408);
	assert_in_range(ms_since(begun_us), BODY_MS, 6000);
}

static void test_trickling_chunks_end_with_the_whole_limit(void **state)
{
	struct http_testing *t = *state;
	int64_t begun_us = monotonic_now_us();

	trickle(t, "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"1\r\na\r\n");
	assert_int_equal(answer_status(t->answer), 408);
	assert_in_range(ms_since(begun_us), BODY_MS, 6000);
}

static void test_a_slow_head_is_408(void **state)
{
	struct http_testing *t = *state;

	trickle(t, "POST /read HTTP/1.1\r\n", "X");
	assert_int_equal(answer_status(t->answer), 408);
	assert_true(http_answer_is_problem(t, "head-too-slow"));
}

static void test_an_idle_connection_is_closed_in_silence(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	assert_true(socket_say(fd, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
	socket_answer(fd, t->answer, sizeof t->answer, false);
	assert_int_equal(answer_status(t->answer), 200);
	assert_int_equal(socket_rest(fd, t->answer, sizeof t->answer), 0);
	close(fd);
}

/* 64 MiB are announced; the client writes as long as it can, then reads the answer. */
static void assert_upload_is_not_read(struct http_testing *t, const char *head, int status)
{
	int fd = socket_connect(http_server_port(t->server));
	static const char piece[1 << 16];
	size_t sent = 0;

	assert_true(socket_say(fd, head));
	while (sent < 64 << 20 && socket_send(fd, piece, sizeof piece))
		sent += sizeof piece;
	socket_some(fd, t->answer, sizeof t->answer);
	close(fd);
	assert_int_equal(answer_status(t->answer), status);
	assert_true(http_answer_has(t, "Connection: close\r\n"));
	assert_true(sent < 32 << 20);
}

#define UPLOAD "Content-Length: 67108864\r\n\r\n"

static void test_an_upload_gets_its_answer_without_being_read(void **state)
{
	struct http_testing *t = *state;

	assert_upload_is_not_read(t, "POST /read HTTP/1.1\r\nHost: x\r\n" UPLOAD, 413);
	assert_upload_is_not_read(t, "POST /nope HTTP/1.1\r\nHost: x\r\n" UPLOAD, 404);
	assert_upload_is_not_read(t, "PUT /read HTTP/1.1\r\nHost: x\r\n" UPLOAD, 405);
	assert_upload_is_not_read(t, "POST /read HTTP/1.1\r\n" UPLOAD, 400);
	assert_upload_is_not_read(t,
				  "POST /nope HTTP/1.1\r\nHost: x\r\n"
				  "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
				  404);
}

/* A client that asks for much and reads nothing gives its worker back. */
static void test_an_answer_that_nobody_reads(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));
	int64_t begun_us = monotonic_now_us();

	assert_true(socket_say(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
	pause_ms(50); /* so that its worker is the one that answers next */
	assert_int_equal(http_ask(t, "POST /read", "", "abc"), 200);
	assert_in_range(ms_since(begun_us), 0, 8000);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_silent_body_is_408),
		cmocka_unit_test(test_a_trickling_body_ends_with_the_whole_limit),
		cmocka_unit_test(test_trickling_chunks_end_with_the_whole_limit),
		cmocka_unit_test(test_a_slow_head_is_408),
		cmocka_unit_test(test_an_idle_connection_is_closed_in_silence),
		cmocka_unit_test(test_an_upload_gets_its_answer_without_being_read),
		cmocka_unit_test(test_an_answer_that_nobody_reads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
