/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From stored files to the catalogue.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "log.h"
#include "registry_internal.h"

enum { NUMBER_DIGITS = 8, MAX_NUMBER = 100000000 };
static const char *const PREFIXES[] = {
	[REGISTRY_VERSION] = "version-", [REGISTRY_SERVING] = "serving-"
};

void registry_file_name(char out[REGISTRY_NAME_SIZE], const char *model, enum registry_file kind,
			int64_t number)
{
	if (kind == REGISTRY_SPEC)
		snprintf(out, REGISTRY_NAME_SIZE, "%s/spec.json", model);
	else
		snprintf(out, REGISTRY_NAME_SIZE, "%s/%s%0*" PRId64 ".json", model, PREFIXES[kind],
			 NUMBER_DIGITS, number);
}

enum registry_file registry_file_kind(const char *name, int64_t *number)
{
	*number = 0;
	if (strcmp(name, "spec.json") == 0)
		return REGISTRY_SPEC;
	for (enum registry_file kind = REGISTRY_VERSION; kind <= REGISTRY_SERVING; kind++) {
		size_t length = strlen(PREFIXES[kind]);
		if (strncmp(name, PREFIXES[kind], length) != 0)
			continue;
		const char *digits = name + length;
		if (strspn(digits, "0123456789") != NUMBER_DIGITS ||
		    strcmp(digits + NUMBER_DIGITS, ".json") != 0)
			break;
		*number = strtol(digits, NULL, 10);
		return kind;
	}
	return REGISTRY_OTHER;
}

static enum error take_spec(struct registry *registry, const char *model, const cJSON *json,
			    struct text *why)
{
	struct spec spec;
	enum error error = spec_from_json(json, &spec, why);
	if (error == ERROR_OK && strcmp(spec.name, model) != 0) {
		why_putf(why, "the spec is of another model: %s", spec.name);
		error = ERROR_INVALID;
	}
	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&registry->lock);
	error = catalogue_add(&registry->catalogue, &spec);
	pthread_mutex_unlock(&registry->lock);
	return error == ERROR_EXISTS ? ERROR_OK : error;
}

static bool copy_string(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
	snprintf(out, size, "%s", value ? value : "");
	return value != NULL;
}

/* A whole number from 0 to below `end`. */
static bool copy_integer(const cJSON *json, const char *name, double end, int64_t *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < end))
		return false;
	*out = (int64_t)item->valuedouble;
	return true;
}

static enum error add_event(struct registry *registry, const char *model,
			    const struct serving_event *event)
{
	pthread_mutex_lock(&registry->lock);
	struct model *entry = catalogue_find(&registry->catalogue, model);
	enum error error = entry ? model_add_event(entry, event) : ERROR_NOT_FOUND;
	pthread_mutex_unlock(&registry->lock);
	return error;
}

/* What a version's file says of its own serving; most say nothing. */
static enum error take_event_within(struct registry *registry, const char *model, int64_t number,
				    const cJSON *json, struct text *why)
{
	const cJSON *serving = cJSON_GetObjectItemCaseSensitive(json, "serving");
	struct serving_event event = { .version = number, .within = true };
	if (!serving)
		return ERROR_OK;
	if (!copy_integer(serving, "after", MAX_NUMBER, &event.sequence) ||
	    !copy_integer(serving, "at_us", 0x1p53, &event.at_us) ||
	    !copy_string(serving, "by", event.by, sizeof(event.by)) ||
	    !copy_string(serving, "reason", event.reason, sizeof(event.reason))) {
		why_putf(why, "its serving lacks a place, a time, a reason or a name");
		return ERROR_INVALID;
	}
	return add_event(registry, model, &event);
}

static enum error take_version(struct registry *registry, const char *model, int64_t number,
			       const cJSON *json, struct text *why)
{
	struct version *version = NULL;
	enum error error = version_from_json(json, &version, why);
	if (error != ERROR_OK)
		return error;
	struct version_summary summary = version_summary(version);
	version_release(&version);
	if (summary.number != number) {
		why_putf(why, "it holds version %" PRId64, summary.number);
		return ERROR_INVALID;
	}
	pthread_mutex_lock(&registry->lock);
	struct model *entry = catalogue_find(&registry->catalogue, model);
	error = entry ? model_add_version(entry, &summary) : ERROR_NOT_FOUND;
	pthread_mutex_unlock(&registry->lock);
	return error == ERROR_OK ? take_event_within(registry, model, number, json, why) : error;
}

static enum error take_event(struct registry *registry, const char *model, int64_t number,
			     const cJSON *json, struct text *why)
{
	struct serving_event event = { .sequence = number };
	if (!copy_integer(json, "version", MAX_NUMBER, &event.version) ||
	    !copy_integer(json, "at_us", 0x1p53, &event.at_us) ||
	    !copy_string(json, "by", event.by, sizeof(event.by)) ||
	    !copy_string(json, "reason", event.reason, sizeof(event.reason))) {
		why_putf(why, "it lacks a version, a time, a reason or a name");
		return ERROR_INVALID;
	}
	event.rollback = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "rollback"));
	return add_event(registry, model, &event);
}

enum error registry_take_file(struct registry *registry, const char *model, const char *name,
			      const char *body, size_t length, struct text *why)
{
	int64_t number;
	enum registry_file kind = registry_file_kind(name, &number);
	cJSON *json = cJSON_ParseWithLength(body, length);
	enum error error = ERROR_INVALID;
	if (!json)
		why_putf(why, "it is not JSON");
	else if (kind == REGISTRY_SPEC)
		error = take_spec(registry, model, json, why);
	else if (kind == REGISTRY_VERSION)
		error = take_version(registry, model, number, json, why);
	else if (kind == REGISTRY_SERVING)
		error = take_event(registry, model, number, json, why);
	cJSON_Delete(json);
	return error;
}

/* --- the serving version --------------------------------------------------------------------- */

static struct version *load_version(struct registry *registry, const char *model, int64_t number,
				    struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	struct text body;
	struct version *version = NULL;
	text_init(&body, STORE_MAX_FILE);
	registry_file_name(name, model, REGISTRY_VERSION, number);
	enum error error = store_get_local(registry->store, name, &body, why);
	cJSON *json = error == ERROR_OK ? cJSON_ParseWithLength(body.data, body.length) : NULL;
	if (json)
		(void)!version_from_json(json, &version, why);
	cJSON_Delete(json);
	text_clean_up(&body);
	return version;
}

struct version *registry_version(struct registry *registry, const char *model, int64_t number)
{
	if (!spec_name_ok(model))
		return NULL;
	pthread_mutex_lock(&registry->lock);
	struct model *entry = catalogue_find(&registry->catalogue, model);
	bool known = entry && model_find_version(entry, number);
	struct version *version = NULL;
	if (known && entry->serving && version_number(entry->serving) == number)
		version = version_retain(entry->serving);
	pthread_mutex_unlock(&registry->lock);
	if (known && !version)
		version = load_version(registry, model, number, NULL);
	return version;
}

/* The newest event whose version can be loaded decides. */
void registry_refresh_serving(struct registry *registry, const char *model)
{
	char memory[300];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	pthread_mutex_lock(&registry->lock);
	struct model *entry = catalogue_find(&registry->catalogue, model);
	size_t at = entry ? entry->event_count : 0;
	while (at > 0) {
		int64_t number = entry->events[--at].version;
		if (entry->serving && version_number(entry->serving) == number)
			break;
		struct version *version = load_version(registry, model, number, &why);
		if (version) {
			version_release(&entry->serving);
			entry->serving = version;
			break;
		}
		log_warn("a version that should serve can't be loaded", LOG_STR("model", model),
			 LOG_I64("version", number), LOG_STR("reason", why.data));
		text_reset(&why);
	}
	pthread_mutex_unlock(&registry->lock);
}

/* --- the local copy -------------------------------------------------------------------------- */

struct local_load {
	struct registry *registry;
	const char *model; /* NULL: the folder of models itself */
	enum registry_file kind;
};

static void load_file(struct registry *registry, const char *model, const char *name)
{
	char path[REGISTRY_NAME_SIZE], memory[300];
	struct text body, why;
	text_init(&body, STORE_MAX_FILE);
	text_init_fixed(&why, memory, sizeof(memory));
	snprintf(path, sizeof(path), "%s/%s", model, name);
	enum error error = store_get_local(registry->store, path, &body, &why);
	if (error == ERROR_OK)
		error = registry_take_file(registry, model, name, body.data, body.length, &why);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND) {
		metric_add(registry->bad_files, 1);
		log_warn("a model file is not used", LOG_STR("file", path),
			 LOG_STR("reason", why.data));
	}
	if (error == ERROR_CHECKSUM)
		store_discard_local(registry->store, path);
	text_clean_up(&body);
}

static enum error load_each_file(const char *name, bool folder, void *user)
{
	struct local_load *load = user;
	int64_t number;
	if (!folder && registry_file_kind(name, &number) == load->kind)
		load_file(load->registry, load->model, name);
	return ERROR_OK;
}

static enum error load_each_model(const char *name, bool folder, void *user)
{
	struct local_load *load = user;
	if (!folder || !spec_name_ok(name))
		return ERROR_OK;
	for (enum registry_file kind = REGISTRY_SPEC; kind <= REGISTRY_SERVING; kind++) {
		struct local_load inside = { load->registry, name, kind };
		(void)!store_list_local(load->registry->store, name, load_each_file, &inside);
	}
	registry_refresh_serving(load->registry, name);
	return ERROR_OK;
}

void registry_load_local(struct registry *registry)
{
	struct local_load load = { .registry = registry };
	(void)!store_list_local(registry->store, "", load_each_model, &load);
}
