/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The audit trail: <root>/models/_audit/<id>.json, one file an event, first written locally, so
 * that no caller waits for HDFS, and brought to HDFS by the background thread, which is woken for
 * it and writes just what was recorded; now and then both sides are compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "registry_internal.h"
#include "timestamp.h"

#define FOLDER "_audit" /* no model can have this name */

static void path_of(char out[REGISTRY_NAME_SIZE], const char *id)
{
	snprintf(out, REGISTRY_NAME_SIZE, FOLDER "/%s.json", id);
}

/* The id in a file's name. False: it is no event's file. */
static bool id_of(const char *name, char id[AUDIT_ID_SIZE])
{
	size_t length = strlen(name);
	if (length != AUDIT_ID_SIZE - 1 + 5 || strcmp(name + length - 5, ".json") != 0)
		return false;
	memcpy(id, name, AUDIT_ID_SIZE - 1);
	id[AUDIT_ID_SIZE - 1] = '\0';
	return audit_is_id(id);
}

static enum error take(struct registry *registry, const char *id, const struct text *body,
		       struct text *why)
{
	struct audit_event event;
	cJSON *json = cJSON_ParseWithLength(body->data, body->length);
	enum error error = audit_from_json(id, json, &event, why);
	cJSON_Delete(json);
	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&registry->lock);
	error = audit_add(&registry->audit, &event);
	pthread_mutex_unlock(&registry->lock);
	return error;
}

/* --- recording ------------------------------------------------------------------------------- */

static enum error write_local(struct registry *registry, const struct audit_event *event,
			      struct text *why)
{
	char path[REGISTRY_NAME_SIZE];
	cJSON *json = audit_to_json(event);
	char *body = json ? cJSON_PrintUnformatted(json) : NULL;
	cJSON_Delete(json);
	if (!body)
		return ERROR_NO_MEMORY;
	path_of(path, event->id);
	enum error error = store_put_local(registry->store, path, body, strlen(body), why);
	cJSON_free(body);
	return error;
}

static void fall_behind(struct registry_behind *behind, const char *id)
{
	if (behind->count == REGISTRY_MAX_BEHIND)
		behind->more = true;
	else
		memcpy(behind->id[behind->count++], id, AUDIT_ID_SIZE);
}

void registry_record(struct registry *registry, const struct audit_event *given)
{
	char memory[300];
	struct text why;
	struct audit_event event = *given;
	text_init_fixed(&why, memory, sizeof(memory));
	event.at_us = wall_now_us();
	audit_name(&event);
	enum error error = write_local(registry, &event, &why);
	pthread_mutex_lock(&registry->lock);
	enum error taken = audit_add(&registry->audit, &event);
	if (error == ERROR_OK)
		fall_behind(&registry->behind, event.id);
	pthread_mutex_unlock(&registry->lock);
	registry_wake(registry);
	if (error == ERROR_OK)
		error = taken;
	if (error == ERROR_OK)
		return;
	metric_add(registry->audit_errors, 1);
	log_error("an event of the audit trail is not stored", LOG_STR("model", event.model),
		  LOG_STR("action", event.action), LOG_STR("by", event.by),
		  LOG_STR("error", error_name(error)), LOG_STR("reason", why.data));
}

size_t registry_audit(struct registry *registry, const char *model, struct audit_event *out,
		      size_t capacity, size_t *total)
{
	pthread_mutex_lock(&registry->lock);
	size_t count = audit_list(&registry->audit, model, out, capacity, total);
	pthread_mutex_unlock(&registry->lock);
	return count;
}

/* --- loading and syncing --------------------------------------------------------------------- */

static enum error load_each(const char *name, bool folder, void *user)
{
	struct registry *registry = user;
	char path[REGISTRY_NAME_SIZE], id[AUDIT_ID_SIZE], memory[300];
	struct text body, why;
	if (folder || !id_of(name, id))
		return ERROR_OK;
	text_init(&body, STORE_MAX_FILE);
	text_init_fixed(&why, memory, sizeof(memory));
	path_of(path, id);
	enum error error = store_get_local(registry->store, path, &body, &why);
	if (error == ERROR_OK)
		error = take(registry, id, &body, &why);
	if (error != ERROR_OK) {
		metric_add(registry->bad_files, 1);
		log_warn("an audit file is not used", LOG_STR("file", path),
			 LOG_STR("reason", why.data));
		store_discard_local(registry->store, path);
	}
	text_clean_up(&body);
	return ERROR_OK;
}

void registry_load_audit(struct registry *registry)
{
	(void)!store_list_local(registry->store, FOLDER, load_each, registry);
}

static enum error fetch(struct registry *registry, const char *id, struct text *why)
{
	char path[REGISTRY_NAME_SIZE];
	struct text body;
	path_of(path, id);
	if (store_has_local(registry->store, path))
		return ERROR_OK;
	text_init(&body, STORE_MAX_FILE);
	enum error error = store_fetch(registry->follower, path, &body, why);
	if (error == ERROR_OK)
		error = take(registry, id, &body, why);
	if (error == ERROR_CHECKSUM || error == ERROR_INVALID) {
		metric_add(registry->bad_files, 1);
		error = ERROR_OK; /* it will not become better by trying again */
	}
	text_clean_up(&body);
	return error;
}

/* What is older than the newest AUDIT_MAX goes. */
static enum error remove_oldest(struct registry *registry, const struct registry_names *names,
				struct text *why)
{
	enum error error = ERROR_OK;
	for (size_t i = 0; i + AUDIT_MAX < names->count && error == ERROR_OK; i++) {
		char path[REGISTRY_NAME_SIZE];
		snprintf(path, sizeof(path), FOLDER "/%s", names->name[i]);
		error = store_remove_file(registry->follower, path, why);
		log_info("the oldest event of the audit trail is removed", LOG_STR("file", path),
			 LOG_I64("kept", AUDIT_MAX));
	}
	return error;
}

enum error registry_sync_audit(struct registry *registry, struct text *why)
{
	struct registry_names remote = { .folders = false }, local = { .folders = false };
	enum error error =
		store_list_remote(registry->follower, FOLDER, registry_add_name, &remote, why);
	if (error == ERROR_OK)
		error = store_list_local(registry->store, FOLDER, registry_add_name, &local);
	registry_sort_names(&remote);
	for (size_t i = 0; i < local.count && error == ERROR_OK; i++) {
		char path[REGISTRY_NAME_SIZE], id[AUDIT_ID_SIZE];
		if (!id_of(local.name[i], id) || registry_has_name(&remote, local.name[i]))
			continue;
		path_of(path, id);
		error = store_push(registry->follower, path, why);
	}
	for (size_t i = 0; i < remote.count && error == ERROR_OK; i++) {
		char id[AUDIT_ID_SIZE];
		if (i + AUDIT_MAX >= remote.count && id_of(remote.name[i], id))
			error = fetch(registry, id, why);
	}
	if (error == ERROR_OK)
		error = remove_oldest(registry, &remote, why);
	free(remote.name);
	free(local.name);
	return error;
}

/* Those that were recorded since the last time; where more were than are remembered, or one can't
 * be stored, both sides are compared the next time. */
enum error registry_follow_audit(struct registry *registry, struct text *why)
{
	pthread_mutex_lock(&registry->lock);
	struct registry_behind behind = registry->behind;
	registry->behind = (struct registry_behind){ .count = 0 };
	pthread_mutex_unlock(&registry->lock);
	enum error error = behind.more ? registry_sync_audit(registry, why) : ERROR_OK;
	for (size_t i = 0; i < behind.count && !behind.more && error == ERROR_OK; i++) {
		char path[REGISTRY_NAME_SIZE];
		path_of(path, behind.id[i]);
		error = store_push(registry->follower, path, why);
	}
	if (error == ERROR_OK)
		return ERROR_OK;
	pthread_mutex_lock(&registry->lock);
	registry->behind.more = true;
	pthread_mutex_unlock(&registry->lock);
	return error;
}
