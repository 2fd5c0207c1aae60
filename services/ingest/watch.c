/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `lock` guards `stopping`, and `cancel` is only ever set; the rest is the thread's.
 */
#include "watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "kafka.h"
#include "timestamp.h"

enum { EVERY_US = 2000000, KAFKA_TIMEOUT_MS = 2000, WHY_BYTES = 600 };

struct watch {
	struct watch_options options;
	struct webhdfs *hdfs;
	struct health_condition *kafka_condition, *hdfs_condition;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool stopping;
	atomic_bool cancel;
	pthread_t thread;
};

static void look_at_kafka(struct watch *watch)
{
	char memory[WHY_BYTES];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	for (size_t i = 0; i < watch->options.dataset_count; i++) {
		int count;
		if (kafka_partition_count(watch->options.kafka, watch->options.datasets[i].topic,
					  KAFKA_TIMEOUT_MS, &count, &why)) {
			health_unmet(watch->kafka_condition, "%s", why.data);
			return;
		}
	}
	health_met(watch->kafka_condition);
}

/* Those that could be asked in time: for the others nothing is noted. */
static void look_at_ends(struct watch *watch)
{
	size_t count, asked = 0;
	struct status_totals totals;
	struct partition_view *views = status_views(watch->options.status, &count, &totals);
	struct log_end *ends = calloc(count + 1, sizeof *ends);
	bool reachable = views && ends;
	for (size_t i = 0; reachable && i < count && !atomic_load(&watch->cancel); i++) {
		int64_t low;
		struct log_end *end = &ends[asked];
		if (views[i].reading)
			continue;
		*end = (struct log_end){ views[i].dataset, views[i].partition, -1 };
		reachable = !rd_kafka_query_watermark_offsets(watch->options.kafka,
							      end->dataset->topic, end->partition,
							      &low, &end->high, KAFKA_TIMEOUT_MS);
		asked += reachable;
	}
	free(views);
	status_note_ends(watch->options.status, ends, asked);
}

static void look_at_hdfs(struct watch *watch)
{
	char memory[WHY_BYTES];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct webhdfs_status status;
	enum error error = webhdfs_stat(watch->hdfs, watch->options.root, &status, &why);
	/* A root that is missing is made by the first recovery, or that says why it can't be. */
	if (!error || error == ERROR_NOT_FOUND)
		health_met(watch->hdfs_condition);
	else
		health_unmet(watch->hdfs_condition, "%s", why.data);
}

static bool wait_for_next(struct watch *watch)
{
	int64_t at_us = monotonic_now_us() + EVERY_US;
	struct timespec until = { .tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000 };
	pthread_mutex_lock(&watch->lock);
	while (!watch->stopping && monotonic_now_us() < at_us)
		pthread_cond_timedwait(&watch->woken, &watch->lock, &until);
	bool go_on = !watch->stopping;
	pthread_mutex_unlock(&watch->lock);
	return go_on;
}

static void *look_until_stopped(void *argument)
{
	struct watch *watch = argument;
	do {
		look_at_hdfs(watch);
		look_at_kafka(watch);
		look_at_ends(watch);
	} while (wait_for_next(watch));
	return NULL;
}

enum error watch_start(const struct watch_options *options, struct watch **made, struct text *why)
{
	struct watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return ERROR_NO_MEMORY;
	watch->options = *options;
	struct webhdfs_options hdfs = options->hdfs;
	hdfs.cancel = &watch->cancel;
	enum error error = webhdfs_new(&hdfs, &watch->hdfs, why);
	if (error)
		goto fail_hdfs;
	watch->kafka_condition = health_condition(options->health, "kafka");
	watch->hdfs_condition = health_condition(options->health, "hdfs");
	pthread_mutex_init(&watch->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&watch->thread, NULL, look_until_stopped, watch) != 0) {
		why_putf(why, "no thread for the watch");
		error = ERROR_SYSTEM;
		goto fail_thread;
	}
	*made = watch;
	return ERROR_OK;

fail_thread:
	pthread_mutex_destroy(&watch->lock);
	pthread_cond_destroy(&watch->woken);
	webhdfs_destroy(&watch->hdfs);
fail_hdfs:
	free(watch);
	return error;
}

void watch_destroy(struct watch **made)
{
	struct watch *watch = *made;
	if (!watch)
		return;
	atomic_store(&watch->cancel, true);
	pthread_mutex_lock(&watch->lock);
	watch->stopping = true;
	pthread_cond_signal(&watch->woken);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	pthread_mutex_destroy(&watch->lock);
	pthread_cond_destroy(&watch->woken);
	webhdfs_destroy(&watch->hdfs);
	free(watch);
	*made = NULL;
}
