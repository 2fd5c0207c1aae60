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

struct asked {
	enum training_engine engine;
	char reason[API_REASON_MOST + 1];
};

static bool engine_take(const cJSON *member, struct asked *asked)
{
	for (int i = 0; cJSON_IsString(member) && i < TRAINING_ENGINES; i++) {
		if (strcmp(member->valuestring, training_engine_name((enum training_engine)i)) ==
		    0) {
			asked->engine = (enum training_engine)i;
			return true;
		}
	}
	return false;
}

static bool reason_take(const cJSON *member, struct asked *asked)
{
	if (!cJSON_IsString(member) || strlen(member->valuestring) > API_REASON_MOST)
		return false;
	strcpy(asked->reason, member->valuestring);
	return true;
}

static const struct member {
	const char *name, *slug, *rule;
	bool (*take)(const cJSON *member, struct asked *asked);
} members[] = {
	{ "engine", "invalid-engine", "engine must be \"local\" or \"yarn\"", engine_take },
	{ "reason", "invalid-reason", "reason must be a text of at most 250 bytes", reason_take },
};
enum { MEMBERS = sizeof members / sizeof *members };

/* Answers 400 itself and gives false. */
static bool member_take(struct http_request *request, const cJSON *given, struct asked *asked)
{
	size_t i = 0;
	while (i < MEMBERS && strcmp(members[i].name, given->string) != 0)
		i++;
	if (i == MEMBERS)
		http_answer_problem(request, 400, "unknown-member", NULL,
				    "unknown member \"%s\"; there are: engine, reason",
				    given->string);
	else if (!members[i].take(given, asked))
		http_answer_problem(request, 400, members[i].slug, NULL, "%s", members[i].rule);
	else
		return true;
	return false;
}

/* The optional body {"engine": "local", "reason": "…"}. Answers 400 itself and gives false. */
static bool train_read(struct http_request *request, struct asked *asked)
{
	cJSON *json;
	*asked = (struct asked){ .engine = ENGINE_LOCAL };
	if (http_body_read_json(request, false, &json) != ERROR_OK)
		return false;
	bool fine = !json || cJSON_IsObject(json);
	if (!fine)
		http_answer_problem(request, 400, "invalid-body", NULL,
				    "the body is empty or an object of engine and reason");
	for (const cJSON *member = fine && json ? json->child : NULL; fine && member;
	     member = member->next)
		fine = member_take(request, member, asked);
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
	struct asked asked;
	if (!train_read(request, &asked))
		return;
	struct text why;
	text_init(&why, 2048);
	enum error error = training_begin_on(app->training, asked.engine, model,
					     http_principal(request), id, &why);
	if (error == ERROR_OK) {
		api_record(request, app->registry, "train", model, asked.reason, id);
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
