/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of versions, claimed on HDFS by an empty file of the version's name, which no other
 * instance can then have.
 */
#include "registry_internal.h"

/* The number is free again. */
static void set_free(struct registry *registry, const char *model, int64_t number)
{
	pthread_mutex_lock(&registry->lock);
	struct model *found = catalogue_find(&registry->catalogue, model);
	if (found && found->claimed == number)
		found->claimed = number - 1;
	pthread_mutex_unlock(&registry->lock);
}

static void set_claimed(struct registry *registry, const char *model, int64_t number)
{
	pthread_mutex_lock(&registry->lock);
	struct model *found = catalogue_find(&registry->catalogue, model);
	if (found && found->claimed < number)
		found->claimed = number;
	pthread_mutex_unlock(&registry->lock);
}

/* Claims this number, with the file that was staged for it beforehand or with a new one; `fresh` is
 * for one that went astray. */
static enum error claim_number(struct registry *registry, const char *model, int64_t number,
			       bool fresh, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	struct store_staged *spare = &registry->spare;
	enum error error = ERROR_OK;
	if (fresh || spare->file_id == 0)
		error = store_stage_claim(registry->store, spare, why);
	if (error != ERROR_OK) {
		spare->file_id = 0;
		return error;
	}
	registry_file_name(name, model, REGISTRY_VERSION, number);
	error = store_claim(registry->store, spare, name, why);
	if (error != ERROR_EXISTS)
		spare->file_id = 0;
	if (error == ERROR_OK || error == ERROR_EXISTS)
		set_claimed(registry, model, number);
	return error;
}

static int64_t next_version(struct registry *registry, const char *model)
{
	pthread_mutex_lock(&registry->lock);
	const struct model *found = catalogue_find(&registry->catalogue, model);
	int64_t number = found ? model_next_version(found) : 0;
	pthread_mutex_unlock(&registry->lock);
	return number;
}

enum error registry_claim_next(struct registry *registry, const char *model, int64_t *number,
			       struct text *why)
{
	*number = next_version(registry, model);
	enum error error = *number > 0 ? ERROR_EXISTS : ERROR_NOT_FOUND;
	for (int attempt = 0; attempt < REGISTRY_NUMBER_ATTEMPTS && error == ERROR_EXISTS;
	     attempt++) {
		error = claim_number(registry, model, *number, false, why);
		if (error == ERROR_NOT_FOUND)
			error = claim_number(registry, model, *number, true, why);
		*number += error == ERROR_EXISTS ? 1 : 0;
	}
	registry_forget_passed_over(error, why);
	return error;
}

int64_t registry_claim(struct registry *registry, const char *model)
{
	int64_t number;
	pthread_mutex_lock(&registry->writing);
	enum error error = registry_claim_next(registry, model, &number, NULL);
	pthread_mutex_unlock(&registry->writing);
	return error == ERROR_OK ? number : 0;
}

void registry_give_back(struct registry *registry, const char *model, int64_t number)
{
	char name[REGISTRY_NAME_SIZE];
	registry_file_name(name, model, REGISTRY_VERSION, number);
	pthread_mutex_lock(&registry->writing);
	if (store_remove_file(registry->store, name, NULL) == ERROR_OK) /* else it stays a hole */
		set_free(registry, model, number);
	pthread_mutex_unlock(&registry->writing);
}
