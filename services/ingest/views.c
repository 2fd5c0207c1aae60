/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer_internal.h"
#include "log.h"
#include "timestamp.h"

/* --- the views -----------------------------------------------------------------------------------
 */

/* From the last answer of the broker, or what the watch heard; asks nobody. */
static int64_t log_end_of(const struct consumer *consumer, const struct partition *partition)
{
	int64_t low, high = -1, noted = -1;
	if (rd_kafka_get_watermark_offsets(consumer->kafka, partition->dataset->topic,
					   partition->number, &low, &high))
		high = -1;
	if (partition->state != PARTITION_READING)
		noted = status_log_end(consumer->options.status, partition->dataset,
				       partition->number);
	return noted > high ? noted : high >= 0 ? high : -1;
}

static void fill_open(struct partition_view *view, const struct batch *open, int64_t now_us)
{
	if (!open || batch_records(open) == 0)
		return;
	view->open_rows = open->row_count;
	view->open_dead_letters = open->dead_letter_count;
	view->open_bytes = batch_bytes(open);
	view->open_age_us = now_us - open->opened_us;
}

static int64_t unpublished_age_us(const struct partition *partition, int64_t now_us)
{
	int64_t oldest_us = partition_oldest_us(partition);
	return oldest_us < now_us ? now_us - oldest_us : 0;
}

static int64_t files_of(const struct partition *partition)
{
	int64_t away = partition->lease ? atomic_load(&partition->lease->joined_away) : 0;
	return partition->files > away ? partition->files - away : 0;
}

static void fill(struct partition_view *view, const struct consumer *consumer,
		 const struct partition *partition)
{
	view->dataset = partition->dataset;
	view->partition = partition->number;
	view->state =
		consumer->paused && partition->state == PARTITION_READY && partition->failures == 0
			? "paused"
			: partition_state_name(partition);
	view->recovering = partition->state == PARTITION_RECOVERING;
	view->reading = partition->state == PARTITION_READING;
	view->next_offset = partition->next_offset;
	view->published = partition->published;
	view->files = files_of(partition);
	view->log_end = log_end_of(consumer, partition);
	fill_open(view, partition->open, consumer->now_us);
	view->unpublished_age_us = unpublished_age_us(partition, consumer->now_us);
	view->waiting_batches = partition_waiting(partition);
	view->waiting_bytes = partition_bytes(partition) - view->open_bytes;
	view->has_last_file = partition->has_last_file;
	view->last_file = partition->last_file;
	view->failures = partition->failures;
	view->error = partition->error;
	view->failing_since_us = partition->failing_since_us;
	memcpy(view->why, partition->why, sizeof view->why);
	memcpy(view->gaps, partition->gaps, sizeof view->gaps);
	view->gap_count = partition->gap_count;
}

static int64_t lag_of(const struct partition_view *view)
{
	int64_t lag = view->log_end - view->published - 1;
	return view->log_end >= 0 && lag > 0 ? lag : 0;
}

static void set_gauge(const struct consumer *consumer, const struct partition_view *view,
		      const char *name, const char *help, double value)
{
	char memory[96];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "dataset", view->dataset->table->plural);
	char number[16];
	snprintf(number, sizeof number, "%d", (int)view->partition);
	metrics_label(&labels, "partition", number);
	metric_set(metrics_gauge(consumer->options.metrics, name, help, labels.data), value);
}

static void set_gauges(const struct consumer *consumer, const struct partition_view *view)
{
	set_gauge(consumer, view, "ingest_lag_records", "Offsets of the log not yet published.",
		  (double)lag_of(view));
	set_gauge(consumer, view, "ingest_open_age_seconds",
		  "How long the oldest record of the open batch has waited.",
		  (double)view->open_age_us / 1e6);
	set_gauge(consumer, view, "ingest_unpublished_age_seconds",
		  "How long the oldest record that was read and is not on HDFS has waited.",
		  (double)view->unpublished_age_us / 1e6);
	set_gauge(consumer, view, "ingest_failing",
		  "1 while the partition's last job failed, else 0.", view->failures > 0);
	if (!view->recovering)
		set_gauge(consumer, view, "ingest_published_files",
			  "Published files that the partition has in the data folder.",
			  (double)view->files);
	int64_t lost = 0;
	for (size_t i = 0; i < view->gap_count; i++)
		lost += view->gaps[i].last - view->gaps[i].first + 1;
	set_gauge(consumer, view, "ingest_unacknowledged_lost_offsets",
		  "Lost offsets that nobody has acknowledged.", (double)lost);
}

void views_forget(const struct consumer *consumer, const struct partition *partition)
{
	const struct partition_view gone = { .dataset = partition->dataset,
					     .partition = partition->number,
					     .published = -1 };
	set_gauges(consumer, &gone);
}

static bool tell_health(const struct consumer *consumer, const struct partition_view *view)
{
	if (view->failures > 0) {
		health_unmet(consumer->publishing, "%s[%d]: %s: %.300s", view->dataset->topic,
			     (int)view->partition, error_name(view->error), view->why);
		return false;
	}
	if (view->gap_count > 0) {
		health_unmet(consumer->publishing,
			     "%s[%d]: offsets %" PRId64 " to %" PRId64
			     " were deleted from Kafka before they were read; acknowledge with "
			     "POST /v1/partitions/%d/acknowledge-loss?dataset=%s",
			     view->dataset->topic, (int)view->partition, view->gaps[0].first,
			     view->gaps[0].last, (int)view->partition,
			     view->dataset->table->plural);
		return false;
	}
	if (view->recovering) {
		health_unmet(consumer->publishing, "%s[%d] is being taken over",
			     view->dataset->topic, (int)view->partition);
		return false;
	}
	return true;
}

static void tell_healthy(const struct consumer *consumer)
{
	if (!consumer->paused) {
		health_met(consumer->publishing);
		return;
	}
	char since[TIMESTAMP_MAX_TEXT];
	timestamp_print(consumer->paused_since_us, since);
	health_met_but(consumer->publishing,
		       "paused by an operator since %s: nothing is read or published until "
		       "POST /v1/resume",
		       since);
}

static size_t count_partitions(const struct consumer *consumer)
{
	size_t count = 0;
	for (const struct partition *p = consumer->partitions; p; p = p->next)
		count++;
	return count;
}

static int by_place(const void *left, const void *right)
{
	const struct partition_view *a = left, *b = right;
	if (a->dataset != b->dataset)
		return a->dataset < b->dataset ? -1 : 1;
	return (a->partition > b->partition) - (a->partition < b->partition);
}

void views_update(struct consumer *consumer)
{
	if (consumer->now_us < consumer->views_at_us)
		return;
	consumer->views_at_us = consumer->now_us + VIEWS_EVERY_US;
	size_t count = count_partitions(consumer), filled = 0;
	struct partition_view *views = calloc(count + 1, sizeof *views);
	if (!views)
		return;
	bool healthy = true;
	int64_t in_flight = 0;
	for (const struct partition *p = consumer->partitions; p; p = p->next) {
		fill(&views[filled], consumer, p);
		set_gauges(consumer, &views[filled]);
		healthy = healthy && tell_health(consumer, &views[filled]);
		in_flight += partition_in_flight(p);
		filled++;
	}
	if (!consumer->joined)
		health_unmet(consumer->publishing, "the group has assigned nothing yet");
	else if (healthy)
		tell_healthy(consumer);
	qsort(views, count, sizeof *views, by_place);
	const struct status_totals totals = {
		.memory_bytes = memory_used(consumer),
		.memory_limit_bytes = consumer->options.settings->memory_limit_bytes,
		.joined = consumer->joined,
		.paused = consumer->paused,
		.paused_since_us = consumer->paused_since_us,
		.in_flight = in_flight,
	};
	metric_set(consumer->memory, (double)totals.memory_bytes);
	status_publish(consumer->options.status, views, count, &totals);
}

/* --- wishes --------------------------------------------------------------------------------------
 */

static bool target_reached(struct consumer *consumer, struct flush_target *target)
{
	struct partition *partition =
		group_find(consumer, target->dataset->topic, target->partition);
	if (!partition)
		return true; /* another instance's now */
	if (partition->state == PARTITION_RECOVERING)
		return false;
	int64_t read = partition->next_offset > partition->end_offset ? partition->next_offset
								      : partition->end_offset;
	if (target->sealed == FLUSH_NOT_SEALED && read >= target->high && !consumer->paused) {
		group_rotate(consumer, partition, true);
		target->sealed = partition->cover_from - 1;
	}
	return target->sealed != FLUSH_NOT_SEALED && partition->published >= target->sealed;
}

static void fulfil_flush(struct flush *flush, void *user)
{
	bool reached = true;
	for (size_t i = 0; i < flush->count; i++) {
		struct flush_target *target = &flush->targets[i];
		target->done = target->done || target_reached(user, target);
		reached = reached && target->done;
	}
	flush->reached = reached;
}

void views_fulfil(struct consumer *consumer)
{
	if (status_visit_flushes(consumer->options.status, fulfil_flush, consumer))
		consumer->views_at_us = consumer->now_us; /* who is answered sees it there */
	const struct dataset *dataset;
	int32_t number;
	while (status_take_acknowledgement(consumer->options.status, &dataset, &number)) {
		struct partition *partition = group_find(consumer, dataset->topic, number);
		size_t filled = partition && partition->state != PARTITION_RECOVERING
					? partition_fill_gaps(partition, consumer->now_us)
					: 0;
		log_warn("lost offsets acknowledged", LOG_STR("topic", dataset->topic),
			 LOG_I64("partition", number), LOG_I64("ranges", filled));
	}
}
