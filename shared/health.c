/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: `lock` guards the two lists and what the conditions hold. A loop's last beat is an
 * atomic, so that a beat costs no lock.
 */
#include "health.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "timestamp.h"

struct health_condition {
	struct health *health;
	const char *name;
	bool met;
	char reason[256];
	int64_t since_us; /* wall clock */
	struct health_condition *next;
};

struct health_loop {
	const char *name;
	int64_t limit_us;
	_Atomic int64_t last_beat_us; /* monotonic; ENDED: it need not beat any more */
	struct health_loop *next;
};

#define ENDED INT64_MAX

struct health {
	pthread_mutex_t lock;
	bool draining;
	bool incomplete; /* a condition or loop is missing for want of memory: never ready */
	struct health_condition *conditions, **last_condition;
	struct health_loop *loops, **last_loop;
};

struct health *health_new(void)
{
	struct health *health = calloc(1, sizeof *health);
	if (!health)
		return NULL;
	pthread_mutex_init(&health->lock, NULL);
	health->last_condition = &health->conditions;
	health->last_loop = &health->loops;
	return health;
}

void health_destroy(struct health **health)
{
	if (!*health)
		return;
	for (struct health_condition *c = (*health)->conditions, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	for (struct health_loop *l = (*health)->loops, *next; l; l = next) {
		next = l->next;
		free(l);
	}
	pthread_mutex_destroy(&(*health)->lock);
	free(*health);
	*health = NULL;
}

static void set_flag(struct health *health, bool *flag)
{
	pthread_mutex_lock(&health->lock);
	*flag = true;
	pthread_mutex_unlock(&health->lock);
}

void health_drain(struct health *health)
{
	set_flag(health, &health->draining);
}

/* --- conditions ------------------------------------------------------------------------------ */

struct health_condition *health_condition(struct health *health, const char *name)
{
	struct health_condition *condition = calloc(1, sizeof *condition);
	if (!condition) {
		set_flag(health, &health->incomplete);
		return NULL;
	}
	*condition = (struct health_condition){
		.health = health, .name = name, .reason = "starting", .since_us = wall_now_us()
	};
	pthread_mutex_lock(&health->lock);
	*health->last_condition = condition;
	health->last_condition = &condition->next;
	pthread_mutex_unlock(&health->lock);
	return condition;
}

/* `reason` has the size of the condition's. True: it was something else before. */
static bool change(struct health_condition *condition, bool met, const char *reason)
{
	pthread_mutex_lock(&condition->health->lock);
	bool changed = condition->met != met || strcmp(condition->reason, reason) != 0;
	if (condition->met != met)
		condition->since_us = wall_now_us();
	condition->met = met;
	if (changed)
		memcpy(condition->reason, reason, sizeof condition->reason);
	pthread_mutex_unlock(&condition->health->lock);
	return changed;
}

void health_met(struct health_condition *condition)
{
	char none[sizeof condition->reason] = "";
	if (condition && change(condition, true, none))
		log_info("condition met", LOG_STR("condition", condition->name));
}

void health_met_but(struct health_condition *condition, const char *format, ...)
{
	char note[sizeof condition->reason];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(note, sizeof note, format, arguments);
	va_end(arguments);
	if (condition && change(condition, true, note))
		log_info("condition met", LOG_STR("condition", condition->name),
			 LOG_STR("note", note));
}

void health_unmet(struct health_condition *condition, const char *format, ...)
{
	char reason[sizeof condition->reason];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	if (condition && change(condition, false, reason))
		log_warn("condition not met", LOG_STR("condition", condition->name),
			 LOG_STR("reason", reason));
}

static void write_condition(const struct health_condition *condition, struct text *json)
{
	char since[TIMESTAMP_MAX_TEXT];
	timestamp_print(condition->since_us, since);
	text_put_json(json, condition->name, strlen(condition->name));
	text_putf(json, ":{\"met\":%s", condition->met ? "true" : "false");
	if (!condition->met || condition->reason[0]) {
		text_puts(json, condition->met ? ",\"note\":" : ",\"reason\":");
		text_put_json(json, condition->reason, strlen(condition->reason));
	}
	text_putf(json, ",\"since\":\"%s\"}", since);
}

bool health_ready(struct health *health, struct text *json)
{
	pthread_mutex_lock(&health->lock);
	bool ready = !health->draining && !health->incomplete;
	for (const struct health_condition *c = health->conditions; c; c = c->next)
		ready = ready && c->met;
	text_putf(json, "{\"ready\":%s,\"draining\":%s,\"conditions\":{", ready ? "true" : "false",
		  health->draining ? "true" : "false");
	for (const struct health_condition *c = health->conditions; c; c = c->next) {
		write_condition(c, json);
		text_puts(json, c->next ? "," : "");
	}
	text_puts(json, "}}");
	pthread_mutex_unlock(&health->lock);
	return ready;
}

/* --- loops ----------------------------------------------------------------------------------- */

struct health_loop *health_loop(struct health *health, const char *name, int64_t limit_ms)
{
	struct health_loop *loop = calloc(1, sizeof *loop);
	if (!loop) {
		set_flag(health, &health->incomplete);
		return NULL;
	}
	loop->name = name;
	loop->limit_us = limit_ms * 1000;
	health_beat(loop);
	pthread_mutex_lock(&health->lock);
	*health->last_loop = loop;
	health->last_loop = &loop->next;
	pthread_mutex_unlock(&health->lock);
	return loop;
}

void health_beat(struct health_loop *loop)
{
	if (loop)
		atomic_store_explicit(&loop->last_beat_us, monotonic_now_us(),
				      memory_order_relaxed);
}

void health_loop_end(struct health_loop *loop)
{
	if (loop)
		atomic_store_explicit(&loop->last_beat_us, ENDED, memory_order_relaxed);
}

static bool write_loop(const struct health_loop *loop, int64_t now_us, struct text *json)
{
	int64_t beat_us = atomic_load_explicit(&loop->last_beat_us, memory_order_relaxed);
	bool ended = beat_us == ENDED;
	int64_t age_us = ended || now_us < beat_us ? 0 : now_us - beat_us;
	bool alive = age_us <= loop->limit_us;
	text_put_json(json, loop->name, strlen(loop->name));
	text_putf(json, ":{\"alive\":%s,\"ended\":%s,\"age_ms\":", alive ? "true" : "false",
		  ended ? "true" : "false");
	text_put_i64(json, age_us / 1000);
	text_puts(json, ",\"limit_ms\":");
	text_put_i64(json, loop->limit_us / 1000);
	text_putc(json, '}');
	return alive;
}

bool health_alive(struct health *health, struct text *json)
{
	int64_t now_us = monotonic_now_us();
	struct text loops;
	text_init(&loops, json->limit);
	bool alive = true;
	pthread_mutex_lock(&health->lock);
	for (const struct health_loop *l = health->loops; l; l = l->next) {
		alive = write_loop(l, now_us, &loops) && alive;
		text_puts(&loops, l->next ? "," : "");
	}
	pthread_mutex_unlock(&health->lock);
	text_putf(json, "{\"alive\":%s,\"loops\":{%s}}", alive ? "true" : "false", loops.data);
	text_clean_up(&loops);
	return alive;
}
