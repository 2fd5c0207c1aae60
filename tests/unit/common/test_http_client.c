/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_client.h"
#include "sockets.h"
#include "timestamp.h"

/* A server that serves `connections` connections, one after the other, with the same bytes. */
struct script {
	const char *answer;
	size_t answer_length; /* 0: strlen */
	int connections;
	size_t body; /* bytes to read after the head before it answers */
	bool silent; /* answers, then holds the connection until the client goes */
	int listener, port;
	pthread_t thread;
	char seen[4096];
};

static void read_request(struct script *script, int fd)
{
	size_t length = 0;
	const char *end = NULL;

	while (end == NULL || length < (size_t)(end + 4 - script->seen) + script->body) {
		ssize_t n = socket_some(fd, script->seen + length, sizeof script->seen - length);

		if (n <= 0)
			return;
		length += (size_t)n;
		end = strstr(script->seen, "\r\n\r\n");
	}
}

static void *serve(void *user)
{
	struct script *script = user;
	char waste[256];

	for (int i = 0; i < script->connections; i++) {
		int fd = accept(script->listener, NULL, NULL);

		read_request(script, fd);
		socket_send(fd, script->answer,
			    script->answer_length ? script->answer_length : strlen(script->answer));
		if (script->silent)
			socket_rest(fd, waste, sizeof waste);
		close(fd);
	}
	return NULL;
}

static void start(struct script *script)
{
	script->listener = socket_listen(&script->port);
	if (script->connections == 0)
		script->connections = 1;
	assert_int_equal(pthread_create(&script->thread, NULL, serve, script), 0);
}

static void finish(struct script *script)
{
	pthread_join(script->thread, NULL);
	close(script->listener);
}

static const struct http_limits usual = { .connect_ms = 5000, .idle_ms = 5000, .total_ms = 10000 };

static enum error fetch(struct http_call *call, int port, struct http_reply *reply,
			struct text *why)
{
	struct http_client *client = http_client_new();
	char url[128];
	enum error error;

	snprintf(url, sizeof url, "http://127.0.0.1:%d/path?token=secret", port);
	if (call->url == NULL)
		call->url = url;
	if (call->method == NULL)
		call->method = "GET";
	if (call->limits.total_ms == 0)
		call->limits = usual;
	if (call->reply_limit_bytes == 0)
		call->reply_limit_bytes = 1 << 20;
	error = http_client_perform(client, call, reply, why);
	http_client_destroy(&client);
	return error;
}

static void test_answer_comes_whole(void **state)
{
	struct script script = { .answer =
					 "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 5\r\n"
					 "Content-Type: text/plain\r\nLocation: http://x/y\r\n"
					 "ETag: \"t\"\r\nRetry-After: 7\r\n\r\nhello" };
	const char *headers[] = { "X-Mine: 1", NULL };
	struct http_call call = { .headers = headers };
	struct http_reply reply;

	(void)state;
	start(&script);
	assert_int_equal(fetch(&call, script.port, &reply, NULL), ERROR_OK);
	finish(&script);
	assert_int_equal(reply.status, 307);
	assert_string_equal(reply.body.data, "hello");
	assert_string_equal(reply.content_type, "text/plain");
	assert_string_equal(reply.location, "http://x/y");
	assert_string_equal(reply.etag, "\"t\"");
	assert_int_equal(reply.retry_after_ms, 7000);
	assert_non_null(strstr(script.seen, "GET /path?token=secret HTTP/1.1\r\n"));
	assert_non_null(strstr(script.seen, "X-Mine: 1\r\n"));
	http_reply_clean_up(&reply);
}

static void test_bodies_are_sent_as_they_are(void **state)
{
	struct script script = { .answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
				 .body = 4 };
	struct http_call call = { .method = "PUT", .body = "a\0\nb", .body_length = 4 };
	struct http_reply reply;
	const char *body;

	(void)state;
	start(&script);
	assert_int_equal(fetch(&call, script.port, &reply, NULL), ERROR_OK);
	finish(&script);
	assert_int_equal(reply.status, 201);
	assert_int_equal(reply.retry_after_ms, -1);
	assert_non_null(strstr(script.seen, "PUT /path"));
	assert_non_null(strstr(script.seen, "Content-Length: 4\r\n"));
	assert_null(strstr(script.seen, "Expect"));
	assert_null(strstr(script.seen, "Content-Type"));
	body = strstr(script.seen, "\r\n\r\n") + 4;
	assert_memory_equal(body, "a\0\nb", 4);
	http_reply_clean_up(&reply);
}

static void test_put_without_a_body_says_its_length(void **state)
{
	struct script script = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
	struct http_call call = { .method = "PUT" };
	struct http_reply reply;

	(void)state;
	start(&script);
	assert_int_equal(fetch(&call, script.port, &reply, NULL), ERROR_OK);
	finish(&script);
	assert_non_null(strstr(script.seen, "Content-Length: 0\r\n"));
	http_reply_clean_up(&reply);
}

static void test_no_server_is_unreachable(void **state)
{
	struct http_call call = { .method = "GET" };
	struct http_reply reply;
	struct text why;
	int port, fd = socket_listen(&port);

	(void)state;
	close(fd);
	text_init(&why, 1000);
	assert_int_equal(fetch(&call, port, &reply, &why), ERROR_UNREACHABLE);
	assert_non_null(strstr(why.data, "GET http://127.0.0.1"));
	assert_null(strstr(why.data, "secret"));
	assert_int_equal(reply.status, 0);
	http_reply_clean_up(&reply);
	text_clean_up(&why);
}

static enum error error_for(struct script *script, struct http_call *call)
{
	struct http_reply reply;
	enum error error;

	start(script);
	error = fetch(call, script->port, &reply, NULL);
	finish(script);
	http_reply_clean_up(&reply);
	return error;
}

static void test_a_cut_body_is_closed(void **state)
{
	struct script script = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello" };
	struct script chunked = { .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
					    "5\r\nhello\r\n" };
	struct script nothing = { .answer = "" };

	(void)state;
	assert_int_equal(error_for(&script, &(struct http_call){ 0 }), ERROR_CLOSED);
	assert_int_equal(error_for(&chunked, &(struct http_call){ 0 }), ERROR_CLOSED);
	assert_int_equal(error_for(&nothing, &(struct http_call){ 0 }), ERROR_CLOSED);
}

static void test_what_is_no_http_is_protocol(void **state)
{
	struct script script = { .answer = "SSH-2.0-OpenSSH\r\n\r\n" };

	(void)state;
	assert_int_equal(error_for(&script, &(struct http_call){ 0 }), ERROR_PROTOCOL);
	assert_int_equal(error_for(&(struct script){ .answer = "HTTP/1.1 200 OK\r\n"
							       "Content-Length: x\r\n\r\n" },
				   &(struct http_call){ 0 }),
			 ERROR_PROTOCOL);
}

static void test_the_reply_limit_is_exact(void **state)
{
	struct script script = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" };

	(void)state;
	assert_int_equal(error_for(&script, &(struct http_call){ .reply_limit_bytes = 5 }),
			 ERROR_OK);
	assert_int_equal(error_for(&script, &(struct http_call){ .reply_limit_bytes = 4 }),
			 ERROR_LIMIT);
}

static void test_a_silent_server_is_a_timeout(void **state)
{
	struct script script = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell",
				 .silent = true };
	struct http_call idle = { .limits = { 5000, 300, 10000 } };
	struct http_call total = { .limits = { 5000, 0, 2500 } };
	int64_t begun_us = monotonic_now_us();

	(void)state;
	assert_int_equal(error_for(&script, &idle), ERROR_TIMEOUT);
	assert_true(monotonic_now_us() - begun_us >= 300000);
	assert_int_equal(error_for(&script, &total), ERROR_TIMEOUT);
	assert_true(monotonic_now_us() - begun_us < 8000000);
}

static void *cancel_soon(void *user)
{
	const struct timespec pause = { .tv_nsec = 200000000 };

	nanosleep(&pause, NULL);
	atomic_store((atomic_bool *)user, true);
	return NULL;
}

static void test_cancel_stops_a_wait(void **state)
{
	struct script script = { .answer = "", .silent = true };
	atomic_bool cancel = false;
	struct http_call call = { .cancel = &cancel };
	int64_t begun_us = monotonic_now_us();
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
	assert_int_equal(error_for(&script, &call), ERROR_CANCELLED);
	assert_true(monotonic_now_us() - begun_us < 4000000);
	pthread_join(thread, NULL);
}

struct collected {
	char data[64];
	size_t length;
	enum error result;
};

static enum error collect(const char *data, size_t length, void *user)
{
	struct collected *collected = user;

	if (collected->length + length > sizeof collected->data)
		return ERROR_LIMIT;
	memcpy(collected->data + collected->length, data, length);
	collected->length += length;
	return collected->result;
}

static void test_a_sink_gets_success_only(void **state)
{
	struct script good = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" };
	struct script bad = { .answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone" };
	struct collected collected = { .result = ERROR_OK };
	struct http_call call = { .sink = collect, .sink_user = &collected };
	struct http_reply reply;

	(void)state;
	start(&good);
	assert_int_equal(fetch(&call, good.port, &reply, NULL), ERROR_OK);
	finish(&good);
	assert_int_equal(collected.length, 5);
	assert_int_equal(reply.body.length, 0);
	http_reply_clean_up(&reply);
	start(&bad);
	call.url = NULL;
	assert_int_equal(fetch(&call, bad.port, &reply, NULL), ERROR_OK);
	finish(&bad);
	assert_int_equal(collected.length, 5);
	assert_string_equal(reply.body.data, "gone");
	http_reply_clean_up(&reply);
	collected.result = ERROR_FENCED;
	call.url = NULL;
	assert_int_equal(error_for(&good, &call), ERROR_FENCED);
}

static void test_a_dead_kept_connection_is_replaced(void **state)
{
	struct script script = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
				 .connections = 2 };
	struct http_client *client = http_client_new();
	struct http_call call = { .method = "GET", .limits = usual, .reply_limit_bytes = 100 };
	char url[64];

	(void)state;
	start(&script);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", script.port);
	call.url = url;
	for (int i = 0; i < 2; i++) { /* the server closes after each answer without saying so */
		struct http_reply reply;

		assert_int_equal(http_client_perform(client, &call, &reply, NULL), ERROR_OK);
		assert_string_equal(reply.body.data, "ok");
		http_reply_clean_up(&reply);
	}
	http_client_destroy(&client);
	finish(&script);
}

static void test_hosts_are_mapped(void **state)
{
	struct script script = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
	struct http_client *client = http_client_new();
	struct http_call call = { .method = "GET", .limits = usual, .reply_limit_bytes = 100 };
	struct http_reply reply;
	char url[64];

	(void)state;
	start(&script);
	snprintf(url, sizeof url, "http://datanode.invalid:%d/", script.port);
	call.url = url;
	http_client_map_hosts(client, "other.invalid=10.0.0.1, datanode.invalid=127.0.0.1");
	assert_int_equal(http_client_perform(client, &call, &reply, NULL), ERROR_OK);
	finish(&script);
	assert_non_null(strstr(script.seen, "Host: datanode.invalid:"));
	http_reply_clean_up(&reply);
	http_client_destroy(&client);
}

static void test_the_answer_to_an_early_refusal_is_read(void **state)
{
	/* The server answers before it has read the body, and goes. */
	struct script script = { .answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n"
					   "Connection: close\r\n\r\nexists" };
	size_t length = 8 << 20;
	char *body = calloc(1, length);
	struct http_call call = { .method = "PUT", .body = body, .body_length = length };
	struct http_reply reply;

	(void)state;
	for (int i = 0; i < 50; i++) { /* sending fails in some of them */
		script.body = 1;
		start(&script);
		assert_int_equal(fetch(&call, script.port, &reply, NULL), ERROR_OK);
		assert_int_equal(reply.status, 403);
		assert_string_equal(reply.body.data, "exists");
		http_reply_clean_up(&reply);
		finish(&script);
		call.url = NULL;
	}
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_comes_whole),
		cmocka_unit_test(test_bodies_are_sent_as_they_are),
		cmocka_unit_test(test_put_without_a_body_says_its_length),
		cmocka_unit_test(test_no_server_is_unreachable),
		cmocka_unit_test(test_a_cut_body_is_closed),
		cmocka_unit_test(test_what_is_no_http_is_protocol),
		cmocka_unit_test(test_the_reply_limit_is_exact),
		cmocka_unit_test(test_a_silent_server_is_a_timeout),
		cmocka_unit_test(test_cancel_stops_a_wait),
		cmocka_unit_test(test_a_sink_gets_success_only),
		cmocka_unit_test(test_a_dead_kept_connection_is_replaced),
		cmocka_unit_test(test_hosts_are_mapped),
		cmocka_unit_test(test_the_answer_to_an_early_refusal_is_read),
	};

	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
