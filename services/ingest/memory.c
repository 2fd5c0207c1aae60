/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One cap over all partitions. At the cap the polling thread first waits a little for the writers,
 * because to stop and start reading throws away what Kafka sent ahead; when they don't come
 * through, the largest partition is held until a quarter is free.
 */
#include "consumer_internal.h"
#include "log.h"
#include "timestamp.h"

enum { WAIT_US = 100000, PATIENCE_US = 1000000 };

int64_t memory_used(const struct consumer *consumer)
{
	int64_t used = 0;
	for (const struct partition *p = consumer->partitions; p; p = p->next)
		used += partition_bytes(p);
	return used;
}

static struct partition *largest_reading(const struct consumer *consumer)
{
	struct partition *largest = NULL;
	int64_t most = -1;
	for (struct partition *p = consumer->partitions; p; p = p->next) {
		int64_t bytes = partition_bytes(p);
		if (p->state == PARTITION_READING && bytes > most) {
			most = bytes;
			largest = p;
		}
	}
	return largest;
}

static void resume_held(struct consumer *consumer)
{
	for (struct partition *p = consumer->partitions; p; p = p->next) {
		if (p->held)
			log_info("reading again", LOG_STR("topic", p->dataset->topic),
				 LOG_I64("partition", p->number));
		p->held = false;
	}
}

static void hold(struct consumer *consumer, struct partition *partition)
{
	log_warn("memory limit reached, reading paused",
		 LOG_STR("topic", partition->dataset->topic),
		 LOG_I64("partition", partition->number),
		 LOG_I64("bytes", partition_bytes(partition)));
	group_stop_reading(consumer, partition);
	partition->held = true;
}

/* Nothing is read meanwhile, so that no more than one poll goes over the cap. */
static void wait_for_writers(struct consumer *consumer, int64_t limit)
{
	int64_t until_us = consumer->now_us + PATIENCE_US;
	while (memory_used(consumer) >= limit && consumer->now_us < until_us) {
		struct partition *largest = largest_reading(consumer);
		if (!largest)
			return;
		if (!largest->sealed && !largest->flying)
			partition_rotate(largest, &consumer->policy, consumer->now_us, true);
		group_tend(consumer);
		group_collect(consumer, consumer->now_us + WAIT_US);
		consumer->now_us = monotonic_now_us();
	}
}

void memory_mind(struct consumer *consumer)
{
	int64_t limit = consumer->options.settings->memory_limit_bytes;
	if (memory_used(consumer) >= limit)
		wait_for_writers(consumer, limit);
	struct partition *largest = largest_reading(consumer);
	if (memory_used(consumer) >= limit && largest)
		hold(consumer, largest);
	else if (memory_used(consumer) < limit / 4 * 3)
		resume_held(consumer);
}
