/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Has librdkafka fetch on as soon as its queue has room again. Its releases before 2.2.0 look again
 * only after a second, or when anything arrives on the leader's connection: that second is most of
 * the time of reading a long log. The answer to a question for the log's end is such an arrival.
 * Later releases have a setting instead, and need no thread.
 */
#ifndef TICKLINE_INGEST_REFETCH_H
#define TICKLINE_INGEST_REFETCH_H

#include <librdkafka/rdkafka.h>

#include "error.h"
#include "kafka.h"
#include "metrics.h"
#include "text.h"

struct refetch;

/* How long a fetch is put off at a full queue, where librdkafka can be told; else name NULL. */
struct kafka_property refetch_property(void);

/* `*made` is NULL where it is not needed. `kafka` and `metrics` (which get
 * ingest_refetch_questions_total{outcome}) must outlive it. SYSTEM, NO_MEMORY. */
enum error refetch_start(rd_kafka_t *kafka, struct metrics *metrics, struct refetch **made,
			 struct text *why) MUST_USE;
void refetch_destroy(struct refetch **made);

/* From the polling thread; never blocks. While one wish is being fulfilled, and for a second after
 * one that failed, others are passed over.
 * `topic` must outlive `refetch`, which may be NULL. */
void refetch_wish(struct refetch *refetch, const char *topic, int32_t partition);

#endif
