/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pace.h"

void pace_begin(struct pace *pace, double rate_per_s, int64_t now_us)
{
	*pace = (struct pace){ .rate_per_s = rate_per_s, .begun_us = now_us };
}

int64_t pace_next(struct pace *pace, int64_t now_us)
{
	int64_t due_us = pace->begun_us + (int64_t)((double)pace->given * 1e6 / pace->rate_per_s);
	if (due_us > now_us)
		return due_us > now_us + PACE_STEP_US ? due_us : now_us + PACE_STEP_US;
	if (now_us - due_us > PACE_MAX_LATENESS_US) {
		pace->missed_us += now_us - due_us;
		pace->begun_us = now_us;
		pace->given = 0;
	}
	pace->given++;
	return now_us;
}
