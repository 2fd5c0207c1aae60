/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalogue.h"

#include <stdlib.h>
#include <string.h>

static void model_destroy(struct model *model)
{
	version_release(&model->serving);
	free(model->versions);
	free(model->events);
	free(model);
}

void catalogue_clean_up(struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->count; i++)
		model_destroy(catalogue->models[i]);
	catalogue->count = 0;
}

/* First place whose name is not below `name`. */
static size_t place(const struct catalogue *catalogue, const char *name)
{
	size_t low = 0, high = catalogue->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(catalogue->models[middle]->spec.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct model *catalogue_find(const struct catalogue *catalogue, const char *name)
{
	size_t at = place(catalogue, name);
	bool found = at < catalogue->count && strcmp(catalogue->models[at]->spec.name, name) == 0;
	return found ? catalogue->models[at] : NULL;
}

enum error catalogue_add(struct catalogue *catalogue, const struct spec *spec)
{
	if (catalogue_find(catalogue, spec->name))
		return ERROR_EXISTS;
	if (catalogue->count == REGISTRY_MAX_MODELS)
		return ERROR_LIMIT;
	struct model *model = calloc(1, sizeof(*model));
	if (!model)
		return ERROR_NO_MEMORY;
	model->spec = *spec;
	size_t at = place(catalogue, spec->name);
	memmove(&catalogue->models[at + 1], &catalogue->models[at],
		(catalogue->count - at) * sizeof(catalogue->models[0]));
	catalogue->models[at] = model;
	catalogue->count++;
	return ERROR_OK;
}

void catalogue_remove(struct catalogue *catalogue, const char *name)
{
	size_t at = place(catalogue, name);
	if (!catalogue_find(catalogue, name))
		return;
	model_destroy(catalogue->models[at]);
	catalogue->count--;
	memmove(&catalogue->models[at], &catalogue->models[at + 1],
		(catalogue->count - at) * sizeof(catalogue->models[0]));
}

/* Makes room for one more at `at`; the array grows in steps of 16. NULL: no memory. */
static void *open_gap(void *array, size_t count, size_t at, size_t size)
{
	char *grown = array;
	if (count % 16 == 0)
		grown = realloc(array, (count + 16) * size);
	if (grown)
		memmove(grown + (at + 1) * size, grown + at * size, (count - at) * size);
	return grown;
}

enum error model_add_version(struct model *model, const struct version_summary *summary)
{
	size_t at = model->version_count;
	while (at > 0 && model->versions[at - 1].number > summary->number)
		at--;
	if (at > 0 && model->versions[at - 1].number == summary->number)
		return ERROR_OK;
	void *grown = open_gap(model->versions, model->version_count, at, sizeof(*summary));
	if (!grown)
		return ERROR_NO_MEMORY;
	model->versions = grown;
	model->versions[at] = *summary;
	model->version_count++;
	return ERROR_OK;
}

/* The order in which events hold: <0, 0 (the same one) or >0. */
static int64_t compare_events(const struct serving_event *a, const struct serving_event *b)
{
	if (a->sequence != b->sequence)
		return a->sequence - b->sequence;
	if (a->within != b->within)
		return a->within ? 1 : -1;
	return a->within ? a->version - b->version : 0;
}

enum error model_add_event(struct model *model, const struct serving_event *event)
{
	size_t at = model->event_count;
	while (at > 0 && compare_events(&model->events[at - 1], event) > 0)
		at--;
	if (at > 0 && compare_events(&model->events[at - 1], event) == 0)
		return ERROR_OK;
	void *grown = open_gap(model->events, model->event_count, at, sizeof(*event));
	if (!grown)
		return ERROR_NO_MEMORY;
	model->events = grown;
	model->events[at] = *event;
	model->event_count++;
	return ERROR_OK;
}

const struct version_summary *model_find_version(const struct model *model, int64_t number)
{
	for (size_t i = 0; i < model->version_count; i++)
		if (model->versions[i].number == number)
			return &model->versions[i];
	return NULL;
}

bool model_set_on_hdfs(struct model *model, int64_t number)
{
	for (size_t i = 0; i < model->version_count; i++) {
		if (model->versions[i].number != number)
			continue;
		bool news = !model->versions[i].on_hdfs;
		model->versions[i].on_hdfs = true;
		return news;
	}
	return false;
}

size_t model_count_behind(const struct model *model)
{
	size_t count = 0;
	for (size_t i = 0; i < model->version_count; i++)
		count += model->versions[i].on_hdfs ? 0 : 1;
	return count;
}

const struct version_summary *model_find_behind(const struct model *model)
{
	for (size_t i = 0; i < model->version_count; i++)
		if (!model->versions[i].on_hdfs)
			return &model->versions[i];
	return NULL;
}

int64_t model_next_version(const struct model *model)
{
	int64_t last =
		model->version_count > 0 ? model->versions[model->version_count - 1].number : 0;
	return (last > model->claimed ? last : model->claimed) + 1;
}

const struct serving_event *model_last_event(const struct model *model)
{
	return model->event_count > 0 ? &model->events[model->event_count - 1] : NULL;
}

static bool has_served(const struct model *model, int64_t number)
{
	for (size_t i = 0; i < model->event_count; i++)
		if (model->events[i].version == number)
			return true;
	return false;
}

int64_t model_oldest_to_drop(const struct model *model)
{
	int64_t serves = model->event_count > 0 ? model_last_event(model)->version : -1;
	int64_t oldest = -1;
	for (size_t i = model->version_count; i-- > 0;) {
		int64_t number = model->versions[i].number;
		if (number > 0 && !has_served(model, number))
			oldest = number;
	}
	for (size_t i = model->version_count; oldest < 0 && i-- > 0;) {
		int64_t number = model->versions[model->version_count - 1 - i].number;
		if (number > 0 && number != serves)
			oldest = number;
	}
	return oldest;
}

static void drop_event_within(struct model *model, int64_t number)
{
	for (size_t i = 0; i < model->event_count; i++) {
		if (!model->events[i].within || model->events[i].version != number)
			continue;
		model->event_count--;
		memmove(&model->events[i], &model->events[i + 1],
			(model->event_count - i) * sizeof(model->events[0]));
		return;
	}
}

void model_drop_version(struct model *model, int64_t number)
{
	drop_event_within(model, number);
	const struct version_summary *found = model_find_version(model, number);
	if (!found)
		return;
	size_t at = (size_t)(found - model->versions);
	model->version_count--;
	memmove(&model->versions[at], &model->versions[at + 1],
		(model->version_count - at) * sizeof(model->versions[0]));
}

/* A stack of promotions, on which a rollback takes off the top one. Versions that were dropped
 * since can't come back. */
int64_t model_version_before(const struct model *model)
{
	size_t depth = 0;
	int64_t *stack = calloc(model->event_count + 1, sizeof(*stack));
	if (!stack)
		return -1;
	for (size_t i = 0; i < model->event_count; i++) {
		if (model->events[i].rollback && depth > 0)
			depth--;
		else if ((depth == 0 || stack[depth - 1] != model->events[i].version) &&
			 model_find_version(model, model->events[i].version))
			stack[depth++] = model->events[i].version;
	}
	int64_t before = depth >= 2 ? stack[depth - 2] : -1;
	free(stack);
	return before;
}
