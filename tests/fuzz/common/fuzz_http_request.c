/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever a client sends: each connection ends with whole answers of known statuses, or none, and
 * the server serves the next one. The bytes go over a real socket through civetweb into routes,
 * queries, media types, ETags, origins, tokens, chunks, gzip and JSON.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_server.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct http_request *request, void *user)
{
	int64_t limit, since;

	(void)user;
	http_content_type_is(request, "application/json");
	http_accepts(request, "application/json");
	if (http_query_i64(request, "limit", 1, 1000, 10, &limit) == ERROR_OK &&
	    http_query_timestamp(request, "since", 0, &since) == ERROR_OK)
		http_answer(request, 200, "text/plain", http_path_parameter(request, "m"),
			    strlen(http_path_parameter(request, "m")));
}

static void take_json(struct http_request *request, void *user)
{
	cJSON *json;

	(void)user;
	if (http_body_read_json(request, true, &json) == ERROR_OK)
		http_answer_json(request, 200, json);
}

static void take_bytes(struct http_request *request, void *user)
{
	char piece[13];
	size_t got = 1, sum = 0;

	(void)user;
	while (got > 0) {
		enum error error = http_body_read(request, piece, sizeof piece, &got);

		if (error != ERROR_OK) {
			http_answer_body_error(request, error);
			return;
		}
		sum += got;
	}
	assert(sum <= 1000);
	http_answer(request, 200, "text/plain", "", 0);
}

static const struct http_route routes[] = {
	{ "GET", "/m/{m}", look, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/j", take_json, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/b", take_bytes, HTTP_SCOPE_NONE, 1000 },
	{ "GET", "/t", look, HTTP_SCOPE_READ, 0 },
	{ "GET", "/*", look, HTTP_SCOPE_NONE, 0 },
};

static struct http_server *start(void)
{
	struct http_server_options options = { .address = "127.0.0.1",
					       .threads = 2,
					       .body_limit_bytes = 100000,
					       .request_timeout_ms = 2000,
					       .body_timeout_ms = 2000,
					       .keep_alive_timeout_ms = 2000,
					       .cors_origins = "https://a.example",
					       .routes = routes,
					       .route_count = sizeof routes / sizeof *routes,
					       .metrics = metrics_new() };
	struct http_server *server;
	enum error error;

	log_init("fuzz", LOG_ERROR, LOG_FORMAT_TEXT);
	error = http_server_start(&options, &server, NULL);
	assert(error == ERROR_OK);
	return server;
}

static int connect_to(const struct http_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)http_server_port(server)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = connect(fd, (struct sockaddr *)&address, sizeof address);

	assert(result == 0);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_server *server;
	char answer[65536];
	ssize_t n;
	int fd;

	if (server == NULL)
		server = start();
	fd = connect_to(server);
	n = send(fd, data, size, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	n = n < 0 ? 0 : recv(fd, answer, sizeof answer - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	if (n > 12) {
		int status = atoi(answer + 9);

		assert(memcmp(answer, "HTTP/1.1 ", 9) == 0);
		assert(status == 100 || (status >= 200 && status < 500) || status == 505);
	}
	while (n > 0)
		n = recv(fd, answer, sizeof answer, 0);
	close(fd);
	return 0;
}
