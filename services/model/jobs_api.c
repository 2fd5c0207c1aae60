/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/models/{m}/train and /v1/jobs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_common.h"

enum { JOBS_MOST = 1000 };

static bool engine_named(const cJSON *item, enum training_engine *engine)
{
	for (int i = 0; cJSON_IsString(item) && i < TRAINING_ENGINES; i++) {
		if (strcmp(item->valuestring, training_engine_name((enum training_engine)i)) == 0) {
			*engine = (enum training_engine)i;
			return true;
		}
	}
	return false;
}

/* The optional body {"engine": "local"}. Answers 400 itself and gives false. */
static bool engine_read(struct http_request *request, enum training_engine *engine)
{
	cJSON *json;
	if (http_body_read_json(request, false, &json) != ERROR_OK)
		return false;
	const cJSON *member = json ? json->child : NULL;
	const char *unknown = NULL;
	bool fine = !json || cJSON_IsObject(json);
	for (; fine && member; member = member->next) {
		if (strcmp(member->string, "engine") != 0) {
			unknown = member->string;
			fine = false;
		} else {
			fine = engine_named(member, engine);
		}
	}
	if (unknown)
		http_answer_problem(request, 400, "unknown-member", NULL,
				    "unknown member \"%s\"; there is: engine", unknown);
	else if (!fine)
		http_answer_problem(request, 400, "invalid-engine", NULL,
				    "the body is empty or an object, and engine is \"local\" or "
				    "\"yarn\"");
	cJSON_Delete(json);
	return fine;
}

static void answer_job(struct http_request *request, struct model_app *app, int status,
		       const char *id)
{
	struct job job;
	if (training_job(app->training, id, &job) == ERROR_OK)
		http_answer_json(request, status, job_to_json(&job));
	else
		http_answer_problem(request, 404, "no-such-job", NULL, "there is no job \"%s\"",
				    id);
}

static void location_set(struct http_request *request, const char *id)
{
	char location[JOB_ID_LENGTH + 16];
	snprintf(location, sizeof location, "/v1/jobs/%s", id);
	http_answer_header(request, "Location", location);
}

static void answer_refused(struct http_request *request, const char *model, enum error error,
			   const char *id, const struct text *why)
{
	if (error == ERROR_NOT_FOUND) {
		api_no_such_model(request, model);
	} else if (error == ERROR_CONFLICT) {
		cJSON *extra = cJSON_CreateObject();
		cJSON_AddStringToObject(extra, "job", id);
		location_set(request, id);
		http_answer_problem(request, 409, "training-already", extra,
				    "job %s trains the model %s already", id, model);
	} else if (error == ERROR_LIMIT || error == ERROR_CLOSED) {
		http_answer_retry_after(request, 5);
		http_answer_problem(request, error == ERROR_LIMIT ? 429 : 503,
				    error == ERROR_LIMIT ? "too-many-jobs" : "stopping", NULL, "%s",
				    why->length > 0 ? why->data : error_text(error));
	} else {
		api_answer_error(request, error, why);
	}
}

void jobs_train(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *model = http_path_parameter(request, "m");
	char id[JOB_ID_LENGTH + 1] = "";
	enum training_engine engine = ENGINE_LOCAL;
	if (!engine_read(request, &engine))
		return;
	struct text why;
	text_init(&why, 2048);
	enum error error =
		training_begin_on(app->training, engine, model, http_principal(request), id, &why);
	if (error == ERROR_OK) {
		location_set(request, id);
		answer_job(request, app, 202, id);
	} else {
		answer_refused(request, model, error, id, &why);
	}
	text_clean_up(&why);
}

void jobs_list(struct http_request *request, void *user)
{
	struct model_app *app = user;
	int64_t limit;
	if (http_query_i64(request, "limit", 1, JOBS_MOST, 100, &limit) != ERROR_OK)
		return;
	struct job *jobs = calloc((size_t)limit, sizeof *jobs);
	if (!jobs) {
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
		return;
	}
	size_t count =
		training_jobs(app->training, http_query(request, "model"), jobs, (size_t)limit);
	cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "jobs");
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(list, job_to_json(&jobs[i]));
	http_answer_json(request, 200, json);
	free(jobs);
}

void jobs_get(struct http_request *request, void *user)
{
	answer_job(request, user, 200, http_path_parameter(request, "id"));
}

void jobs_cancel(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *id = http_path_parameter(request, "id");
	struct text why;
	text_init(&why, 2048);
	enum error error = training_cancel(app->training, id, &why);
	if (error == ERROR_OK || error == ERROR_NOT_FOUND)
		answer_job(request, app, 202, id);
	else
		api_answer_error(request, error, &why);
	text_clean_up(&why);
}
