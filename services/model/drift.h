/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far live features and errors have moved from those of the version's training, over the newest
 * DRIFT_WINDOW rows that its fit had not seen:
 *
 *   shift   the standardised mean difference, (mean now - mean of training) / deviation of
 * training; by Cohen (Statistical Power Analysis for the Behavioral Sciences, 1988) 0.2 is small,
 *           0.5 medium, 0.8 large
 *   spread  deviation now / deviation of training; 1: none
 *   psi     the population stability index (stability.h), which sees any change of the
 * distribution: below 0.1 small, above 0.25 large
 *
 * Means and deviations of training are read from the version's triangle, so that nothing else is
 * kept: only features that the fit kept, of a fit with an intercept, have them. The bins of the
 * index are kept with the version (reference.h). For residuals see also drift_of_residuals.
 */
#ifndef TICKLINE_MODEL_DRIFT_H
#define TICKLINE_MODEL_DRIFT_H

#include <stddef.h>

#include "metrics.h"
#include "model_version.h"
#include "score.h"

enum { DRIFT_WINDOW = 1000 };

struct drift_measure {
	double shift, spread, psi; /* NAN: undefined (too few rows, no reference) */
};

struct drift_report {
	size_t rows;  /* looked at */
	size_t count; /* features that the version uses and that have a reference */
	struct {
		size_t feature; /* index in the spec */
		struct drift_measure drift;
	} features[SPEC_MAX_FEATURES];
	struct drift_measure residuals;
};

struct drift;

/* NULL: out of memory. */
struct drift *drift_new(const struct spec *spec, struct metrics *metrics);
void drift_destroy(struct drift **drift);

/* Forgets the rows; from now on they are compared with this version's training (NULL: none). */
void drift_restart(struct drift *drift, const struct version *version);

/* A row that the version predicted from and its fit had not seen, in the spec's order. */
void drift_take(struct drift *drift, const double *x);

/* The error of a prediction from such a row. */
void drift_take_error(struct drift *drift, double error);

/* Any thread; those above are for one. */
void drift_read(struct drift *drift, const struct score *score, struct drift_report *report);

/* Sets the gauges; the same thread as drift_restart. */
void drift_tell(struct drift *drift, const struct score *score);

/* Mean and root mean square of the scored errors over what the version promised: its RMSE on the
 * held-out part, or without one the residual standard error. Without the index. */
struct drift_measure drift_of_residuals(const struct score *score, double promised);

#endif
