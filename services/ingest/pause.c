/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An operator's pause: Kafka is not read and no batch is begun, in every partition that we have or
 * get, but the group is polled on, so that we stay its member. What the writers have begun is
 * finished. A partition that goes to another instance meanwhile goes without being published: its
 * records are read again there.
 */
#include "consumer_internal.h"
#include "log.h"
#include "timestamp.h"

void pause_mind(struct consumer *consumer)
{
	bool wished = status_pause_wished(consumer->options.status);
	if (wished == consumer->paused)
		return;
	consumer->paused = wished;
	consumer->paused_since_us = wished ? wall_now_us() : 0;
	metric_set(consumer->paused_gauge, wished);
	for (struct partition *p = consumer->partitions; wished && p; p = p->next)
		group_stop_reading(consumer, p);
	consumer->views_at_us = 0; /* whoever wished it waits for the views */
	log_warn(wished ? "paused by an operator" : "resumed by an operator");
}
