/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api_common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "timestamp.h"

enum { LIMIT_DEFAULT = 1000, EVERY_MOST_S = 86400, RETRY_AFTER_S = 2, NO_VERSION_RETRY_S = 5 };

enum error api_list_query(struct http_request *request, size_t rows_limit,
			  struct time_ring_query *query)
{
	int64_t limit, every_s, most = (int64_t)rows_limit;
	*query = (struct time_ring_query){ .newest = http_query(request, "since") == NULL };
	enum error error = http_query_i64(request, "limit", 1, most,
					  most < LIMIT_DEFAULT ? most : LIMIT_DEFAULT, &limit);
	if (error == ERROR_OK)
		error = http_query_i64(request, "every", 0, EVERY_MOST_S, 0, &every_s);
	if (error == ERROR_OK)
		error = http_query_timestamp(request, "since", INT64_MIN, &query->after_us);
	if (error != ERROR_OK)
		return error;
	query->limit = (size_t)limit;
	query->every_us = every_s * 1000000;
	return ERROR_OK;
}

void api_put_time(struct text *out, int64_t us)
{
	char time[TIMESTAMP_MAX_TEXT];
	if (us == 0) {
		text_puts(out, "null");
		return;
	}
	text_putc(out, '"');
	text_put(out, time, timestamp_print(us, time));
	text_putc(out, '"');
}

void api_put_span(struct text *out, const struct time_ring_span *span)
{
	text_putf(out, "\"held\":%zu,\"oldest\":", span->held);
	api_put_time(out, span->oldest_us);
	text_puts(out, ",\"newest\":");
	api_put_time(out, span->newest_us);
}

cJSON *api_time(int64_t us)
{
	char time[TIMESTAMP_MAX_TEXT];
	if (us == 0)
		return cJSON_CreateNull();
	timestamp_print(us, time);
	return cJSON_CreateString(time);
}

cJSON *api_number(double value)
{
	return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

cJSON *api_version_summary(const struct version_summary *summary)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "version", (double)summary->number);
	cJSON_AddItemToObject(json, "created", api_time(summary->created_us));
	cJSON_AddNumberToObject(json, "rows", (double)summary->rows);
	cJSON_AddNumberToObject(json, "held_out_rows", (double)summary->held_out_rows);
	cJSON_AddItemToObject(json, "r2", api_number(summary->r2));
	cJSON_AddItemToObject(json, "rmse", api_number(summary->rmse));
	cJSON_AddItemToObject(json, "held_out_rmse", api_number(summary->held_out_rmse));
	cJSON_AddItemToObject(json, "skill_last", api_number(summary->skill_last));
	cJSON_AddItemToObject(json, "skill_mean", api_number(summary->skill_mean));
	cJSON_AddBoolToObject(json, "last_price", summary->last_price);
	cJSON_AddBoolToObject(json, "leakage", summary->leakage);
	return json;
}

void api_no_such_model(struct http_request *request, const char *model)
{
	http_answer_problem(request, 404, "no-such-model", NULL,
			    "there is no model \"%s\"; GET /v1/models lists them", model);
}

void api_no_version(struct http_request *request, struct registry *registry, const char *model)
{
	struct spec spec;
	if (registry_spec(registry, model, &spec) != ERROR_OK) {
		api_no_such_model(request, model);
		return;
	}
	http_answer_retry_after(request, NO_VERSION_RETRY_S);
	http_answer_problem(request, 503, "no-version", NULL,
			    "the model %s has no version yet; POST /v1/models/%s/train makes one",
			    model, model);
}

void api_record(struct http_request *request, struct registry *registry, const char *action,
		const char *model, const char *reason, const char *job)
{
	struct audit_event event = { .version = -1 };
	snprintf(event.action, sizeof event.action, "%s", action);
	snprintf(event.model, sizeof event.model, "%s", model);
	snprintf(event.by, sizeof event.by, "%s", http_principal(request));
	snprintf(event.reason, sizeof event.reason, "%s", reason ? reason : "");
	snprintf(event.job, sizeof event.job, "%s", job ? job : "");
	registry_record(registry, &event);
}

size_t api_values_most(size_t rows_limit)
{
	enum { BESIDE_THE_ROWS = 1000 };
	/* An array around each number is the form with the most values. */
	return rows_limit * (2 * SPEC_MAX_FEATURES + 1) + BESIDE_THE_ROWS;
}

enum error api_body_read(struct http_request *request, size_t rows_limit, struct api_body *body)
{
	body->json = NULL;
	text_init(&body->csv, SIZE_MAX / 2); /* the server limits bodies */
	return http_content_type_is(request, "text/csv")
		       ? http_body_read_all(request, &body->csv)
		       : http_body_read_json_values(request, true, api_values_most(rows_limit),
						    &body->json);
}

void api_body_clean_up(struct api_body *body)
{
	cJSON_Delete(body->json);
	text_clean_up(&body->csv);
}

enum error api_predict_row(const struct version *version, const double *x, double level,
			   struct prediction *made, struct feature_fault *fault)
{
	enum error error = version_predict(version, x, level, made);
	if (error != ERROR_OK)
		*fault = (struct feature_fault){
			.status = 422,
			.slug = "not-finite",
			.reason = "these features give no finite prediction; they are far out of "
				  "range",
		};
	return error;
}

void api_refuse_features(struct http_request *request, const struct feature_fault *fault,
			 void (*put_more)(cJSON *extra, const char *words))
{
	char memory[sizeof *fault];
	struct text words;
	cJSON *extra = cJSON_CreateObject();
	text_init_fixed(&words, memory, sizeof memory);
	if (fault->row >= 0) {
		cJSON_AddNumberToObject(extra, "row", (double)fault->row);
		text_putf(&words, "row %lld: ", (long long)fault->row);
	}
	if (fault->feature_given) {
		cJSON_AddStringToObject(extra, "feature", fault->feature);
		text_putf(&words, "feature \"%s\" ", fault->feature);
	}
	text_puts(&words, fault->reason);
	if (put_more)
		put_more(extra, words.data);
	http_answer_problem(request, fault->status, fault->slug, extra, "%s", words.data);
}

void api_answer_error(struct http_request *request, enum error error, const struct text *why)
{
	int status = http_status_of(error);
	if (status == 503)
		http_answer_retry_after(request, RETRY_AFTER_S);
	http_answer_problem(request, status, error_name(error), NULL, "%s",
			    why->length > 0 ? why->data : error_text(error));
}
