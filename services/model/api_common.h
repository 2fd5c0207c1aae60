/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the REST handlers share: lists by `since`, `limit` and `every`, times, usual errors.
 */
#ifndef TICKLINE_MODEL_API_COMMON_H
#define TICKLINE_MODEL_API_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "feature_reader.h"
#include "http_server.h"
#include "model_version.h"
#include "registry.h"
#include "text.h"
#include "time_ring.h"

/* Reads since (default: none), limit (default 1,000) and every (seconds, default 0). With `since`
 * the oldest that match come first in the count, without it the newest. INVALID: answered 400. */
enum error api_list_query(struct http_request *request, size_t rows_limit,
			  struct time_ring_query *query) MUST_USE;

/* The members held, oldest and newest of a list that is being written. */
void api_put_span(struct text *out, const struct time_ring_span *span);

/* A quoted RFC 3339 time; null for 0. */
void api_put_time(struct text *out, int64_t us);
cJSON *api_time(int64_t us);

/* A number, or null when it is not finite. */
cJSON *api_number(double value);

/* A version in a list. */
cJSON *api_version_summary(const struct version_summary *summary);

/* 404 "no-such-model" that names it. */
void api_no_such_model(struct http_request *request, const char *model);

/* 404 where there is no such model, else 503 "no-version". */
void api_no_version(struct http_request *request, struct registry *registry, const char *model);

/* Why a caller does something: at most so many bytes. */
enum { API_REASON_MOST = 250 };

/* Writes what the request did to a model into the audit trail. `reason`, `job`: NULL for none. */
void api_record(struct http_request *request, struct registry *registry, const char *action,
		const char *model, const char *reason, const char *job);

/* Scalars, arrays and objects in a JSON body of at most so many rows, in any of its forms. */
size_t api_values_most(size_t rows_limit);

/* The body of a call for predictions, of at most `rows_limit` rows: CSV by its Content-Type, else
 * JSON. On failure it has been answered; clean up in any case. */
struct api_body {
	cJSON *json;     /* NULL: it is CSV */
	struct text csv; /* when it is */
};
enum error api_body_read(struct http_request *request, size_t rows_limit,
			 struct api_body *body) MUST_USE;
void api_body_clean_up(struct api_body *body);

/* A prediction for one row; INVALID with a 422 in `fault` when it is not finite. */
enum error api_predict_row(const struct version *version, const double *x, double level,
			   struct prediction *made, struct feature_fault *fault) MUST_USE;

/* The problem of a fault, with the row and the feature as members and in words. `put_more` (may be
 * NULL) adds members, given those words. */
void api_refuse_features(struct http_request *request, const struct feature_fault *fault,
			 void (*put_more)(cJSON *extra, const char *words));

/* The problem that fits an error from the registry or the training; `why` is its detail. 503s carry
 * Retry-After. */
void api_answer_error(struct http_request *request, enum error error, const struct text *why);

#endif
