/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_reply.h"

static void take(struct http_reply *reply, const char *line)
{
	http_reply_take_line(reply, line, strlen(line));
}

static void test_headers(void **state)
{
	struct http_reply reply = { 0 };
	char line[3000] = "Location: ";

	(void)state;
	http_reply_forget(&reply);
	assert_int_equal(reply.retry_after_ms, -1);
	take(&reply, "CONTENT-TYPE:\t text/plain; charset=utf-8\r\n");
	take(&reply, "etag:\"x\"\r\n");
	take(&reply, "no colon\r\n");
	assert_string_equal(reply.content_type, "text/plain; charset=utf-8");
	assert_string_equal(reply.etag, "\"x\"");
	memset(line + 10, 'a', 2047);
	take(&reply, line);
	assert_int_equal(strlen(reply.location), 2047);
	http_reply_forget(&reply);
	memset(line + 10, 'a', 2048); /* does not fit: half a location is none */
	take(&reply, line);
	assert_string_equal(reply.location, "");
	take(&reply, "ETag: \"y\"\r\n");
	take(&reply, "HTTP/1.1 200 OK\r\n"); /* after a 100 */
	assert_string_equal(reply.etag, "");
}

static void test_retry_after(void **state)
{
	struct http_reply reply = { 0 };

	(void)state;
	http_reply_forget(&reply);
	take(&reply, "Retry-After: 7\r\n");
	assert_int_equal(reply.retry_after_ms, 7000);
	take(&reply, "Retry-After: 99999999999999999999\r\n");
	assert_int_equal(reply.retry_after_ms, INT32_MAX * INT64_C(1000));
	take(&reply, "Retry-After: -1\r\n");
	assert_int_equal(reply.retry_after_ms, -1);
	take(&reply, "Retry-After: soon\r\n");
	assert_int_equal(reply.retry_after_ms, -1);
	take(&reply, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n");
	assert_int_equal(reply.retry_after_ms, 0);
	take(&reply, "Retry-After: Fri, 31 Dec 2094 23:59:59 GMT\r\n");
	assert_true(reply.retry_after_ms > 0);
}

/* Through a socket, as it comes. */
static bool early(const char *text, size_t length, struct http_reply *reply)
{
	static struct early_answer answer;
	int pair[2];
	bool whole;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(send(pair[0], text, length, 0), length);
	early_answer_take(&answer, pair[1]);
	close(pair[0]);
	close(pair[1]);
	*reply = (struct http_reply){ 0 };
	text_init(&reply->body, 100);
	http_reply_forget(reply);
	whole = early_answer_read(&answer, reply);
	if (!whole)
		text_clean_up(&reply->body);
	return whole;
}

static void test_an_early_answer(void **state)
{
	static const char text[] = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
				   "content-length: 6\r\n\r\nexists";
	struct http_reply reply;

	(void)state;
	assert_true(early(text, sizeof text - 1, &reply));
	assert_int_equal(reply.status, 403);
	assert_string_equal(reply.content_type, "application/json");
	assert_string_equal(reply.body.data, "exists");
	text_clean_up(&reply.body);
	for (size_t cut = 0; cut < sizeof text - 1; cut++)
		assert_false(early(text, cut, &reply));
}

static void test_what_is_no_whole_early_answer(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 403 Forbidden\r\n\r\n", /* may go on until the end of the connection */
		"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
		"SSH-2.0-OpenSSH and more\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", /* over the reply's limit, too */
	};
	struct http_reply reply;
	char digits[9000];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(early(bad[i], strlen(bad[i]), &reply));
	memset(digits, '1', sizeof digits);
	memcpy(digits, "HTTP/1.1 ", 9);
	assert_false(early(digits, sizeof digits, &reply));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_an_early_answer),
		cmocka_unit_test(test_what_is_no_whole_early_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
