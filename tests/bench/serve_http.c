/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Our HTTP server with one small answer and one small question, for bench_http.py:
 *   serve_http THREADS     prints its port, serves until its standard input ends
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_server.h"
#include "log.h"

static void answer_small(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "application/json", "{}\n", 3);
}

static void take_json(struct http_request *request, void *user)
{
	cJSON *json;

	(void)user;
	if (http_body_read_json(request, true, &json) != ERROR_OK)
		return;
	cJSON_Delete(json);
	http_answer(request, 200, "application/json", "{}\n", 3);
}

static const struct http_route routes[] = {
	{ "GET", "/v1/status", answer_small, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}", answer_small, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/v1/models/{m}/versions/{v}", answer_small, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/models/{m}/predict", take_json, HTTP_SCOPE_NONE, 0 },
};

int main(int argc, char **argv)
{
	struct http_server_options options = { .address = "127.0.0.1",
					       .threads = argc > 1 ? atoi(argv[1]) : 64,
					       .body_limit_bytes = 1 << 20,
					       .request_timeout_ms = 10000,
					       .body_timeout_ms = 30000,
					       .keep_alive_timeout_ms = 10000,
					       .routes = routes,
					       .route_count = sizeof routes / sizeof *routes,
					       .metrics = metrics_new() };
	struct http_server *server;
	struct text why;
	char end;

	log_init("serve_http", LOG_INFO, LOG_FORMAT_TEXT);
	text_init(&why, 1000);
	if (http_server_start(&options, &server, &why) != ERROR_OK) {
		fprintf(stderr, "%s\n", why.data);
		return 1;
	}
	printf("%d\n", http_server_port(server));
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	http_server_destroy(&server);
	metrics_destroy(&options.metrics);
	text_clean_up(&why);
	return 0;
}
