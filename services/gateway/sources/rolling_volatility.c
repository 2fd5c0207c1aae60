/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rolling_volatility.h"

#include <math.h>

enum { POINTS = ROLLING_VOLATILITY_POINTS };

#define DAY_US      86400e6
#define PER_CENT(x) ((x)*100)

void rolling_volatility_init(struct rolling_volatility *v, int64_t span_us)
{
	*v = (struct rolling_volatility){ .span_us = span_us };
}

static double volatility_now(const struct rolling_volatility *v)
{
	const uint64_t last = v->count - 1;
	const int64_t from_us = v->points[last % POINTS].time_us - v->span_us;
	double squares = 0;
	uint64_t i = last;
	for (; i > 0 && last - i < POINTS - 1 && v->points[(i - 1) % POINTS].time_us >= from_us;
	     i--) {
		double step =
			v->points[i % POINTS].log_price - v->points[(i - 1) % POINTS].log_price;
		squares += step * step;
	}
	double took_us = (double)(v->points[last % POINTS].time_us - v->points[i % POINTS].time_us);
	return took_us > 0 ? PER_CENT(sqrt(squares / took_us * DAY_US)) : 0;
}

double rolling_volatility_next(struct rolling_volatility *v, int64_t time_us, double price)
{
	if (v->count == 0 || time_us > v->points[(v->count - 1) % POINTS].time_us) {
		v->points[v->count % POINTS].time_us = time_us;
		v->points[v->count % POINTS].log_price = log(price);
		v->count++;
	}
	return volatility_now(v);
}
