/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `lock` guards the list and every use of a source in it. A source that is to end is taken off the
 * list first and belongs to the thread that took it.
 */
#include "sources.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bar_claims.h"
#include "feed_source.h"
#include "log.h"
#include "replay.h"
#include "simulator.h"
#include "source.h"
#include "state_dir.h"

static const struct source_driver *const drivers[] = { &simulator_driver, &replay_driver,
						       &yahoo_driver, &coinbase_driver,
						       &binance_driver };

struct sources {
	struct gateway *gateway;
	pthread_mutex_t lock;
	struct source **list;
	size_t count, limit;
	struct bar_claims claims;
	uint64_t made;
	uint64_t not_restored;
	bool draining;
};

/* NULL: sources end with the gateway. */
static const char *state_dir_of(const struct sources *s)
{
	const char *folder = s->gateway->settings.state_dir;
	return folder[0] ? folder : NULL;
}

struct sources *sources_new(struct gateway *gateway)
{
	struct sources *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->gateway = gateway;
	s->limit = (size_t)gateway->settings.source_limit;
	bar_claims_open(&s->claims, state_dir_of(s));
	s->list = calloc(s->limit, sizeof(*s->list));
	if (!s->list) {
		bar_claims_clean_up(&s->claims);
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void close_upload(int upload)
{
	if (upload >= 0)
		close(upload);
}

static struct source *take_off(struct sources *s, size_t at)
{
	struct source *source = s->list[at];
	memmove(&s->list[at], &s->list[at + 1], (s->count - at - 1) * sizeof(*s->list));
	s->count--;
	return source;
}

void sources_drain(struct sources *s)
{
	pthread_mutex_lock(&s->lock);
	s->draining = true;
	for (size_t i = 0; i < s->count; i++) {
		if (!source_has_ended(s->list[i]))
			source_ask_to_stop(s->list[i]);
	}
	for (size_t i = 0; i < s->count; i++)
		source_join(s->list[i]);
	pthread_mutex_unlock(&s->lock);
}

void sources_destroy(struct sources **sources)
{
	struct sources *s = *sources;
	*sources = NULL;
	if (!s)
		return;
	sources_drain(s);
	while (s->count > 0) {
		struct source *source = take_off(s, s->count - 1);
		source_destroy(&source);
	}
	pthread_mutex_destroy(&s->lock);
	bar_claims_clean_up(&s->claims);
	free(s->list);
	free(s);
}

/* --- one closed bar per symbol and time ------------------------------------------------------ */

/* What is to be started. */
struct start {
	const struct source_driver *driver;
	void *job; /* taken */
	struct definition *definition;
	int upload;     /* -1: none */
	bool kept;      /* where there is a state_dir */
	const char *id; /* NULL: a new one */
	const cJSON *saved;
};

static const char *claim_of(const struct start *start)
{
	return start->driver->claim ? start->driver->claim(start->job) : NULL;
}

/* Under the lock. CONFLICT with a complaint. */
static enum error check_claim(const struct sources *s, const struct start *start)
{
	const char *symbol = claim_of(start);
	for (size_t i = 0; symbol && i < s->count; i++) {
		const char *other = source_claim(s->list[i]);
		if (!other || strcmp(other, symbol) != 0 || source_has_ended(s->list[i]))
			continue;
		definition_complain(
			start->definition, "symbol",
			"%s sends the bars of %s already, and of a symbol one closed "
			"bar is sent per time: delete that source, or say another symbol",
			source_id(s->list[i]), symbol);
		return ERROR_CONFLICT;
	}
	return ERROR_OK;
}

/* Under the lock: a new source goes on where the last one of its symbol stopped. */
static void follow_claim(const struct sources *s, const struct start *start)
{
	const char *symbol = claim_of(start);
	const cJSON *position = symbol ? bar_claims_find(&s->claims, symbol) : NULL;
	if (position && !start->saved)
		start->driver->follow(start->job, position);
}

static void note_claim(struct sources *s, const struct source *source)
{
	const char *symbol = source_claim(source);
	if (!symbol)
		return;
	pthread_mutex_lock(&s->lock);
	bar_claims_note(&s->claims, symbol, source_position(source));
	pthread_mutex_unlock(&s->lock);
}

/* --- adding ---------------------------------------------------------------------------------- */

static const struct source_driver *find_driver(struct definition *d)
{
	const char *type = definition_string(d, "type", NULL);
	for (size_t i = 0; type && i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(drivers[i]->type, type) == 0)
			return drivers[i];
	}
	if (definition_is_good(d))
		definition_complain(d, "type",
				    "it must be \"simulator\", \"replay\", \"yahoo\", "
				    "\"coinbase\" or \"binance\"");
	return NULL;
}

/* Under the lock: the one that ended first goes when the list is full. */
static struct source *make_room(struct sources *s)
{
	for (size_t i = 0; s->count == s->limit && i < s->count; i++) {
		if (source_has_ended(s->list[i]))
			return take_off(s, i);
	}
	return NULL;
}

/* The driver and its job. INVALID with complaints, NO_MEMORY. */
static enum error read_definition(struct sources *s, struct definition *definition, int upload,
				  struct start *start)
{
	start->driver = find_driver(definition);
	if (!start->driver) {
		close_upload(upload);
		return ERROR_INVALID;
	}
	start->definition = definition;
	start->job = start->driver->read(definition, s->gateway, upload);
	if (definition_is_good(definition))
		return start->job ? ERROR_OK : ERROR_NO_MEMORY;
	if (start->job)
		start->driver->destroy(start->job);
	return ERROR_INVALID;
}

/* Under the lock. */
static enum error start_source(struct sources *s, const struct start *start, const char *id,
			       struct source **source)
{
	const struct source_options options = {
		.driver = start->driver,
		.job = start->job,
		.id = id,
		.gateway = s->gateway,
		.definition = start->definition->json,
		.state_dir = start->kept ? state_dir_of(s) : NULL,
		.saved = start->saved,
	};
	if (options.state_dir && start->upload >= 0 &&
	    state_dir_keep_upload(options.state_dir, id, start->upload) != ERROR_OK) {
		start->driver->destroy(start->job);
		return ERROR_SYSTEM;
	}
	enum error error = source_start(&options, source);
	if (error == ERROR_OK)
		s->list[s->count++] = *source;
	return error;
}

static enum error add(struct sources *s, const struct start *start, cJSON **json)
{
	char id[48];
	struct source *source = NULL;
	enum error error;
	pthread_mutex_lock(&s->lock);
	struct source *old = make_room(s);
	error = s->draining            ? ERROR_CONFLICT
		: s->count == s->limit ? ERROR_LIMIT
				       : check_claim(s, start);
	if (error != ERROR_OK) {
		start->driver->destroy(start->job);
	} else {
		if (!start->id)
			snprintf(id, sizeof(id), "%s-%" PRIu64, start->driver->type, ++s->made);
		follow_claim(s, start);
		error = start_source(s, start, start->id ? start->id : id, &source);
	}
	if (error == ERROR_OK && json)
		*json = source_to_json(source);
	pthread_mutex_unlock(&s->lock);
	source_destroy(&old);
	return error;
}

enum error sources_add(struct sources *s, struct definition *definition, int upload, bool kept,
		       cJSON **json)
{
	/* The job takes the upload; its name in the folder is given by the start. */
	struct start start = { .kept = kept, .upload = upload >= 0 ? dup(upload) : -1 };
	*json = NULL;
	if (upload >= 0 && start.upload < 0) {
		close_upload(upload);
		return ERROR_SYSTEM;
	}
	enum error error = read_definition(s, definition, upload, &start);
	if (error == ERROR_OK)
		error = add(s, &start, json);
	close_upload(start.upload);
	return error;
}

/* --- going on -------------------------------------------------------------------------------- */

static void complain_of_restore(const char *id, const char *reason)
{
	log_error("a source cannot go on: its files are left in state_dir", LOG_STR("id", id),
		  LOG_STR("reason", reason));
}

static void complain_of_definition(const char *id, const struct definition *definition)
{
	char *complaints = cJSON_PrintUnformatted(definition->complaints);
	complain_of_restore(id, complaints ? complaints : "its definition is not good");
	free(complaints);
}

/* New ids come after the ones whose files are there. */
static void pass_id(struct sources *s, const char *id)
{
	const char *dash = strrchr(id, '-');
	uint64_t number = dash ? strtoull(dash + 1, NULL, 10) : 0;
	if (number > s->made && number < UINT32_MAX)
		s->made = number;
}

static bool restore_one(struct sources *s, const char *id, const cJSON *saved, int upload)
{
	const cJSON *json = cJSON_GetObjectItemCaseSensitive(saved, "definition");
	struct definition definition = { .json = json, .complaints = cJSON_CreateArray() };
	struct start start = { .kept = true, .upload = -1, .id = id, .saved = saved };
	enum error error = ERROR_INVALID;
	if (cJSON_IsObject(json))
		error = read_definition(s, &definition, upload, &start);
	else
		close_upload(upload);
	if (error == ERROR_OK) {
		error = add(s, &start, NULL);
		if (error != ERROR_OK)
			complain_of_restore(id, error == ERROR_INVALID ? "its position does not fit"
								       : error_text(error));
	} else if (!definition_is_good(&definition)) {
		complain_of_definition(id, &definition);
	} else {
		complain_of_restore(id, "its file is damaged");
	}
	cJSON_Delete(definition.complaints);
	return error == ERROR_OK;
}

static void restore_each(const char *id, const cJSON *saved, int upload, void *user)
{
	struct sources *s = user;
	pass_id(s, id);
	if (!restore_one(s, id, saved, upload))
		s->not_restored++;
}

enum error sources_restore(struct sources *s, struct text *why)
{
	const char *folder = state_dir_of(s);
	if (!folder)
		return ERROR_OK;
	enum error error = state_dir_open(folder, why);
	if (error == ERROR_OK)
		error = state_dir_each(folder, restore_each, s, why);
	metric_set(metrics_gauge(s->gateway->metrics, "gateway_sources_not_restored",
				 "Sources in state_dir that could not go on at the start", NULL),
		   (double)s->not_restored);
	return error;
}

/* --- looking and removing -------------------------------------------------------------------- */

cJSON *sources_list(struct sources *s)
{
	cJSON *list = cJSON_CreateArray();
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->count; i++)
		cJSON_AddItemToArray(list, source_to_json(s->list[i]));
	pthread_mutex_unlock(&s->lock);
	return list;
}

/* Under the lock; `count` when there is none. */
static size_t find(const struct sources *s, const char *id)
{
	size_t i = 0;
	while (i < s->count && strcmp(source_id(s->list[i]), id) != 0)
		i++;
	return i;
}

cJSON *sources_get(struct sources *s, const char *id)
{
	cJSON *json = NULL;
	pthread_mutex_lock(&s->lock);
	size_t at = find(s, id);
	if (at < s->count)
		json = source_to_json(s->list[at]);
	pthread_mutex_unlock(&s->lock);
	return json;
}

cJSON *sources_remove(struct sources *s, const char *id)
{
	struct source *source = NULL;
	pthread_mutex_lock(&s->lock);
	size_t at = find(s, id);
	if (at < s->count)
		source = take_off(s, at);
	pthread_mutex_unlock(&s->lock);
	if (!source)
		return NULL;
	if (!source_has_ended(source))
		source_ask_to_stop(source);
	source_join(source);
	source_wait_pending(source);
	note_claim(s, source);
	source_forget(source);
	cJSON *json = source_to_json(source);
	source_destroy(&source);
	return json;
}
