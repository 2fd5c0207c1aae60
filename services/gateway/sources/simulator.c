/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Paces what a market makes.
 */
#include "simulator.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "market.h"
#include "pace.h"
#include "random.h"
#include "timestamp.h"

#define MAX_SEED ((INT64_C(1) << 53) - 1)

struct simulator {
	double rate_per_s;
	uint64_t count; /* 0: without end */
	uint64_t seed;
	int64_t start_us; /* of the first tick; 0: each tick carries the time at which it is made */
	struct market market;
	struct record_rules rules;
	_Atomic uint64_t made;
	_Atomic int64_t missed_us;
};

static void allow_members(const struct simulator *s, struct definition *d)
{
	enum { COMMON = 6 };
	const char *names[COMMON + MARKET_MAX_MEMBERS] = { "type",  "model", "rate_per_s",
							   "count", "seed",  "start_time" };
	definition_allow(d, names, COMMON + market_members(&s->market, names + COMMON));
}

static void *simulator_read(struct definition *d, const struct gateway *gateway, int upload)
{
	if (upload >= 0)
		definition_complain(d, "type", "a simulator takes no CSV");
	struct simulator *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->rate_per_s = definition_number(d, "rate_per_s", 0.1, 100000, 1);
	s->count = (uint64_t)definition_integer(d, "count", 1, MAX_SEED, 0);
	s->seed =
		(uint64_t)definition_integer(d, "seed", 0, MAX_SEED, (int64_t)random_fresh_seed());
	s->start_us = definition_timestamp(d, "start_time", 0);
	s->rules = gateway_rules(&gateway->settings);
	market_read(&s->market, d, s->rate_per_s, s->seed);
	allow_members(s, d);
	return s;
}

static enum error make_tick(struct source *source, struct simulator *s)
{
	struct record record;
	struct record_fault fault;
	double values[MARKET_VALUES];
	uint64_t made = atomic_load(&s->made);
	int64_t wall_us = wall_now_us();
	int64_t timestamp_us =
		s->start_us ? s->start_us + (int64_t)llround((double)made * 1e6 / s->rate_per_s)
			    : wall_us;
	const struct market before = s->market;
	market_tick(&s->market, values);
	s->rules.wall_us = wall_us;
	atomic_store(&s->made, made + 1);
	if (record_from_values(record_table(RECORD_TICK), &s->rules, timestamp_us, values,
			       MARKET_VALUES, &record, &fault) != ERROR_OK) {
		source_refuse(source, RECORD_TICK, "%s", fault.reason);
		return ERROR_INVALID;
	}
	enum error error = source_send(source, &record, NULL);
	if (error == ERROR_CANCELLED) { /* it was not made, for those who go on from here */
		s->market = before;
		atomic_store(&s->made, made);
	}
	return error;
}

static enum error simulator_run(struct source *source, void *job)
{
	struct simulator *s = job;
	struct pace pace;
	pace_begin(&pace, s->rate_per_s, monotonic_now_us());
	while (!source_is_stopping(source) && (s->count == 0 || atomic_load(&s->made) < s->count)) {
		int64_t now_us = monotonic_now_us(), next_us = pace_next(&pace, now_us);
		if (next_us > now_us) {
			source_sleep_until(source, next_us);
			continue;
		}
		atomic_store(&s->missed_us, pace.missed_us);
		if (make_tick(source, s) == ERROR_CANCELLED)
			break;
		source_keep(source);
	}
	return ERROR_OK;
}

static void simulator_describe(const void *job, cJSON *definition, cJSON *progress)
{
	const struct simulator *s = job;
	market_describe(&s->market, definition);
	cJSON_AddNumberToObject(definition, "rate_per_s", s->rate_per_s);
	if (s->count)
		cJSON_AddNumberToObject(definition, "count", (double)s->count);
	cJSON_AddNumberToObject(definition, "seed", (double)s->seed);
	source_add_time(definition, "start_time", s->start_us);
	uint64_t made = atomic_load(&s->made);
	cJSON_AddNumberToObject(progress, "made", (double)made);
	cJSON_AddNumberToObject(progress, "missed_s", (double)atomic_load(&s->missed_us) / 1e6);
	if (s->count)
		cJSON_AddNumberToObject(progress, "fraction", (double)made / (double)s->count);
}

static void simulator_save(const void *job, cJSON *position)
{
	const struct simulator *s = job;
	cJSON_AddNumberToObject(position, "made", (double)atomic_load(&s->made));
	cJSON_AddNumberToObject(position, "seed", (double)s->seed);
	market_save(&s->market, position);
}

static enum error simulator_restore(void *job, const cJSON *position)
{
	struct simulator *s = job;
	const cJSON *made = cJSON_GetObjectItemCaseSensitive(position, "made");
	const cJSON *seed = cJSON_GetObjectItemCaseSensitive(position, "seed");
	if (!cJSON_IsNumber(made) || made->valuedouble < 0 || !cJSON_IsNumber(seed) ||
	    seed->valuedouble < 0)
		return ERROR_INVALID;
	atomic_store(&s->made, (uint64_t)made->valuedouble);
	s->seed = (uint64_t)seed->valuedouble;
	return market_restore(&s->market, position);
}

const struct source_driver simulator_driver = {
	.type = "simulator",
	.kind = RECORD_TICK,
	.read = simulator_read,
	.run = simulator_run,
	.describe = simulator_describe,
	.destroy = free,
	.save = simulator_save,
	.restore = simulator_restore,
};
