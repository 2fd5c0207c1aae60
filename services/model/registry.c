/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: see registry_internal.h.
 */
#include "registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "registry_internal.h"
#include "timestamp.h"

enum { MAX_PATH = 1200 };

/* --- life ------------------------------------------------------------------------------------ */

static void init_locks(struct registry *registry)
{
	pthread_condattr_t attributes;
	pthread_mutex_init(&registry->writing, NULL);
	pthread_mutex_init(&registry->following, NULL);
	pthread_mutex_init(&registry->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&registry->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static enum error open_stores(struct registry *registry, const struct registry_options *options,
			      struct text *why)
{
	char root[MAX_PATH], staging[MAX_PATH], local[MAX_PATH];
	struct webhdfs_options webhdfs = options->webhdfs;
	webhdfs.cancel = &registry->cancel;
	snprintf(root, sizeof(root), "%s/models", options->root);
	snprintf(staging, sizeof(staging), "%s/staging/models", options->root);
	snprintf(local, sizeof(local), "%s/models", options->state_dir);
	enum error error = store_new(root, staging, local, &webhdfs, &registry->store, why);
	if (error == ERROR_OK)
		error = store_new(root, staging, local, &webhdfs, &registry->follower, why);
	return error;
}

static void make_metrics(struct registry *registry, const struct registry_options *options)
{
	registry->bad_files =
		metrics_counter(options->metrics, "model_registry_bad_files_total",
				"Model files that were not whole or not usable", NULL);
	registry->sync_errors =
		metrics_counter(options->metrics, "model_registry_sync_errors_total",
				"Failed tries to get in step with HDFS", NULL);
	registry->versions_saved = metrics_counter(
		options->metrics, "model_registry_versions_saved_total", "Versions saved", NULL);
	registry->versions_behind =
		metrics_gauge(options->metrics, "model_registry_versions_behind",
			      "Versions that are not known to be on HDFS yet", NULL);
	registry->audit_errors =
		metrics_counter(options->metrics, "model_audit_errors_total",
				"Events of the audit trail that could not be stored", NULL);
	if (options->health)
		registry->condition = health_condition(options->health, "model");
}

enum error registry_new(const struct registry_options *options, struct registry **out,
			struct text *why)
{
	*out = NULL;
	struct registry *registry = calloc(1, sizeof(*registry));
	if (!registry)
		return ERROR_NO_MEMORY;
	init_locks(registry);
	make_metrics(registry, options);
	enum error error = open_stores(registry, options, why);
	for (size_t i = 0; i < spec_builtin_count() && error == ERROR_OK; i++)
		error = catalogue_add(&registry->catalogue, spec_builtin(i));
	if (error != ERROR_OK) {
		registry_destroy(&registry);
		return error;
	}
	registry_load_local(registry);
	pthread_mutex_lock(&registry->lock);
	registry_tell_behind(registry);
	pthread_mutex_unlock(&registry->lock);
	registry_load_audit(registry);
	registry_update_condition(registry);
	*out = registry;
	return ERROR_OK;
}

enum error registry_start(struct registry *registry, struct text *why)
{
	if (pthread_create(&registry->thread, NULL, registry_sync_thread, registry) != 0) {
		why_putf(why, "no thread for the registry");
		return ERROR_SYSTEM;
	}
	registry->started = true;
	return ERROR_OK;
}

/* Ends calls to HDFS that take longer than the thread is given to end. */
void registry_stop(struct registry *registry)
{
	int64_t until_us = monotonic_now_us() + REGISTRY_STOP_MS * 1000;
	const struct timespec until = { .tv_sec = until_us / 1000000,
					.tv_nsec = until_us % 1000000 * 1000 };
	pthread_mutex_lock(&registry->lock);
	registry->stopping = true;
	pthread_cond_broadcast(&registry->wake);
	while (registry->started && !registry->ended &&
	       pthread_cond_timedwait(&registry->wake, &registry->lock, &until) == 0) {
	}
	pthread_mutex_unlock(&registry->lock);
	atomic_store(&registry->cancel, true);
	if (registry->started)
		pthread_join(registry->thread, NULL);
	registry->started = false;
}

void registry_destroy(struct registry **out)
{
	struct registry *registry = *out;
	if (!registry)
		return;
	registry_stop(registry);
	catalogue_clean_up(&registry->catalogue);
	audit_clean_up(&registry->audit);
	store_destroy(&registry->store);
	store_destroy(&registry->follower);
	pthread_cond_destroy(&registry->wake);
	pthread_mutex_destroy(&registry->lock);
	pthread_mutex_destroy(&registry->writing);
	pthread_mutex_destroy(&registry->following);
	free(registry);
	*out = NULL;
}

/* --- health ---------------------------------------------------------------------------------- */

/* All under the lock: of two threads the one that looked first must not have the last word. */
void registry_update_condition(struct registry *registry)
{
	bool serves = false;
	if (!registry->condition)
		return;
	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->catalogue.count; i++)
		serves |= registry->catalogue.models[i]->serving != NULL;
	const char *reason = registry->explanation;
	if (serves)
		health_met(registry->condition);
	else
		health_unmet(registry->condition, "no model has a version yet; %s",
			     reason[0] ? reason : "POST /v1/models/{m}/train makes one");
	pthread_mutex_unlock(&registry->lock);
}

void registry_explain(struct registry *registry, const char *model, const char *reason)
{
	pthread_mutex_lock(&registry->lock);
	snprintf(registry->explanation, sizeof(registry->explanation), "%s: %s", model, reason);
	pthread_mutex_unlock(&registry->lock);
	registry_update_condition(registry);
}

/* --- specs ----------------------------------------------------------------------------------- */

void registry_each_model(struct registry *registry,
			 bool (*each)(const struct spec *spec, const struct version *serving,
				      void *user),
			 void *user)
{
	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->catalogue.count; i++) {
		const struct model *model = registry->catalogue.models[i];
		if (!each(&model->spec, model->serving, user))
			break;
	}
	pthread_mutex_unlock(&registry->lock);
}

enum error registry_spec(struct registry *registry, const char *model, struct spec *spec)
{
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	if (found)
		*spec = found->spec;
	pthread_mutex_unlock(&registry->lock);
	return found ? ERROR_OK : ERROR_NOT_FOUND;
}

enum error registry_put_json(struct registry *registry, const char *name, const cJSON *json,
			     struct text *why)
{
	char *body = cJSON_PrintUnformatted(json);
	if (!body)
		return ERROR_NO_MEMORY;
	enum error error = store_put(registry->store, name, body, strlen(body), why);
	cJSON_free(body);
	return error;
}

static enum error create(struct registry *registry, const struct spec *spec, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	struct spec taken;
	if (registry_spec(registry, spec->name, &taken) == ERROR_OK)
		return ERROR_EXISTS;
	cJSON *json = spec_to_json(spec);
	if (!json)
		return ERROR_NO_MEMORY;
	registry_file_name(name, spec->name, REGISTRY_SPEC, 0);
	pthread_mutex_lock(&registry->lock);
	enum error error = catalogue_add(&registry->catalogue, spec);
	pthread_mutex_unlock(&registry->lock);
	if (error == ERROR_OK) {
		error = registry_put_json(registry, name, json, why);
		if (error != ERROR_OK) {
			pthread_mutex_lock(&registry->lock);
			catalogue_remove(&registry->catalogue, spec->name);
			pthread_mutex_unlock(&registry->lock);
		}
	}
	cJSON_Delete(json);
	return error;
}

enum error registry_create(struct registry *registry, const struct spec *spec, struct text *why)
{
	pthread_mutex_lock(&registry->writing);
	enum error error = create(registry, spec, why);
	pthread_mutex_unlock(&registry->writing);
	if (error == ERROR_EXISTS)
		why_putf(why, "there is a model named %s already", spec->name);
	if (error == ERROR_LIMIT)
		why_putf(why, "there are %d models already", REGISTRY_MAX_MODELS);
	return error;
}

enum error registry_delete(struct registry *registry, const char *model, struct text *why)
{
	struct spec spec;
	enum error error = registry_spec(registry, model, &spec);
	if (error == ERROR_OK && spec.builtin) {
		why_putf(why, "%s comes with the program and can't be removed", model);
		error = ERROR_CONFLICT;
	}
	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&registry->writing);
	error = store_remove(registry->store, model, why);
	if (error == ERROR_OK) {
		pthread_mutex_lock(&registry->lock);
		catalogue_remove(&registry->catalogue, model);
		pthread_mutex_unlock(&registry->lock);
	}
	pthread_mutex_unlock(&registry->writing);
	registry_update_condition(registry);
	return error;
}

/* --- versions -------------------------------------------------------------------------------- */

struct version *registry_acquire(struct registry *registry, const char *model)
{
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	struct version *version = found && found->serving ? version_retain(found->serving) : NULL;
	pthread_mutex_unlock(&registry->lock);
	return version;
}

enum error registry_versions(struct registry *registry, const char *model,
			     struct version_summary *out, size_t capacity, size_t *count,
			     size_t *total)
{
	*count = *total = 0;
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	if (found) {
		*total = found->version_count;
		while (*count < capacity && *count < *total) {
			out[*count] = found->versions[*total - 1 - *count];
			++*count;
		}
	}
	pthread_mutex_unlock(&registry->lock);
	return found ? ERROR_OK : ERROR_NOT_FOUND;
}

enum error registry_history(struct registry *registry, const char *model, struct serving_event *out,
			    size_t capacity, size_t *count, size_t *total)
{
	*count = *total = 0;
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	if (found) {
		*total = found->event_count;
		while (*count < capacity && *count < *total) {
			out[*count] = found->events[*total - 1 - *count];
			++*count;
		}
	}
	pthread_mutex_unlock(&registry->lock);
	return found ? ERROR_OK : ERROR_NOT_FOUND;
}
