/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/models/{m}/predict: features by name, one row (an object) or many (an array). The order
 * of the names means nothing; an unknown name is refused. (A name that stands twice, or a number
 * beyond a double, never comes here: the reader of bodies refuses them.)
 */
#include <math.h>
#include <string.h>

#include "api.h"
#include "api_common.h"
#include "decimal.h"
#include "live_model.h"

enum { ROW_MAX_JSON = 256 };

struct call {
	struct http_request *request;
	const struct version *version;
	const struct spec *spec;
	double level;
	int64_t row; /* index in the array; -1: a single row */
};

static const char *type_name(const cJSON *json)
{
	if (cJSON_IsNull(json))
		return "null";
	if (cJSON_IsString(json))
		return "a string";
	if (cJSON_IsBool(json))
		return "a boolean";
	return cJSON_IsObject(json) ? "an object" : "an array";
}

/* 400 (or 422) with the row and the feature as members and in words. */
static void refuse(const struct call *call, int status, const char *slug, const char *feature,
		   const char *what)
{
	cJSON *extra = cJSON_CreateObject();
	if (call->row >= 0)
		cJSON_AddNumberToObject(extra, "row", (double)call->row);
	if (feature)
		cJSON_AddStringToObject(extra, "feature", feature);
	char place[32] = "";
	if (call->row >= 0) {
		struct text text;
		text_init_fixed(&text, place, sizeof place);
		text_puts(&text, "row ");
		text_put_i64(&text, call->row);
		text_puts(&text, ": ");
	}
	if (feature)
		http_answer_problem(call->request, status, slug, extra, "%sfeature \"%s\" %s",
				    place, feature, what);
	else
		http_answer_problem(call->request, status, slug, extra, "%s%s", place, what);
}

/* One member into x. False: answered. */
static bool member_take(const struct call *call, const cJSON *member, double *x, bool *given)
{
	int index = spec_feature_index(call->spec, member->string);
	if (index < 0) {
		refuse(call, 400, "unknown-feature", member->string,
		       "is unknown to this model; GET /v1/models/{m} lists its features");
	} else if (!cJSON_IsNumber(member)) {
		char what[48];
		struct text text;
		text_init_fixed(&text, what, sizeof what);
		text_putf(&text, "must be a number, not %s", type_name(member));
		refuse(call, 400, "wrong-type", member->string, what);
	} else {
		x[index] = member->valuedouble;
		given[index] = true;
		return true;
	}
	return false;
}

/* The row's features in the spec's order. False: answered. */
static bool row_read(const struct call *call, const cJSON *row, double x[SPEC_MAX_FEATURES])
{
	bool given[SPEC_MAX_FEATURES] = { false };
	memset(x, 0, SPEC_MAX_FEATURES * sizeof *x);
	if (!cJSON_IsObject(row)) {
		refuse(call, 400, "wrong-type", NULL,
		       "a row must be an object of features by name");
		return false;
	}
	for (const cJSON *member = row->child; member; member = member->next) {
		if (!member_take(call, member, x, given))
			return false;
	}
	for (size_t i = 0; i < call->spec->feature_count; i++) {
		if (!given[i] && version_uses(call->version, i)) {
			refuse(call, 400, "missing-feature", call->spec->features[i].name,
			       "is missing");
			return false;
		}
	}
	return true;
}

static void put_result(const struct call *call, const struct prediction *made, struct text *out)
{
	text_puts(out, "{\"prediction\":");
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
	text_putf(out,
		  ",\"interval_kind\":\"%s\",\"version\":", interval_kind_name(made->interval));
	text_put_i64(out, version_number(call->version));
	text_puts(out, made->extrapolated ? ",\"extrapolated\":true}" : ",\"extrapolated\":false}");
}

/* False: answered. */
static bool row_predict(const struct call *call, const cJSON *row, struct text *out)
{
	double x[SPEC_MAX_FEATURES];
	struct prediction made;
	if (!row_read(call, row, x))
		return false;
	if (version_predict(call->version, x, call->level, &made) != ERROR_OK) {
		refuse(call, 422, "not-finite", NULL,
		       "these features give no finite prediction; they are far out of range");
		return false;
	}
	put_result(call, &made, out);
	return true;
}

/* False: answered. */
static bool rows_predict(struct call *call, const cJSON *rows, struct text *out)
{
	text_putc(out, '[');
	call->row = 0;
	for (const cJSON *row = rows->child; row; row = row->next, call->row++) {
		if (call->row > 0)
			text_putc(out, ',');
		if (!row_predict(call, row, out))
			return false;
	}
	text_putc(out, ']');
	return true;
}

static void answer(struct call *call, const cJSON *body, struct model_app *app)
{
	size_t rows = cJSON_IsArray(body) ? (size_t)cJSON_GetArraySize(body) : 1;
	if (rows > (size_t)app->settings.rows_limit) {
		http_answer_problem(call->request, 413, "too-many-rows", NULL,
				    "%zu rows; one call takes at most %lld (setting rows_limit)",
				    rows, (long long)app->settings.rows_limit);
		return;
	}
	struct text out;
	text_init(&out, 64 + rows * ROW_MAX_JSON);
	bool fine = cJSON_IsArray(body) ? rows_predict(call, body, &out)
					: row_predict(call, body, &out);
	if (fine) {
		metric_add(app->predict_rows, rows);
		http_answer_text(call->request, 200, "application/json", &out);
	}
	text_clean_up(&out);
}

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

static void no_version(struct http_request *request, struct model_app *app, const char *model)
{
	struct spec spec;
	if (registry_spec(app->registry, model, &spec) != ERROR_OK) {
		api_no_such_model(request, model);
		return;
	}
	http_answer_retry_after(request, 5);
	http_answer_problem(request, 503, "no-version", NULL,
			    "the model %s has no version yet; POST /v1/models/%s/train makes one",
			    model, model);
}

void predict_handle(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *model = http_path_parameter(request, "m");
	struct call call = { .request = request, .row = -1 };
	cJSON *body;
	if (!level_read(request, &call.level) ||
	    http_body_read_json(request, true, &body) != ERROR_OK)
		return;
	struct version *version = registry_acquire(app->registry, model);
	if (version) {
		call.version = version;
		call.spec = version_spec(version);
		answer(&call, body, app);
	} else {
		no_version(request, app, model);
	}
	version_release(&version);
	cJSON_Delete(body);
}
