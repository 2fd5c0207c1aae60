/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The background thread: brings the local copy and HDFS together, at once and then every
 * SYNC_EVERY_S, with a back-off while HDFS is away.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "log.h"
#include "registry_internal.h"
#include "timestamp.h"

/* What is recorded together goes to HDFS together, and out of the way of a training's own files. */
enum { SYNC_EVERY_S = 60, FIRST_BACK_OFF_S = 1, FOLLOW_AFTER_MS = 200 };

enum error registry_add_name(const char *name, bool folder, void *user)
{
	struct registry_names *names = user;
	if (folder != names->folders || strlen(name) >= sizeof(names->name[0]) ||
	    names->count == REGISTRY_MAX_NAMES)
		return ERROR_OK;
	void *larger = array_room(names->name, names->count, &names->capacity, REGISTRY_MAX_NAMES,
				  sizeof(names->name[0]));
	if (!larger)
		return ERROR_NO_MEMORY;
	names->name = larger;
	memcpy(names->name[names->count++], name, strlen(name) + 1);
	return ERROR_OK;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

void registry_sort_names(struct registry_names *names)
{
	if (names->count > 0)
		qsort(names->name, names->count, sizeof(names->name[0]), compare_names);
}

bool registry_has_name(const struct registry_names *names, const char *name)
{
	return names->count > 0 && bsearch(name, names->name, names->count, sizeof(names->name[0]),
					   compare_names) != NULL;
}

static enum error fetch_file(struct registry *registry, const char *model, const char *name,
			     struct text *why)
{
	char path[REGISTRY_NAME_SIZE];
	struct text body;
	text_init(&body, STORE_MAX_FILE);
	snprintf(path, sizeof(path), "%s/%s", model, name);
	enum error error = store_fetch(registry->store, path, &body, why);
	if (error == ERROR_OK)
		error = registry_take_file(registry, model, name, body.data, body.length, why);
	if (error == ERROR_OK)
		registry_is_on_hdfs(registry, model, name);
	if (error == ERROR_CHECKSUM || error == ERROR_INVALID) {
		metric_add(registry->bad_files, 1);
		log_warn("a model file on HDFS is not used", LOG_STR("file", path),
			 LOG_STR("reason", why ? why->data : ""));
		error = ERROR_OK; /* it will not become better by trying again */
	}
	text_clean_up(&body);
	return error;
}

/* spec.json sorts between serving- and version-, but must come first. */
static enum error fetch_missing(struct registry *registry, const char *model,
				const struct registry_names *remote, struct text *why)
{
	enum error error = ERROR_OK;
	for (enum registry_file kind = REGISTRY_SPEC; kind <= REGISTRY_SERVING; kind++) {
		for (size_t i = 0; i < remote->count && error == ERROR_OK; i++) {
			char path[REGISTRY_NAME_SIZE];
			int64_t number;
			if (registry_file_kind(remote->name[i], &number) != kind)
				continue;
			snprintf(path, sizeof(path), "%s/%s", model, remote->name[i]);
			if (store_has_local(registry->store, path))
				registry_is_on_hdfs(registry, model, remote->name[i]);
			else
				error = fetch_file(registry, model, remote->name[i], why);
		}
	}
	return error;
}

static enum error push_missing(struct registry *registry, const char *model,
			       const struct registry_names *remote, struct text *why)
{
	struct registry_names local = { .folders = false };
	enum error error = store_list_local(registry->store, model, registry_add_name, &local);
	for (size_t i = 0; i < local.count && error == ERROR_OK; i++) {
		char path[REGISTRY_NAME_SIZE];
		int64_t number;
		if (registry_file_kind(local.name[i], &number) == REGISTRY_OTHER ||
		    registry_has_name(remote, local.name[i]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", model, local.name[i]);
		error = store_push(registry->store, path, why);
		if (error == ERROR_CHECKSUM) {
			store_discard_local(registry->store, path);
			error = ERROR_OK;
		} else if (error == ERROR_OK) {
			registry_is_on_hdfs(registry, model, path);
		}
	}
	free(local.name);
	return error;
}

static enum error sync_model(struct registry *registry, const char *model, struct text *why)
{
	struct registry_names remote = { .folders = false };
	pthread_mutex_lock(&registry->writing);
	enum error error =
		store_list_remote(registry->store, model, registry_add_name, &remote, why);
	registry_sort_names(&remote);
	if (error == ERROR_OK)
		error = fetch_missing(registry, model, &remote, why);
	if (error == ERROR_OK)
		error = push_missing(registry, model, &remote, why);
	pthread_mutex_unlock(&registry->writing);
	free(remote.name);
	registry_refresh_serving(registry, model);
	return error;
}

static enum error list_models(struct registry *registry, struct registry_names *models,
			      struct text *why)
{
	pthread_mutex_lock(&registry->writing);
	enum error error = store_list_remote(registry->store, "", registry_add_name, models, why);
	pthread_mutex_unlock(&registry->writing);
	if (error == ERROR_OK)
		error = store_list_local(registry->store, "", registry_add_name, models);
	registry_sort_names(models);
	return error;
}

/* A model at a time, so that a training that ends meanwhile does not wait for all of them. */
enum error registry_sync(struct registry *registry, struct text *why)
{
	struct registry_names models = { .folders = true };
	enum error error = list_models(registry, &models, why);
	for (size_t i = 0; i < models.count && error == ERROR_OK; i++) {
		bool again = i > 0 && strcmp(models.name[i], models.name[i - 1]) == 0;
		if (!again && spec_name_ok(models.name[i]))
			error = sync_model(registry, models.name[i], why);
	}
	if (error == ERROR_OK)
		error = registry_follow(registry, true, why);
	pthread_mutex_lock(&registry->lock);
	registry->compared |= error == ERROR_OK;
	pthread_mutex_unlock(&registry->lock);
	free(models.name);
	registry_update_condition(registry);
	return error;
}

enum error registry_follow(struct registry *registry, bool whole, struct text *why)
{
	pthread_mutex_lock(&registry->following);
	enum error error = registry_follow_versions(registry, why);
	if (error == ERROR_OK)
		error = registry_follow_audit(registry, why);
	if (error == ERROR_OK && whole)
		error = registry_sync_audit(registry, why);
	if (error == ERROR_OK)
		error = registry_follow_factors(registry, why);
	pthread_mutex_unlock(&registry->following);
	return error;
}

static bool wait_until(struct registry *registry, int64_t until_us, const bool *woken)
{
	const struct timespec until = { .tv_sec = until_us / 1000000,
					.tv_nsec = until_us % 1000000 * 1000 };
	while (!registry->stopping && !*woken &&
	       pthread_cond_timedwait(&registry->wake, &registry->lock, &until) == 0) {
	}
	return *woken;
}

/* Waits until a time (monotonic), or shortly after something fell behind. True: it is time to end.
 */
static bool wait_for_work(struct registry *registry, int64_t until_us)
{
	const bool never = false;
	pthread_mutex_lock(&registry->lock);
	if (wait_until(registry, until_us, &registry->woken))
		wait_until(registry, monotonic_now_us() + FOLLOW_AFTER_MS * 1000, &never);
	bool stopping = registry->stopping;
	registry->woken = false;
	pthread_mutex_unlock(&registry->lock);
	return stopping;
}

static void clean_staging(struct registry *registry)
{
	char memory[300];
	struct text why;
	size_t removed;
	text_init_fixed(&why, memory, sizeof(memory));
	pthread_mutex_lock(&registry->following);
	enum error error = store_clean_staging(registry->follower, &removed, &why);
	pthread_mutex_unlock(&registry->following);
	if (removed > 0)
		log_info("stale files were removed from the staging folder",
			 LOG_I64("removed", (int64_t)removed));
	if (error != ERROR_OK)
		log_warn("stale files stay in the staging folder until the next start",
			 LOG_STR("error", error_name(error)), LOG_STR("reason", why.data));
}

/* Whole until both sides were compared: before that, what is behind is not known. */
static enum error bring(struct registry *registry, bool due, bool *whole, struct text *why)
{
	pthread_mutex_lock(&registry->lock);
	bool first = !registry->compared;
	pthread_mutex_unlock(&registry->lock);
	*whole = due || first;
	enum error error =
		*whole ? registry_sync(registry, why) : registry_follow(registry, false, why);
	if (error != ERROR_OK)
		return error;
	if (first)
		clean_staging(registry);
	registry_stage_spare(registry);
	return ERROR_OK;
}

/* What can't be brought now is found by comparing at the next start. */
static void bring_the_rest(struct registry *registry)
{
	char memory[600];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	enum error error = registry_follow(registry, false, &why);
	registry_discard_spare(registry);
	if (error != ERROR_OK)
		log_warn("model files wait for the next start to get to HDFS",
			 LOG_STR("error", error_name(error)), LOG_STR("reason", why.data));
}

static void end_thread(struct registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	bool compared = registry->compared;
	pthread_mutex_unlock(&registry->lock);
	if (compared)
		bring_the_rest(registry);
	pthread_mutex_lock(&registry->lock);
	registry->ended = true;
	pthread_cond_broadcast(&registry->wake);
	pthread_mutex_unlock(&registry->lock);
}

void *registry_sync_thread(void *user)
{
	struct registry *registry = user;
	int64_t due_us = 0, back_off_s = FIRST_BACK_OFF_S;
	while (!wait_for_work(registry, due_us)) {
		char memory[600];
		struct text why;
		bool whole;
		text_init_fixed(&why, memory, sizeof(memory));
		int64_t now_us = monotonic_now_us();
		enum error error = bring(registry, now_us >= due_us, &whole, &why);
		if (error == ERROR_OK) {
			due_us = whole ? now_us + SYNC_EVERY_S * INT64_C(1000000) : due_us;
			back_off_s = FIRST_BACK_OFF_S;
			continue;
		}
		metric_add(registry->sync_errors, 1);
		due_us = now_us + back_off_s * 1000000;
		log_warn("models are not in step with HDFS", LOG_STR("error", error_name(error)),
			 LOG_STR("reason", why.data), LOG_I64("retry_s", back_off_s));
		back_off_s = back_off_s * 2 > SYNC_EVERY_S ? SYNC_EVERY_S : back_off_s * 2;
	}
	end_thread(registry);
	return NULL;
}
