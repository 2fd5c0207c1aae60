/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What changes a model's versions: a new one, a promotion, a rollback.
 */
#include "registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "registry_internal.h"
#include "timestamp.h"

enum { ADD_ATTEMPTS = 20 };

/* --- numbered files -------------------------------------------------------------------------- */

static int64_t next_number(struct registry *registry, const char *model, enum registry_file kind)
{
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	int64_t number = -1;
	if (found && kind == REGISTRY_VERSION)
		number = model_next_version(found);
	else if (found)
		number = found->event_count > 0 ? model_last_event(found)->sequence + 1 : 1;
	pthread_mutex_unlock(&registry->lock);
	return number;
}

/* Makes room for a new version. */
static enum error drop_oldest(struct registry *registry, const char *model, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	pthread_mutex_lock(&registry->lock);
	struct model *found = catalogue_find(&registry->catalogue, model);
	bool full = found && found->version_count >= REGISTRY_MAX_VERSIONS;
	int64_t oldest = full ? model_oldest_to_drop(found) : -1;
	pthread_mutex_unlock(&registry->lock);
	if (oldest < 0)
		return ERROR_OK;
	registry_file_name(name, model, REGISTRY_VERSION, oldest);
	enum error error = store_remove_file(registry->store, name, why);
	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&registry->lock);
	model_drop_version(found, oldest); /* nobody removes models while we are writing */
	pthread_mutex_unlock(&registry->lock);
	log_info("the oldest version is removed: a model keeps so many", LOG_STR("model", model),
		 LOG_I64("version", oldest), LOG_I64("kept", REGISTRY_MAX_VERSIONS));
	return ERROR_OK;
}

static void set_number(cJSON *json, const char *name, int64_t value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(json, name);
	cJSON_AddNumberToObject(json, name, (double)value);
}

/* Puts a numbered file under the first free number from `number` on; another instance may have
 * taken some. */
static enum error put_numbered(struct registry *registry, const char *model,
			       enum registry_file kind, int64_t *number, bool exactly, cJSON *json,
			       struct text *why)
{
	enum error error = ERROR_EXISTS;
	for (int attempt = 0; attempt < ADD_ATTEMPTS && error == ERROR_EXISTS; attempt++) {
		char name[REGISTRY_NAME_SIZE];
		if (kind == REGISTRY_VERSION) {
			set_number(json, "version", *number);
			set_number(cJSON_GetObjectItem(json, "report"), "version", *number);
		}
		registry_file_name(name, model, kind, *number);
		error = registry_put_json(registry, name, json, why);
		if (error == ERROR_EXISTS && !exactly)
			++*number;
		if (exactly)
			break;
	}
	return error;
}

static enum error take_json(struct registry *registry, const char *model, enum registry_file kind,
			    int64_t number, const cJSON *json, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	char *body = cJSON_PrintUnformatted(json);
	if (!body)
		return ERROR_NO_MEMORY;
	registry_file_name(name, model, kind, number);
	enum error error =
		registry_take_file(registry, model, strchr(name, '/') + 1, body, strlen(body), why);
	cJSON_free(body);
	return error;
}

/* --- which version serves -------------------------------------------------------------------- */

struct serving_change {
	const char *model;
	int64_t version;
	bool rollback;
	const char *by, *reason;
};

/* The file of such a change. It gets its name after the version that it names, but its bytes can be
 * on their way while the version is being saved: one after the other takes twice as long. */
struct event_file {
	struct registry *registry;
	cJSON *json;
	pthread_t thread;
	bool staging; /* `thread` runs */
	enum error error;
	struct store_staged staged; /* where `error` is OK */
};

static void begin_event(struct registry *registry, const struct serving_change *change,
			struct event_file *event)
{
	memset(event, 0, sizeof(*event));
	event->registry = registry;
	event->error = ERROR_NOT_FOUND;
	event->json = cJSON_CreateObject();
	cJSON_AddNumberToObject(event->json, "version", (double)change->version);
	cJSON_AddNumberToObject(event->json, "at_us", (double)wall_now_us());
	cJSON_AddStringToObject(event->json, "by", change->by);
	cJSON_AddStringToObject(event->json, "reason", change->reason);
	cJSON_AddBoolToObject(event->json, "rollback", change->rollback);
}

static void *stage(void *user)
{
	struct event_file *event = user;
	char *body = cJSON_PrintUnformatted(event->json);
	event->error = body ? store_stage_new(event->registry->beside, body, strlen(body),
					      &event->staged, NULL)
			    : ERROR_NO_MEMORY;
	cJSON_free(body);
	return NULL;
}

static void stage_beside(struct event_file *event)
{
	event->staging = pthread_create(&event->thread, NULL, stage, event) == 0;
}

static void end_event(struct event_file *event)
{
	if (event->staging)
		pthread_join(event->thread, NULL);
	event->staging = false;
	if (event->error == ERROR_OK)
		store_discard_staged(event->registry->beside, &event->staged);
	event->error = ERROR_NOT_FOUND;
	cJSON_Delete(event->json);
	event->json = NULL;
}

/* NOT_FOUND: nothing is staged; an error of the staging, or of the rename. */
static enum error name_staged(struct event_file *event, const char *model, int64_t sequence)
{
	char name[REGISTRY_NAME_SIZE];
	if (event->staging)
		pthread_join(event->thread, NULL);
	event->staging = false;
	if (event->error != ERROR_OK)
		return event->error;
	char *body = cJSON_PrintUnformatted(event->json);
	if (!body)
		return ERROR_NO_MEMORY;
	registry_file_name(name, model, REGISTRY_SERVING, sequence);
	event->error = ERROR_NOT_FOUND; /* it is named or discarded now */
	enum error error = store_publish(event->registry->beside, &event->staged, name, body,
					 strlen(body), NULL);
	cJSON_free(body);
	return error;
}

static void record_serving(struct registry *registry, const struct serving_change *change)
{
	struct audit_event event = { .version = change->version };
	snprintf(event.action, sizeof(event.action), "%s",
		 change->rollback ? "rollback" : "promote");
	snprintf(event.model, sizeof(event.model), "%s", change->model);
	snprintf(event.by, sizeof(event.by), "%s", change->by);
	snprintf(event.reason, sizeof(event.reason), "%s", change->reason);
	registry_record(registry, &event);
	log_info("another version serves", LOG_STR("model", change->model),
		 LOG_I64("version", change->version), LOG_STR("by", change->by),
		 LOG_STR("reason", change->reason));
}

/* What can't be staged or named as thought is put as any other file. */
static enum error put_event(struct event_file *event, const struct serving_change *change,
			    struct text *why)
{
	struct registry *registry = event->registry;
	int64_t sequence = next_number(registry, change->model, REGISTRY_SERVING);
	enum error error = name_staged(event, change->model, sequence);
	if (error != ERROR_OK)
		error = put_numbered(registry, change->model, REGISTRY_SERVING, &sequence, false,
				     event->json, why);
	if (error == ERROR_OK)
		error = take_json(registry, change->model, REGISTRY_SERVING, sequence, event->json,
				  why);
	if (error != ERROR_OK)
		return error;
	registry_refresh_serving(registry, change->model);
	registry_update_condition(registry);
	record_serving(registry, change);
	return ERROR_OK;
}

static enum error change_serving(struct registry *registry, const struct serving_change *change,
				 struct text *why)
{
	struct event_file event;
	begin_event(registry, change, &event);
	enum error error = put_event(&event, change, why);
	end_event(&event);
	return error;
}

/* --- changes --------------------------------------------------------------------------------- */

static enum error add(struct registry *registry, const char *model, cJSON *body, bool is_zero,
		      int64_t *number, struct text *why)
{
	enum error error = drop_oldest(registry, model, why);
	if (error == ERROR_OK)
		error = put_numbered(registry, model, REGISTRY_VERSION, number, is_zero, body, why);
	if (error == ERROR_OK)
		error = take_json(registry, model, REGISTRY_VERSION, *number, body, why);
	if (error == ERROR_OK)
		metric_add(registry->versions_saved, 1);
	return error;
}

/* The same, with the event of its serving staged beside; another number needs another event. */
static enum error add_serving(struct registry *registry, struct serving_change *change, cJSON *body,
			      bool is_zero, int64_t *number, struct text *why)
{
	struct event_file event;
	change->version = *number;
	begin_event(registry, change, &event);
	stage_beside(&event);
	enum error error = add(registry, change->model, body, is_zero, number, why);
	bool as_thought = *number == change->version;
	if (error == ERROR_OK && as_thought)
		error = put_event(&event, change, why);
	end_event(&event);
	change->version = *number;
	return error == ERROR_OK && !as_thought ? change_serving(registry, change, why) : error;
}

enum error registry_add(struct registry *registry, const char *model, cJSON *body, bool is_zero,
			const char *by, const char *reason, int64_t *number, struct text *why)
{
	struct serving_change change = { .model = model, .by = by, .reason = reason };
	enum error error = ERROR_NOT_FOUND;
	pthread_mutex_lock(&registry->writing);
	*number = next_number(registry, model, REGISTRY_VERSION);
	bool known = *number >= 0;
	if (is_zero)
		*number = 0;
	if (known && by)
		error = add_serving(registry, &change, body, is_zero, number, why);
	else if (known)
		error = add(registry, model, body, is_zero, number, why);
	pthread_mutex_unlock(&registry->writing);
	return error;
}

enum error registry_promote(struct registry *registry, const char *model, int64_t number,
			    const char *by, const char *reason, struct text *why)
{
	pthread_mutex_lock(&registry->writing);
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	bool known = found && model_find_version(found, number);
	pthread_mutex_unlock(&registry->lock);
	const struct serving_change change = {
		.model = model, .version = number, .by = by, .reason = reason
	};
	enum error error = ERROR_NOT_FOUND;
	if (known)
		error = change_serving(registry, &change, why);
	else
		why_putf(why, "there is no version %" PRId64 " of a model %s", number, model);
	pthread_mutex_unlock(&registry->writing);
	return error;
}

enum error registry_rollback(struct registry *registry, const char *model, const char *by,
			     const char *reason, int64_t *number, struct text *why)
{
	enum error error = ERROR_NOT_FOUND;
	pthread_mutex_lock(&registry->writing);
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	*number = found ? model_version_before(found) : -1;
	pthread_mutex_unlock(&registry->lock);
	if (*number >= 0) {
		const struct serving_change change = { model, *number, true, by, reason };
		error = change_serving(registry, &change, why);
	} else if (found) {
		why_putf(why, "no other version of %s served before", model);
		error = ERROR_CONFLICT;
	}
	pthread_mutex_unlock(&registry->writing);
	return error;
}
