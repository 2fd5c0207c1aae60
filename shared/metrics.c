/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: `lock` guards the lists of families, series and collectors, which only grow; a series'
 * values are atomics that any thread updates without the lock. `scrape` keeps two scrapes from
 * running the collectors at once. Values of one histogram are read one by one, so that a scrape may
 * see an observation in a bucket before it is in the sum; the count is always that of the buckets.
 */
#include "metrics.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "log.h"

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

/* What all series of one name share. */
struct description {
	const char *name, *help;
	enum metric_type type;
	const double *bounds;
	size_t bound_count;
};

struct metric {
	char *labels;         /* "" for none */
	const double *bounds; /* the family's */
	size_t bound_count;
	_Atomic uint64_t
		value; /* counter: its count; gauge: a double's bits; histogram: its sum's */
	_Atomic uint64_t *buckets; /* bound_count + 1, the last for +Inf; not cumulative */
	enum metric_type type;
	struct metric *next;
};

struct family {
	char *name, *help;
	enum metric_type type;
	double *bounds;
	size_t bound_count;
	struct metric *first, **last;
	struct family *next;
};

struct collector {
	void (*collect)(void *user);
	void *user;
	struct collector *next;
};

struct metrics {
	pthread_mutex_t lock, scrape;
	struct family *first, **last;
	struct collector *collectors;
};

static const double latency_bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
					 0.1,    0.25,  0.5,    1,     2.5,  5,     10 };

/* Take the updates of a series for which there was no memory; they are never shown. */
static _Atomic uint64_t unregistered_bucket;
static struct metric unregistered[] = {
	[COUNTER] = { .type = COUNTER },
	[GAUGE] = { .type = GAUGE },
	[HISTOGRAM] = { .type = HISTOGRAM, .buckets = &unregistered_bucket },
};

struct metrics *metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->scrape, NULL);
	m->last = &m->first;
	return m;
}

static void family_destroy(struct family *family)
{
	while (family->first) {
		struct metric *metric = family->first;
		family->first = metric->next;
		free(metric->labels);
		free(metric->buckets);
		free(metric);
	}
	free(family->bounds);
	free(family->name);
	free(family->help);
	free(family);
}

void metrics_destroy(struct metrics **metrics)
{
	struct metrics *m = *metrics;
	if (!m)
		return;
	while (m->first) {
		struct family *family = m->first;
		m->first = family->next;
		family_destroy(family);
	}
	while (m->collectors) {
		struct collector *collector = m->collectors;
		m->collectors = collector->next;
		free(collector);
	}
	pthread_mutex_destroy(&m->scrape);
	pthread_mutex_destroy(&m->lock);
	free(m);
	*metrics = NULL;
}

/* --- registering ----------------------------------------------------------------------------- */

static struct family *family_new(const struct description *wanted)
{
	struct family *family = calloc(1, sizeof *family);
	if (!family)
		return NULL;
	family->type = wanted->type;
	family->bound_count = wanted->bound_count;
	family->last = &family->first;
	family->name = strdup(wanted->name);
	family->help = strdup(wanted->help);
	family->bounds = calloc(wanted->bound_count + 1, sizeof *family->bounds);
	if (!family->name || !family->help || !family->bounds) {
		family_destroy(family);
		return NULL;
	}
	for (size_t i = 0; i < wanted->bound_count; i++) {
		assert(i == 0 || wanted->bounds[i] > wanted->bounds[i - 1]);
		family->bounds[i] = wanted->bounds[i];
	}
	return family;
}

static struct family *find_family(struct metrics *m, const struct description *wanted)
{
	for (struct family *family = m->first; family; family = family->next) {
		if (strcmp(family->name, wanted->name) != 0)
			continue;
		assert(family->type == wanted->type && strcmp(family->help, wanted->help) == 0);
		return family;
	}
	struct family *family = family_new(wanted);
	if (family) {
		*m->last = family;
		m->last = &family->next;
	}
	return family;
}

static struct metric *metric_new(const struct family *family, const char *labels)
{
	struct metric *metric = calloc(1, sizeof *metric);
	if (!metric)
		return NULL;
	metric->type = family->type;
	metric->bounds = family->bounds;
	metric->bound_count = family->bound_count;
	metric->labels = strdup(labels);
	metric->buckets = calloc(family->bound_count + 1, sizeof *metric->buckets);
	if (metric->labels && metric->buckets)
		return metric;
	free(metric->labels);
	free(metric->buckets);
	free(metric);
	return NULL;
}

static struct metric *find_metric(struct family *family, const char *labels)
{
	for (struct metric *metric = family->first; metric; metric = metric->next)
		if (strcmp(metric->labels, labels) == 0)
			return metric;
	struct metric *metric = metric_new(family, labels);
	if (metric) {
		*family->last = metric;
		family->last = &metric->next;
	}
	return metric;
}

static struct metric *register_metric(struct metrics *m, const struct description *wanted,
				      const char *labels)
{
	pthread_mutex_lock(&m->lock);
	struct family *family = find_family(m, wanted);
	struct metric *metric = family ? find_metric(family, labels ? labels : "") : NULL;
	pthread_mutex_unlock(&m->lock);
	if (metric)
		return metric;
	log_error("a metric is not kept for want of memory", LOG_STR("name", wanted->name));
	return &unregistered[wanted->type];
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
			       const char *labels)
{
	struct description wanted = { .name = name, .help = help, .type = COUNTER };
	return register_metric(m, &wanted, labels);
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
			     const char *labels)
{
	struct description wanted = { .name = name, .help = help, .type = GAUGE };
	return register_metric(m, &wanted, labels);
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
				 const char *labels, const double *bounds, size_t count)
{
	struct description wanted = { name, help, HISTOGRAM, bounds, count };
	if (!bounds) {
		wanted.bounds = latency_bounds;
		wanted.bound_count = sizeof latency_bounds / sizeof *latency_bounds;
	}
	return register_metric(m, &wanted, labels);
}

/* --- updating -------------------------------------------------------------------------------- */

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static double double_of(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static uint64_t load(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

void metric_add(struct metric *metric, uint64_t n)
{
	assert(metric->type == COUNTER);
	atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_set(struct metric *metric, double value)
{
	assert(metric->type == GAUGE);
	atomic_store_explicit(&metric->value, bits_of(value), memory_order_relaxed);
}

void metric_observe(struct metric *metric, double value)
{
	assert(metric->type == HISTOGRAM);
	if (!isfinite(value)) /* one NaN would spoil the sum for good */
		return;
	size_t bucket = 0;
	while (bucket < metric->bound_count && value > metric->bounds[bucket])
		bucket++;
	atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
	uint64_t old = load(&metric->value);
	while (!atomic_compare_exchange_weak_explicit(&metric->value, &old,
						      bits_of(double_of(old) + value),
						      memory_order_relaxed, memory_order_relaxed))
		;
}

double metric_value(const struct metric *metric)
{
	if (metric->type == COUNTER)
		return (double)load(&metric->value);
	if (metric->type == GAUGE)
		return double_of(load(&metric->value));
	uint64_t count = 0;
	for (size_t i = 0; i <= metric->bound_count; i++)
		count += load(&metric->buckets[i]);
	return (double)count;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_escaped(struct text *out, const char *value, const char *escaped)
{
	for (; *value; value++) {
		if (*value == '\n')
			text_puts(out, "\\n");
		else if (strchr(escaped, *value))
			text_put(out, (const char[]){ '\\', *value }, 2);
		else
			text_putc(out, *value);
	}
}

void metrics_label(struct text *labels, const char *key, const char *value)
{
	text_putf(labels, "%s%s=\"", labels->length ? "," : "", key);
	put_escaped(labels, value, "\\\"");
	text_putc(labels, '"');
}

static void put_value(struct text *out, double value)
{
	if (isnan(value))
		text_puts(out, "NaN");
	else if (isinf(value))
		text_puts(out, value > 0 ? "+Inf" : "-Inf");
	else
		text_put_double(out, value);
	text_putc(out, '\n');
}

/* name_suffix{labels,le="bound"} and a blank; `le` may be NULL. */
static void put_series(struct text *out, const char *name, const char *suffix, const char *labels,
		       const char *le)
{
	text_puts(out, name);
	text_puts(out, suffix);
	if (*labels || le)
		text_putf(out, "{%s%s%s%s%s}", labels, *labels && le ? "," : "", le ? "le=\"" : "",
			  le ? le : "", le ? "\"" : "");
	text_putc(out, ' ');
}

static void write_histogram(struct text *out, const char *name, const struct metric *metric)
{
	uint64_t count = 0;
	for (size_t i = 0; i <= metric->bound_count; i++) {
		char bound[DECIMAL_MAX_TEXT] = "+Inf";
		if (i < metric->bound_count)
			decimal_print(metric->bounds[i], bound);
		count += load(&metric->buckets[i]);
		put_series(out, name, "_bucket", metric->labels, bound);
		put_value(out, (double)count);
	}
	put_series(out, name, "_sum", metric->labels, NULL);
	put_value(out, double_of(load(&metric->value)));
	put_series(out, name, "_count", metric->labels, NULL);
	put_value(out, (double)count);
}

static void write_family(struct text *out, const struct family *family)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	text_putf(out, "# HELP %s ", family->name);
	put_escaped(out, family->help, "\\");
	text_putf(out, "\n# TYPE %s %s\n", family->name, types[family->type]);
	for (const struct metric *metric = family->first; metric; metric = metric->next) {
		if (metric->type == HISTOGRAM) {
			write_histogram(out, family->name, metric);
			continue;
		}
		put_series(out, family->name, "", metric->labels, NULL);
		put_value(out, metric_value(metric));
	}
}

void metrics_on_scrape(struct metrics *m, void (*collect)(void *user), void *user)
{
	struct collector *collector = malloc(sizeof *collector);
	if (!collector) {
		log_error("a metrics collector is not kept for want of memory");
		return;
	}
	pthread_mutex_lock(&m->lock);
	*collector = (struct collector){ collect, user, m->collectors };
	m->collectors = collector;
	pthread_mutex_unlock(&m->lock);
}

void metrics_write(struct metrics *m, struct text *out)
{
	pthread_mutex_lock(&m->scrape);
	pthread_mutex_lock(&m->lock);
	struct collector *collector = m->collectors; /* what follows it never changes */
	pthread_mutex_unlock(&m->lock);
	for (; collector; collector = collector->next) /* without the lock: they may register */
		collector->collect(collector->user);
	pthread_mutex_lock(&m->lock);
	for (const struct family *family = m->first; family; family = family->next)
		write_family(out, family);
	pthread_mutex_unlock(&m->lock);
	pthread_mutex_unlock(&m->scrape);
}
