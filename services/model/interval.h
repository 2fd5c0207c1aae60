/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which interval an answer carries, and how a live one adapts. Reentrant.
 *
 *   plain      the t quantile times s sqrt(1 + leverage): true where errors are normal, independent
 *              and of one variance, which prices' are not
 *   conformal  split-conformal: as wide as the errors on rows that the fit had not seen, times
 *              sqrt(1 + leverage); of a split by time also times the factor that was right at the
 *              end of those rows (calibration.h). It stands still until the next version
 *   adaptive   the same (the plain one where there is none), but the factor goes on following the
 *              errors of live predictions, since later days are calmer or wilder
 */
#ifndef TICKLINE_MODEL_INTERVAL_H
#define TICKLINE_MODEL_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

enum interval_kind { INTERVAL_NONE, INTERVAL_PLAIN, INTERVAL_CONFORMAL, INTERVAL_ADAPTIVE };
const char *interval_kind_name(enum interval_kind kind); /* "none", "plain", … */

/* Quantile tracking (Gibbs and Candès 2021; Angelopoulos, Candès and Tibshirani 2023) on a
 * logarithmic scale: each actual outside of its interval widens the next ones by the gain, each one
 * inside narrows them by a little, so that both balance at the level. Over n actuals the coverage
 * is off the level by at most |log(last factor / first factor)| / (ADAPTIVE_GAIN n), whatever the
 * prices do, as long as the factor stays within its bounds. */
#define ADAPTIVE_GAIN 0.08
#define ADAPTIVE_MOST 64 /* the factor's upper bound; one over it is the lower */

struct adaptive {
	double log_factor; /* 0 at first, or as kept with a version */
	uint64_t learned;  /* actuals */
};

double adaptive_factor(const struct adaptive *adaptive);

/* An actual came, for an interval of this level. */
void adaptive_learn(struct adaptive *adaptive, bool inside, double level);

#endif
