/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: the source's own; the publisher's, which settles; HTTP workers, which look. `lock`
 * guards everything but the counters, which are atomic, and what never changes after the start;
 * `changed` is signalled when a record is settled or a stop is asked for.
 */
#include "source.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "state_dir.h"
#include "timestamp.h"

enum { WAIT_STEP_US = 200000, RATE_EVERY_US = 1000000, KEEP_EVERY_US = 1000000 };

enum source_state { STATE_RUNNING, STATE_WAITING, STATE_DONE, STATE_STOPPED, STATE_FAILED };

static const char *const state_names[] = { [STATE_RUNNING] = "running",
					   [STATE_WAITING] = "waiting",
					   [STATE_DONE] = "done",
					   [STATE_STOPPED] = "stopped",
					   [STATE_FAILED] = "failed" };

static const char *const count_names[PUBLISH_STATUSES] = { [PUBLISH_STORED] = "acknowledged",
							   [PUBLISH_REFUSED] = "refused",
							   [PUBLISH_UNAVAILABLE] = "unavailable",
							   [PUBLISH_UNKNOWN] = "unknown" };

struct source {
	struct publish_ticket ticket; /* first: the source is found from it by a cast */
	const struct source_driver *driver;
	void *job;
	char id[48];
	struct gateway *gateway;
	pthread_t thread;
	bool joined;
	int64_t created_us;
	/* The source's thread's, after its join the joiner's. */
	const char *state_dir; /* NULL: not kept */
	cJSON *definition;
	struct metric *unkept;
	int64_t kept_us;     /* monotonic */
	uint64_t kept_count; /* what `steps` was then */

	atomic_bool stopping, ended;
	/* `sent` is counted when a send returned, which may be after its settlement. */
	_Atomic int64_t sent, resent;
	_Atomic uint64_t counts[PUBLISH_STATUSES];
	_Atomic uint64_t pending;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum source_state state;
	int64_t ended_us, error_us;
	char error[320];
	double rate_per_s;
	int64_t rated_sent;
	int64_t rated_us;
};

const char *source_id(const struct source *source)
{
	return source->id;
}

const char *source_type(const struct source *source)
{
	return source->driver->type;
}

const char *source_claim(const struct source *source)
{
	return source->driver->claim ? source->driver->claim(source->job) : NULL;
}

bool source_is_stopping(const struct source *source)
{
	return atomic_load(&source->stopping);
}

const atomic_bool *source_stop_flag(const struct source *source)
{
	return &source->stopping;
}

bool source_has_ended(const struct source *source)
{
	return atomic_load(&source->ended);
}

struct publish_origin *source_origin(struct source *source)
{
	return source->ticket.origin;
}

/* --- waiting --------------------------------------------------------------------------------- */

static void wait_until(struct source *s, int64_t until_us)
{
	const struct timespec until = { .tv_sec = until_us / 1000000,
					.tv_nsec = until_us % 1000000 * 1000 };
	pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

bool source_sleep_until(struct source *s, int64_t until_us)
{
	int64_t now_us = monotonic_now_us();
	while (!source_is_stopping(s) && now_us < until_us) {
		int64_t look_us = now_us + KEEP_EVERY_US;
		pthread_mutex_lock(&s->lock);
		if (!source_is_stopping(s))
			wait_until(s, until_us < look_us ? until_us : look_us);
		pthread_mutex_unlock(&s->lock);
		source_keep(s);
		now_us = monotonic_now_us();
	}
	return !source_is_stopping(s);
}

void source_wait_settled(struct source *s, int64_t ms)
{
	pthread_mutex_lock(&s->lock);
	wait_until(s, monotonic_now_us() + ms * 1000);
	pthread_mutex_unlock(&s->lock);
}

static void set_state(struct source *s, enum source_state state)
{
	pthread_mutex_lock(&s->lock);
	s->state = state;
	pthread_mutex_unlock(&s->lock);
}

/* --- counting -------------------------------------------------------------------------------- */

static void remember_error(struct source *s, const char *reason)
{
	pthread_mutex_lock(&s->lock);
	snprintf(s->error, sizeof(s->error), "%s", reason);
	s->error_us = wall_now_us();
	pthread_mutex_unlock(&s->lock);
}

void source_settled(struct source *s, const struct publish_result *result, bool again)
{
	if (result->status != PUBLISH_STORED)
		remember_error(s, result->reason);
	if (again) {
		atomic_fetch_add(&s->resent, 1);
		atomic_fetch_sub(&s->sent, 1);
	} else {
		atomic_fetch_add(&s->counts[result->status], 1);
	}
	pthread_mutex_lock(&s->lock);
	atomic_fetch_sub(&s->pending, 1);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void source_forgo(struct source *s)
{
	atomic_fetch_add(&s->sent, 1);
	atomic_fetch_sub(&s->resent, 1);
	atomic_fetch_add(&s->counts[PUBLISH_UNAVAILABLE], 1);
}

static void settle_own(struct publish_ticket *ticket, const struct publish_result *result)
{
	source_settled((struct source *)ticket, result, false);
}

static void update_rate(struct source *s)
{
	int64_t now_us = monotonic_now_us();
	if (now_us - s->rated_us < RATE_EVERY_US)
		return;
	int64_t sent = atomic_load(&s->sent);
	pthread_mutex_lock(&s->lock);
	s->rate_per_s = (double)(sent - s->rated_sent) * 1e6 / (double)(now_us - s->rated_us);
	pthread_mutex_unlock(&s->lock);
	s->rated_sent = sent;
	s->rated_us = now_us;
}

void source_complain(struct source *s, const char *format, ...)
{
	char memory[320];
	struct text reason;
	va_list arguments;
	text_init_fixed(&reason, memory, sizeof(memory));
	va_start(arguments, format);
	text_putv(&reason, format, arguments);
	va_end(arguments);
	remember_error(s, reason.data);
}

void source_refuse(struct source *s, enum record_kind kind, const char *format, ...)
{
	char memory[320];
	struct text reason;
	va_list arguments;
	text_init_fixed(&reason, memory, sizeof(memory));
	va_start(arguments, format);
	text_putv(&reason, format, arguments);
	va_end(arguments);
	remember_error(s, reason.data);
	atomic_fetch_add(&s->counts[PUBLISH_REFUSED], 1);
	publisher_count(s->ticket.origin, kind, PUBLISH_REFUSED, 1);
}

/* --- sending --------------------------------------------------------------------------------- */

/* Until the next try makes sense. */
static void wait_for_publisher(struct source *s, enum error error)
{
	struct publisher *publisher = s->gateway->publisher;
	int64_t until_us = monotonic_now_us() + WAIT_STEP_US;
	char memory[320];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	set_state(s, STATE_WAITING);
	if (error == ERROR_LIMIT) {
		error = publisher_wait_room(publisher, until_us);
	} else if (!publisher_is_open(publisher, &why)) {
		remember_error(s, why.data);
		error = publisher_wait_open(publisher, until_us);
	}
	if (error != ERROR_OK)
		update_rate(s);
	set_state(s, STATE_RUNNING);
}

static enum error send_until_taken(struct source *s, const struct record *record,
				   struct publish_ticket *ticket, struct record_fault *fault)
{
	for (;;) {
		enum error error = publisher_send(s->gateway->publisher, record, ticket, fault);
		if (error == ERROR_OK || error == ERROR_INVALID)
			return error;
		if (source_is_stopping(s))
			return ERROR_CANCELLED;
		wait_for_publisher(s, error);
	}
}

enum error source_send(struct source *s, const struct record *record, struct publish_ticket *ticket)
{
	struct record_fault fault;
	update_rate(s);
	/* Counted before, because the settlement may come before the send returns. */
	atomic_fetch_add(&s->pending, 1);
	enum error error = send_until_taken(s, record, ticket ? ticket : &s->ticket, &fault);
	if (error == ERROR_OK) {
		atomic_fetch_add(&s->sent, 1);
		return ERROR_OK;
	}
	atomic_fetch_sub(&s->pending, 1);
	if (error == ERROR_INVALID)
		source_refuse(s, record->table->kind, "%s", fault.reason);
	return error;
}

/* --- outliving the gateway ------------------------------------------------------------------- */

static void add_counts(const struct source *s, cJSON *json)
{
	cJSON_AddNumberToObject(json, "sent", (double)atomic_load(&s->sent));
	for (size_t i = 0; i < PUBLISH_STATUSES; i++)
		cJSON_AddNumberToObject(json, count_names[i], (double)atomic_load(&s->counts[i]));
	cJSON_AddNumberToObject(json, "resent", (double)atomic_load(&s->resent));
}

/* Changes whenever there is something new to save. */
static uint64_t steps(const struct source *s)
{
	uint64_t sum = (uint64_t)atomic_load(&s->sent) + (uint64_t)atomic_load(&s->resent) * 2;
	for (size_t i = 0; i < PUBLISH_STATUSES; i++)
		sum += atomic_load(&s->counts[i]);
	return sum;
}

cJSON *source_position(const struct source *s)
{
	if (!s->driver->save)
		return NULL;
	cJSON *position = cJSON_CreateObject();
	s->driver->save(s->job, position);
	return position;
}

static void save(struct source *s)
{
	if (!s->state_dir)
		return;
	s->kept_count = steps(s);
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "id", s->id);
	cJSON_AddNumberToObject(json, "created_us", (double)s->created_us);
	cJSON_AddItemReferenceToObject(json, "definition", s->definition);
	add_counts(s, cJSON_AddObjectToObject(json, "counts"));
	cJSON_AddItemToObject(json, "position", source_position(s));
	if (state_dir_write(s->state_dir, s->id, json) != ERROR_OK)
		metric_add(s->unkept, 1);
	cJSON_Delete(json);
	s->kept_us = monotonic_now_us();
}

void source_keep(struct source *s)
{
	if (s->state_dir && monotonic_now_us() - s->kept_us >= KEEP_EVERY_US &&
	    steps(s) != s->kept_count)
		save(s);
}

void source_forget(struct source *s)
{
	if (s->state_dir)
		state_dir_remove(s->state_dir, s->id);
	s->state_dir = NULL;
}

static double saved_number(const cJSON *json, const char *name)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, name);
	return cJSON_IsNumber(member) && member->valuedouble >= 0 && member->valuedouble < 0x1p53
		       ? member->valuedouble
		       : 0;
}

/* Counts go on; what was without an outcome when the gateway died was not counted by any. */
static enum error restore(struct source *s, const cJSON *saved)
{
	const cJSON *counts = cJSON_GetObjectItemCaseSensitive(saved, "counts");
	double sent = 0;
	for (size_t i = 0; i < PUBLISH_STATUSES; i++) {
		double count = saved_number(counts, count_names[i]);
		atomic_store(&s->counts[i], (uint64_t)count);
		sent += i == PUBLISH_REFUSED ? 0 : count;
	}
	atomic_store(&s->sent, (int64_t)sent);
	atomic_store(&s->resent, (int64_t)saved_number(counts, "resent"));
	s->rated_sent = (int64_t)sent;
	s->created_us = (int64_t)saved_number(saved, "created_us");
	const cJSON *position = cJSON_GetObjectItemCaseSensitive(saved, "position");
	if (!s->driver->restore)
		return ERROR_OK;
	return cJSON_IsObject(position) ? s->driver->restore(s->job, position) : ERROR_INVALID;
}

/* --- life ------------------------------------------------------------------------------------ */

static void *run(void *data)
{
	struct source *s = data;
	enum error error = s->driver->run(s, s->job);
	enum source_state state = source_is_stopping(s) ? STATE_STOPPED
				  : error == ERROR_OK   ? STATE_DONE
							: STATE_FAILED;
	if (state != STATE_STOPPED)
		source_forget(s);
	pthread_mutex_lock(&s->lock);
	s->state = state;
	s->ended_us = wall_now_us();
	s->rate_per_s = 0;
	atomic_store(&s->ended, true); /* who sees the state can have its place */
	pthread_mutex_unlock(&s->lock);
	log_info("source ended", LOG_STR("id", s->id), LOG_STR("state", state_names[state]),
		 LOG_I64("sent", atomic_load(&s->sent)));
	return NULL;
}

static void free_members(struct source *s)
{
	s->driver->destroy(s->job);
	cJSON_Delete(s->definition);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct source *new_source(const struct source_options *options)
{
	struct source *s = calloc(1, sizeof(*s));
	if (!s) {
		options->driver->destroy(options->job);
		return NULL;
	}
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&s->lock, NULL);
	s->ticket = (struct publish_ticket){
		.done = settle_own,
		.origin = publisher_origin(options->gateway->publisher, options->driver->type),
		.kind = options->driver->kind,
	};
	s->unkept =
		metrics_counter(options->gateway->metrics, "gateway_source_writes_failed_total",
				"Positions of sources that could not be kept in state_dir", NULL);
	s->driver = options->driver;
	s->job = options->job;
	s->gateway = options->gateway;
	s->definition = cJSON_Duplicate(options->definition, true);
	s->created_us = wall_now_us();
	s->rated_us = monotonic_now_us();
	snprintf(s->id, sizeof(s->id), "%s", options->id);
	return s;
}

enum error source_start(const struct source_options *options, struct source **source)
{
	*source = NULL;
	struct source *s = new_source(options);
	if (!s)
		return ERROR_NO_MEMORY;
	enum error error = options->saved ? restore(s, options->saved) : ERROR_OK;
	if (error == ERROR_OK) {
		s->state_dir = options->state_dir;
		save(s);
		if (pthread_create(&s->thread, NULL, run, s) != 0)
			error = ERROR_SYSTEM;
	}
	if (error != ERROR_OK) {
		if (!options->saved)
			source_forget(s);
		free_members(s);
		return error;
	}
	log_info(options->saved ? "source goes on" : "source started", LOG_STR("id", s->id));
	*source = s;
	return ERROR_OK;
}

void source_ask_to_stop(struct source *s)
{
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stopping, true);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void source_join(struct source *s)
{
	if (!s->joined)
		pthread_join(s->thread, NULL);
	s->joined = true;
}

/* Each send is settled within the delivery time, or given up at the publisher's drain. */
void source_wait_pending(struct source *s)
{
	while (atomic_load(&s->pending) > 0)
		source_wait_settled(s, WAIT_STEP_US / 1000);
}

void source_destroy(struct source **source)
{
	struct source *s = *source;
	*source = NULL;
	if (!s)
		return;
	if (!source_has_ended(s))
		source_ask_to_stop(s);
	source_join(s);
	source_wait_pending(s);
	pthread_mutex_lock(&s->lock); /* the last settlement has left the lock */
	pthread_mutex_unlock(&s->lock);
	save(s);
	free_members(s);
}

/* --- looking --------------------------------------------------------------------------------- */

void source_add_time(cJSON *json, const char *name, int64_t us)
{
	char text[TIMESTAMP_MAX_TEXT];
	if (us == 0)
		return;
	timestamp_print(us, text);
	cJSON_AddStringToObject(json, name, text);
}

cJSON *source_to_json(struct source *s)
{
	cJSON *json = cJSON_CreateObject();
	pthread_mutex_lock(&s->lock);
	cJSON_AddStringToObject(json, "id", s->id);
	cJSON_AddStringToObject(json, "type", s->driver->type);
	cJSON_AddStringToObject(json, "state", state_names[s->state]);
	source_add_time(json, "created", s->created_us);
	source_add_time(json, "ended", s->ended_us);
	cJSON_AddNumberToObject(json, "rate_per_s", s->rate_per_s);
	if (s->error[0]) {
		cJSON *error = cJSON_AddObjectToObject(json, "last_error");
		cJSON_AddStringToObject(error, "reason", s->error);
		source_add_time(error, "time", s->error_us);
	}
	pthread_mutex_unlock(&s->lock);
	/* Before the counts: when nothing is pending, they hold everything. */
	uint64_t pending = atomic_load(&s->pending);
	add_counts(s, json);
	cJSON_AddNumberToObject(json, "pending", (double)pending);
	cJSON *definition = cJSON_AddObjectToObject(json, "definition");
	cJSON *progress = cJSON_AddObjectToObject(json, "progress");
	s->driver->describe(s->job, definition, progress);
	return json;
}
