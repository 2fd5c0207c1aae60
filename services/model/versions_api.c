/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /v1/models/{m}/versions: the reports of a model's fits, and which of them serves.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_common.h"
#include "decimal.h"
#include "report_text.h"

static const char *model_of(const struct http_request *request)
{
	return http_path_parameter(request, "m");
}

/* Answers 500 itself and gives NULL. */
static void *room_for(struct http_request *request, size_t count, size_t bytes)
{
	void *room = calloc(count, bytes);
	if (!room)
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
	return room;
}

void versions_list(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t limit;
	if (http_query_i64(request, "limit", 1, REGISTRY_MAX_VERSIONS, 100, &limit) != ERROR_OK)
		return;
	struct version_summary *all = room_for(request, (size_t)limit, sizeof *all);
	if (!all)
		return;
	size_t count, total;
	if (registry_versions(app->registry, model_of(request), all, (size_t)limit, &count,
			      &total) != ERROR_OK) {
		api_no_such_model(request, model_of(request));
		free(all);
		return;
	}
	struct version *serving = registry_acquire(app->registry, model_of(request));
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "model", model_of(request));
	cJSON_AddItemToObject(json, "serving",
			      serving ? cJSON_CreateNumber((double)version_number(serving))
				      : cJSON_CreateNull());
	cJSON_AddNumberToObject(json, "total", (double)total);
	cJSON *list = cJSON_AddArrayToObject(json, "versions");
	for (size_t i = 0; i < count; i++) {
		cJSON *summary = api_version_summary(&all[i]);
		cJSON_AddBoolToObject(summary, "on_hdfs", all[i].on_hdfs);
		cJSON_AddItemToArray(list, summary);
	}
	http_answer_json(request, 200, json);
	version_release(&serving);
	free(all);
}

static void no_such_version(struct http_request *request)
{
	http_answer_problem(request, 404, "no-such-version", NULL,
			    "model %s has no version \"%s\"; GET /v1/models/%s/versions lists them",
			    model_of(request), http_path_parameter(request, "v"),
			    model_of(request));
}

/* The version in the path. Answers 404 itself and gives false. */
static bool number_asked(struct http_request *request, struct model_app *app, int64_t *number)
{
	struct spec spec;
	const char *v = http_path_parameter(request, "v");
	if (registry_spec(app->registry, model_of(request), &spec) != ERROR_OK) {
		api_no_such_model(request, model_of(request));
		return false;
	}
	if (decimal_read_i64(v, strlen(v), number) != ERROR_OK) {
		no_such_version(request);
		return false;
	}
	return true;
}

/* JSON wherever it is welcome. */
static void answer_report(struct http_request *request, const struct version *version)
{
	size_t length;
	const char *report = version_report(version, &length);
	if (http_accepts(request, "application/json")) {
		http_answer(request, 200, "application/json", report, length);
	} else if (http_accepts(request, "text/plain")) {
		struct text out;
		text_init(&out, REPORT_TEXT_MAX);
		report_text(report, length, version_number(version), &out);
		http_answer_text(request, 200, "text/plain; charset=utf-8", &out);
		text_clean_up(&out);
	} else {
		http_answer_problem(request, 406, "not-acceptable", NULL,
				    "a report is application/json or text/plain");
	}
}

void versions_get(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t number;
	if (!number_asked(request, app, &number))
		return;
	struct version *version = registry_version(app->registry, model_of(request), number);
	if (!version) {
		no_such_version(request);
		return;
	}
	answer_report(request, version);
	version_release(&version);
}

/* --- which one serves ------------------------------------------------------------------------ */

/* The optional body {"reason": "…"}. Answers 400 itself and gives false. */
static bool reason_read(struct http_request *request, char reason[API_REASON_MOST + 1])
{
	cJSON *json;
	if (http_body_read_json(request, false, &json) != ERROR_OK)
		return false;
	const cJSON *member = json ? json->child : NULL;
	bool fine = !json || (cJSON_IsObject(json) && (!member || !member->next));
	const char *given = "";
	if (fine && member) {
		fine = strcmp(member->string, "reason") == 0 && cJSON_IsString(member) &&
		       strlen(member->valuestring) <= API_REASON_MOST;
		given = fine ? member->valuestring : "";
	}
	strcpy(reason, given);
	cJSON_Delete(json);
	if (!fine)
		http_answer_problem(request, 400, "invalid-body", NULL,
				    "the body is empty or an object whose only member is reason, "
				    "a text of at most %d bytes",
				    API_REASON_MOST);
	return fine;
}

static void answer_serving(struct http_request *request, int64_t number)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "model", model_of(request));
	cJSON_AddNumberToObject(json, "serving", (double)number);
	http_answer_json(request, 200, json);
}

void versions_promote(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t number;
	char reason[API_REASON_MOST + 1];
	if (!number_asked(request, app, &number) || !reason_read(request, reason))
		return;
	struct text why;
	text_init(&why, 2048);
	enum error error = registry_promote(app->registry, model_of(request), number,
					    http_principal(request), reason, &why);
	if (error == ERROR_OK)
		answer_serving(request, number);
	else if (error == ERROR_NOT_FOUND)
		no_such_version(request);
	else
		api_answer_error(request, error, &why);
	text_clean_up(&why);
}

void versions_rollback(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t number;
	char reason[API_REASON_MOST + 1];
	if (!reason_read(request, reason))
		return;
	struct text why;
	text_init(&why, 2048);
	enum error error = registry_rollback(app->registry, model_of(request),
					     http_principal(request), reason, &number, &why);
	if (error == ERROR_OK)
		answer_serving(request, number);
	else if (error == ERROR_NOT_FOUND)
		api_no_such_model(request, model_of(request));
	else
		api_answer_error(request, error, &why);
	text_clean_up(&why);
}

void versions_history(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t limit;
	if (http_query_i64(request, "limit", 1, REGISTRY_MAX_VERSIONS, 100, &limit) != ERROR_OK)
		return;
	struct serving_event *all = room_for(request, (size_t)limit, sizeof *all);
	if (!all)
		return;
	size_t count, total;
	if (registry_history(app->registry, model_of(request), all, (size_t)limit, &count,
			     &total) != ERROR_OK) {
		api_no_such_model(request, model_of(request));
		free(all);
		return;
	}
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "model", model_of(request));
	cJSON_AddNumberToObject(json, "total", (double)total);
	cJSON *list = cJSON_AddArrayToObject(json, "history");
	for (size_t i = 0; i < count; i++) {
		cJSON *event = cJSON_CreateObject();
		cJSON_AddNumberToObject(event, "version", (double)all[i].version);
		cJSON_AddItemToObject(event, "at", api_time(all[i].at_us));
		cJSON_AddStringToObject(event, "by", all[i].by);
		cJSON_AddStringToObject(event, "reason", all[i].reason);
		cJSON_AddItemToArray(list, event);
	}
	http_answer_json(request, 200, json);
	free(all);
}
