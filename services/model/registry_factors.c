/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's factors, kept beside its versions: locally at once, on HDFS a moment later, so that no
 * training waits for that. HDFS stays the truth: where the file there is another one, or is gone,
 * the local copy is not used.
 */
#include <stdio.h>
#include <string.h>

#include "registry_internal.h"

static void name_of(char out[REGISTRY_NAME_SIZE], const char *model)
{
	snprintf(out, REGISTRY_NAME_SIZE, "%s/factors.json", model);
}

/* --- keeping --------------------------------------------------------------------------------- */

static enum error put_local(struct registry *registry, const char *model, const char *body,
			    size_t length, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	struct spec spec;
	/* A model that was removed meanwhile must not come back as a folder. */
	enum error error = registry_spec(registry, model, &spec);
	name_of(name, model);
	if (error == ERROR_OK)
		error = store_put_local(registry->store, name, body, length, why);
	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&registry->lock);
	/* It is still there: nobody removes models while `writing` is held. */
	catalogue_find(&registry->catalogue, model)->factors.kept++;
	pthread_mutex_unlock(&registry->lock);
	registry_wake(registry);
	return ERROR_OK;
}

enum error registry_put_factors(struct registry *registry, const char *model, const char *body,
				size_t length, struct text *why)
{
	pthread_mutex_lock(&registry->writing);
	enum error error = put_local(registry, model, body, length, why);
	pthread_mutex_unlock(&registry->writing);
	return error;
}

/* --- using ----------------------------------------------------------------------------------- */

static struct model_factors state_of(struct registry *registry, const char *model)
{
	struct model_factors state = { 0 };
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	if (found)
		state = found->factors;
	pthread_mutex_unlock(&registry->lock);
	return state;
}

enum error registry_local_factors(struct registry *registry, const char *model, struct text *body,
				  struct model_factors *seen)
{
	char name[REGISTRY_NAME_SIZE];
	*seen = state_of(registry, model);
	name_of(name, model);
	if (seen->kept == seen->followed && seen->file_id == 0)
		return ERROR_NOT_FOUND; /* what lies there may be of any time */
	return store_get_local(registry->store, name, body, NULL);
}

enum error registry_factors_hold(struct registry *registry, const char *model,
				 const struct model_factors *seen, struct webhdfs *client,
				 struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	struct webhdfs_status status;
	if (seen->kept != seen->followed)
		return ERROR_OK;
	name_of(name, model);
	enum error error = store_stat(registry->store, client, name, &status, why);
	if (error != ERROR_OK)
		return error;
	return status.file_id == seen->file_id ? ERROR_OK : ERROR_CONFLICT;
}

enum error registry_read_factors(struct registry *registry, const char *model,
				 struct webhdfs *client, struct text *body, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	name_of(name, model);
	return store_read(registry->store, client, name, body, why);
}

/* --- following ------------------------------------------------------------------------------- */

/* The first model whose factors are behind. False: none is. */
static bool find_behind(struct registry *registry, char model[SPEC_MAX_NAME + 1], uint64_t *kept)
{
	bool behind = false;
	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->catalogue.count && !behind; i++) {
		const struct model *entry = registry->catalogue.models[i];
		behind = entry->factors.kept != entry->factors.followed;
		if (!behind)
			continue;
		snprintf(model, SPEC_MAX_NAME + 1, "%s", entry->spec.name);
		*kept = entry->factors.kept;
	}
	pthread_mutex_unlock(&registry->lock);
	return behind;
}

static void set_followed(struct registry *registry, const char *model, uint64_t kept,
			 int64_t file_id)
{
	pthread_mutex_lock(&registry->lock);
	struct model *found = catalogue_find(&registry->catalogue, model);
	if (found) {
		found->factors.followed = kept;
		found->factors.file_id = file_id;
	}
	pthread_mutex_unlock(&registry->lock);
}

enum error registry_follow_factors(struct registry *registry, struct text *why)
{
	char model[SPEC_MAX_NAME + 1];
	uint64_t kept = 0; /* newer ones that are kept meanwhile make it behind again */
	while (find_behind(registry, model, &kept)) {
		char name[REGISTRY_NAME_SIZE];
		int64_t file_id;
		name_of(name, model);
		enum error error = registry_follow_file(registry, model, name, true, &file_id, why);
		if (error != ERROR_OK)
			return error;
		set_followed(registry, model, kept, file_id);
	}
	return ERROR_OK;
}
