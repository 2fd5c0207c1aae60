/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MLflow's scoring protocol: POST /invocations and GET /ping for one model (setting
 * invocations_model), and below /v1/models/{m}/ for each. Predictions are plain numbers, as a
 * scikit-learn model behind MLflow gives them; with `params` {"level": …} they are objects with the
 * interval. Errors are problems that also have MLflow's `error_code` and `message`.
 */
#include <math.h>
#include <string.h>

#include "api.h"
#include "api_common.h"
#include "live_model.h"

enum { ROW_MAX_TEXT = 256 };

struct call {
	struct http_request *request;
	struct model_app *app;
	const char *model;
	const struct version *version;
	double level; /* NAN: plain numbers are wanted */
	size_t rows;
	struct text out;
};

static void put_mlflow_error(cJSON *extra, const char *words)
{
	cJSON_AddStringToObject(extra, "error_code", "BAD_REQUEST");
	cJSON_AddStringToObject(extra, "message", words);
}

static const char *model_of(const struct http_request *request, const struct model_app *app)
{
	const char *model = http_path_parameter(request, "m");
	return model[0] ? model : app->settings.invocations_model;
}

/* --- the rows -------------------------------------------------------------------------------- */

static void put_record(struct text *out, const struct prediction *made)
{
	text_puts(out, "{\"prediction\":");
	text_put_double(out, made->value);
	text_puts(out, ",\"low\":");
	text_put_double(out, made->low);
	text_puts(out, ",\"high\":");
	text_put_double(out, made->high);
	text_putf(out, ",\"interval_kind\":\"%s\",\"interval_factor\":",
		  interval_kind_name(made->interval));
	text_put_double(out, made->factor);
	text_puts(out, made->extrapolated ? ",\"extrapolated\":true}" : ",\"extrapolated\":false}");
}

static enum error row_take(const double *x, struct feature_fault *fault, void *user)
{
	struct call *call = user;
	struct prediction made;
	bool plain = isnan(call->level);
	enum error error =
		api_predict_row(call->version, x, plain ? LIVE_LEVEL : call->level, &made, fault);
	if (error != ERROR_OK)
		return error;
	if (call->rows++ > 0)
		text_putc(&call->out, ',');
	if (plain)
		text_put_double(&call->out, made.value);
	else
		put_record(&call->out, &made);
	return ERROR_OK;
}

/* --- the body -------------------------------------------------------------------------------- */

static enum error read_params(struct call *call, struct feature_reader *reader, const cJSON *params)
{
	const cJSON *level = params ? params->child : NULL;
	call->level = NAN;
	if (!params || (cJSON_IsObject(params) && !level))
		return ERROR_OK;
	bool fine = cJSON_IsObject(params) && !level->next && strcmp(level->string, "level") == 0 &&
		    cJSON_IsNumber(level) && level->valuedouble > 0 && level->valuedouble < 1;
	if (!fine)
		return feature_refuse(reader, 400, "bad-parameter", NULL,
				      "params must be an object whose only member is level, a "
				      "number between 0 and 1, both excluded");
	call->level = level->valuedouble;
	return ERROR_OK;
}

static enum error read_json(struct call *call, struct feature_reader *reader, const cJSON *body)
{
	for (const cJSON *one = cJSON_IsObject(body) ? body->child : NULL; one; one = one->next) {
		if (!feature_is_mlflow_form(one->string) && strcmp(one->string, "params") != 0)
			return feature_refuse(reader, 400, "unknown-member", NULL,
					      "unknown member \"%.64s\" beside the rows: there is "
					      "params",
					      one->string);
	}
	enum error error =
		read_params(call, reader, cJSON_GetObjectItemCaseSensitive(body, "params"));
	return error == ERROR_OK ? feature_read_mlflow(reader, body) : error;
}

static void answer(struct call *call, const struct api_body *body)
{
	size_t limit = (size_t)call->app->settings.rows_limit;
	struct feature_reader reader = { .version = call->version,
					 .rows_limit = limit,
					 .take = row_take,
					 .user = call,
					 .row = -1 };
	call->level = NAN;
	text_init(&call->out, 256 + limit * ROW_MAX_TEXT);
	text_puts(&call->out, "{\"predictions\":[");
	enum error error = body->json ? read_json(call, &reader, body->json)
				      : feature_read_csv(&reader, body->csv.data, body->csv.length);
	if (error == ERROR_OK) {
		text_puts(&call->out, "],\"model\":");
		text_put_json(&call->out, call->model, strlen(call->model));
		text_puts(&call->out, ",\"version\":");
		text_put_i64(&call->out, version_number(call->version));
		text_putc(&call->out, '}');
		metric_add(call->app->predict_rows, call->rows);
		http_answer_text(call->request, 200, "application/json", &call->out);
	} else {
		api_refuse_features(call->request, &reader.fault, put_mlflow_error);
	}
	text_clean_up(&call->out);
}

/* --- the calls ------------------------------------------------------------------------------- */

void mlflow_invocations(struct http_request *request, void *user)
{
	struct model_app *app = user;
	struct call call = { .request = request, .app = app, .model = model_of(request, app) };
	struct api_body body;
	if (api_body_read(request, (size_t)app->settings.rows_limit, &body) == ERROR_OK) {
		struct version *version = registry_acquire(app->registry, call.model);
		call.version = version;
		if (version)
			answer(&call, &body);
		else
			api_no_version(request, app->registry, call.model);
		version_release(&version);
	}
	api_body_clean_up(&body);
}

void mlflow_ping(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *model = model_of(request, app);
	struct version *version = registry_acquire(app->registry, model);
	/* 404 is what MLflow's own server says while it has nothing loaded. */
	if (version)
		http_answer(request, 200, "text/plain", "\n", 1);
	else
		http_answer_problem(request, 404, "no-version", NULL,
				    "there is no model \"%s\" or it has no version yet", model);
	version_release(&version);
}
