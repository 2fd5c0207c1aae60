/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "webhdfs.h"

#include <stdlib.h>
#include <string.h>

#include "webhdfs_private.h"

enum { LIST_REPLY_BYTES = 64 * 1024 * 1024, MAX_NAME_BYTES = 1024 };

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

enum error webhdfs_new(const struct webhdfs_options *options, struct webhdfs **client,
		       struct text *why)
{
	struct webhdfs *made = calloc(1, sizeof *made);
	if (!made)
		return ERROR_NO_MEMORY;
	enum error error = webhdfs_nodes_parse(options->urls, made->nodes, &made->node_count, why);
	if (error)
		goto fail_nodes;
	error = ERROR_NO_MEMORY;
	made->urls = copy(options->urls);
	made->user = copy(options->user);
	made->token = copy(options->token);
	made->host_map = copy(options->host_map);
	made->http = http_client_new();
	if (!made->urls || !made->user || !made->token || !made->host_map || !made->http)
		goto fail_parts;
	if (made->host_map[0])
		http_client_map_hosts(made->http, made->host_map);
	made->limits = options->limits;
	made->metrics = options->metrics;
	made->cancel = options->cancel;
	made->direct = options->direct;
	*client = made;
	return ERROR_OK;

fail_parts:
	webhdfs_destroy(&made);
	return error;
fail_nodes:
	free(made);
	return error;
}

enum error webhdfs_new_like(const struct webhdfs *like, struct webhdfs **client)
{
	const struct webhdfs_options options = { .urls = like->urls,
						 .user = like->user,
						 .token = like->token,
						 .host_map = like->host_map,
						 .limits = like->limits,
						 .metrics = like->metrics,
						 .cancel = like->cancel,
						 .direct = like->direct };
	enum error error = webhdfs_new(&options, client, NULL);
	if (!error) {
		(*client)->active = like->active;
		(*client)->no_batch_listing = like->no_batch_listing;
	}
	return error;
}

void webhdfs_destroy(struct webhdfs **client)
{
	if (!*client)
		return;
	if ((*client)->http)
		http_client_destroy(&(*client)->http);
	hdfs_reader_destroy(&(*client)->reader);
	for (size_t i = 0; i < (*client)->node_count; i++)
		free((*client)->nodes[i]);
	free((*client)->urls);
	free((*client)->user);
	free((*client)->token);
	free((*client)->host_map);
	free(*client);
	*client = NULL;
}

void webhdfs_cancel_by(struct webhdfs *client, const atomic_bool *cancel)
{
	client->cancel = cancel;
}

bool webhdfs_is_transient(enum error code)
{
	switch (code) {
	case ERROR_UNREACHABLE:
	case ERROR_TIMEOUT:
	case ERROR_CLOSED:
	case ERROR_PROTOCOL:
	case ERROR_UNAVAILABLE:
	case ERROR_STANDBY:
	case ERROR_RETRIABLE:
	case ERROR_SAFE_MODE:
	case ERROR_LENGTH:
	case ERROR_NO_MEMORY:
		return true;
	default:
		return false;
	}
}

bool webhdfs_is_unknown(enum error code)
{
	switch (code) {
	case ERROR_TIMEOUT:
	case ERROR_CLOSED:
	case ERROR_PROTOCOL:
	case ERROR_UNAVAILABLE:
	case ERROR_LIMIT:
	case ERROR_CANCELLED:
	case ERROR_NO_MEMORY:
		return true;
	default:
		return false;
	}
}

/* Calls and reads the {"boolean":…} of the answer; `false` is an error for the caller to name. */
static enum error call_boolean(struct webhdfs *client, const struct webhdfs_request *request,
			       bool *value, struct text *why)
{
	struct http_reply reply;
	enum error error = webhdfs_call(client, request, &reply, why);
	if (!error)
		error = webhdfs_answer_boolean(reply.body.data, reply.body.length, value, why);
	http_reply_clean_up(&reply);
	return error;
}

enum error webhdfs_mkdirs(struct webhdfs *client, const char *path, struct text *why)
{
	const struct webhdfs_request request = { .method = "PUT", .op = "MKDIRS", .path = path };
	bool made;
	enum error error = call_boolean(client, &request, &made, why);
	if (!error && !made) {
		why_putf(why, "MKDIRS of %.300s answered false", path);
		error = ERROR_PROTOCOL;
	}
	return error;
}

enum error webhdfs_delete(struct webhdfs *client, const char *path, bool recursive,
			  struct text *why)
{
	const struct webhdfs_query query[] = { { "recursive", recursive ? "true" : "false" },
					       { NULL, NULL } };
	const struct webhdfs_request request = {
		.method = "DELETE", .op = "DELETE", .path = path, .query = query
	};
	bool deleted;
	enum error error = call_boolean(client, &request, &deleted, why);
	if (!error && !deleted) {
		why_putf(why, "%.300s does not exist", path);
		error = ERROR_NOT_FOUND;
	}
	return error;
}

/* RENAME with options and CONCAT answer 200 with nothing; a boolean comes from servers that ignore
 * renameoptions, and its `false` says no more than that it was not done. */
static enum error call_empty(struct webhdfs *client, const struct webhdfs_request *request,
			     struct text *why)
{
	struct http_reply reply;
	enum error error = webhdfs_call(client, request, &reply, why);
	if (!error && reply.status != 200) {
		why_putf(why, "%s of %.300s: status %ld is not expected", request->op,
			 request->path, reply.status);
		error = ERROR_PROTOCOL;
	}
	if (!error && reply.body.length > 0) {
		bool done;
		error = webhdfs_answer_boolean(reply.body.data, reply.body.length, &done, why);
		if (!error && !done) {
			why_putf(why, "%s of %.300s answered false", request->op, request->path);
			error = ERROR_PROTOCOL;
		}
	}
	http_reply_clean_up(&reply);
	return error;
}

static enum error call_rename(struct webhdfs *client, const char *from, const char *to,
			      const char *options, struct text *why)
{
	const struct webhdfs_query query[] = { { "destination", to },
					       { "renameoptions", options },
					       { NULL, NULL } };
	const struct webhdfs_request request = {
		.method = "PUT", .op = "RENAME", .path = from, .query = query
	};
	return call_empty(client, &request, why);
}

enum error webhdfs_rename(struct webhdfs *client, const char *from, const char *to,
			  struct text *why)
{
	return call_rename(client, from, to, "NONE", why);
}

enum error webhdfs_rename_over(struct webhdfs *client, const char *from, const char *to,
			       struct text *why)
{
	return call_rename(client, from, to, "OVERWRITE", why);
}

enum error webhdfs_concat(struct webhdfs *client, const char *target, const char *const *sources,
			  size_t count, struct text *why)
{
	struct text list;
	text_init(&list, WEBHDFS_MAX_URL);
	for (size_t i = 0; i < count; i++)
		text_putf(&list, "%s%s", i ? "," : "", sources[i]);
	enum error error = list.error;
	if (!error) {
		const struct webhdfs_query query[] = { { "sources", list.data }, { NULL, NULL } };
		const struct webhdfs_request request = {
			.method = "POST", .op = "CONCAT", .path = target, .query = query
		};
		error = call_empty(client, &request, why);
	}
	text_clean_up(&list);
	return error;
}

enum error webhdfs_stat(struct webhdfs *client, const char *path, struct webhdfs_status *status,
			struct text *why)
{
	const struct webhdfs_request request = { .method = "GET",
						 .op = "GETFILESTATUS",
						 .path = path };
	struct http_reply reply;
	enum error error = webhdfs_call(client, &request, &reply, why);
	if (!error)
		error = webhdfs_answer_status(reply.body.data, reply.body.length, status, why);
	http_reply_clean_up(&reply);
	return error;
}

static enum error list_page(struct webhdfs *client, const struct webhdfs_request *request,
			    webhdfs_each *each, void *user, int64_t *remaining, struct text *last,
			    struct text *why)
{
	struct http_reply reply;
	enum error error = webhdfs_call(client, request, &reply, why);
	if (!error)
		error = webhdfs_answer_listing(reply.body.data, reply.body.length, each, user,
					       remaining, last, why);
	http_reply_clean_up(&reply);
	return error;
}

static enum error list_whole(struct webhdfs *client, const char *path, webhdfs_each *each,
			     void *user, struct text *last, struct text *why)
{
	const struct webhdfs_request request = { .method = "GET",
						 .op = "LISTSTATUS",
						 .path = path,
						 .reply_limit_bytes = LIST_REPLY_BYTES };
	int64_t remaining;
	return list_page(client, &request, each, user, &remaining, last, why);
}

static enum error list_pages(struct webhdfs *client, const char *path, webhdfs_each *each,
			     void *user, struct text *last, bool *answered, struct text *why)
{
	int64_t remaining = 1;
	while (remaining > 0) {
		const struct webhdfs_query query[] = { { last->length ? "startAfter" : NULL,
							 last->length ? last->data : NULL },
						       { NULL, NULL } };
		const struct webhdfs_request request = { .method = "GET",
							 .op = "LISTSTATUS_BATCH",
							 .path = path,
							 .query = query,
							 .reply_limit_bytes = LIST_REPLY_BYTES };
		enum error error = list_page(client, &request, each, user, &remaining, last, why);
		if (error)
			return error;
		client->one_page = !*answered;
		*answered = true;
	}
	return ERROR_OK;
}

enum error webhdfs_list_after(struct webhdfs *client, const char *path, const char *after,
			      webhdfs_each *each, void *user, struct text *why)
{
	char detail_memory[1024], last_memory[MAX_NAME_BYTES];
	struct text detail, last;
	text_init_fixed(&detail, detail_memory, sizeof detail_memory);
	text_init_fixed(&last, last_memory, sizeof last_memory);
	text_puts(&last, after);
	bool answered = false;
	client->one_page = false;
	enum error error = ERROR_INVALID;
	if (!client->no_batch_listing)
		error = list_pages(client, path, each, user, &last, &answered, &detail);
	/* 400 to the very first page: the server does not know the operation. */
	if (error == ERROR_INVALID && !answered) {
		text_reset(&detail);
		error = list_whole(client, path, each, user, &last, &detail);
		client->no_batch_listing = !error;
	}
	if (error)
		why_putf(why, "%s", detail.data);
	return error;
}

enum error webhdfs_list(struct webhdfs *client, const char *path, webhdfs_each *each, void *user,
			struct text *why)
{
	return webhdfs_list_after(client, path, "", each, user, why);
}

bool webhdfs_listed_at_once(const struct webhdfs *client)
{
	return client->one_page;
}
