/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resource_manager.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yarn_answer.h"

enum { MAX_MANAGERS = 8, MAX_URL = 1200, MAX_REPLY = 4 << 20 };

struct resource_manager {
	struct resource_manager_options options;
	struct http_client *http;
	char *urls; /* cut at the commas */
	const char *nodes[MAX_MANAGERS];
	size_t node_count, active;
};

static const char *const json_headers[] = { "Content-Type: application/json",
					    "Accept: application/json", NULL };

bool yarn_is_transient(enum error error)
{
	return error == ERROR_UNREACHABLE || error == ERROR_TIMEOUT || error == ERROR_CLOSED ||
	       error == ERROR_UNAVAILABLE;
}

/* --- life ------------------------------------------------------------------------------------ */

static bool is_http(const char *url)
{
	return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static enum error cut_urls(struct resource_manager *manager, struct text *why)
{
	char *rest = NULL;
	for (char *url = strtok_r(manager->urls, ", ", &rest); url;
	     url = strtok_r(NULL, ", ", &rest)) {
		size_t length = strlen(url);
		if (!is_http(url) || length > MAX_URL / 2 || manager->node_count == MAX_MANAGERS) {
			why_putf(why,
				 "yarn_urls: \"%.200s\" is no http:// address, or there are "
				 "more than %d",
				 url, MAX_MANAGERS);
			return ERROR_INVALID;
		}
		if (url[length - 1] == '/')
			url[length - 1] = '\0';
		manager->nodes[manager->node_count++] = url;
	}
	if (manager->node_count > 0)
		return ERROR_OK;
	why_putf(why, "yarn_urls is empty: it is to name the ResourceManager");
	return ERROR_INVALID;
}

enum error resource_manager_new(const struct resource_manager_options *options,
				struct resource_manager **out, struct text *why)
{
	struct resource_manager *manager = calloc(1, sizeof(*manager));
	*out = manager;
	if (!manager)
		return ERROR_NO_MEMORY;
	manager->options = *options;
	manager->http = http_client_new();
	manager->urls = strdup(options->urls);
	enum error error =
		manager->http && manager->urls ? cut_urls(manager, why) : ERROR_NO_MEMORY;
	if (error != ERROR_OK)
		resource_manager_destroy(out);
	return error;
}

void resource_manager_destroy(struct resource_manager **manager)
{
	if (!*manager)
		return;
	http_client_destroy(&(*manager)->http);
	free((*manager)->urls);
	free(*manager);
	*manager = NULL;
}

/* --- one call -------------------------------------------------------------------------------- */

struct request {
	const char *op; /* the metrics' label */
	const char *method, *path;
	const char *query; /* after the user's name; "" */
	const char *body;  /* NULL: none */
};

static void count(struct resource_manager *manager, const char *op, enum error error)
{
	char labels[100];
	snprintf(labels, sizeof(labels), "op=\"%s\",outcome=\"%s\"", op, error_name(error));
	metric_add(metrics_counter(manager->options.metrics, "yarn_requests_total",
				   "Requests to the ResourceManager", labels),
		   1);
}

static enum error ask(struct resource_manager *manager, const struct request *request,
		      struct http_reply *reply, struct text *why)
{
	char memory[MAX_URL];
	struct text url;
	text_init_fixed(&url, memory, sizeof(memory));
	text_putf(&url, "%s/ws/v1/cluster/%s?user.name=", manager->nodes[manager->active],
		  request->path);
	text_put_url(&url, manager->options.user, strlen(manager->options.user), "");
	text_puts(&url, request->query);
	const struct http_call call = {
		.method = request->method,
		.url = url.data,
		.headers = json_headers,
		.body = request->body,
		.body_length = request->body ? strlen(request->body) : 0,
		.limits = manager->options.limits,
		.reply_limit_bytes = MAX_REPLY,
		.cancel = manager->options.cancel,
	};
	enum error error = http_client_perform(manager->http, &call, reply, why);
	if (error == ERROR_OK)
		error = yarn_answer_error(reply->status, reply->body.data, reply->body.length, why);
	count(manager, request->op, error);
	return error;
}

/* A standby sends elsewhere, and a dead one says nothing: each of the others is asked once. */
static enum error call_any(struct resource_manager *manager, const struct request *request,
			   struct http_reply *reply, struct text *why)
{
	enum error error = ERROR_UNREACHABLE;
	for (size_t tried = 0; tried < manager->node_count; tried++) {
		char memory[600];
		struct text detail;
		text_init_fixed(&detail, memory, sizeof(memory));
		if (tried > 0)
			http_reply_clean_up(reply);
		error = ask(manager, request, reply, &detail);
		if (error == ERROR_OK)
			return error;
		why_putf(why, "%sResourceManager %s (%s): %s", tried > 0 ? "; " : "",
			 manager->nodes[manager->active], request->op, detail.data);
		if (error != ERROR_UNREACHABLE && error != ERROR_UNAVAILABLE)
			return error;
		manager->active = (manager->active + 1) % manager->node_count;
	}
	return error;
}

/* --- calls ----------------------------------------------------------------------------------- */

enum error yarn_new_application(struct resource_manager *manager, char id[YARN_ID_SIZE],
				struct text *why)
{
	const struct request request = { "new-application", "POST", "apps/new-application", "",
					 "" };
	struct http_reply reply;
	enum error error = call_any(manager, &request, &reply, why);
	if (error == ERROR_OK)
		error = yarn_answer_new_id(reply.body.data, reply.body.length, id, why);
	http_reply_clean_up(&reply);
	return error;
}

/* The form of ResourceManager's documentation; each list is wrapped in an object of one member. */
static cJSON *submission(const char *id, const struct yarn_launch *launch)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "application-id", id);
	cJSON_AddStringToObject(json, "application-name", launch->name);
	cJSON_AddStringToObject(json, "application-type", "TICKLINE");
	cJSON_AddStringToObject(json, "queue", launch->queue);
	cJSON_AddNumberToObject(json, "max-app-attempts", 1);
	cJSON *resource = cJSON_AddObjectToObject(json, "resource");
	cJSON_AddNumberToObject(resource, "memory", (double)launch->memory_mb);
	cJSON_AddNumberToObject(resource, "vCores", 1);
	cJSON *container = cJSON_AddObjectToObject(json, "am-container-spec");
	cJSON *commands = cJSON_AddObjectToObject(container, "commands");
	cJSON_AddStringToObject(commands, "command", launch->command);
	cJSON *environment = cJSON_AddObjectToObject(container, "environment");
	cJSON *entries = cJSON_AddArrayToObject(environment, "entry");
	cJSON *entry = cJSON_CreateObject();
	cJSON_AddItemToArray(entries, entry);
	cJSON_AddStringToObject(entry, "key", "HADOOP_USER_NAME");
	/* The last one made: what was missing before is missing here as well. */
	if (cJSON_AddStringToObject(entry, "value", launch->user))
		return json;
	cJSON_Delete(json);
	return NULL;
}

enum error yarn_submit(struct resource_manager *manager, const char *id,
		       const struct yarn_launch *launch, struct text *why)
{
	cJSON *json = submission(id, launch);
	char *body = json ? cJSON_PrintUnformatted(json) : NULL;
	const struct request request = { "submit", "POST", "apps", "", body };
	struct http_reply reply;
	cJSON_Delete(json);
	if (!body)
		return ERROR_NO_MEMORY;
	enum error error = call_any(manager, &request, &reply, why);
	http_reply_clean_up(&reply);
	free(body);
	return error;
}

enum error yarn_look(struct resource_manager *manager, const char *id,
		     struct yarn_application *application, struct text *why)
{
	char path[YARN_ID_SIZE + 8];
	const struct request request = { "look", "GET", path, "", NULL };
	struct http_reply reply;
	snprintf(path, sizeof(path), "apps/%s", id);
	enum error error = call_any(manager, &request, &reply, why);
	if (error == ERROR_OK)
		error = yarn_answer_application(reply.body.data, reply.body.length, application,
						why);
	http_reply_clean_up(&reply);
	return error;
}

enum error yarn_find(struct resource_manager *manager, const char *tag,
		     struct yarn_application *application, struct text *why)
{
	char query[200];
	const struct request request = { "find", "GET", "apps", query, NULL };
	struct http_reply reply;
	snprintf(query, sizeof(query), "&applicationTags=%.150s", tag);
	enum error error = call_any(manager, &request, &reply, why);
	if (error == ERROR_OK)
		error = yarn_answer_newest(reply.body.data, reply.body.length, application, why);
	http_reply_clean_up(&reply);
	return error;
}

enum error yarn_kill(struct resource_manager *manager, const char *id, struct text *why)
{
	char path[YARN_ID_SIZE + 16];
	const struct request request = { "kill", "PUT", path, "", "{\"state\":\"KILLED\"}" };
	struct http_reply reply;
	snprintf(path, sizeof(path), "apps/%s/state", id);
	enum error error = call_any(manager, &request, &reply, why);
	http_reply_clean_up(&reply);
	return error;
}
