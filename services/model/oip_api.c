/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Open Inference Protocol, version 2, over REST (KServe, Triton, MLServer). Each feature is an
 * input tensor of its name with one value a row; the outputs are `prediction` and the ends of its
 * interval, `low` and `high`, of 95 % or of the request's parameter `level`. Inputs come in JSON or
 * in the binary form behind it, outputs go in JSON. Errors are problems that also have the
 * protocol's `error`.
 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_common.h"
#include "decimal.h"
#include "live_model.h"
#include "oip_tensor.h"
#include "version.h"

enum { ROW_MAX_JSON = 96, MAX_DIMENSIONS = 8 };

static const struct output {
	const char *name;
	size_t offset;
} outputs[] = {
	{ "prediction", offsetof(struct prediction, value) },
	{ "low", offsetof(struct prediction, low) },
	{ "high", offsetof(struct prediction, high) },
};
enum { OUTPUTS = sizeof outputs / sizeof *outputs };

struct call {
	struct http_request *request;
	const struct version *version;
	const struct spec *spec;
	double level; /* of the interval */
	size_t rows;
	struct oip_values values[SPEC_MAX_FEATURES]; /* of the rows to come */
	bool given[SPEC_MAX_FEATURES];
	const unsigned char *binary; /* what is left of the part behind the JSON */
	size_t binary_length;
	unsigned wanted; /* a bit for each output */
};

/* Answers; gives false. */
static bool PRINTF_LIKE(4, 5)
	refuse(struct http_request *request, int status, const char *slug, const char *format, ...)
{
	char memory[512];
	struct text reason;
	va_list arguments;
	text_init_fixed(&reason, memory, sizeof memory);
	va_start(arguments, format);
	text_putv(&reason, format, arguments);
	va_end(arguments);
	cJSON *extra = cJSON_CreateObject();
	cJSON_AddStringToObject(extra, "error", reason.data);
	http_answer_problem(request, status, slug, extra, "%s", reason.data);
	return false;
}

/* --- the inputs ------------------------------------------------------------------------------ */

static const char *string_of(const cJSON *object, const char *name)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	return value ? value : "";
}

/* A member that may be left out. False: it has another type, and that was answered. */
static bool optional_is(const struct call *call, const cJSON *object, const char *name,
			cJSON_bool (*is)(const cJSON *item), const char *what)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
	return !member || is(member) ||
	       refuse(call->request, 400, "wrong-type", "%s must be %s", name, what);
}

/* [rows] or [rows,1,…]. False: it is no such shape. */
static bool shape_rows(const cJSON *shape, double *rows)
{
	int dimensions = cJSON_GetArraySize(shape);
	if (!cJSON_IsArray(shape) || dimensions < 1 || dimensions > MAX_DIMENSIONS)
		return false;
	for (const cJSON *size = shape->child; size; size = size->next) {
		double least = size == shape->child ? 0 : 1;
		double most = size == shape->child ? 1e9 : 1;
		if (!cJSON_IsNumber(size) || size->valuedouble < least ||
		    size->valuedouble > most || floor(size->valuedouble) < size->valuedouble)
			return false;
	}
	const cJSON *first = cJSON_GetArrayItem(shape, 0);
	*rows = first ? first->valuedouble : 0;
	return true;
}

/* False: answered. */
static bool input_check(const struct call *call, const cJSON *input, int index, double *rows)
{
	const char *name = string_of(input, "name");
	if (!optional_is(call, input, "parameters", cJSON_IsObject, "an object"))
		return false;
	if (index < 0)
		return refuse(call->request, 400, "unknown-feature",
			      "input \"%.64s\" is unknown to this model", name);
	if (call->given[index])
		return refuse(call->request, 400, "repeated-input",
			      "input \"%.64s\" is given twice", name);
	if (!oip_type(string_of(input, "datatype")))
		return refuse(call->request, 400, "wrong-type",
			      "input \"%.64s\" has the datatype \"%.32s\"; it must be one of "
			      "numbers, as FP64",
			      name, string_of(input, "datatype"));
	if (!shape_rows(cJSON_GetObjectItemCaseSensitive(input, "shape"), rows))
		return refuse(call->request, 400, "bad-shape",
			      "the shape of input \"%.64s\" must be [rows] or [rows,1]", name);
	return true;
}

/* The values in JSON. False: answered. */
static bool data_take(struct call *call, const cJSON *input, double rows, struct oip_values *values)
{
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(input, "data");
	if (!cJSON_IsArray(data) || (double)cJSON_GetArraySize(data) != rows)
		return refuse(call->request, 400, "bad-shape",
			      "input \"%.64s\" must have as many values in data as its shape says",
			      string_of(input, "name"));
	values->cell = data->child;
	return true;
}

/* The values behind the JSON, of which the input says the size. False: answered. */
static bool binary_take(struct call *call, const cJSON *input, const cJSON *size, double rows,
			struct oip_values *values)
{
	double bytes = rows * (double)oip_type_size(values->type);
	const char *name = string_of(input, "name");
	if (!cJSON_IsNumber(size) || size->valuedouble != bytes ||
	    cJSON_GetObjectItemCaseSensitive(input, "data"))
		return refuse(
			call->request, 400, "bad-shape",
			"input \"%.64s\" in binary form must have a binary_data_size of %.0f, "
			"as its shape says, and no data",
			name, bytes);
	if (bytes > (double)call->binary_length)
		return refuse(call->request, 400, "bad-shape",
			      "input \"%.64s\" has %.0f bytes, but only %zu are left behind the "
			      "JSON, which ends after Inference-Header-Content-Length bytes",
			      name, bytes, call->binary_length);
	values->bytes = call->binary;
	call->binary += (size_t)bytes;
	call->binary_length -= (size_t)bytes;
	return true;
}

/* False: answered. */
static bool input_take(struct call *call, const cJSON *input, bool first)
{
	double rows = 0;
	int index = spec_feature_index(call->spec, string_of(input, "name"));
	if (!input_check(call, input, index, &rows))
		return false;
	if (!first && (size_t)rows != call->rows)
		return refuse(call->request, 400, "bad-shape",
			      "input \"%.64s\" has %.0f rows, and the one before it %zu",
			      string_of(input, "name"), rows, call->rows);
	call->rows = (size_t)rows;
	call->given[index] = true;
	struct oip_values *values = &call->values[index];
	values->type = oip_type(string_of(input, "datatype"));
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(input, "parameters"), "binary_data_size");
	return size ? binary_take(call, input, size, rows, values)
		    : data_take(call, input, rows, values);
}

/* False: answered. */
static bool inputs_take(struct call *call, const cJSON *body, const struct model_app *app)
{
	const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(body, "inputs");
	if (!cJSON_IsArray(inputs) || !inputs->child)
		return refuse(call->request, 400, "no-inputs",
			      "inputs must be an array with a tensor for each feature");
	for (const cJSON *input = inputs->child; input; input = input->next) {
		if (!input_take(call, input, input == inputs->child))
			return false;
	}
	if (call->binary_length > 0)
		return refuse(call->request, 400, "bad-shape",
			      "%zu bytes behind the JSON belong to no input", call->binary_length);
	for (size_t i = 0; call->rows > 0 && i < call->spec->feature_count; i++) {
		if (!call->given[i] && version_uses(call->version, i))
			return refuse(call->request, 400, "missing-feature",
				      "input \"%s\" is missing", call->spec->features[i].name);
	}
	if (call->rows > (size_t)app->settings.rows_limit)
		return refuse(call->request, 413, "too-many-rows",
			      "%zu rows; one call takes at most %lld (setting rows_limit)",
			      call->rows, (long long)app->settings.rows_limit);
	return true;
}

/* Which outputs are asked for; none named are all. False: answered. */
static bool outputs_take(struct call *call, const cJSON *body)
{
	const cJSON *asked = cJSON_GetObjectItemCaseSensitive(body, "outputs");
	if (!optional_is(call, body, "outputs", cJSON_IsArray, "an array"))
		return false;
	call->wanted = cJSON_GetArraySize(asked) > 0 ? 0 : (1U << OUTPUTS) - 1;
	for (const cJSON *one = asked ? asked->child : NULL; one; one = one->next) {
		size_t i = 0;
		if (!optional_is(call, one, "parameters", cJSON_IsObject, "an object"))
			return false;
		while (i < OUTPUTS && strcmp(outputs[i].name, string_of(one, "name")) != 0)
			i++;
		if (i == OUTPUTS)
			return refuse(call->request, 400, "unknown-output",
				      "output \"%.64s\" is unknown: there are prediction, low and "
				      "high",
				      string_of(one, "name"));
		call->wanted |= 1U << i;
	}
	return true;
}

/* --- the rows -------------------------------------------------------------------------------- */

/* False: answered. */
static bool level_take(struct call *call, const cJSON *body)
{
	const cJSON *level = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(body, "parameters"), "level");
	call->level = level ? level->valuedouble : LIVE_LEVEL;
	if (!level || (cJSON_IsNumber(level) && call->level > 0 && call->level < 1))
		return true;
	return refuse(call->request, 400, "bad-parameter",
		      "parameters.level must be a number between 0 and 1, both excluded");
}

/* The next row. False: answered. */
static bool row_predict(struct call *call, size_t row, struct prediction *made)
{
	double x[SPEC_MAX_FEATURES] = { 0 };
	for (size_t i = 0; i < call->spec->feature_count; i++) {
		if (call->given[i] && !oip_values_next(&call->values[i], &x[i]))
			return refuse(call->request, 400, "wrong-type",
				      "row %zu of input \"%s\" must be a finite number", row,
				      call->spec->features[i].name);
	}
	if (version_predict(call->version, x, call->level, made) != ERROR_OK)
		return refuse(call->request, 422, "not-finite",
			      "row %zu gives no finite prediction; it is far out of range", row);
	return true;
}

/* --- the answer ------------------------------------------------------------------------------ */

static void put_output(const struct call *call, const struct output *output,
		       const struct prediction *made, struct text *out)
{
	text_puts(out, "{\"name\":\"");
	text_puts(out, output->name);
	text_putf(out, "\",\"datatype\":\"FP64\",\"shape\":[%zu],\"data\":[", call->rows);
	for (size_t row = 0; row < call->rows; row++) {
		double value;
		memcpy(&value, (const char *)&made[row] + output->offset, sizeof value);
		if (row > 0)
			text_putc(out, ',');
		if (isfinite(value))
			text_put_double(out, value);
		else
			text_puts(out, "null");
	}
	text_puts(out, "]}");
}

/* What the ends of the interval are worth, as parameters of the answer: the first row's, as all are
 * of one version and level. */
static void put_interval(const struct call *call, const struct prediction *made, struct text *out)
{
	if (call->rows == 0)
		return;
	text_putf(out, ",\"parameters\":{\"interval_kind\":\"%s\"",
		  interval_kind_name(made->interval));
	if (isfinite(made->factor)) {
		text_puts(out, ",\"interval_factor\":");
		text_put_double(out, made->factor);
	}
	text_putc(out, '}');
}

static void put_answer(const struct call *call, const cJSON *body, const struct prediction *made,
		       struct text *out)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(body, "id");
	text_puts(out, "{\"model_name\":");
	text_put_json(out, call->spec->name, strlen(call->spec->name));
	text_puts(out, ",\"model_version\":\"");
	text_put_i64(out, version_number(call->version));
	text_putc(out, '"');
	if (cJSON_IsString(id)) {
		text_puts(out, ",\"id\":");
		text_put_json(out, id->valuestring, strlen(id->valuestring));
	}
	put_interval(call, made, out);
	text_puts(out, ",\"outputs\":[");
	bool first = true;
	for (size_t i = 0; i < OUTPUTS; i++) {
		if (!(call->wanted >> i & 1))
			continue;
		if (!first)
			text_putc(out, ',');
		first = false;
		put_output(call, &outputs[i], made, out);
	}
	text_puts(out, "]}");
}

static void answer(struct call *call, const cJSON *body, const struct model_app *app)
{
	if (!cJSON_IsObject(body)) {
		refuse(call->request, 400, "wrong-type", "the body must be an object with inputs");
		return;
	}
	if (!optional_is(call, body, "id", cJSON_IsString, "a string") ||
	    !optional_is(call, body, "parameters", cJSON_IsObject, "an object") ||
	    !level_take(call, body) || !inputs_take(call, body, app) || !outputs_take(call, body))
		return;
	struct prediction *made = calloc(call->rows + 1, sizeof *made);
	if (!made) {
		refuse(call->request, 503, "no-memory", "memory is short");
		return;
	}
	size_t row = 0;
	while (row < call->rows && row_predict(call, row, &made[row]))
		row++;
	if (row == call->rows) {
		struct text out;
		text_init(&out,
			  2048 + strlen(string_of(body, "id")) * 6 + call->rows * ROW_MAX_JSON);
		put_answer(call, body, made, &out);
		metric_add(app->predict_rows, call->rows);
		http_answer_text(call->request, 200, "application/json", &out);
		text_clean_up(&out);
	}
	free(made);
}

/* --- the calls ------------------------------------------------------------------------------- */

/* The version in the path, or the one that serves, with a reference. NULL: answered. */
static struct version *acquire(struct http_request *request, const struct model_app *app)
{
	const char *model = http_path_parameter(request, "m");
	const char *v = http_path_parameter(request, "v");
	struct spec spec;
	int64_t number;
	if (registry_spec(app->registry, model, &spec) != ERROR_OK) {
		refuse(request, 404, "no-such-model", "there is no model \"%.64s\"", model);
		return NULL;
	}
	struct version *version = NULL;
	if (!v[0])
		version = registry_acquire(app->registry, model);
	else if (decimal_read_i64(v, strlen(v), &number) == ERROR_OK)
		version = registry_version(app->registry, model, number);
	if (version)
		return version;
	if (v[0]) {
		refuse(request, 404, "no-such-version", "model %s has no version \"%.32s\"", model,
		       v);
		return NULL;
	}
	http_answer_retry_after(request, 5);
	refuse(request, 503, "no-version",
	       "the model %s has no version yet; POST /v1/models/%s/train makes one", model, model);
	return NULL;
}

/* The JSON of a body, and in `call` what is behind it. Without the header of the binary form all of
 * it is JSON. On failure it has been answered. */
static enum error read_body(struct call *call, size_t rows_limit, struct text *whole, cJSON **body)
{
	struct http_request *request = call->request;
	const char *header = http_request_header(request, "Inference-Header-Content-Length");
	size_t values = api_values_most(rows_limit);
	int64_t length;
	if (!header)
		return http_body_read_json_values(request, true, values, body);
	enum error error = http_body_read_all(request, whole);
	if (error != ERROR_OK)
		return error;
	if (decimal_read_i64(header, strlen(header), &length) != ERROR_OK || length < 0 ||
	    (uint64_t)length > whole->length) {
		refuse(request, 400, "bad-header",
		       "Inference-Header-Content-Length is \"%.32s\"; it must be the length of "
		       "the JSON at the beginning of the body of %zu bytes",
		       header, whole->length);
		return ERROR_INVALID;
	}
	call->binary = (const unsigned char *)whole->data + length;
	call->binary_length = whole->length - (size_t)length;
	return http_json_parse(request, whole->data, (size_t)length, values, body);
}

void oip_infer(struct http_request *request, void *user)
{
	const struct model_app *app = user;
	struct call call = { .request = request };
	struct text whole;
	cJSON *body = NULL;
	text_init(&whole, SIZE_MAX / 2); /* the server limits bodies */
	if (read_body(&call, (size_t)app->settings.rows_limit, &whole, &body) == ERROR_OK) {
		struct version *version = acquire(request, app);
		if (version) {
			call.version = version;
			call.spec = version_spec(version);
			answer(&call, body, app);
		}
		version_release(&version);
	}
	cJSON_Delete(body);
	text_clean_up(&whole);
}

static void add_tensor(cJSON *list, const char *name)
{
	cJSON *tensor = cJSON_CreateObject(), *shape = cJSON_CreateArray();
	cJSON_AddStringToObject(tensor, "name", name);
	cJSON_AddStringToObject(tensor, "datatype", "FP64");
	cJSON_AddItemToArray(shape, cJSON_CreateNumber(-1));
	cJSON_AddItemToObject(tensor, "shape", shape);
	cJSON_AddItemToArray(list, tensor);
}

void oip_model(struct http_request *request, void *user)
{
	struct version *version = acquire(request, user);
	if (!version)
		return;
	const struct spec *spec = version_spec(version);
	cJSON *json = cJSON_CreateObject();
	char number[24];
	struct text text;
	text_init_fixed(&text, number, sizeof number);
	text_put_i64(&text, version_number(version));
	cJSON_AddStringToObject(json, "name", spec->name);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "versions"), cJSON_CreateString(number));
	cJSON_AddStringToObject(json, "platform", "tickline_linear");
	cJSON *inputs = cJSON_AddArrayToObject(json, "inputs");
	for (size_t i = 0; i < spec->feature_count; i++)
		add_tensor(inputs, spec->features[i].name);
	cJSON *made = cJSON_AddArrayToObject(json, "outputs");
	for (size_t i = 0; i < OUTPUTS; i++)
		add_tensor(made, outputs[i].name);
	version_release(&version);
	http_answer_json(request, 200, json);
}

void oip_model_ready(struct http_request *request, void *user)
{
	struct version *version = acquire(request, user);
	if (!version)
		return;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "name", version_spec(version)->name);
	cJSON_AddBoolToObject(json, "ready", true);
	version_release(&version);
	http_answer_json(request, 200, json);
}

static bool stop_at_serving(const struct spec *spec, const struct version *serving, void *user)
{
	(void)spec;
	*(bool *)user = serving != NULL;
	return serving == NULL;
}

void oip_ready(struct http_request *request, void *user)
{
	const struct model_app *app = user;
	bool ready = false;
	registry_each_model(app->registry, stop_at_serving, &ready);
	if (!ready) {
		http_answer_retry_after(request, 5);
		refuse(request, 503, "no-version", "no model has a version yet");
		return;
	}
	cJSON *json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "ready", true);
	http_answer_json(request, 200, json);
}

void oip_live(struct http_request *request, void *user)
{
	(void)user;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "live", true);
	http_answer_json(request, 200, json);
}

void oip_server(struct http_request *request, void *user)
{
	(void)user;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "name", "tickline-model");
	cJSON_AddStringToObject(json, "version", TICKLINE_VERSION);
	cJSON_AddArrayToObject(json, "extensions");
	http_answer_json(request, 200, json);
}
