/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a prediction stops being an interpolation. Leverage, x'(X'X)^-1 x, is the distance of a row
 * from the rows that the fit has seen, in their own correlated units; the factor does not say what
 * the largest one in training was, but two things about it:
 *
 *   - it was no less than that of the row that held some feature's smallest or largest value, which
 *     is at least 1/n + (extreme - mean)^2 / sum of squares about the mean, whatever else was in
 * it;
 *   - where the features are normal, (h - 1/n) / (1 - 1/n) has the distribution beta(k/2,
 *     (n - k - 1)/2) (Belsley, Kuh and Welsch, Regression Diagnostics, 1980, section 2.2, as an F),
 *     and the largest of n rows stays below that distribution's 1 - 0.05/n quantile 19 times of 20.
 *
 * The limit is the larger of the two, and a relative 1e-9 for rounding. (Without an intercept: 1/n
 * and means are 0, k - 1 is k.)
 */
#ifndef TICKLINE_MODEL_EXTRAPOLATION_H
#define TICKLINE_MODEL_EXTRAPOLATION_H

#include "predictor_json.h"

/* The leverage above which a row counts as extrapolated; INFINITY where the fit can't tell (no
 * features, or no degrees of freedom). Any thread. */
double extrapolation_limit(const struct predictor *predictor);

#endif
