/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CREATE and OPEN: what goes to a DataNode. The NameNode is asked first, without a body and with
 * noredirect=true; servers that redirect all the same (HttpFS, old ones) are read by their header.
 */
#include <stdio.h>
#include <string.h>

#include "timestamp.h"
#include "webhdfs_private.h"

static const char *const data_headers[] = { "Content-Type: application/octet-stream", NULL };

/* Where the NameNode sends us. The address may hold a token: it is never shown. */
static enum error ask_location(struct webhdfs *client, const struct webhdfs_request *request,
			       struct text *location, struct text *why)
{
	struct http_reply reply;
	enum error error = webhdfs_call(client, request, &reply, why);
	if (error)
		goto done;
	if (reply.status >= 300 && !reply.location[0]) {
		why_putf(why, "%s of %.300s: status %ld without a Location", request->op,
			 request->path, reply.status);
		error = ERROR_PROTOCOL;
	} else if (reply.location[0]) {
		text_puts(location, reply.location);
		error = location->error;
	} else {
		error = webhdfs_answer_location(reply.body.data, reply.body.length, location, why);
	}
done:
	http_reply_clean_up(&reply);
	return error;
}

static void explain_unreachable(const char *host, const struct http_call *call, enum error error,
				const struct text *detail, struct text *why)
{
	why_putf(why, "DataNode %s (%s): %s", host, call->method, detail->data);
	if (error == ERROR_UNREACHABLE)
		why_putf(why,
			 "; if that name is only known inside the cluster, map it with "
			 "hdfs_host_map (%s=address)",
			 host);
}

/* One call to the DataNode at `location`; a node that fails is the next call's suspect. */
static enum error call_data(struct webhdfs *client, const char *op, struct http_call *call,
			    long expected, struct text *why)
{
	char host[WEBHDFS_MAX_HOST], memory[1024];
	struct text detail;
	struct http_reply reply;
	text_init_fixed(&detail, memory, sizeof memory);
	webhdfs_host_of(call->url, host);
	int64_t started_us = monotonic_now_us();
	enum error error = http_client_perform(client->http, call, &reply, &detail);
	if (!error && (reply.status < 200 || reply.status >= 300))
		error = webhdfs_answer_error(reply.status, reply.body.data, reply.body.length,
					     &detail);
	if (!error && reply.status != expected) {
		why_putf(&detail, "status %ld instead of %ld", reply.status, expected);
		error = ERROR_PROTOCOL;
	}
	http_reply_clean_up(&reply);
	webhdfs_count(client, op, error, started_us);
	if (error)
		explain_unreachable(host, call, error, &detail, why);
	bool node_failed = error == ERROR_UNREACHABLE || error == ERROR_TIMEOUT ||
			   error == ERROR_CLOSED || error == ERROR_UNAVAILABLE;
	memcpy(client->suspect, node_failed ? host : "", node_failed ? strlen(host) + 1 : 1);
	return error;
}

/* How the two operations differ. */
struct transfer {
	struct webhdfs_request request;
	const char *data_op; /* the metrics' label of the DataNode's half */
	struct http_call call;
	long expected_status;
};

enum { MAX_QUERY = 6 };

/* Asks for a DataNode, other than `excluded` where one is named. */
static enum error find_node(struct webhdfs *client, const struct transfer *transfer,
			    const char *excluded, struct text *location, struct text *why)
{
	struct webhdfs_query query[MAX_QUERY] = { 0 };
	size_t n = 0;
	for (const struct webhdfs_query *from = transfer->request.query; from->name; from++)
		query[n++] = *from;
	query[n++] = (struct webhdfs_query){ "noredirect", "true" };
	if (excluded[0])
		query[n++] = (struct webhdfs_query){ "excludedatanodes", excluded };
	struct webhdfs_request request = transfer->request;
	request.query = query;
	text_reset(location);
	return ask_location(client, &request, location, why);
}

static enum error transfer_once(struct webhdfs *client, struct transfer *transfer, struct text *why)
{
	struct text location;
	text_init(&location, WEBHDFS_MAX_URL);
	enum error error = ERROR_UNAVAILABLE;
	if (client->suspect[0])
		error = find_node(client, transfer, client->suspect, &location, NULL);
	/* The suspect may be the only one there is, and back by now. */
	if (error)
		error = find_node(client, transfer, "", &location, why);
	if (!error) {
		transfer->call.url = location.data;
		error = call_data(client, transfer->data_op, &transfer->call,
				  transfer->expected_status, why);
	}
	text_clean_up(&location);
	return error;
}

/* Nothing was sent to a node that can't be reached: another one may have it at once. */
static enum error transfer_run(struct webhdfs *client, struct transfer *transfer, struct text *why)
{
	char memory[1024];
	struct text first;
	text_init_fixed(&first, memory, sizeof memory);
	enum error error = transfer_once(client, transfer, &first);
	if (error == ERROR_UNREACHABLE && client->suspect[0]) {
		text_puts(&first, "; then ");
		error = transfer_once(client, transfer, &first);
	}
	if (error)
		why_putf(why, "%s", first.data);
	return error;
}

enum error webhdfs_create(struct webhdfs *client, const char *path, const char *data, size_t length,
			  bool parent_needed, struct text *why)
{
	const struct webhdfs_query query[] = { { "overwrite", "false" },
					       { "createparent", parent_needed ? "false" : "true" },
					       { NULL, NULL } };
	struct transfer transfer = {
		.request = { .method = "PUT", .op = "CREATE", .path = path, .query = query },
		.data_op = "CREATE_DATA",
		.call = { .method = "PUT",
			  .headers = data_headers,
			  .body = length ? data : "",
			  .body_length = length,
			  .limits = client->limits,
			  .reply_limit_bytes = 64 * 1024,
			  .cancel = client->cancel },
		.expected_status = 201,
	};
	return transfer_run(client, &transfer, why);
}

enum error webhdfs_open(struct webhdfs *client, const char *path, int64_t offset, int64_t length,
			enum error (*sink)(const char *data, size_t length, void *user), void *user,
			struct text *why)
{
	char offset_text[32], length_text[32];
	snprintf(offset_text, sizeof offset_text, "%lld", (long long)offset);
	snprintf(length_text, sizeof length_text, "%lld", (long long)length);
	const struct webhdfs_query query[] = {
		{ "offset", offset_text },
		{ length >= 0 ? "length" : NULL, length_text },
		{ NULL, NULL },
	};
	struct transfer transfer = {
		.request = { .method = "GET", .op = "OPEN", .path = path, .query = query },
		.data_op = "OPEN_DATA",
		.call = { .method = "GET",
			  .limits = client->limits,
			  .reply_limit_bytes = 64 * 1024,
			  .sink = sink,
			  .sink_user = user,
			  .cancel = client->cancel },
		.expected_status = 200,
	};
	return transfer_run(client, &transfer, why);
}

static enum error append(const char *data, size_t length, void *user)
{
	struct text *out = user;
	text_put(out, data, length);
	return out->error;
}

enum error webhdfs_read(struct webhdfs *client, const char *path, struct text *out,
			struct text *why)
{
	return webhdfs_open(client, path, 0, -1, append, out, why);
}
