/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters, gauges and histograms in Prometheus text format 0.0.4. Metrics are registered at start
 * and live until metrics_destroy; updates are atomic, from any thread, without a lock.
 * Names follow Prometheus: base units, `_total` for counters, e.g. gateway_records_total.
 */
#ifndef TICKLINE_METRICS_H
#define TICKLINE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_destroy(struct metrics **metrics);

/* Registers one series, or returns the one registered with this name and these labels before.
 * `labels` is the inside of the braces, already quoted (`outcome="accepted"`), or NULL; use
 * metrics_label for values from outside. Series of one name share help and type (asserted).
 * Any thread (takes a lock); keep the pointer on hot paths. Never NULL. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
			       const char *labels);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
			     const char *labels);

/* `bounds` ascending upper bounds without +Inf; NULL: METRICS_SECONDS, for latencies. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
				 const char *labels, const double *bounds, size_t count);

void metric_add(struct metric *metric, uint64_t n);       /* counter */
void metric_set(struct metric *metric, double value);     /* gauge */
void metric_observe(struct metric *metric, double value); /* histogram */
double metric_value(const struct metric *metric); /* counter or gauge; histogram: its count */

/* Appends key="value" with escaping; a comma first unless `labels` is empty. */
void metrics_label(struct text *labels, const char *key, const char *value);

/* Called before each scrape, to set gauges that are read from elsewhere. */
void metrics_on_scrape(struct metrics *m, void (*collect)(void *user), void *user);
void metrics_write(struct metrics *m, struct text *out);

#endif
