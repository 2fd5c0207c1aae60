/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The markets that the simulator knows, a tick at a time:
 *   uniform  the original producer's: every value independent and uniform
 *   gbm      geometric Brownian motion, exact in its steps (Black and Scholes 1973)
 *   heston   a variance that reverts to its mean (Heston 1993), by the full truncation scheme of
 *            Lord, Koekkoek and van Dijk (Quantitative Finance 10, 2010)
 *
 * A year is 365 days: this market never closes. One thread; market_describe any thread.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_MARKET_H
#define TICKLINE_GATEWAY_SOURCES_MARKET_H

#include <cjson/cJSON.h>

#include "definition.h"
#include "random.h"

enum { MARKET_MAX_MEMBERS = 16, MARKET_VALUES = 4 };

struct market_model;

struct market {
	const struct market_model *model;
	struct random random;
	double step_years;
	/* Constant. Drift and volatilities per year, as fractions (0.6 is 60 %). */
	double start_price, drift, volatility, spread;
	double mean_reversion, long_volatility, variance_volatility, correlation;
	/* Where the walk is now. */
	double log_price, variance;
};

/* The model and its members; `rate_per_s` ticks make a second. Complains about what is wrong. */
void market_read(struct market *market, struct definition *definition, double rate_per_s,
		 uint64_t seed);

/* The names of the members that the model takes; returns how many. */
size_t market_members(const struct market *market, const char *names[MARKET_MAX_MEMBERS]);

/* buy_price, sell_price (two decimals), volume, and volatility: in per cent a day. */
void market_tick(struct market *market, double values[MARKET_VALUES]);

/* One step of the price, without a tick; for those that walk. */
void market_step(struct market *market);

void market_describe(const struct market *market, cJSON *definition);

/* Where the walk and its generator are; a market that is restored goes on as this one would.
 * INVALID: it is not what market_save wrote. */
void market_save(const struct market *market, cJSON *position);
enum error market_restore(struct market *market, const cJSON *position) MUST_USE;

#endif
