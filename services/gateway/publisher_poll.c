/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who polls librdkafka, and so delivers the outcomes: one thread at a time, which holds `poller`.
 * The poll thread does it while anything is on its way. When nothing is, it leaves the turn free
 * for a moment: a worker that waits for its own records then takes it (publisher_lend), and the
 * outcome of a lone request needs one thread switch less. Whoever ends leaves what is still on its
 * way to the poll thread.
 */
#include "publisher_private.h"

#include "log.h"
#include "timestamp.h"

enum { LEND_POLL_MS = 20, LEND_US = 1000000, FREE_US = 5000 };

/* --- turns ----------------------------------------------------------------------------------- */

static bool take_turn(struct publisher *p)
{
	bool nobody = false;
	return atomic_compare_exchange_strong(&p->polled, &nobody, true);
}

static void end_turn(struct publisher *p)
{
	atomic_store(&p->polled, false);
}

/* The poll thread, after a turn that left nothing on its way, and while another one has the turn.
 */
static void wait_for_turn(struct publisher *p)
{
	int64_t until_us = monotonic_now_us() + FREE_US;
	const struct timespec until = { .tv_sec = until_us / 1000000,
					.tv_nsec = until_us % 1000000 * 1000 };
	pthread_mutex_lock(&p->lock);
	if (!p->poll_wanted)
		pthread_cond_timedwait(&p->poll_turn, &p->lock, &until);
	p->poll_wanted = false;
	pthread_mutex_unlock(&p->lock);
}

void publisher_poll_wanted(struct publisher *p)
{
	pthread_mutex_lock(&p->lock);
	p->poll_wanted = true;
	pthread_cond_signal(&p->poll_turn);
	pthread_mutex_unlock(&p->lock);
}

static void wake_waiting(struct publisher *p)
{
	pthread_mutex_lock(&p->lock);
	if (p->waiting > 0) {
		p->rounds++;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
}

static void poll_once(struct publisher *p, int timeout_ms)
{
	rd_kafka_poll(p->link.handle, timeout_ms);
	wake_waiting(p);
}

/* --- a worker's turn ------------------------------------------------------------------------- */

void publisher_lend(struct publisher *p, uint64_t own, bool (*done)(const void *user),
		    const void *user, int64_t deadline_us)
{
	if (done(user))
		return;
	/* Among many the poll thread serves all of them with fewer hand-overs. */
	if (publisher_queue_length(p) > (int64_t)own || !take_turn(p)) {
		if (!atomic_load(&p->polled))
			publisher_poll_wanted(p);
		return;
	}
	const int64_t limit_us = monotonic_now_us() + LEND_US;
	if (deadline_us > limit_us)
		deadline_us = limit_us;
	/* Its replacement waits for the lock; this holds it no longer than a poll lasts. */
	while (!done(user) && monotonic_now_us() < deadline_us && !atomic_load(&p->giving_up)) {
		pthread_rwlock_rdlock(&p->link_lock);
		poll_once(p, LEND_POLL_MS);
		pthread_rwlock_unlock(&p->link_lock);
	}
	end_turn(p);
	/* Asked after the end: who sends and finds the turn taken is seen here. */
	if (publisher_queue_length(p) > 0)
		publisher_poll_wanted(p);
}

/* --- the poll thread ------------------------------------------------------------------------- */

/* Gives up what is still on its way; each ticket is told whether it may have been stored. */
static void give_up(struct publisher *p)
{
	rd_kafka_purge(p->link.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	for (int tries = 0; rd_kafka_outq_len(p->link.handle) > 0 && tries < 100; tries++)
		rd_kafka_poll(p->link.handle, PUBLISHER_POLL_MS);
}

/* An idempotent producer that met a fatal error never sends again: a new one takes over. */
static void replace_link(struct publisher *p, const char *reason)
{
	char memory[512];
	struct text why;
	struct publisher_link fresh;
	text_init_fixed(&why, memory, sizeof(memory));
	log_error("the Kafka producer failed for good and is replaced", LOG_STR("reason", reason));
	atomic_store(&p->has_producer_id, false);
	publisher_set_gate(p, GATE_AWAY, "the Kafka producer is being replaced");
	give_up(p);
	enum error error = publisher_link_new(p, &fresh, &why);
	if (error !=
	    ERROR_OK) { /* the settings were good before: memory or descriptors are short */
		log_error("no new Kafka producer", LOG_STR("reason", why.data));
		return;
	}
	pthread_rwlock_wrlock(&p->link_lock);
	struct publisher_link old = p->link;
	p->link = fresh;
	pthread_rwlock_unlock(&p->link_lock);
	publisher_link_destroy(&old);
	p->last_retries = 0;
	metric_add(p->replaced, 1);
	publisher_suspect(p);
}

/* With the turn. */
static void poll_and_mind(struct publisher *p)
{
	char reason[256];
	poll_once(p, PUBLISHER_POLL_MS);
	if (atomic_exchange(&p->giving_up, false))
		give_up(p);
	if (rd_kafka_fatal_error(p->link.handle, reason, sizeof(reason)) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR)
		replace_link(p, reason);
}

static void *poll_kafka(void *data)
{
	struct publisher *p = data;
	while (!atomic_load(&p->ending)) {
		health_beat(p->poll_loop);
		bool mine = take_turn(p);
		if (mine) {
			poll_and_mind(p);
			end_turn(p);
		}
		if (!mine || publisher_queue_length(p) == 0)
			wait_for_turn(p);
	}
	while (!take_turn(p)) /* a worker's ends with its poll */
		wait_for_turn(p);
	give_up(p);
	health_loop_end(p->poll_loop);
	return NULL;
}

enum error publisher_poll_start(struct publisher *p)
{
	return pthread_create(&p->poll_thread, NULL, poll_kafka, p) == 0 ? ERROR_OK : ERROR_SYSTEM;
}

void publisher_poll_join(struct publisher *p)
{
	pthread_join(p->poll_thread, NULL);
}
