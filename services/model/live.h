/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads both topics as they grow, without a consumer group: every model service sees every record.
 * At start it goes back by as many records as are kept in memory. One thread of its own.
 */
#ifndef TICKLINE_MODEL_LIVE_H
#define TICKLINE_MODEL_LIVE_H

#include "config.h"
#include "error.h"
#include "health.h"
#include "live_models.h"
#include "metrics.h"
#include "model_settings.h"
#include "registry.h"
#include "settings.h"
#include "text.h"

struct live;

struct live_options {
	const struct config *config;           /* kafka.* settings */
	const struct kafka_settings *kafka;    /* kept */
	const struct model_settings *settings; /* kept */
	struct registry *registry;
	struct metrics *metrics;
	struct health *health; /* condition "kafka", loop "live" */
};

/* INVALID with `why`: librdkafka refuses a setting. NO_MEMORY. Does not wait for Kafka. */
enum error live_new(const struct live_options *options, struct live **live,
		    struct text *why) MUST_USE;
enum error live_start(struct live *live, struct text *why) MUST_USE;
void live_stop(struct live *live); /* waits for the thread */
void live_destroy(struct live **live);

struct live_models *live_models_of(struct live *live);

#endif
