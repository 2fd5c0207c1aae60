/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interval.h"

#include <math.h>

const char *interval_kind_name(enum interval_kind kind)
{
	static const char *const names[] = {
		[INTERVAL_NONE] = "none",
		[INTERVAL_PLAIN] = "plain",
		[INTERVAL_CONFORMAL] = "conformal",
		[INTERVAL_ADAPTIVE] = "adaptive",
	};
	return names[kind];
}

double adaptive_factor(const struct adaptive *adaptive)
{
	return exp(adaptive->log_factor);
}

void adaptive_learn(struct adaptive *adaptive, bool inside, double level)
{
	double most = log(ADAPTIVE_MOST);
	double moved = adaptive->log_factor + ADAPTIVE_GAIN * ((inside ? 0 : 1) - (1 - level));
	adaptive->log_factor = fmin(fmax(moved, -most), most);
	adaptive->learned++;
}
