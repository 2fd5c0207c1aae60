/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The watch: whether Kafka is there, asked for and never guessed. Topics are made when Kafka is
 * first there; then a question a second where no acknowledgement came by itself.
 */
#include "publisher_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "settings.h"
#include "timestamp.h"

enum { ASK_EVERY_MS = 1000, FIRST_BACK_OFF_MS = 100 };

/* --- the gate -------------------------------------------------------------------------------- */

void publisher_set_gate(struct publisher *p, enum publisher_gate gate, const char *reason)
{
	pthread_mutex_lock(&p->lock);
	enum publisher_gate before = (enum publisher_gate)atomic_load(&p->gate);
	if (before == GATE_ENDED)
		gate = GATE_ENDED;
	else
		snprintf(p->away_reason, sizeof(p->away_reason), "%s", reason);
	atomic_store(&p->gate, gate);
	if (gate != GATE_OPEN && before == GATE_OPEN)
		atomic_store(&p->away_since_us, monotonic_now_us());
	pthread_cond_broadcast(&p->changed);
	/* Under the lock: both threads set it, and readiness must end as the gate does. */
	if (gate == GATE_OPEN)
		health_met(p->kafka_condition);
	else
		health_unmet(p->kafka_condition, "%s", reason);
	pthread_mutex_unlock(&p->lock);
}

void publisher_suspect(struct publisher *p)
{
	pthread_mutex_lock(&p->lock);
	p->ask_now = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

bool publisher_is_open(struct publisher *p, struct text *why)
{
	if (atomic_load(&p->gate) == GATE_OPEN)
		return true;
	pthread_mutex_lock(&p->lock);
	why_putf(why, "%s", p->away_reason);
	pthread_mutex_unlock(&p->lock);
	return false;
}

static struct timespec timespec_of(int64_t us)
{
	return (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

enum error publisher_wait_open(struct publisher *p, int64_t deadline_us)
{
	const struct timespec until = timespec_of(deadline_us);
	int code = 0;
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->gate) != GATE_OPEN && code == 0)
		code = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	pthread_mutex_unlock(&p->lock);
	return atomic_load(&p->gate) == GATE_OPEN ? ERROR_OK : ERROR_TIMEOUT;
}

/* --- asking ---------------------------------------------------------------------------------- */

static enum error ensure_topics(struct publisher *p, struct text *why)
{
	const struct kafka_settings *s = p->options.kafka;
	const struct kafka_topic topics[] = {
		{ s->ticks_topic, (int)s->topic_partitions, (int)s->topic_replication,
		  s->topic_retention_bytes, false },
		{ s->bars_topic, (int)s->topic_partitions, (int)s->topic_replication,
		  s->topic_retention_bytes, false },
	};
	return kafka_topics_ensure(p->link.handle, topics, sizeof(topics) / sizeof(topics[0]),
				   (int)p->options.settings->broker_timeout_ms, why);
}

/* The narrower of both topics' limits: a topic that does not tell has Kafka's defaults. */
static void learn_limits(struct publisher *p)
{
	const char *names[] = { p->options.kafka->ticks_topic, p->options.kafka->bars_topic };
	struct kafka_topic_limits narrow = { INT64_MAX, INT64_MAX, INT64_MAX };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char memory[512];
		struct text why;
		struct kafka_topic_limits one;
		text_init_fixed(&why, memory, sizeof(memory));
		if (kafka_topic_limits(p->link.handle, names[i],
				       (int)p->options.settings->broker_timeout_ms, &one,
				       &why) != ERROR_OK)
			log_warn("a topic's limits are not known, Kafka's defaults are used",
				 LOG_STR("topic", names[i]), LOG_STR("reason", why.data));
		if (one.before_ms < narrow.before_ms)
			narrow.before_ms = one.before_ms;
		if (one.after_ms < narrow.after_ms)
			narrow.after_ms = one.after_ms;
		if (one.message_bytes < narrow.message_bytes)
			narrow.message_bytes = one.message_bytes;
	}
	atomic_store(&p->before_ms, narrow.before_ms);
	atomic_store(&p->after_ms, narrow.after_ms);
	atomic_store(&p->message_limit_bytes, narrow.message_bytes);
}

static enum error set_up_topics(struct publisher *p, struct text *why)
{
	enum error error = ensure_topics(p, why);
	if (error == ERROR_OK) {
		learn_limits(p);
		health_met(p->topics_condition);
	} else {
		health_unmet(p->topics_condition, "%s", why->data);
	}
	return error;
}

static enum error ask_broker(struct publisher *p, struct text *why)
{
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t code =
		rd_kafka_metadata(p->link.handle, 0, p->link.topics[RECORD_TICK], &metadata,
				  (int)p->options.settings->broker_timeout_ms);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		why_putf(why, "Kafka at %s does not answer: %s", p->options.kafka->kafka_brokers,
			 rd_kafka_err2str(code));
		return ERROR_UNREACHABLE;
	}
	rd_kafka_metadata_destroy(metadata);
	if (atomic_load(&p->has_producer_id))
		return ERROR_OK;
	why_putf(why, "Kafka gave no producer id yet");
	return ERROR_UNAVAILABLE;
}

struct watch {
	struct publisher *publisher;
	bool topics_ready;
	uint64_t stored_before;
	int64_t back_off_ms;
};

/* One look; the time until the next one, in ms. */
static int64_t look(struct watch *w)
{
	struct publisher *p = w->publisher;
	uint64_t stored = atomic_load(&p->stored), before = w->stored_before;
	w->stored_before = stored;
	if (stored != before && atomic_load(&p->gate) == GATE_OPEN)
		return ASK_EVERY_MS;
	char memory[512];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	pthread_rwlock_rdlock(&p->link_lock);
	enum error error = w->topics_ready ? ERROR_OK : set_up_topics(p, &why);
	w->topics_ready = error == ERROR_OK;
	if (error == ERROR_OK)
		error = ask_broker(p, &why);
	pthread_rwlock_unlock(&p->link_lock);
	if (error == ERROR_OK) {
		publisher_set_gate(p, GATE_OPEN, "");
		w->back_off_ms = FIRST_BACK_OFF_MS;
		return ASK_EVERY_MS;
	}
	publisher_set_gate(p, GATE_AWAY, why.data);
	int64_t wait_ms = w->back_off_ms;
	w->back_off_ms = wait_ms * 2 < ASK_EVERY_MS ? wait_ms * 2 : ASK_EVERY_MS;
	return wait_ms;
}

static void wait_to_ask(struct publisher *p, int64_t ms)
{
	const struct timespec until = timespec_of(monotonic_now_us() + ms * 1000);
	int code = 0;
	pthread_mutex_lock(&p->lock);
	while (!p->ask_now && !atomic_load(&p->ending) && code == 0)
		code = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	p->ask_now = false;
	pthread_mutex_unlock(&p->lock);
}

static void update_drain_rate(struct publisher *p, uint64_t *stored, int64_t *at_us)
{
	int64_t now_us = monotonic_now_us();
	if (now_us - *at_us < 1000000)
		return;
	uint64_t now_stored = atomic_load(&p->stored);
	uint64_t rate = (now_stored - *stored) * 1000000 / (uint64_t)(now_us - *at_us);
	atomic_store(&p->drain_rate_per_s, (atomic_load(&p->drain_rate_per_s) + rate) / 2);
	*stored = now_stored;
	*at_us = now_us;
}

static void *watch(void *data)
{
	struct watch w = { .publisher = data, .back_off_ms = FIRST_BACK_OFF_MS };
	struct publisher *p = data;
	uint64_t stored = 0;
	int64_t rated_us = monotonic_now_us();
	while (!atomic_load(&p->ending)) {
		health_beat(p->watch_loop);
		int64_t wait_ms = look(&w);
		update_drain_rate(p, &stored, &rated_us);
		wait_to_ask(p, wait_ms);
	}
	health_loop_end(p->watch_loop);
	return NULL;
}

enum error publisher_watch_start(struct publisher *p)
{
	/* A look takes five questions at most, each with its limit and a second of grace. */
	int64_t limit_ms = 5 * (p->options.settings->broker_timeout_ms + 1000) + ASK_EVERY_MS;
	p->watch_loop = health_loop(p->options.health, "watch", limit_ms * 2);
	return pthread_create(&p->watch_thread, NULL, watch, p) == 0 ? ERROR_OK : ERROR_SYSTEM;
}
