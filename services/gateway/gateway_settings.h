/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gateway's own settings.
 */
#ifndef TICKLINE_GATEWAY_GATEWAY_SETTINGS_H
#define TICKLINE_GATEWAY_GATEWAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "record.h"

enum key_choice { KEY_NONE, KEY_SYMBOL };
enum unknown_members_choice { UNKNOWN_REFUSE, UNKNOWN_IGNORE };

struct gateway_settings {
	/* records */
	int64_t unknown_members;   /* enum unknown_members_choice */
	int64_t tick_key, bar_key; /* enum key_choice */
	char *default_symbol;
	double price_low, price_high, volume_low, volume_high;
	int64_t record_limit_bytes;
	int64_t detail_limit;
	/* the way to Kafka */
	double linger_ms;
	int64_t queue_limit_records, queue_limit_bytes;
	int64_t queue_wait_ms;
	int64_t request_window;
	int64_t delivery_timeout_ms, answer_timeout_ms;
	int64_t broker_timeout_ms;
	int64_t idempotency_keys, idempotency_bytes, idempotency_ttl_s;
	/* sources */
	int64_t source_limit;
	char *replay_dir;
	char *spool_dir;
	char *state_dir; /* "": none */
	char *yahoo_url, *coinbase_url, *binance_url;
	int64_t feed_backoff_ms, feed_backoff_limit_ms, feed_settle_ms;
	bool simulator_autostart;
	double simulator_rate_per_s;
};

struct config_table gateway_settings_table(struct gateway_settings *settings);

/* Rules over more than one setting: a complaint a line. */
void gateway_settings_check(const struct gateway_settings *settings, struct text *complaints);

/* The rules for records from outside; the caller sets `wall_us`. */
struct record_rules gateway_rules(const struct gateway_settings *settings);

#endif
