/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads single numbers out of another service's metrics page (Prometheus text format 0.0.4).
 * Reentrant.
 */
#ifndef TICKLINE_MODEL_METRIC_SUMS_H
#define TICKLINE_MODEL_METRIC_SUMS_H

#include <stddef.h>

struct metric_sum {
	const char *name; /* of the metric: "gateway_records_total" */
	const char
		*label; /* that the series must have, as it stands: outcome="stored"; NULL: any */
};

/* The sum over all series of the metric that have the label; NAN when there is none. A series whose
 * value is no finite number is passed over. */
double metric_sum_read(const char *page, size_t length, const struct metric_sum *sum);

#endif
