/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The models that a registry knows, in memory: specs, summaries of versions, what serves. No files,
 * no locks: registry.c guards it.
 */
#ifndef TICKLINE_MODEL_CATALOGUE_H
#define TICKLINE_MODEL_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "model_version.h"
#include "registry.h"
#include "spec.h"

struct model {
	struct spec spec;
	struct model_factors factors;
	struct version_summary *versions; /* by number, ascending */
	size_t version_count;
	int64_t claimed;              /* the largest number that was found to be taken on HDFS */
	struct serving_event *events; /* by sequence; those within versions after it, by version */
	size_t event_count;
	struct version *serving; /* NULL: none */
};

struct catalogue {
	struct model *models[REGISTRY_MAX_MODELS]; /* by name */
	size_t count;
};

void catalogue_clean_up(struct catalogue *catalogue);

struct model *catalogue_find(const struct catalogue *catalogue, const char *name); /* NULL: none */

/* EXISTS, LIMIT, NO_MEMORY. */
enum error catalogue_add(struct catalogue *catalogue, const struct spec *spec) MUST_USE;
void catalogue_remove(struct catalogue *catalogue, const char *name);

/* One that is known already is left as it is. NO_MEMORY. */
enum error model_add_version(struct model *model, const struct version_summary *summary) MUST_USE;
enum error model_add_event(struct model *model, const struct serving_event *event) MUST_USE;

const struct version_summary *model_find_version(const struct model *model, int64_t number);
bool model_set_on_hdfs(struct model *model, int64_t number); /* true: it was not known before */
/* The oldest that is not known to be on HDFS; NULL: none. */
const struct version_summary *model_find_behind(const struct model *model);
size_t model_count_behind(const struct model *model);
int64_t model_next_version(const struct model *model); /* at least 1 */

/* The oldest version that never served, version 0 aside; if all did, the oldest that does not serve
 * now. -1: none. */
int64_t model_oldest_to_drop(const struct model *model);
void model_drop_version(struct model *model, int64_t number); /* with the event within it */

/* The event that holds; NULL: none. */
const struct serving_event *model_last_event(const struct model *model);

/* The version that served before, every promotion and rollback considered; -1: none. */
int64_t model_version_before(const struct model *model);

#endif
