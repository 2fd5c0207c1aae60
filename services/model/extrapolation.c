/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "extrapolation.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* How often, in so many trainings on normal features, the limit is passed by one of their own rows.
 */
static const double CHANCE = 0.05;
static const double PRECISION = 1e-9; /* relative */
enum { STEPS_MOST = 200 };

/* The part of the leverage that feature `i` alone brings to a row where it has this value. */
static double share(const struct fit_predictor *fit, size_t i, double value)
{
	size_t first = fit->ones ? 1 : 0, size = fit->kept + first, column = i + first;
	const double *t = fit->triangle;
	double z = (value - fit->shift[i]) / fit->scale[i], squares = 0;
	if (fit->ones) /* t[column] / t[0] is the mean of the column */
		z -= t[column] / t[0];
	for (size_t row = first; row <= column; row++)
		squares += t[row * size + column] * t[row * size + column];
	return z * z / squares;
}

/* What the largest leverage of training was at least, less the intercept's. */
static double reached(const struct predictor *predictor)
{
	const struct fit_predictor *fit = &predictor->fit;
	double most = 0;
	for (size_t i = 0; i < fit->kept; i++) {
		size_t feature = fit->columns[i];
		most = fmax(most, share(fit, i, predictor->low[feature]));
		most = fmax(most, share(fit, i, predictor->high[feature]));
	}
	return most;
}

/* What a beta-distributed number exceeds with this chance. (GSL's own inverse does not converge for
 * the n of a large training.) */
static double beta_limit(double chance, double a, double b)
{
	double low = 0, high = 1;
	for (int step = 0; step < STEPS_MOST && high - low > PRECISION * high; step++) {
		double middle = (low + high) / 2;
		if (gsl_cdf_beta_Q(middle, a, b) > chance)
			low = middle;
		else
			high = middle;
	}
	return high;
}

double extrapolation_limit(const struct predictor *predictor)
{
	const struct fit_predictor *fit = &predictor->fit;
	double n = (double)fit->rows, k = (double)fit->kept, intercept = fit->ones ? 1 / n : 0;
	double rest = n - k - (fit->ones ? 1 : 0);
	if (fit->kept == 0 || !(rest > 0))
		return INFINITY;
	double normal = (1 - intercept) * beta_limit(CHANCE / n, k / 2, rest / 2);
	/* With one feature the second bound is the extreme row's own leverage: rounding must not
	 * put that row beyond it. */
	return (intercept + fmax(normal, reached(predictor))) * (1 + PRECISION);
}
