/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A training job as the REST API shows it.
 */
#include "json_numbers.h"
#include "training.h"

/* A number, or null where it is negative: not known. */
static cJSON *add_known(cJSON *json, const char *name, int64_t value)
{
	return value < 0 ? cJSON_AddNullToObject(json, name)
			 : cJSON_AddNumberToObject(json, name, (double)value);
}

cJSON *job_to_json(const struct job *job)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "id", job->id);
	cJSON_AddStringToObject(json, "model", job->model);
	cJSON_AddStringToObject(json, "by", job->by);
	cJSON_AddStringToObject(json, "engine", training_engine_name(job->engine));
	cJSON_AddStringToObject(json, "state", job_state_name(job->state));
	cJSON_AddStringToObject(json, "phase", job->phase);
	json_add_time(json, "created", job->created_us);
	json_add_time(json, "started", job->started_us);
	json_add_time(json, "ended", job->ended_us);
	cJSON_AddNumberToObject(json, "files", (double)job->files_total);
	cJSON_AddNumberToObject(json, "files_done", (double)job->files_done);
	cJSON_AddNumberToObject(json, "files_refused", (double)job->files_refused);
	cJSON_AddNumberToObject(json, "bytes", (double)job->bytes_total);
	cJSON_AddNumberToObject(json, "bytes_done", (double)job->bytes_done);
	cJSON_AddNumberToObject(json, "rows", (double)job->rows_read);
	cJSON_AddNumberToObject(json, "rows_used", (double)job->rows_used);
	cJSON_AddNumberToObject(json, "rows_per_s", job->rows_per_s);
	add_known(json, "remaining_ms", job->remaining_ms);
	add_known(json, "version", job->version);
	cJSON_AddBoolToObject(json, "serves", job->serves);
	/* The last one made: what was missing before is missing here as well. */
	const cJSON *last = job->reason[0] ? cJSON_AddStringToObject(json, "reason", job->reason)
					   : cJSON_AddNullToObject(json, "reason");
	if (!last) {
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}
