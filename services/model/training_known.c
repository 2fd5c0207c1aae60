/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "training_known.h"

#include <cjson/cJSON.h>

#include "log.h"
#include "store.h"
#include "timestamp.h"

static const int64_t FIRST_BACK_OFF_US = 100000;

static enum error parse(struct run *run, const struct text *body, struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body->data, body->length);
	enum error error = checkpoint_read_json(&run->spec, json, &run->known, why);
	cJSON_Delete(json);
	if (error != ERROR_OK)
		checkpoint_clean_up(&run->known);
	return error;
}

void training_known_take(struct run *run)
{
	struct text body;
	text_init(&body, STORE_MAX_FILE);
	run->known_holds = registry_local_factors(run->training->registry, run->spec.name, &body,
						  &run->known_seen);
	if (run->known_holds == ERROR_OK)
		run->known_holds = parse(run, &body, NULL);
	text_clean_up(&body);
}

static bool is_cancelled(const struct run *run)
{
	return atomic_load(&run->task->progress.cancel);
}

static void back_off(const struct run *run, int attempt)
{
	int64_t until_us = monotonic_now_us() + (FIRST_BACK_OFF_US << attempt);
	const struct timespec step = { .tv_nsec = 20000000 };
	while (!is_cancelled(run) && monotonic_now_us() < until_us)
		nanosleep(&step, NULL);
}

/* Asks HDFS with the client for beside. A passing fault is not to make everything be read again. */
static enum error ask_hdfs(struct run *run,
			   enum error (*ask)(struct run *run, struct webhdfs *client))
{
	struct webhdfs **client = &run->clients->beside;
	text_init_fixed(&run->known_why, run->known_memory, sizeof(run->known_memory));
	enum error error = training_take_client(run, client, &run->known_why);
	if (error != ERROR_OK)
		return error;
	for (int attempt = 1;; attempt++) {
		text_reset(&run->known_why);
		error = ask(run, *client);
		if (!webhdfs_is_transient(error) || attempt == READING_ATTEMPTS ||
		    is_cancelled(run))
			break;
		back_off(run, attempt - 1);
	}
	webhdfs_cancel_by(*client, NULL);
	return error;
}

static enum error ask_whether_they_hold(struct run *run, struct webhdfs *client)
{
	return registry_factors_hold(run->training->registry, run->spec.name, &run->known_seen,
				     client, &run->known_why);
}

void training_known_ask(struct run *run)
{
	if (run->known_holds == ERROR_OK)
		run->known_holds = ask_hdfs(run, ask_whether_they_hold);
	else
		run->known_holds = ERROR_CONFLICT; /* there is no copy to go on from */
}

static enum error ask_for_them(struct run *run, struct webhdfs *client)
{
	struct text body;
	text_init(&body, STORE_MAX_FILE);
	enum error error = registry_read_factors(run->training->registry, run->spec.name, client,
						 &body, &run->known_why);
	if (error == ERROR_OK)
		error = parse(run, &body, &run->known_why);
	text_clean_up(&body);
	return error;
}

bool training_known_settle(struct run *run)
{
	enum error error = run->known_holds;
	run->known_asked = true;
	if (error == ERROR_OK)
		return true;
	checkpoint_clean_up(&run->known);
	if (error == ERROR_CONFLICT)
		error = ask_hdfs(run, ask_for_them);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND && error != ERROR_CANCELLED)
		log_warn("factors are not used", LOG_STR("model", run->spec.name),
			 LOG_STR("reason", run->known_why.data));
	return false;
}
