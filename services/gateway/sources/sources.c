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

#include "log.h"
#include "replay.h"
#include "simulator.h"
#include "source.h"

static const struct source_driver *const drivers[] = { &simulator_driver, &replay_driver };

struct sources {
	struct gateway *gateway;
	pthread_mutex_t lock;
	struct source **list;
	size_t count, limit;
	uint64_t made;
	bool draining;
};

struct sources *sources_new(struct gateway *gateway)
{
	struct sources *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->gateway = gateway;
	s->limit = (size_t)gateway->settings.source_limit;
	s->list = calloc(s->limit, sizeof(*s->list));
	if (!s->list) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	return s;
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
	free(s->list);
	free(s);
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
		definition_complain(d, "type", "it must be \"simulator\" or \"replay\"");
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

static enum error start(struct sources *s, const struct source_driver *driver, void *job,
			cJSON **json)
{
	char id[48];
	struct source *old = NULL, *source = NULL;
	enum error error = ERROR_OK;
	pthread_mutex_lock(&s->lock);
	old = make_room(s);
	if (s->draining)
		error = ERROR_CONFLICT;
	else if (s->count == s->limit)
		error = ERROR_LIMIT;
	if (error == ERROR_OK) {
		snprintf(id, sizeof(id), "%s-%" PRIu64, driver->type, ++s->made);
		error = source_start(driver, job, id, s->gateway, &source);
	} else {
		driver->destroy(job);
	}
	if (error == ERROR_OK) {
		s->list[s->count++] = source;
		*json = source_to_json(source);
	}
	pthread_mutex_unlock(&s->lock);
	source_destroy(&old);
	return error;
}

enum error sources_add(struct sources *s, struct definition *definition, int upload, cJSON **json)
{
	*json = NULL;
	const struct source_driver *driver = find_driver(definition);
	if (!driver) {
		if (upload >= 0)
			close(upload);
		return ERROR_INVALID;
	}
	void *job = driver->read(definition, s->gateway, upload);
	if (definition_is_good(definition))
		return job ? start(s, driver, job, json) : ERROR_NO_MEMORY;
	if (job)
		driver->destroy(job);
	return ERROR_INVALID;
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
	cJSON *json = source_to_json(source);
	source_destroy(&source);
	return json;
}
