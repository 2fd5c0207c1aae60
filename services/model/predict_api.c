/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/models/{m}/predict: features by name, one row (an object) or many (an array, or CSV with
 * a header). The order of the names means nothing; an unknown name is refused. (A name that stands
 * twice in an object, or a number beyond a double, never comes here: the reader of bodies refuses
 * them.) The answer is JSON or CSV, as Accept prefers.
 */
#include <math.h>
#include <string.h>

#include "api.h"
#include "api_common.h"
#include "decimal.h"
#include "feature_reader.h"
#include "live_model.h"

enum { ROW_MAX_TEXT = 320 };

enum answer_type { ANSWER_JSON, ANSWER_CSV, ANSWER_TYPES };
static const char *const answer_types[ANSWER_TYPES] = {
	[ANSWER_JSON] = "application/json", [ANSWER_CSV] = "text/csv"
};

struct call {
	struct http_request *request;
	const struct version *version;
	double level;
	enum answer_type type;
	size_t rows;
	struct text out;
};

/* --- the answer's rows ----------------------------------------------------------------------- */

static void put_json(const struct call *call, const struct prediction *made, struct text *out)
{
	text_puts(out, call->rows > 0 ? ",{\"prediction\":" : "{\"prediction\":");
	text_put_double(out, made->value);
	if (isfinite(made->low) && isfinite(made->high)) {
		text_puts(out, ",\"interval\":[");
		text_put_double(out, made->low);
		text_putc(out, ',');
		text_put_double(out, made->high);
		text_puts(out, "],\"level\":");
	} else {
		text_puts(out, ",\"interval\":null,\"level\":");
	}
	text_put_double(out, made->level);
	text_puts(out, ",\"interval_kind\":\"");
	text_puts(out, interval_kind_name(made->interval));
	text_puts(out, "\",\"interval_factor\":");
	text_put_double(out, made->factor);
	text_puts(out, ",\"version\":");
	text_put_i64(out, version_number(call->version));
	text_puts(out, made->extrapolated ? ",\"extrapolated\":true}" : ",\"extrapolated\":false}");
}

/* A number and a comma; nothing for what is undefined. */
static void put_cell(struct text *out, double value)
{
	if (isfinite(value))
		text_put_double(out, value);
	text_putc(out, ',');
}

static void put_csv(const struct call *call, const struct prediction *made, struct text *out)
{
	put_cell(out, made->value);
	put_cell(out, made->low);
	put_cell(out, made->high);
	put_cell(out, made->level);
	text_puts(out, interval_kind_name(made->interval));
	text_putc(out, ',');
	text_put_i64(out, version_number(call->version));
	text_puts(out, made->extrapolated ? ",true," : ",false,");
	if (isfinite(made->factor))
		text_put_double(out, made->factor);
	text_putc(out, '\n');
}

static enum error row_take(const double *x, struct feature_fault *fault, void *user)
{
	struct call *call = user;
	struct prediction made;
	enum error error = api_predict_row(call->version, x, call->level, &made, fault);
	if (error != ERROR_OK)
		return error;
	if (call->type == ANSWER_CSV)
		put_csv(call, &made, &call->out);
	else
		put_json(call, &made, &call->out);
	call->rows++;
	return ERROR_OK;
}

/* --- the call's rows ------------------------------------------------------------------------- */

static enum error rows_read(struct feature_reader *reader, const struct api_body *body, bool many)
{
	if (!body->json)
		return feature_read_csv(reader, body->csv.data, body->csv.length);
	return many ? feature_read_objects(reader, body->json)
		    : feature_read_object(reader, body->json);
}

/* True: answered 413, before anything is predicted. */
static bool too_many(struct call *call, const cJSON *json, size_t limit)
{
	size_t rows = cJSON_IsArray(json) ? (size_t)cJSON_GetArraySize(json) : 0;
	if (rows > limit)
		http_answer_problem(call->request, 413, "too-many-rows", NULL,
				    "%zu rows; one call takes at most %zu (setting rows_limit)",
				    rows, limit);
	return rows > limit;
}

static void answer(struct call *call, const struct api_body *body, struct model_app *app)
{
	size_t limit = (size_t)app->settings.rows_limit;
	bool many = !body->json || cJSON_IsArray(body->json);
	struct feature_reader reader = { .version = call->version,
					 .rows_limit = limit,
					 .take = row_take,
					 .user = call,
					 .row = many ? 0 : -1 };
	if (too_many(call, body->json, limit))
		return;
	text_init(&call->out, 64 + limit * ROW_MAX_TEXT);
	bool array = many && call->type == ANSWER_JSON;
	if (call->type == ANSWER_CSV)
		text_puts(&call->out, "prediction,low,high,level,interval_kind,version,"
				      "extrapolated,interval_factor\n");
	text_puts(&call->out, array ? "[" : "");
	if (rows_read(&reader, body, many) == ERROR_OK) {
		text_puts(&call->out, array ? "]" : "");
		metric_add(app->predict_rows, call->rows);
		http_answer_text(call->request, 200, answer_types[call->type], &call->out);
	} else {
		api_refuse_features(call->request, &reader.fault, NULL);
	}
	text_clean_up(&call->out);
}

/* --- the call -------------------------------------------------------------------------------- */

/* Answers 400 itself and gives false. */
static bool level_read(struct http_request *request, double *level)
{
	const char *given = http_query(request, "level");
	*level = LIVE_LEVEL;
	if (!given ||
	    (decimal_read(given, strlen(given), level) == ERROR_OK && *level > 0 && *level < 1))
		return true;
	http_answer_problem(
		request, 400, "bad-parameter", NULL,
		"the parameter level is \"%.64s\"; it must be a number between 0 and 1, "
		"both excluded",
		given);
	return false;
}

/* Answers 406 itself and gives false. */
static bool type_choose(struct http_request *request, enum answer_type *type)
{
	int preferred = http_preferred(request, answer_types, ANSWER_TYPES);
	if (preferred < 0)
		http_answer_problem(request, 406, "not-acceptable", NULL,
				    "the answer is application/json or text/csv");
	*type = preferred < 0 ? ANSWER_JSON : (enum answer_type)preferred;
	return preferred >= 0;
}

void predict_handle(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *model = http_path_parameter(request, "m");
	struct call call = { .request = request };
	struct api_body body;
	if (!type_choose(request, &call.type) || !level_read(request, &call.level))
		return;
	if (api_body_read(request, (size_t)app->settings.rows_limit, &body) == ERROR_OK) {
		struct version *version = registry_acquire(app->registry, model);
		call.version = version;
		if (version)
			answer(&call, &body, app);
		else
			api_no_version(request, app->registry, model);
		version_release(&version);
	}
	api_body_clean_up(&body);
}
