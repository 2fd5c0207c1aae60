/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api_common.h"

#include <math.h>
#include <string.h>

#include "timestamp.h"

enum { LIMIT_DEFAULT = 1000, EVERY_MOST_S = 86400, RETRY_AFTER_S = 2 };

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

void api_answer_error(struct http_request *request, enum error error, const struct text *why)
{
	int status = http_status_of(error);
	if (status == 503)
		http_answer_retry_after(request, RETRY_AFTER_S);
	http_answer_problem(request, status, error_name(error), NULL, "%s",
			    why->length > 0 ? why->data : error_text(error));
}
