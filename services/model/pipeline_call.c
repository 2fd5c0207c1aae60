/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline_call.h"

#include <string.h>

#include "json_check.h"

enum { AT_A_TIME = 16, MAX_URL = 2048, MAX_HEADER = 9000, NESTING = 64 };

static enum error perform(struct http_client *client, const struct pipeline_call *call,
			  const char *url, const char *authorization, struct http_reply *reply,
			  struct text *why)
{
	const char *headers[4] = { "Accept: application/json, */*" };
	size_t count = 1;
	if (*authorization)
		headers[count++] = authorization;
	if (call->body)
		headers[count++] = "Content-Type: application/json";
	if (call->host_map)
		http_client_map_hosts(client, call->host_map);
	const struct http_call http = {
		.method = call->method,
		.url = url,
		.headers = headers,
		.body = call->body,
		.body_length = call->body ? strlen(call->body) : 0,
		.limits = { call->timeout_ms, call->timeout_ms, call->timeout_ms },
		.reply_limit_bytes = call->reply_limit_bytes,
	};
	return http_client_perform(client, &http, reply, why);
}

enum error pipeline_call(const struct pipeline_call *call, struct http_reply *reply,
			 struct text *why)
{
	*reply = (struct http_reply){ .retry_after_ms = -1 };
	text_init(&reply->body, call->reply_limit_bytes);
	struct text url, authorization;
	text_init(&url, MAX_URL);
	text_init(&authorization, MAX_HEADER);
	text_putf(&url, "%s%s", call->address, call->path);
	if (call->authorization)
		text_putf(&authorization, "Authorization: %s", call->authorization);
	struct http_client *client = http_client_new();
	enum error error = ERROR_NO_MEMORY;
	if (client && text_ok(&url) && text_ok(&authorization))
		error = perform(client, call, url.data, authorization.data, reply, why);
	http_client_destroy(&client);
	text_clean_up(&authorization);
	text_clean_up(&url);
	return error;
}

cJSON *pipeline_reply_json(const struct http_reply *reply)
{
	struct json_flaw flaw;
	if (json_check(reply->body.data, reply->body.length, NESTING, &flaw) != ERROR_OK)
		return NULL;
	return cJSON_ParseWithLength(reply->body.data, reply->body.length);
}

bool pipeline_enter(struct http_request *request, struct model_app *app)
{
	if (atomic_fetch_add(&app->pipeline_calls, 1) < AT_A_TIME)
		return true;
	pipeline_leave(app);
	http_answer_retry_after(request, 1);
	http_answer_problem(request, 503, "busy", NULL,
			    "%d requests wait for other services already", AT_A_TIME);
	return false;
}

void pipeline_leave(struct model_app *app)
{
	atomic_fetch_sub(&app->pipeline_calls, 1);
}
