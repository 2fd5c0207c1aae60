/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: `lock` guards the table. Only the live thread writes it (under the write lock), so it
 * reads without; others read under the read lock, which also keeps the models alive.
 */
#include "live_models.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "timestamp.h"

struct live_models {
	const struct model_settings *settings;
	struct registry *registry;
	struct metrics *metrics;
	struct time_ring *records[RECORD_KINDS];
	pthread_rwlock_t lock;
	struct live_model *table[REGISTRY_MAX_MODELS];
	size_t count;
	struct metric *age[RECORD_KINDS];
	struct live_prediction *window; /* room for score_window, the live thread's */
};

static struct metric *age_metric(struct metrics *metrics, enum record_kind kind)
{
	char memory[64];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "records", record_table(kind)->plural);
	return metrics_gauge(metrics, "model_live_age_seconds",
			     "Age of the newest record by its own time; 0 before the first.",
			     labels.data);
}

struct live_models *live_models_new(const struct live_models_options *options)
{
	struct live_models *models = calloc(1, sizeof *models);
	if (!models)
		return NULL;
	models->settings = options->settings;
	models->registry = options->registry;
	models->metrics = options->metrics;
	const int64_t capacity[RECORD_KINDS] = { [RECORD_TICK] = options->settings->live_ticks,
						 [RECORD_BAR] = options->settings->live_bars };
	pthread_rwlock_init(&models->lock, NULL);
	models->window = malloc((size_t)options->settings->score_window * sizeof *models->window);
	if (!models->window) {
		live_models_destroy(&models);
		return NULL;
	}
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		models->records[kind] =
			time_ring_new((size_t)capacity[kind], sizeof(struct ring_record));
		if (!models->records[kind]) {
			live_models_destroy(&models);
			return NULL;
		}
		models->age[kind] = age_metric(models->metrics, (enum record_kind)kind);
	}
	return models;
}

void live_models_destroy(struct live_models **models)
{
	if (!*models)
		return;
	for (size_t i = 0; i < (*models)->count; i++)
		live_model_destroy(&(*models)->table[i]);
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		time_ring_destroy(&(*models)->records[kind]);
	free((*models)->window);
	pthread_rwlock_destroy(&(*models)->lock);
	free(*models);
	*models = NULL;
}

/* --- the live thread ------------------------------------------------------------------------- */

static size_t find(const struct live_models *models, const char *name)
{
	size_t i = 0;
	while (i < models->count && strcmp(live_model_spec(models->table[i])->name, name) != 0)
		i++;
	return i;
}

static void remove_at(struct live_models *models, size_t index)
{
	pthread_rwlock_wrlock(&models->lock);
	struct live_model *gone = models->table[index];
	models->table[index] = models->table[--models->count];
	pthread_rwlock_unlock(&models->lock);
	live_model_destroy(&gone);
}

static void add(struct live_models *models, const struct spec *spec)
{
	struct live_model *model =
		live_model_new(spec, (size_t)models->settings->live_predictions, models->metrics);
	if (!model) {
		log_error("live model", LOG_STR("model", spec->name),
			  LOG_STR("error", error_text(ERROR_NO_MEMORY)));
		return;
	}
	pthread_rwlock_wrlock(&models->lock);
	models->table[models->count++] = model;
	pthread_rwlock_unlock(&models->lock);
}

struct specs {
	struct spec *all;
	size_t count;
};

static bool spec_collect(const struct spec *spec, const struct version *serving, void *user)
{
	(void)serving;
	struct specs *specs = user;
	specs->all[specs->count++] = *spec;
	return specs->count < REGISTRY_MAX_MODELS;
}

/* Deleted models go, and so do those that were deleted and made anew with another spec. */
static void remove_deleted(struct live_models *models, const struct specs *specs)
{
	for (size_t i = models->count; i-- > 0;) {
		const char *name = live_model_spec(models->table[i])->name;
		char hash[65] = "";
		for (size_t s = 0; s < specs->count; s++) {
			if (strcmp(specs->all[s].name, name) == 0 &&
			    spec_hash(&specs->all[s], hash) != ERROR_OK)
				return;
		}
		if (strcmp(hash, live_model_hash(models->table[i])) != 0)
			remove_at(models, i);
	}
}

/* A model's first version also predicts for the records that are there, so that the chart has a
 * past; their predictions say by `in_training` what they are worth. */
static void predict_past(struct live_models *models, struct live_model *model)
{
	struct time_ring *ring = models->records[live_model_spec(model)->table->kind];
	struct time_ring_query query = { .after_us = INT64_MIN, .newest = true };
	struct time_ring_span span;
	struct ring_record one;
	bool more;
	query.limit = 1;
	time_ring_read(ring, &query, &one, &more, &span);
	query.limit = span.held > 0 ? span.held : 1;
	struct ring_record *all = malloc(query.limit * sizeof *all);
	if (!all) {
		log_error("live past", LOG_STR("model", live_model_spec(model)->name),
			  LOG_STR("error", error_text(ERROR_NO_MEMORY)));
		return;
	}
	size_t count = time_ring_read(ring, &query, all, &more, &span);
	int64_t wall_us = wall_now_us();
	live_model_restart(model);
	for (size_t i = 0; i < count; i++)
		live_model_take(model, &all[i], wall_us);
	free(all);
}

/* The newest predictions that the score looks at; returns their number. */
static size_t window_read(const struct live_models *models, const struct live_model *model,
			  struct live_prediction *window)
{
	struct time_ring_query query = { .after_us = INT64_MIN,
					 .limit = (size_t)models->settings->score_window,
					 .newest = true };
	struct time_ring_span span;
	bool more;
	return time_ring_read(live_model_predictions(model), &query, window, &more, &span);
}

static void tell_score(struct live_models *models, struct live_model *model)
{
	size_t count = window_read(models, model, models->window);
	struct score score = score_of(models->window, count, live_model_version(model));
	live_model_tell_score(model, &score);
}

static void tell_ages(struct live_models *models)
{
	int64_t wall_us = wall_now_us();
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		struct ring_record newest;
		if (time_ring_last(models->records[kind], &newest))
			metric_set(models->age[kind],
				   (double)(wall_us - newest.timestamp_us) / 1e6);
	}
}

void live_models_sync(struct live_models *models)
{
	struct specs specs = { .all = malloc(REGISTRY_MAX_MODELS * sizeof *specs.all) };
	if (!specs.all) {
		log_error("live models", LOG_STR("error", error_text(ERROR_NO_MEMORY)));
		return;
	}
	registry_each_model(models->registry, spec_collect, &specs);
	remove_deleted(models, &specs);
	for (size_t i = 0; i < specs.count; i++) {
		if (find(models, specs.all[i].name) == models->count)
			add(models, &specs.all[i]);
	}
	free(specs.all);
	for (size_t i = 0; i < models->count; i++) {
		struct live_model *model = models->table[i];
		struct version *version =
			registry_acquire(models->registry, live_model_spec(model)->name);
		if (live_model_serve(model, version))
			predict_past(models, model);
	}
	for (size_t i = 0; i < models->count; i++)
		tell_score(models, models->table[i]);
	tell_ages(models);
}

void live_models_take(struct live_models *models, enum record_kind kind,
		      const struct ring_record *record, int64_t wall_us)
{
	time_ring_put(models->records[kind], record);
	for (size_t i = 0; i < models->count; i++) {
		if (live_model_spec(models->table[i])->table->kind == kind)
			live_model_take(models->table[i], record, wall_us);
	}
}

/* --- any thread ------------------------------------------------------------------------------ */

struct time_ring *live_models_records(const struct live_models *models, enum record_kind kind)
{
	return models->records[kind];
}

enum error live_models_predictions(struct live_models *models, const char *model,
				   const struct time_ring_query *query, struct live_prediction *out,
				   size_t *count, bool *more, struct time_ring_span *span)
{
	enum error error = ERROR_NOT_FOUND;
	pthread_rwlock_rdlock(&models->lock);
	size_t index = find(models, model);
	if (index < models->count) {
		*count = time_ring_read(live_model_predictions(models->table[index]), query, out,
					more, span);
		error = ERROR_OK;
	}
	pthread_rwlock_unlock(&models->lock);
	return error;
}

static void status_of(const struct live_models *models, const struct live_model *model,
		      int64_t wall_us, struct live_prediction *window, struct live_status *status)
{
	const struct model_settings *settings = models->settings;
	enum record_kind kind = live_model_spec(model)->table->kind;
	*status = (struct live_status){
		.version = live_model_version(model),
		.reason = live_model_reason(model),
		.interval_factor = live_model_factor(model),
		.stale_after_s = kind == RECORD_BAR ? settings->bars_stale_after_s
						    : settings->ticks_stale_after_s,
	};
	status->has_record = time_ring_last(models->records[kind], &status->record);
	status->stale = !status->has_record ||
			wall_us - status->record.timestamp_us > status->stale_after_s * 1000000;
	size_t count = window_read(models, model, window);
	status->has_prediction = count > 0;
	if (count > 0)
		status->prediction = window[count - 1];
	status->score = score_of(window, count, status->version);
	drift_read(live_model_drift(model), &status->score, &status->drift);
}

enum error live_models_status(struct live_models *models, const char *model, int64_t wall_us,
			      struct live_status *status)
{
	struct live_prediction *window =
		malloc((size_t)models->settings->score_window * sizeof *window);
	if (!window)
		return ERROR_NO_MEMORY;
	enum error error = ERROR_NOT_FOUND;
	pthread_rwlock_rdlock(&models->lock);
	size_t index = find(models, model);
	if (index < models->count) {
		status_of(models, models->table[index], wall_us, window, status);
		error = ERROR_OK;
	}
	pthread_rwlock_unlock(&models->lock);
	free(window);
	return error;
}
