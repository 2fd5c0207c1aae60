/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One call to another service on behalf of a request. Reentrant.
 */
#ifndef TICKLINE_MODEL_PIPELINE_CALL_H
#define TICKLINE_MODEL_PIPELINE_CALL_H

#include "api.h"
#include "http_client.h"

struct pipeline_call {
	const char *method;
	const char *address; /* "http://127.0.0.1:5550"; NULL or "": nothing is called */
	const char *path;
	const char *authorization; /* header of the request that is passed on; NULL: none */
	const char *body;          /* JSON; NULL: none */
	const char *host_map;      /* as the setting hdfs_host_map; NULL: none */
	int64_t timeout_ms;
	size_t reply_limit_bytes;
};

/* As http_client_perform, on a client of its own; CLOSED, TIMEOUT: it may have been carried out.
 * `reply` is to be freed with http_reply_clean_up, whatever the result. */
enum error pipeline_call(const struct pipeline_call *call, struct http_reply *reply,
			 struct text *why) MUST_USE;

/* The reply's body as JSON, checked strictly; NULL: it is none. The caller frees it. */
cJSON *pipeline_reply_json(const struct http_reply *reply);

/* At most so many requests wait for other services at a time. False: answered 503. */
bool pipeline_enter(struct http_request *request, struct model_app *app);
void pipeline_leave(struct model_app *app);

#endif
