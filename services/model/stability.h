/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The population stability index: how far a distribution has moved from a reference, whatever its
 * shape. Over bins between the reference's deciles (fewer where values repeat),
 *
 *   PSI = sum over bins of (p - q) ln(p / q)
 *
 * where p is the bin's share now and q that of the reference (the symmetric divergence of Jeffreys
 * 1946; as an index with its rules of thumb, below 0.1 stable and above 0.25 moved, by Siddiqi,
 * Credit Risk Scorecards, 2006). Half a row is added to every bin, so that an empty one does not
 * make it infinite. Of n and m rows of the same distribution it comes to (bins - 1) (1/n + 1/m) in
 * the mean (Yurdakul 2018): fewer than STABILITY_LEAST rows tell nothing. Reentrant.
 */
#ifndef TICKLINE_MODEL_STABILITY_H
#define TICKLINE_MODEL_STABILITY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { STABILITY_BINS = 10, STABILITY_LEAST = 100 };

/* bins 0: there is no reference */
struct stability {
	size_t bins;
	double edges[STABILITY_BINS - 1]; /* between bins, ascending; a value on one is below it */
	double shares[STABILITY_BINS];    /* of the reference; above 0, together 1 */
};

/* Sorts the values; finite ones. Fewer than STABILITY_LEAST: no reference. */
void stability_set(struct stability *reference, double *values, size_t count);

/* Rows now, by bin; all 0 at first. */
struct stability_now {
	size_t rows, counts[STABILITY_BINS];
};
void stability_count(const struct stability *reference, double value, struct stability_now *now);

/* NAN: no reference, or too few rows. */
double stability_index(const struct stability *reference, const struct stability_now *now);

/* {"edges":[…],"shares":[…]}; null without a reference. False: not such an object. */
cJSON *stability_to_json(const struct stability *reference);
bool stability_from_json(const cJSON *json, struct stability *reference);

#endif
