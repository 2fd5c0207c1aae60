/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When the next of a steady stream of records is due. Due times are counted from the begin and not
 * from the record before, so that no error adds up; what a late caller missed is made up for, up to
 * PACE_MAX_LATENESS_US. One thread; no clock of its own.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_PACE_H
#define TICKLINE_GATEWAY_SOURCES_PACE_H

#include <stdint.h>

enum {
	PACE_STEP_US = 1000, /* records that are due within this go out together */
	PACE_MAX_LATENESS_US = 1000000,
};

struct pace {
	double rate_per_s;
	int64_t begun_us;
	uint64_t given;    /* records since then */
	int64_t missed_us; /* lateness beyond the limit, ever: its records are never made */
};

void pace_begin(struct pace *pace, double rate_per_s, int64_t now_us);

/* `now_us` or before: a record is due, and counted as given. Else the instant to come back at. */
int64_t pace_next(struct pace *pace, int64_t now_us);

#endif
