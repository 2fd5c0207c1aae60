/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "timestamp.h"
#include "webhdfs_private.h"

enum { SMALL_REPLY_BYTES = 1024 * 1024 };

/* HttpFS and some gateways refuse a PUT or POST of any other type, even one without a body. */
static const char *const content_headers[] = { "Content-Type: application/octet-stream", NULL };

void webhdfs_count(struct webhdfs *client, const char *op, enum error outcome, int64_t started_us)
{
	if (!client->metrics)
		return;
	char memory[128];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "op", op);
	metric_observe(metrics_histogram(client->metrics, "webhdfs_request_seconds",
					 "Time of a WebHDFS request, answer included.", labels.data,
					 NULL, 0),
		       (double)(monotonic_now_us() - started_us) / 1e6);
	metrics_label(&labels, "outcome", error_name(outcome));
	metric_add(metrics_counter(client->metrics, "webhdfs_requests_total",
				   "WebHDFS requests by operation and outcome.", labels.data),
		   1);
}

static bool another_may_answer(enum error error)
{
	return error == ERROR_STANDBY || error == ERROR_UNREACHABLE || error == ERROR_RETRIABLE;
}

/* After these the node stays the active one: it answered, and it is the one to ask. */
static bool is_an_answer(enum error error)
{
	return !another_may_answer(error) && error != ERROR_TIMEOUT && error != ERROR_CLOSED &&
	       error != ERROR_UNAVAILABLE;
}

static enum error ask(struct webhdfs *client, const char *node,
		      const struct webhdfs_request *request, struct http_reply *reply,
		      struct text *why)
{
	struct text url;
	text_init(&url, WEBHDFS_MAX_URL);
	webhdfs_url(client, node, request->path, request->op, request->query, &url);
	int64_t started_us = monotonic_now_us();
	enum error error = url.error;
	if (!error) {
		struct http_call call = {
			.method = request->method,
			.url = url.data,
			.headers = strcmp(request->method, "GET") == 0 ? NULL : content_headers,
			.limits = client->limits,
			.reply_limit_bytes = request->reply_limit_bytes ? request->reply_limit_bytes
									: SMALL_REPLY_BYTES,
			.cancel = client->cancel,
		};
		error = http_client_perform(client->http, &call, reply, why);
	} else {
		memset(reply, 0, sizeof *reply);
		text_init(&reply->body, 0);
		why_putf(why, "the address of \"%.200s\" is too long", request->path);
	}
	if (!error && (reply->status < 200 || reply->status >= 400))
		error = webhdfs_answer_error(reply->status, reply->body.data, reply->body.length,
					     why);
	webhdfs_count(client, request->op, error, started_us);
	text_clean_up(&url);
	return error;
}

enum error webhdfs_call(struct webhdfs *client, const struct webhdfs_request *request,
			struct http_reply *reply, struct text *why)
{
	enum error error = ERROR_UNREACHABLE;
	char memory[1024];
	struct text detail;
	for (size_t tried = 0; tried < client->node_count; tried++) {
		const char *node = client->nodes[client->active];
		if (tried > 0)
			http_reply_clean_up(reply);
		text_init_fixed(&detail, memory, sizeof memory);
		error = ask(client, node, request, reply, &detail);
		if (!error)
			return ERROR_OK;
		why_putf(why, "%s%s of %.300s at %s: %s", tried > 0 ? "; " : "", request->op,
			 request->path, node, detail.data);
		if (is_an_answer(error))
			return error;
		client->active = (client->active + 1) % client->node_count;
		if (!another_may_answer(error))
			return error;
	}
	return error;
}
