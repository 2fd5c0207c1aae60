/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <zlib.h>

#include "http_testing.h"

enum { LIMIT = 1000, SMALL = 10, SHARED = 400 };

/* Tells the length and the sum of what it read, in pieces of 7 bytes. */
static void count(struct http_request *request, void *user)
{
	char piece[7], out[100];
	size_t length = 0, sum = 0, got = 1;

	(void)user;
	while (got > 0) {
		enum error error = http_body_read(request, piece, sizeof piece, &got);

		if (error != ERROR_OK) {
			http_answer_body_error(request, error);
			return;
		}
		for (size_t i = 0; i < got; i++)
			sum += (unsigned char)piece[i];
		length += got;
	}
	snprintf(out, sizeof out, "%zu bytes, sum %zu", length, sum);
	http_answer(request, 200, "text/plain", out, strlen(out));
}

static void all(struct http_request *request, void *user)
{
	struct text body;

	(void)user;
	text_init(&body, 1 << 20);
	if (http_body_read_all(request, &body) == ERROR_OK)
		http_answer_text(request, 200, "text/plain", &body);
	text_clean_up(&body);
}

static sem_t held, let_go;

static bool wait_for(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SOCKET_LIMIT_MS / 1000;
	while (sem_timedwait(semaphore, &until) != 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* Holds its whole body until it is let go. */
static void hold(struct http_request *request, void *user)
{
	struct text body;

	(void)user;
	text_init(&body, 1 << 20);
	if (http_body_read_all(request, &body) == ERROR_OK) {
		sem_post(&held);
		(void)!wait_for(&let_go);
		http_answer(request, 200, "text/plain", "held", 4);
	}
	text_clean_up(&body);
}

static void ignore(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", "ignored", 7);
}

static const struct http_route routes[] = {
	{ "POST", "/count", count, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/all", all, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/hold", hold, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/small", all, HTTP_SCOPE_NONE, SMALL },
	{ "POST", "/ignore", ignore, HTTP_SCOPE_NONE, 0 },
};

static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	t->options.body_limit_bytes = LIMIT;
	t->options.bodies_limit_bytes = SHARED;
	http_testing_start(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static int post(struct http_testing *t, const char *path, const char *headers, const void *body,
		size_t length)
{
	char request[8192];
	size_t head = (size_t)snprintf(request, sizeof request,
				       "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
				       path, headers);

	assert_true(head + length < sizeof request);
	memcpy(request + head, body, length);
	return http_ask_raw(t, request, head + length);
}

/* --- plain bodies ---------------------------------------------------------------------------- */

static void test_a_body_is_read_in_pieces(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "POST /count", "", "abcdefghijklmnop"), 200);
	assert_string_equal(http_answer_body(t), "16 bytes, sum 1672");
	assert_int_equal(http_ask(t, "POST /count", "", ""), 200);
	assert_string_equal(http_answer_body(t), "0 bytes, sum 0");
	assert_int_equal(http_ask(t, "POST /count", "", NULL), 200); /* no length: no body */
	assert_string_equal(http_answer_body(t), "0 bytes, sum 0");
}

static void test_the_limit_is_exact_and_told_before_reading(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "POST /small", "", "0123456789"), 200);
	assert_string_equal(http_answer_body(t), "0123456789");
	/* No body follows: the announced length is enough. */
	assert_int_equal(post(t, "/small", "Content-Length: 11\r\n", "", 0), 413);
	assert_true(http_answer_is_problem(t, "body-too-large"));
	assert_true(http_answer_has(t, "over 10 bytes"));
	assert_int_equal(post(t, "/all", "Content-Length: 99999999999999999999999\r\n", "", 0),
			 413);
	assert_true(http_answer_has(t, "Connection: close\r\n"));
}

/* One that is alone may be as long as a body may be; beside it there is no room. */
static void test_bodies_share_their_memory(void **state)
{
	struct http_testing *t = *state;
	static const char body[500] = "";
	char request[1000], answer[2000];
	int fd = socket_connect(http_server_port(t->server));
	int head = snprintf(request, sizeof request,
			    "POST /hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			    "Content-Length: %zu\r\n\r\n",
			    sizeof body);

	sem_init(&held, 0, 0);
	sem_init(&let_go, 0, 0);
	memcpy(request + head, body, sizeof body);
	socket_send(fd, request, (size_t)head + sizeof body);
	assert_true(wait_for(&held));
	assert_int_equal(post(t, "/all", "Content-Length: 300\r\n", body, 300), 503);
	assert_true(http_answer_is_problem(t, "bodies-busy"));
	assert_true(http_answer_has(t, "Retry-After: 1\r\n"));
	sem_post(&let_go);
	socket_rest(fd, answer, sizeof answer); /* to the end of the connection */
	assert_int_equal(answer_status(answer), 200);
	close(fd);
	assert_int_equal(post(t, "/all", "Content-Length: 300\r\n", body, 300), 200);
	sem_destroy(&held);
	sem_destroy(&let_go);
}

static void test_what_frames_a_body_must_be_clear(void **state)
{
	static const char *const bad[] = {
		"Content-Length: 3x\r\n",
		"Content-Length: +3\r\n",
		"Content-Length: -3\r\n",
		"Content-Length: \r\n",
		"Content-Length: 0x3\r\n",
		"Content-Length: 3\r\nContent-Length: 4\r\n",
		"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding: gzip, chunked\r\n",
	};
	struct http_testing *t = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(post(t, "/all", bad[i], "abc", 3), 400);
		assert_true(http_answer_has(t, "Connection: close\r\n"));
	}
	assert_int_equal(post(t, "/all", "Content-Length: 3\r\nContent-Length: 3\r\n", "abc", 3),
			 200);
}

static void test_a_cut_body_is_an_error(void **state)
{
	static const char request[] =
		"POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc";
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	assert_true(socket_say(fd, request));
	shutdown(fd, SHUT_WR);
	socket_rest(fd, t->answer, sizeof t->answer);
	close(fd);
	assert_int_equal(answer_status(t->answer), 400);
	assert_true(http_answer_is_problem(t, "body-cut"));
}

/* --- chunks ---------------------------------------------------------------------------------- */

#define CHUNKED "Transfer-Encoding: Chunked\r\n"

static int post_text(struct http_testing *t, const char *path, const char *headers,
		     const char *body)
{
	return post(t, path, headers, body, strlen(body));
}

static void test_chunks(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(post_text(t, "/all", CHUNKED, "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
			 200);
	assert_string_equal(http_answer_body(t), "abc0123456789");
	assert_int_equal(post_text(t, "/count", CHUNKED, "0\r\n\r\n"), 200);
	assert_string_equal(http_answer_body(t), "0 bytes, sum 0");
	assert_int_equal(post_text(t, "/small", CHUNKED, "a\r\n0123456789\r\n0\r\n\r\n"), 200);
	assert_int_equal(post_text(t, "/small", CHUNKED, "b\r\n0123456789a\r\n0\r\n\r\n"), 413);
}

static void test_malformed_chunks(void **state)
{
	static const char *const bad[] = { "3\r\nabcd\r\n0\r\n\r\n", "x\r\nabc\r\n0\r\n\r\n",
					   "-3\r\nabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n" };
	struct http_testing *t = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(post_text(t, "/all", CHUNKED, bad[i]), 400);
		assert_true(http_answer_is_problem(t, "body-cut"));
	}
}

static void test_a_connection_goes_on_after_chunks(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	for (int i = 0; i < 3; i++) {
		assert_true(socket_say(fd, "POST /all HTTP/1.1\r\nHost: x\r\n" CHUNKED
					   "\r\n3\r\nabc\r\n0\r\n\r\n"));
		socket_answer(fd, t->answer, sizeof t->answer, false);
		assert_int_equal(answer_status(t->answer), 200);
		assert_true(http_answer_has(t, "Connection: keep-alive\r\n"));
		assert_string_equal(http_answer_body(t), "abc");
	}
	close(fd);
}

static void test_pipelined_bodies_stay_apart(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));
	const char *second;

	assert_true(socket_say(fd,
			       "POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
			       "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"
			       "POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
			       "Connection: close\r\n\r\ndef"));
	socket_rest(fd, t->answer, sizeof t->answer);
	close(fd);
	assert_non_null(strstr(t->answer, "\r\n\r\nabcHTTP/1.1 200"));
	second = strstr(t->answer, "\r\n\r\nignoredHTTP/1.1 200");
	assert_non_null(second);
	assert_non_null(strstr(second, "\r\n\r\ndef"));
}

/* --- Expect ---------------------------------------------------------------------------------- */

static void test_expect_continue(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));

	assert_true(socket_say(fd, "POST /all HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				   "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	socket_some(fd, t->answer, sizeof t->answer);
	assert_string_equal(t->answer, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_true(socket_say(fd, "abc"));
	socket_rest(fd, t->answer, sizeof t->answer);
	close(fd);
	assert_int_equal(answer_status(t->answer), 200);
	assert_string_equal(http_answer_body(t), "abc");
}

static void test_no_continue_for_what_is_refused(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(post(t, "/small", "Expect: 100-continue\r\nContent-Length: 11\r\n", "", 0),
			 413);
	assert_int_equal(
		post(t, "/ignore", "Expect: 100-continue\r\nContent-Length: 11\r\n", "", 0), 200);
	assert_false(http_answer_has(t, "100 Continue"));
	assert_true(http_answer_has(t, "Connection: close\r\n"));
}

/* --- gzip ------------------------------------------------------------------------------------ */

#define GZIP "Content-Encoding: gzip\r\n" CHUNKED

static size_t pack(const void *data, size_t length, unsigned char *out, size_t size)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)data,
		       .avail_in = (unsigned)length,
		       .next_out = out,
		       .avail_out = (unsigned)size };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return size - z.avail_out;
}

static int post_packed(struct http_testing *t, const char *path, const unsigned char *packed,
		       size_t length)
{
	char headers[100];

	snprintf(headers, sizeof headers, "Content-Encoding: gzip\r\nContent-Length: %zu\r\n",
		 length);
	return post(t, path, headers, packed, length);
}

static void test_gzip(void **state)
{
	struct http_testing *t = *state;
	unsigned char packed[500];
	size_t length = pack("hello, hello, hello", 19, packed, sizeof packed);
	char headers[100];

	assert_int_equal(post_packed(t, "/all", packed, length), 200);
	assert_string_equal(http_answer_body(t), "hello, hello, hello");
	snprintf(headers, sizeof headers, "Content-Encoding: X-GZIP\r\nContent-Length: %zu\r\n",
		 length);
	assert_int_equal(post(t, "/all", headers, packed, length), 200);
	length += pack(" and more", 9, packed + length, sizeof packed - length); /* a 2nd member */
	assert_int_equal(post_packed(t, "/all", packed, length), 200);
	assert_string_equal(http_answer_body(t), "hello, hello, hello and more");
	assert_int_equal(post_text(t, "/all", GZIP, "0\r\n\r\n"), 200);
	assert_string_equal(http_answer_body(t), "");
}

static void test_broken_gzip(void **state)
{
	struct http_testing *t = *state;
	unsigned char packed[500];
	size_t length = pack("hello, hello, hello", 19, packed, sizeof packed);

	assert_int_equal(post_packed(t, "/all", (const unsigned char *)"plain text", 10), 400);
	assert_true(http_answer_is_problem(t, "bad-gzip"));
	assert_int_equal(post_packed(t, "/all", packed, length - 1), 400); /* no checksum */
	packed[length - 5] ^= 1;
	assert_int_equal(post_packed(t, "/all", packed, length), 400); /* a wrong one */
	packed[length - 5] ^= 1;
	packed[length] = 'x';
	assert_int_equal(post_packed(t, "/all", packed, length + 1), 400); /* something behind */
	assert_true(http_answer_is_problem(t, "bad-gzip"));
}

static void test_the_limit_counts_unpacked_bytes(void **state)
{
	struct http_testing *t = *state;
	unsigned char packed[500], *spaces = malloc(1 << 20);
	size_t length;

	memset(spaces, ' ', 1 << 20);
	length = pack(spaces, LIMIT, packed, sizeof packed);
	assert_int_equal(post_packed(t, "/count", packed, length), 200);
	assert_string_equal(http_answer_body(t), "1000 bytes, sum 32000");
	length = pack(spaces, LIMIT + 1, packed, sizeof packed);
	assert_int_equal(post_packed(t, "/count", packed, length), 413);
	assert_true(http_answer_has(t, "after unpacking"));
	free(spaces);
}

static void test_empty_members_count_as_well(void **state)
{
	struct http_testing *t = *state;
	unsigned char packed[LIMIT + 100];
	size_t one = pack("", 0, packed, sizeof packed), length = one;

	for (; length + one <= LIMIT; length += one)
		memcpy(packed + length, packed, one);
	assert_int_equal(post_packed(t, "/count", packed, length), 200);
	assert_string_equal(http_answer_body(t), "0 bytes, sum 0");
	memcpy(packed + length, packed, one);
	assert_int_equal(post_packed(t, "/count", packed, length + one), 413);
}

static void test_unknown_packing_is_415(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "POST /all", "Content-Encoding: br\r\n", "abc"), 415);
	assert_true(http_answer_is_problem(t, "unknown-content-encoding"));
	assert_true(http_answer_has(t, "Accept-Encoding: gzip, identity\r\n"));
	assert_int_equal(http_ask(t, "POST /all", "Content-Encoding: gzip, gzip\r\n", "abc"), 415);
	assert_int_equal(http_ask(t, "POST /all", "Content-Encoding: identity\r\n", "abc"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_body_is_read_in_pieces),
		cmocka_unit_test(test_the_limit_is_exact_and_told_before_reading),
		cmocka_unit_test(test_bodies_share_their_memory),
		cmocka_unit_test(test_what_frames_a_body_must_be_clear),
		cmocka_unit_test(test_a_cut_body_is_an_error),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_malformed_chunks),
		cmocka_unit_test(test_a_connection_goes_on_after_chunks),
		cmocka_unit_test(test_pipelined_bodies_stay_apart),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_no_continue_for_what_is_refused),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_broken_gzip),
		cmocka_unit_test(test_the_limit_counts_unpacked_bytes),
		cmocka_unit_test(test_empty_members_count_as_well),
		cmocka_unit_test(test_unknown_packing_is_415),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
