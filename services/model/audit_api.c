/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/audit: who did what to the models, when and why.
 */
#include <stdlib.h>

#include "api.h"
#include "api_common.h"

static cJSON *text_or_null(const char *text)
{
	return text[0] ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static cJSON *event_json(const struct audit_event *event)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "at", api_time(event->at_us));
	cJSON_AddStringToObject(json, "action", event->action);
	cJSON_AddStringToObject(json, "model", event->model);
	cJSON_AddStringToObject(json, "by", event->by);
	cJSON_AddStringToObject(json, "reason", event->reason);
	cJSON_AddItemToObject(json, "version",
			      event->version >= 0 ? cJSON_CreateNumber((double)event->version)
						  : cJSON_CreateNull());
	cJSON_AddItemToObject(json, "job", text_or_null(event->job));
	return json;
}

void audit_get(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t limit;
	if (http_query_i64(request, "limit", 1, AUDIT_MAX, 100, &limit) != ERROR_OK)
		return;
	struct audit_event *events = calloc((size_t)limit, sizeof *events);
	if (!events) {
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
		return;
	}
	size_t total;
	size_t count = registry_audit(app->registry, http_query(request, "model"), events,
				      (size_t)limit, &total);
	cJSON *json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "total", (double)total);
	cJSON *list = cJSON_AddArrayToObject(json, "events");
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(list, event_json(&events[i]));
	http_answer_json(request, 200, json);
	free(events);
}
