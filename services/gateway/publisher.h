/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one way to Kafka: an idempotent producer with acks=all, shared by requests and sources.
 *
 * A record is handed over with a ticket. Exactly one call of the ticket's `done` follows each
 * successful send, on the thread that polls librdkafka, and says what became of the record:
 *   STORED       Kafka acknowledged it
 *   REFUSED      Kafka will never take it (too large, time out of the topic's window, …)
 *   UNAVAILABLE  it certainly is not in Kafka; it may be sent again
 *   UNKNOWN      it may be in Kafka or not
 */
#ifndef TICKLINE_GATEWAY_PUBLISHER_H
#define TICKLINE_GATEWAY_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "error.h"
#include "gateway_settings.h"
#include "health.h"
#include "metrics.h"
#include "record.h"
#include "text.h"

struct kafka_settings;
struct publisher;
struct publish_origin; /* "http", "simulator": whose records the metrics count */

enum publish_status {
	PUBLISH_STORED,
	PUBLISH_REFUSED,
	PUBLISH_UNAVAILABLE,
	PUBLISH_UNKNOWN,
	PUBLISH_STATUSES
};

/* "accepted", "rejected", "unavailable", "unknown": in answers and as metric labels. */
const char *publish_status_name(enum publish_status status);

struct publish_result {
	enum publish_status status;
	int32_t partition;
	int64_t offset;     /* when stored */
	const char *reason; /* when not stored; valid during the call */
};

struct publish_ticket {
	void (*done)(struct publish_ticket *ticket, const struct publish_result *result);
	struct publish_origin *origin;
	enum record_kind kind; /* of the records that it is sent with */
};

struct publisher_options {
	const struct config *config;
	const struct kafka_settings *kafka;
	const struct gateway_settings *settings;
	struct metrics *metrics;
	struct health *health; /* conditions "kafka" and "topics", loops "publisher" and "watch" */
};

/* Does not wait for Kafka: until it is there and its topics are, sends are UNAVAILABLE.
 * INVALID: a kafka.* setting is bad. The options' targets must outlive the publisher. */
enum error publisher_new(const struct publisher_options *options, struct publisher **publisher,
			 struct text *why) MUST_USE;

/* Waits for all outcomes, at most until the monotonic deadline; then what is left is given up and
 * each ticket told truthfully. Nobody may send any more. */
void publisher_drain(struct publisher *publisher, int64_t deadline_us);
void publisher_destroy(struct publisher **publisher);

/* The same name gives the same origin. Lives as long as the publisher. */
struct publish_origin *publisher_origin(struct publisher *publisher, const char *name);

/* Any thread. Never blocks; the ticket must stay as it is until its `done`, which is not called
 * unless OK. One ticket may go with many records at a time, where `done` does not mind.
 * OK: on its way. LIMIT: the queue is full. UNAVAILABLE: Kafka is away. INVALID: never, and `fault`
 * says why (as for a record that breaks a rule). */
enum error publisher_send(struct publisher *publisher, const struct record *record,
			  struct publish_ticket *ticket, struct record_fault *fault) MUST_USE;

/* The calling thread delivers outcomes until `done`, or returns at once when another thread does
 * that already, or when more than the sender's `own` records are on their way. For a sender that
 * waits for its own, and goes on waiting when this returns: it does after a second, and at the
 * monotonic deadline. `done` is asked between deliveries. */
void publisher_lend(struct publisher *publisher, uint64_t own, bool (*done)(const void *user),
		    const void *user, int64_t deadline_us);

/* After LIMIT: waits until something left the queue. OK or TIMEOUT (monotonic deadline). */
enum error publisher_wait_room(struct publisher *publisher, int64_t deadline_us) MUST_USE;

/* Whether sends can succeed now; else why not. */
bool publisher_is_open(struct publisher *publisher, struct text *why);

/* Waits until it is open. OK or TIMEOUT. */
enum error publisher_wait_open(struct publisher *publisher, int64_t deadline_us) MUST_USE;

/* Seconds after which a refused sender should try again: for a full queue from the rate at which
 * it drains, for an outage from its age. At least 1. */
int64_t publisher_retry_after_s(struct publisher *publisher);

/* Records that were refused before they were sent; for the metrics. */
void publisher_count(struct publish_origin *origin, enum record_kind kind,
		     enum publish_status status, uint64_t count);

#endif
