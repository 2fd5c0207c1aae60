/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /v1/models: the specs and which version of each serves.
 */
#include <string.h>

#include "api.h"
#include "api_common.h"

static cJSON *model_json(const struct spec *spec, const struct version *serving)
{
	cJSON *json = spec_to_json(spec);
	if (!json)
		return NULL;
	cJSON_AddBoolToObject(json, "builtin", spec->builtin);
	if (serving) {
		struct version_summary summary = version_summary(serving);
		cJSON_AddItemToObject(json, "serving", api_version_summary(&summary));
	} else {
		cJSON_AddNullToObject(json, "serving");
	}
	return json;
}

static bool model_add(const struct spec *spec, const struct version *serving, void *user)
{
	cJSON_AddItemToArray(user, model_json(spec, serving));
	return true;
}

void models_list(struct http_request *request, void *user)
{
	struct model_app *app = user;
	cJSON *json = cJSON_CreateObject();
	registry_each_model(app->registry, model_add, cJSON_AddArrayToObject(json, "models"));
	http_answer_json(request, 200, json);
}

static void answer_model(struct http_request *request, struct model_app *app, int status,
			 const struct spec *spec)
{
	struct version *serving = registry_acquire(app->registry, spec->name);
	http_answer_json(request, status, model_json(spec, serving));
	version_release(&serving);
}

void models_get(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *name = http_path_parameter(request, "m");
	struct spec spec;
	if (registry_spec(app->registry, name, &spec) != ERROR_OK) {
		api_no_such_model(request, name);
		return;
	}
	answer_model(request, app, 200, &spec);
}

void models_create(struct http_request *request, void *user)
{
	struct model_app *app = user;
	struct spec spec;
	struct text why;
	cJSON *json;
	if (http_body_read_json(request, true, &json) != ERROR_OK)
		return;
	text_init(&why, 2048);
	enum error error = spec_from_json(json, &spec, &why);
	cJSON_Delete(json);
	if (error == ERROR_INVALID) {
		http_answer_problem(request, 400, "invalid-spec", NULL, "%s", why.data);
	} else if (error != ERROR_OK ||
		   (error = registry_create(app->registry, &spec, &why)) != ERROR_OK) {
		api_answer_error(request, error, &why);
	} else {
		char location[SPEC_MAX_NAME + 16] = "/v1/models/";
		strcat(location, spec.name);
		http_answer_header(request, "Location", location);
		api_record(request, app->registry, "create", spec.name, NULL, NULL);
		answer_model(request, app, 201, &spec);
	}
	text_clean_up(&why);
}

void models_delete(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *name = http_path_parameter(request, "m"),
		   *reason = http_query(request, "reason");
	struct text why;
	if (reason && strlen(reason) > API_REASON_MOST) {
		http_answer_problem(request, 400, "bad-parameter", NULL,
				    "the parameter reason has %zu bytes; at most %d are kept",
				    strlen(reason), API_REASON_MOST);
		return;
	}
	text_init(&why, 2048);
	enum error error = registry_delete(app->registry, name, &why);
	if (error == ERROR_OK) {
		api_record(request, app->registry, "delete", name, reason, NULL);
		http_answer(request, 204, NULL, "", 0);
	} else if (error == ERROR_NOT_FOUND)
		api_no_such_model(request, name);
	else
		api_answer_error(request, error, &why);
	text_clean_up(&why);
}
