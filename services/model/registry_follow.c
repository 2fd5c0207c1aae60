/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What lies locally before it is on HDFS, so that no training waits for that: versions under the
 * numbers that they have claimed, factors (registry_factors.c) and the audit trail
 * (registry_audit.c).
 */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "registry_internal.h"

void registry_tell_behind(struct registry *registry)
{
	size_t behind = 0;
	for (size_t i = 0; i < registry->catalogue.count; i++)
		behind += model_count_behind(registry->catalogue.models[i]);
	metric_set(registry->versions_behind, (double)behind);
}

void registry_wake(struct registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	registry_tell_behind(registry);
	registry->woken = true;
	pthread_cond_broadcast(&registry->wake);
	pthread_mutex_unlock(&registry->lock);
}

/* --- one file -------------------------------------------------------------------------------- */

/* Gives the staged file its name; one of a model that was removed meanwhile is let go of. */
static enum error give_name(struct registry *registry, const char *model, const char *name,
			    bool replaces, const struct store_staged *staged, struct text *why)
{
	struct spec spec;
	enum error error = ERROR_OK;
	pthread_mutex_lock(&registry->writing);
	if (registry_spec(registry, model, &spec) != ERROR_OK)
		store_discard_staged(registry->follower, staged);
	else if (replaces)
		error = store_replace(registry->follower, staged, name, why);
	else
		error = store_publish(registry->follower, staged, name, why);
	pthread_mutex_unlock(&registry->writing);
	return error;
}

enum error registry_follow_file(struct registry *registry, const char *model, const char *name,
				bool replaces, int64_t *file_id, struct text *why)
{
	struct store_staged staged = { .file_id = 0 };
	enum error error = store_stage(registry->follower, name, &staged, why);
	if (error == ERROR_OK)
		error = give_name(registry, model, name, replaces, &staged, why);
	else if (error == ERROR_NOT_FOUND || error == ERROR_CHECKSUM)
		error = ERROR_OK;
	*file_id = staged.file_id;
	return error;
}

/* --- versions -------------------------------------------------------------------------------- */

void registry_is_on_hdfs(struct registry *registry, const char *model, const char *name)
{
	int64_t number;
	const char *file = strchr(name, '/');
	if (registry_file_kind(file ? file + 1 : name, &number) != REGISTRY_VERSION)
		return;
	pthread_mutex_lock(&registry->lock);
	struct model *found = catalogue_find(&registry->catalogue, model);
	if (found && model_set_on_hdfs(found, number))
		registry_tell_behind(registry);
	pthread_mutex_unlock(&registry->lock);
}

/* The first version that is behind. False: none is. */
static bool find_behind(struct registry *registry, char model[SPEC_MAX_NAME + 1], int64_t *number)
{
	const struct version_summary *behind = NULL;
	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->catalogue.count && !behind; i++) {
		const struct model *entry = registry->catalogue.models[i];
		behind = model_find_behind(entry);
		if (behind) {
			snprintf(model, SPEC_MAX_NAME + 1, "%s", entry->spec.name);
			*number = behind->number;
		}
	}
	pthread_mutex_unlock(&registry->lock);
	return behind != NULL;
}

/* A version whose local file is gone or broken before it was on HDFS is lost. */
static void forget(struct registry *registry, const char *model, int64_t number)
{
	pthread_mutex_lock(&registry->lock);
	struct model *found = catalogue_find(&registry->catalogue, model);
	if (found)
		model_drop_version(found, number);
	registry_tell_behind(registry);
	pthread_mutex_unlock(&registry->lock);
	metric_add(registry->bad_files, 1);
	log_error("the local file of a version is not whole, and it was not on HDFS yet",
		  LOG_STR("model", model), LOG_I64("version", number));
}

enum error registry_follow_versions(struct registry *registry, struct text *why)
{
	char model[SPEC_MAX_NAME + 1], name[REGISTRY_NAME_SIZE];
	int64_t number, file_id;
	while (find_behind(registry, model, &number)) {
		registry_file_name(name, model, REGISTRY_VERSION, number);
		enum error error =
			registry_follow_file(registry, model, name, false, &file_id, why);
		if (error != ERROR_OK)
			return error;
		if (file_id != 0)
			registry_is_on_hdfs(registry, model, name);
		else
			forget(registry, model, number);
	}
	return ERROR_OK;
}

/* --- the next claim -------------------------------------------------------------------------- */

void registry_stage_spare(struct registry *registry)
{
	struct store_staged spare = { .file_id = 0 };
	pthread_mutex_lock(&registry->writing);
	bool missing = registry->spare.file_id == 0;
	pthread_mutex_unlock(&registry->writing);
	if (!missing || store_stage_claim(registry->follower, &spare, NULL) != ERROR_OK)
		return;
	pthread_mutex_lock(&registry->writing);
	bool wanted = registry->spare.file_id == 0;
	if (wanted)
		registry->spare = spare;
	pthread_mutex_unlock(&registry->writing);
	if (!wanted)
		store_discard_staged(registry->follower, &spare);
}

void registry_discard_spare(struct registry *registry)
{
	pthread_mutex_lock(&registry->writing);
	if (registry->spare.file_id != 0)
		store_discard_staged(registry->follower, &registry->spare);
	registry->spare.file_id = 0;
	pthread_mutex_unlock(&registry->writing);
}
