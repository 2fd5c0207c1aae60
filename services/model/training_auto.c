/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Training without being asked. How much data there was at the last try is kept per model, so that
 * a model with too little is not read again and again.
 */
#include <string.h>

#include "log.h"
#include "timestamp.h"
#include "training_internal.h"

enum { LEAST_BYTES_A_ROW = 30, GROWTH = 2 };

struct watched {
	char model[SPEC_MAX_NAME + 1];
	const struct record_table *table;
	bool serves;
	int64_t bytes;    /* at the last try; -1: not known */
	int64_t tried_us; /* monotonic; of the last try */
};

struct watch {
	struct training *training;
	struct webhdfs *client;
	struct watched models[REGISTRY_MAX_MODELS];
	size_t count;
};

static struct watched *find_watched(struct watch *watch, const struct spec *spec)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->models[i].model, spec->name) == 0)
			return &watch->models[i];
	if (watch->count == REGISTRY_MAX_MODELS)
		return NULL;
	struct watched *made = &watch->models[watch->count++];
	*made = (struct watched){ .bytes = -1, .tried_us = monotonic_now_us() };
	memcpy(made->model, spec->name, sizeof(made->model));
	return made;
}

static bool note_model(const struct spec *spec, const struct version *serving, void *user)
{
	struct watched *watched = find_watched(user, spec);
	if (!watched)
		return false;
	watched->table = spec->table;
	watched->serves = serving != NULL;
	if (serving && watched->bytes < 0)
		watched->bytes = version_summary(serving).bytes;
	return true;
}

/* Models that were removed make room. */
static void forget_removed(struct watch *watch)
{
	struct spec spec;
	size_t kept = 0;
	for (size_t i = 0; i < watch->count; i++)
		if (registry_spec(watch->training->registry, watch->models[i].model, &spec) ==
		    ERROR_OK)
			watch->models[kept++] = watch->models[i];
	watch->count = kept;
}

static void begin(struct watch *watch, struct watched *watched, const char *by, int64_t bytes)
{
	char id[JOB_ID_LENGTH + 1];
	if (training_begin(watch->training, watched->model, by, id, NULL) != ERROR_OK)
		return;
	watched->bytes = bytes;
	watched->tried_us = monotonic_now_us();
	log_info("training begins", LOG_STR("model", watched->model), LOG_STR("by", by),
		 LOG_STR("job", id));
}

static bool is_due(const struct watch *watch, const struct watched *watched)
{
	int64_t every_s = watch->training->settings->retrain_every_s;
	return every_s > 0 && monotonic_now_us() - watched->tried_us >= every_s * 1000000;
}

/* A first try once there may be enough rows, another when there is twice as much. */
static bool has_enough(const struct watch *watch, const struct watched *watched, int64_t bytes)
{
	const struct training_settings *settings = watch->training->settings;
	if (!settings->autotrain || bytes < settings->autotrain_rows * LEAST_BYTES_A_ROW)
		return false;
	return watched->bytes < 0 || bytes >= GROWTH * watched->bytes;
}

/* -1: not known now. */
static int64_t bytes_of(struct watch *watch, const struct record_table *table)
{
	char folder[1000];
	struct dataset dataset;
	struct spec spec = { .table = table };
	training_folder(watch->training, &spec, folder, sizeof(folder));
	enum error error = dataset_list(watch->client, folder, &dataset, NULL);
	int64_t bytes = error == ERROR_OK ? dataset.bytes : -1;
	dataset_clean_up(&dataset);
	return bytes;
}

static void look(struct watch *watch)
{
	int64_t bytes[RECORD_KINDS];
	registry_each_model(watch->training->registry, note_model, watch);
	forget_removed(watch);
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		bytes[kind] = bytes_of(watch, record_table((enum record_kind)kind));
	for (size_t i = 0; i < watch->count; i++) {
		struct watched *watched = &watch->models[i];
		int64_t now = bytes[watched->table->kind];
		if (now < 0)
			continue;
		if (is_due(watch, watched))
			begin(watch, watched, "schedule", now);
		else if (has_enough(watch, watched, now))
			begin(watch, watched, "autotrain", now);
	}
}

void *training_auto_thread(void *user)
{
	struct watch watch = { .training = user };
	struct webhdfs_options options = watch.training->webhdfs;
	options.cancel = &watch.training->auto_cancel;
	if (webhdfs_new(&options, &watch.client, NULL) != ERROR_OK)
		return NULL;
	do
		look(&watch);
	while (!training_wait(watch.training, watch.training->settings->autotrain_check_s));
	webhdfs_destroy(&watch.client);
	return NULL;
}
