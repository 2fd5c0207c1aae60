/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "partition.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "row.h"
#include "timestamp.h"

struct partition *partition_new(const struct dataset *dataset, int32_t number)
{
	struct partition *partition = calloc(1, sizeof *partition);
	if (!partition)
		return NULL;
	partition->dataset = dataset;
	partition->number = number;
	partition->published = -1;
	return partition;
}

static void drop_batch(struct partition *partition, struct batch **batch, const char *reason)
{
	if (batch_records(*batch) > 0)
		dataset_count_drop(partition->dataset, reason);
	batch_destroy(batch);
}

static void drop_batches(struct partition *partition, const char *reason)
{
	if (partition->open)
		drop_batch(partition, &partition->open, reason);
	while (partition->sealed) {
		struct batch *batch = partition->sealed;
		partition->sealed = batch->next;
		drop_batch(partition, &batch, reason);
	}
}

static void end_lease(struct partition *partition)
{
	if (!partition->lease)
		return;
	atomic_store(&partition->lease->ended, true);
	lease_drop(&partition->lease);
}

void partition_destroy(struct partition **partition)
{
	if (!*partition)
		return;
	drop_batches(*partition, "released");
	end_lease(*partition);
	free(*partition);
	*partition = NULL;
}

const char *partition_state_name(const struct partition *partition)
{
	static const char *const names[PARTITION_STATES] = { "recovering", "ready", "reading" };
	if (partition->failures > 0)
		return webhdfs_is_transient(partition->error) || partition->error == ERROR_KAFKA ||
				       partition->error == ERROR_FENCED
			       ? "retrying"
			       : "blocked";
	return partition->held ? "paused" : names[partition->state];
}

/* --- records -----------------------------------------------------------------------------------
 */

static int64_t message_wall_us(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(message, &type);
	return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0 || ms > INT64_MAX / 1000
		       ? -1
		       : ms * 1000;
}

static enum error refuse(struct partition *partition, const rd_kafka_message_t *message,
			 const struct record_fault *fault, int64_t now_us)
{
	dataset_count_refusal(partition->dataset, fault->code);
	metric_add(partition->dataset->metrics.dead_letters, 1);
	const struct dead_letter letter = {
		.topic = partition->dataset->topic,
		.partition = partition->number,
		.offset = message->offset,
		.timestamp_us = message_wall_us(message),
		.reason = fault->code,
		.field = fault->field,
		.text = fault->reason,
		.key = { message->key, message->key_len },
		.raw = { message->payload, message->len },
	};
	return batch_add_dead_letter(partition->open, &letter, now_us);
}

static struct batch *new_batch(const struct partition *partition, int64_t first, int64_t now_us)
{
	struct batch *batch = batch_new(partition->number, first, now_us);
	if (batch)
		batch->range.format = partition->dataset->format;
	return batch;
}

/* Without a row it stands beside the rows before it, where it can be joined. */
static bool open_batch(struct partition *partition, int64_t wall_us, int64_t now_us)
{
	partition->open = new_batch(partition, partition->cover_from, now_us);
	if (!partition->open)
		return false;
	partition->open->opened_wall_us = wall_us;
	partition->open->date = partition->date;
	return true;
}

static void seal(struct partition *partition, int64_t now_us);

/* A file holds rows of one date. */
static enum error turn_to(struct partition *partition, int32_t date, int64_t wall_us,
			  int64_t now_us)
{
	partition->date = date;
	if (partition->open->row_count > 0 && partition->open->date != date) {
		metric_add(partition->dataset->metrics.date_turns, 1);
		seal(partition, now_us);
		if (!open_batch(partition, wall_us, now_us))
			return ERROR_NO_MEMORY;
	}
	partition->open->date = date;
	return ERROR_OK;
}

static enum error add(struct partition *partition, const rd_kafka_message_t *message,
		      const struct partition_policy *policy, int64_t now_us)
{
	const struct slice value = { message->payload, message->len };
	struct record record;
	struct record_fault fault;
	if (row_read(partition->dataset->table, &policy->record, &value, &record, &fault))
		return refuse(partition, message, &fault, now_us);
	enum error error = ERROR_OK;
	if (partition->dataset->by_date)
		error = turn_to(partition, date_of_us(record.timestamp_us), policy->record.wall_us,
				now_us);
	return error ? error : batch_add_row(partition->open, message->offset, &record, now_us);
}

enum error partition_take(struct partition *partition, const rd_kafka_message_t *message,
			  const struct partition_policy *policy, int64_t now_us)
{
	if (partition->state != PARTITION_READING || message->offset < partition->next_offset)
		return ERROR_OK;
	int64_t wall_us = policy->record.wall_us;
	if (partition->open &&
	    batch_is_of_another_period(partition->open, &policy->rotate, wall_us))
		partition_rotate(partition, policy, now_us, true);
	if (!partition->open && !open_batch(partition, wall_us, now_us))
		return ERROR_NO_MEMORY;
	if (message->offset > partition->next_offset)
		metric_add(partition->dataset->metrics.skipped_offsets,
			   (uint64_t)(message->offset - partition->next_offset));
	partition->next_offset = message->offset + 1;
	enum error error = add(partition, message, policy, now_us);
	if (!error && batch_is_full(partition->open, &policy->rotate))
		partition_rotate(partition, policy, now_us, true);
	return error;
}

/* --- batches -----------------------------------------------------------------------------------
 */

static void append_sealed(struct partition *partition, struct batch *batch)
{
	if (partition->sealed)
		partition->last_sealed->next = batch;
	else
		partition->sealed = batch;
	partition->last_sealed = batch;
}

static void seal(struct partition *partition, int64_t now_us)
{
	struct batch *batch = partition->open;
	partition->open = NULL;
	partition->cover_from = batch->range.last + 1;
	batch->sealed_us = now_us;
	metric_add(partition->dataset->metrics.rows, (uint64_t)batch->row_count);
	append_sealed(partition, batch);
}

void partition_rotate(struct partition *partition, const struct partition_policy *policy,
		      int64_t now_us, bool force)
{
	if (!partition->open || batch_records(partition->open) == 0)
		return;
	/* While an earlier batch can't leave, small ones would only pile up behind it. */
	bool free_way = !partition->sealed && !partition->flying;
	if (force || batch_is_full(partition->open, &policy->rotate) ||
	    batch_is_of_another_period(partition->open, &policy->rotate, policy->record.wall_us) ||
	    (free_way && batch_is_due(partition->open, &policy->rotate, now_us)))
		seal(partition, now_us);
}

size_t partition_fill_gaps(struct partition *partition, int64_t now_us)
{
	size_t filled = 0;
	for (size_t i = 0; i < partition->gap_count; i++) {
		const struct gap *gap = &partition->gaps[i];
		struct batch *batch = new_batch(partition, gap->first, now_us);
		if (!batch)
			break;
		batch->range.last = gap->last;
		batch->sealed_us = now_us;
		batch->fills_gap = true;
		append_sealed(partition, batch);
		filled++;
	}
	/* Until they are published, what is left of them is found again by any recovery. */
	memmove(partition->gaps, partition->gaps + filled,
		(partition->gap_count - filled) * sizeof partition->gaps[0]);
	partition->gap_count -= filled;
	return filled;
}

bool partition_is_idle(const struct partition *partition)
{
	return !partition->open && !partition->sealed && !partition->flying;
}

int64_t partition_bytes(const struct partition *partition)
{
	int64_t bytes = partition->flying_bytes;
	if (partition->open)
		bytes += batch_bytes(partition->open);
	/* Rows of mixed dates make so many of them that what they take themselves counts. */
	int64_t own_bytes = partition->dataset->by_date ? (int64_t)sizeof *partition->sealed : 0;
	for (const struct batch *batch = partition->sealed; batch; batch = batch->next)
		bytes += batch_bytes(batch) + own_bytes;
	return bytes;
}

int64_t partition_waiting(const struct partition *partition)
{
	int64_t count = partition->flying ? 1 : 0;
	for (const struct batch *batch = partition->sealed; batch; batch = batch->next)
		count++;
	return count;
}

int64_t partition_in_flight(const struct partition *partition)
{
	int64_t count = partition->flying && partition->state != PARTITION_RECOVERING ? 1 : 0;
	for (const struct batch *batch = partition->sealed; batch; batch = batch->next)
		count += batch->attempts > 0;
	return count;
}

static int64_t earliest_us(int64_t found_us, const struct batch *batch)
{
	bool holds = batch && batch_records(batch) > 0;
	return holds && batch->opened_us < found_us ? batch->opened_us : found_us;
}

int64_t partition_oldest_us(const struct partition *partition)
{
	int64_t found_us = partition->flying_bytes > 0 ? partition->flying_opened_us : INT64_MAX;
	for (const struct batch *batch = partition->sealed; batch; batch = batch->next)
		found_us = earliest_us(found_us, batch);
	return earliest_us(found_us, partition->open);
}

/* --- jobs --------------------------------------------------------------------------------------
 */

static struct job *recover_job(struct partition *partition)
{
	end_lease(partition);
	partition->lease = lease_new(partition->dataset, partition->number);
	return partition->lease ? job_new(JOB_RECOVER, partition->lease, NULL) : NULL;
}

static struct job *publish_job(struct partition *partition)
{
	struct batch *batch = partition->sealed;
	struct job *job = job_new(JOB_PUBLISH, partition->lease, batch);
	if (!job)
		return NULL;
	partition->sealed = batch->next;
	batch->next = NULL;
	partition->flying_bytes = batch_bytes_to_publish(batch);
	partition->flying_opened_us = batch->opened_us;
	return job;
}

struct job *partition_next_job(struct partition *partition, int64_t now_us)
{
	if (partition->flying || now_us < partition->retry_at_us)
		return NULL;
	struct job *job = NULL;
	if (partition->state == PARTITION_RECOVERING)
		job = recover_job(partition);
	else if (partition->sealed)
		job = publish_job(partition);
	partition->flying = job;
	return job;
}

/* Spreads instances that failed together: up to a quarter less. */
static int64_t with_jitter(int64_t wait_us, int64_t now_us)
{
	return wait_us - (int64_t)((uint64_t)now_us * 2654435761u % (uint64_t)(wait_us / 4 + 1));
}

static void note_failure(struct partition *partition, const struct job *job,
			 const struct partition_policy *policy, int64_t now_us)
{
	int64_t wait_us = policy->retry_min_us;
	for (int i = 0; i < partition->failures && wait_us < policy->retry_max_us; i++)
		wait_us *= 2;
	if (wait_us > policy->retry_max_us)
		wait_us = policy->retry_max_us;
	if (!webhdfs_is_transient(job->error) && job->error != ERROR_KAFKA)
		wait_us = policy->blocked_retry_us;
	if (partition->failures == 0)
		partition->failing_since_us = wall_now_us();
	partition->failures++;
	partition->retry_at_us = now_us + with_jitter(wait_us, now_us);
	partition->error = job->error;
	memcpy(partition->why, job->why, sizeof partition->why);
	dataset_count_retry(partition->dataset, job->error);
	log_warn(job->kind == JOB_RECOVER ? "recovery failed" : "publication failed",
		 LOG_STR("topic", partition->dataset->topic),
		 LOG_I64("partition", partition->number), LOG_STR("error", error_name(job->error)),
		 LOG_STR("why", job->why), LOG_I64("failures", partition->failures),
		 LOG_I64("again_in_ms", (partition->retry_at_us - now_us) / 1000));
}

static void note_success(struct partition *partition)
{
	partition->failures = 0;
	partition->error = ERROR_OK;
	partition->retry_at_us = 0;
	partition->why[0] = '\0';
}

static int64_t offsets_in(const struct gap *gaps, size_t count)
{
	int64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += gaps[i].last - gaps[i].first + 1;
	return sum;
}

static void take_gaps(struct partition *partition, const struct recovery *recovery)
{
	int64_t known = offsets_in(partition->gaps, partition->gap_count);
	int64_t found = offsets_in(recovery->gaps, recovery->gap_count);
	memcpy(partition->gaps, recovery->gaps, sizeof partition->gaps);
	partition->gap_count = recovery->gap_count;
	if (found > known)
		metric_add(partition->dataset->metrics.lost_offsets, (uint64_t)(found - known));
	for (size_t i = 0; i < partition->gap_count; i++)
		log_error("offsets lost: they are in no file and not in Kafka any more",
			  LOG_STR("topic", partition->dataset->topic),
			  LOG_I64("partition", partition->number),
			  LOG_I64("first", partition->gaps[i].first),
			  LOG_I64("last", partition->gaps[i].last));
}

static void recovered(struct partition *partition, const struct recovery *recovery)
{
	partition->state = PARTITION_READY;
	partition->next_offset = partition->cover_from = recovery->start;
	partition->end_offset = recovery->start;
	partition->published = recovery->start - 1;
	partition->files = recovery->files;
	take_gaps(partition, recovery);
	log_info("partition taken over", LOG_STR("topic", partition->dataset->topic),
		 LOG_I64("partition", partition->number), LOG_STR("epoch", partition->lease->epoch),
		 LOG_I64("start", recovery->start), LOG_I64("files", recovery->files));
	if (recovery->overlaps > 0)
		log_error("published files overlap", LOG_STR("topic", partition->dataset->topic),
			  LOG_I64("partition", partition->number),
			  LOG_I64("files", recovery->overlaps));
}

static void published(struct partition *partition, const struct batch *batch, int64_t now_us)
{
	const struct dataset_metrics *m = &partition->dataset->metrics;
	partition->has_last_file = true;
	partition->last_file = (struct published_file){
		.dataset = partition->dataset,
		.range = batch->range,
		.date = batch->date,
		.rows = batch->row_count,
		.dead_letters = batch->dead_letter_count,
		.bytes = (int64_t)batch->rows.length,
		.wall_us = wall_now_us(),
	};
	partition->files++;
	if (batch->range.last > partition->published)
		partition->published = batch->range.last;
	metric_add(m->files, 1);
	metric_add(m->published_rows, (uint64_t)batch->row_count);
	metric_add(m->published_dead_letters, (uint64_t)batch->dead_letter_count);
	metric_add(m->published_bytes, batch->rows.length);
	metric_observe(m->publish_seconds, (double)(now_us - batch->sealed_us) / 1e6);
	log_debug("published", LOG_STR("topic", partition->dataset->topic),
		  LOG_I64("partition", partition->number), LOG_I64("first", batch->range.first),
		  LOG_I64("last", batch->range.last), LOG_I64("rows", batch->row_count),
		  LOG_I64("dead_letters", batch->dead_letter_count));
}

static void put_back(struct partition *partition, struct job *job)
{
	if (!job->batch)
		return;
	if (!partition->sealed)
		partition->last_sealed = job->batch;
	job->batch->next = partition->sealed;
	partition->sealed = job->batch;
	job->batch = NULL;
}

static enum partition_event fenced(struct partition *partition, const struct job *job,
				   const struct partition_policy *policy, int64_t now_us)
{
	metric_add(partition->dataset->metrics.fences, 1);
	log_warn("fenced: another owner took over", LOG_STR("topic", partition->dataset->topic),
		 LOG_I64("partition", partition->number), LOG_STR("why", job->why));
	memcpy(partition->why, job->why, sizeof partition->why);
	partition_restart(partition, "fenced", with_jitter(policy->fence_wait_us, now_us), now_us);
	return PARTITION_FENCED;
}

enum partition_event partition_finish(struct partition *partition, struct job *job,
				      const struct partition_policy *policy, int64_t now_us)
{
	assert(partition->flying == job);
	enum partition_event event = PARTITION_NOTHING;
	partition->flying = NULL;
	partition->flying_bytes = 0;
	if (job->error == ERROR_FENCED) {
		put_back(partition, job);
		event = fenced(partition, job, policy, now_us);
	} else if (job->error) {
		put_back(partition, job);
		note_failure(partition, job, policy, now_us);
	} else if (job->kind == JOB_RECOVER) {
		note_success(partition);
		recovered(partition, &job->recovery);
		event = PARTITION_RECOVERED;
	} else {
		note_success(partition);
		published(partition, job->batch, now_us);
		event = PARTITION_PUBLISHED;
	}
	job_destroy(&job);
	return event;
}

void partition_restart(struct partition *partition, const char *reason, int64_t wait_us,
		       int64_t now_us)
{
	drop_batches(partition, reason);
	/* A job still flying is nobody's now: the next recovery's fence decides what became of it.
	 */
	partition->flying = NULL;
	partition->flying_bytes = 0;
	end_lease(partition);
	partition->files = 0;
	partition->state = PARTITION_RECOVERING;
	partition->held = partition->stale = false;
	partition->retry_at_us = now_us + wait_us;
}
