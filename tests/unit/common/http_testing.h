/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A server on a free port for tests, asked over plain sockets. Its options may be changed before
 * http_testing_start.
 */
#ifndef TICKLINE_TEST_HTTP_TESTING_H
#define TICKLINE_TEST_HTTP_TESTING_H

#include "http_server.h"
#include "log.h"
#include "sockets.h"
#include "timestamp.h"

struct http_testing {
	struct http_server_options options;
	struct http_server *server;
	char answer[65536]; /* to the last http_ask */
	int status;
};

static inline struct http_testing *http_testing_new(const struct http_route *routes, size_t count)
{
	struct http_testing *t = calloc(1, sizeof *t);

	log_init("test", LOG_ERROR, LOG_FORMAT_TEXT);
	t->options = (struct http_server_options){ .address = "127.0.0.1",
						   .threads = 4,
						   .body_limit_bytes = 100000,
						   .request_timeout_ms = 10000,
						   .body_timeout_ms = 20000,
						   .keep_alive_timeout_ms = 10000,
						   .tls_certificate = "",
						   .cors_origins = "",
						   .routes = routes,
						   .route_count = count,
						   .metrics = metrics_new(),
						   .user = t };
	return t;
}

static inline void http_testing_start(struct http_testing *t)
{
	struct text why;

	text_init(&why, 1000);
	if (http_server_start(&t->options, &t->server, &why) != ERROR_OK)
		fail_msg("%s", why.data);
	text_clean_up(&why);
}

static inline void http_testing_stop(struct http_testing *t)
{
	http_server_destroy(&t->server);
	metrics_destroy(&t->options.metrics);
	free(t);
}

/* Sends raw bytes, reads until the server closes. */
static inline int http_ask_raw(struct http_testing *t, const char *request, size_t length)
{
	int fd = socket_connect(http_server_port(t->server));

	socket_send(fd, request, length);
	socket_rest(fd, t->answer, sizeof t->answer);
	close(fd);
	t->status = answer_status(t->answer);
	return t->status;
}

/* "GET /path" and further header lines, each with its CRLF; the connection is closed after it. */
static inline int http_ask(struct http_testing *t, const char *line, const char *headers,
			   const char *body)
{
	static _Thread_local char request[65536];
	int length = body == NULL
			     ? snprintf(request, sizeof request,
					"%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
					line, headers)
			     : snprintf(request, sizeof request,
					"%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
					"Content-Length: %zu\r\n%s\r\n%s",
					line, strlen(body), headers, body);

	assert_true(length > 0 && (size_t)length < sizeof request);
	return http_ask_raw(t, request, (size_t)length);
}

static inline const char *http_answer_body(const struct http_testing *t)
{
	const char *end = strstr(t->answer, "\r\n\r\n");

	return end == NULL ? "" : end + 4;
}

static inline bool http_answer_has(const struct http_testing *t, const char *part)
{
	return strstr(t->answer, part) != NULL;
}

/* The last answer is a problem of this kind. */
static inline bool http_answer_is_problem(const struct http_testing *t, const char *slug)
{
	char type[160];

	snprintf(type, sizeof type, "\"type\":\"urn:tickline:problem:%s\"", slug);
	return http_answer_has(t, "Content-Type: application/problem+json\r\n") &&
	       http_answer_has(t, type);
}

#endif
