/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the gateway's handlers and parts share. Filled by the parts' starts, in their order;
 * constant while requests are served.
 */
#ifndef TICKLINE_GATEWAY_GATEWAY_H
#define TICKLINE_GATEWAY_GATEWAY_H

#include "gateway_settings.h"
#include "metrics.h"
#include "settings.h"

struct idempotency;
struct publisher;
struct publish_origin;
struct sources;

struct gateway {
	struct gateway_settings settings;
	struct kafka_settings kafka;
	struct metrics *metrics;
	struct publisher *publisher;
	struct idempotency *idempotency;
	struct sources *sources;
	struct publish_origin *http; /* records that came by POST */
	struct metric *request_bytes, *late_outcomes;
};

#endif
