/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `lock` guards the wish and `stopping`; the rest is constant after the start.
 */
#include "refetch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "timestamp.h"

/* An answer that is refused at once would otherwise be asked for with every wish. */
enum { SETTING_SINCE = 0x02020000, ASK_MS = 1000, REFUSED_US = 1000000 };

struct refetch {
	rd_kafka_t *kafka;
	struct metrics *metrics;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	const char *topic; /* wished and not begun: else NULL */
	int32_t partition;
	bool busy, stopping;
	pthread_t thread;
};

static bool has_setting(void)
{
	return rd_kafka_version() >= SETTING_SINCE;
}

struct kafka_property refetch_property(void)
{
	return (struct kafka_property){ has_setting() ? "fetch.queue.backoff.ms" : NULL, "10" };
}

static void count(const struct refetch *refetch, rd_kafka_resp_err_t code)
{
	enum error error = code == RD_KAFKA_RESP_ERR__TIMED_OUT ? ERROR_TIMEOUT
			   : code                               ? ERROR_KAFKA
								: ERROR_OK;
	char memory[64];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "outcome", error_name(error));
	metric_add(metrics_counter(refetch->metrics, "ingest_refetch_questions_total",
				   "Questions for a log's end that have librdkafka before 2.2 "
				   "fetch on, by outcome.",
				   labels.data),
		   1);
}

static void wait_after_failure(struct refetch *refetch)
{
	int64_t until_us = monotonic_now_us() + REFUSED_US;
	const struct timespec until = { .tv_sec = until_us / 1000000,
					.tv_nsec = until_us % 1000000 * 1000 };
	while (!refetch->stopping && monotonic_now_us() < until_us)
		pthread_cond_timedwait(&refetch->woken, &refetch->lock, &until);
}

/* Under the lock, but for the question. Its answer tells us nothing that we want. */
static void fulfil(struct refetch *refetch)
{
	const char *topic = refetch->topic;
	int32_t partition = refetch->partition;
	refetch->topic = NULL;
	refetch->busy = true;
	pthread_mutex_unlock(&refetch->lock);
	int64_t low, high;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(refetch->kafka, topic,
								    partition, &low, &high, ASK_MS);
	count(refetch, code);
	pthread_mutex_lock(&refetch->lock);
	if (code)
		wait_after_failure(refetch);
	refetch->busy = false;
}

static void *ask_until_stopped(void *argument)
{
	struct refetch *refetch = argument;
	pthread_mutex_lock(&refetch->lock);
	while (!refetch->stopping) {
		if (refetch->topic)
			fulfil(refetch);
		else
			pthread_cond_wait(&refetch->woken, &refetch->lock);
	}
	pthread_mutex_unlock(&refetch->lock);
	return NULL;
}

enum error refetch_start(rd_kafka_t *kafka, struct metrics *metrics, struct refetch **made,
			 struct text *why)
{
	*made = NULL;
	if (has_setting())
		return ERROR_OK;
	struct refetch *refetch = calloc(1, sizeof *refetch);
	if (!refetch)
		return ERROR_NO_MEMORY;
	refetch->kafka = kafka;
	refetch->metrics = metrics;
	pthread_mutex_init(&refetch->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&refetch->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&refetch->thread, NULL, ask_until_stopped, refetch) != 0) {
		why_putf(why, "no thread for fetching on");
		pthread_mutex_destroy(&refetch->lock);
		pthread_cond_destroy(&refetch->woken);
		free(refetch);
		return ERROR_SYSTEM;
	}
	*made = refetch;
	return ERROR_OK;
}

void refetch_destroy(struct refetch **made)
{
	struct refetch *refetch = *made;
	if (!refetch)
		return;
	pthread_mutex_lock(&refetch->lock);
	refetch->stopping = true;
	pthread_cond_signal(&refetch->woken);
	pthread_mutex_unlock(&refetch->lock);
	pthread_join(refetch->thread, NULL);
	pthread_mutex_destroy(&refetch->lock);
	pthread_cond_destroy(&refetch->woken);
	free(refetch);
	*made = NULL;
}

void refetch_wish(struct refetch *refetch, const char *topic, int32_t partition)
{
	if (!refetch)
		return;
	pthread_mutex_lock(&refetch->lock);
	if (!refetch->busy) {
		refetch->topic = topic;
		refetch->partition = partition;
		pthread_cond_signal(&refetch->woken);
	}
	pthread_mutex_unlock(&refetch->lock);
}
