/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's factors, kept beside its versions.
 */
#include <stdio.h>

#include "registry_internal.h"

enum error registry_put_factors(struct registry *registry, const char *model, const char *body,
				size_t length, struct text *why)
{
	char name[REGISTRY_NAME_SIZE];
	struct spec spec;
	snprintf(name, sizeof(name), "%s/factors.json", model);
	pthread_mutex_lock(&registry->writing);
	/* A model that was removed meanwhile must not come back as a folder. */
	enum error error = registry_spec(registry, model, &spec);
	if (error == ERROR_OK)
		error = store_replace(registry->store, name, body, length, why);
	pthread_mutex_unlock(&registry->writing);
	return error;
}
