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

/* A number that was taken is no failure once another one is not. */
void registry_forget_passed_over(enum error error, struct text *why)
{
	if (error == ERROR_OK && why)
		text_reset(why);
}

/* Puts an event under the first free number; another instance may have taken some. */
static enum error put_event(struct registry *registry, const char *model, int64_t *sequence,
			    const cJSON *json, struct text *why)
{
	enum error error = ERROR_EXISTS;
	*sequence = next_number(registry, model, REGISTRY_SERVING);
	for (int attempt = 0; attempt < REGISTRY_NUMBER_ATTEMPTS && error == ERROR_EXISTS;
	     attempt++) {
		char name[REGISTRY_NAME_SIZE];
		registry_file_name(name, model, REGISTRY_SERVING, *sequence);
		error = registry_put_json(registry, name, json, why);
		*sequence += error == ERROR_EXISTS ? 1 : 0;
	}
	registry_forget_passed_over(error, why);
	return error;
}

static enum error take_json(struct registry *registry, const char *model, enum registry_file kind,
			    int64_t number, const char *body, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	registry_file_name(name, model, kind, number);
	return registry_take_file(registry, model, strchr(name, '/') + 1, body, strlen(body), why);
}

/* --- which version serves -------------------------------------------------------------------- */

struct serving_change {
	const char *model;
	int64_t version;
	bool rollback;
	const char *by, *reason;
};

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

static void begin_serving(struct registry *registry, const struct serving_change *change)
{
	registry_refresh_serving(registry, change->model);
	registry_update_condition(registry);
	record_serving(registry, change);
}

static cJSON *change_to_json(const struct serving_change *change)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "version", (double)change->version);
	cJSON_AddNumberToObject(json, "at_us", (double)wall_now_us());
	cJSON_AddStringToObject(json, "by", change->by);
	cJSON_AddStringToObject(json, "reason", change->reason);
	cJSON_AddBoolToObject(json, "rollback", change->rollback);
	return json;
}

/* Who reads the event on HDFS is to find its version there as well. */
static enum error bring_version(struct registry *registry, const struct serving_change *change,
				struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, change->model);
	const struct version_summary *version =
		found ? model_find_version(found, change->version) : NULL;
	bool behind = version && !version->on_hdfs;
	pthread_mutex_unlock(&registry->lock);
	registry_file_name(name, change->model, REGISTRY_VERSION, change->version);
	enum error error = behind ? store_push(registry->store, name, why) : ERROR_OK;
	if (behind && error == ERROR_OK)
		registry_is_on_hdfs(registry, change->model, name);
	return error;
}

static enum error change_serving(struct registry *registry, const struct serving_change *change,
				 struct text *why)
{
	int64_t sequence;
	cJSON *json = change_to_json(change);
	char *body = cJSON_PrintUnformatted(json);
	enum error error = body ? bring_version(registry, change, why) : ERROR_NO_MEMORY;
	if (error == ERROR_OK)
		error = put_event(registry, change->model, &sequence, json, why);
	if (error == ERROR_OK)
		error = take_json(registry, change->model, REGISTRY_SERVING, sequence, body, why);
	if (error == ERROR_OK)
		begin_serving(registry, change);
	cJSON_free(body);
	cJSON_Delete(json);
	return error;
}

/* --- a new version --------------------------------------------------------------------------- */

static void set_number(cJSON *json, const char *name, int64_t value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(json, name);
	cJSON_AddNumberToObject(json, name, (double)value);
}

/* That a version serves stands in its own file: both are there, or neither. */
static void set_serving(struct registry *registry, const struct serving_change *change, cJSON *body)
{
	cJSON_DeleteItemFromObjectCaseSensitive(body, "serving");
	if (!change->by)
		return;
	cJSON *json = cJSON_AddObjectToObject(body, "serving");
	int64_t after = next_number(registry, change->model, REGISTRY_SERVING) - 1;
	cJSON_AddNumberToObject(json, "after", (double)after);
	cJSON_AddNumberToObject(json, "at_us", (double)wall_now_us());
	cJSON_AddStringToObject(json, "by", change->by);
	cJSON_AddStringToObject(json, "reason", change->reason);
}

/* Under a number that is claimed: locally, from where it follows to HDFS. Number 0 can't be: an
 * instance that dies in between would keep it from all others for good. */
static enum error save(struct registry *registry, const struct serving_change *change, cJSON *json,
		       bool is_zero, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	set_number(json, "version", change->version);
	set_number(cJSON_GetObjectItem(json, "report"), "version", change->version);
	set_serving(registry, change, json);
	char *body = cJSON_PrintUnformatted(json);
	if (!body)
		return ERROR_NO_MEMORY;
	registry_file_name(name, change->model, REGISTRY_VERSION, change->version);
	enum error error = (is_zero ? store_put : store_put_local)(registry->store, name, body,
								   strlen(body), why);
	if (error == ERROR_OK)
		error = take_json(registry, change->model, REGISTRY_VERSION, change->version, body,
				  why);
	if (error == ERROR_OK && is_zero)
		registry_is_on_hdfs(registry, change->model, name);
	cJSON_free(body);
	return error;
}

static enum error add(struct registry *registry, struct serving_change *change, cJSON *body,
		      bool is_zero, struct text *why)
{
	enum error error = drop_oldest(registry, change->model, why);
	if (error == ERROR_OK && !is_zero && change->version == 0)
		error = registry_claim_next(registry, change->model, &change->version, why);
	if (error == ERROR_OK)
		error = save(registry, change, body, is_zero, why);
	if (error != ERROR_OK)
		return error;
	metric_add(registry->versions_saved, 1);
	registry_wake(registry);
	if (change->by)
		begin_serving(registry, change);
	return ERROR_OK;
}

enum error registry_add(struct registry *registry, const char *model, cJSON *body, bool is_zero,
			const char *by, const char *reason, int64_t claimed, int64_t *number,
			struct text *why)
{
	struct serving_change change = {
		.model = model, .version = claimed, .by = by, .reason = reason
	};
	enum error error = ERROR_NOT_FOUND;
	pthread_mutex_lock(&registry->writing);
	if (next_number(registry, model, REGISTRY_VERSION) >= 0)
		error = add(registry, &change, body, is_zero, why);
	*number = change.version;
	pthread_mutex_unlock(&registry->writing);
	return error;
}

/* --- changes --------------------------------------------------------------------------------- */

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
