/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The realised volatility of a price over the last few minutes, in per cent a day: the square root
 * of the sum of squared log returns over the time that they took (Andersen, Bollerslev, Diebold and
 * Labys, Econometrica 71, 2003), scaled to a day. One thread.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_ROLLING_VOLATILITY_H
#define TICKLINE_GATEWAY_SOURCES_ROLLING_VOLATILITY_H

#include <stdint.h>

enum { ROLLING_VOLATILITY_POINTS = 600 };

struct rolling_volatility {
	int64_t span_us; /* older prices do not count */
	uint64_t count;  /* of prices, ever */
	struct {
		int64_t time_us;
		double log_price;
	} points[ROLLING_VOLATILITY_POINTS];
};

void rolling_volatility_init(struct rolling_volatility *v, int64_t span_us);

/* Takes a price above 0, which is not before the last one (else it is left out), and tells the
 * volatility; 0 until there are two prices. */
double rolling_volatility_next(struct rolling_volatility *v, int64_t time_us, double price);

#endif
