/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bar_fold.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "live_model.h"
#include "record.h"

static double first_of(double into, double next)
{
	(void)next;
	return into;
}

static double last_of(double into, double next)
{
	(void)into;
	return next;
}

static double sum_of(double into, double next)
{
	return into + next;
}

static const struct {
	const char *field;
	double (*fold)(double into, double next);
} rules[] = {
	{ "open", first_of }, { "high", fmax },     { "low", fmin },
	{ "close", last_of }, { "volume", sum_of },
};

void bar_fold(void *into, const void *next)
{
	const struct record_table *bar = record_table(RECORD_BAR);
	struct ring_record *sum = into;
	struct ring_record folded = *(const struct ring_record *)next;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		int field = record_field_index(bar, rules[i].field, strlen(rules[i].field));
		assert(field > 0);
		folded.values[field] = rules[i].fold(sum->values[field], folded.values[field]);
	}
	*sum = folded;
}
