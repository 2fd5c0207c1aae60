/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Predicting from a fit, and scoring it on rows it has not seen.
 */
#include <gsl/gsl_cdf.h>
#include <math.h>

#include "fit.h"
#include "triangle.h"

double fit_predict(const struct fit_predictor *predictor, const double *x)
{
	double value = predictor->base;
	for (size_t i = 0; i < predictor->kept; i++)
		value += predictor->slope[i] * (x[predictor->columns[i]] - predictor->shift[i]);
	return predictor->anchor >= 0 ? value + x[predictor->anchor] : value;
}

double fit_leverage(const struct fit_predictor *predictor, const double *x)
{
	double row[FIT_MAX_TERMS];
	size_t size = 0;
	if (predictor->ones)
		row[size++] = 1;
	for (size_t i = 0; i < predictor->kept; i++)
		row[size++] =
			(x[predictor->columns[i]] - predictor->shift[i]) / predictor->scale[i];
	double norm = triangle_solve_transposed(predictor->triangle, size, row);
	return norm * norm;
}

double fit_half_width(const struct fit_predictor *predictor, double leverage, double level)
{
	if (predictor->freedom <= 0)
		return NAN;
	double quantile = gsl_cdf_tdist_Pinv(0.5 + level / 2, (double)predictor->freedom);
	return quantile * predictor->s * sqrt(1 + leverage);
}

static double skill(double rmse, double reference)
{
	return reference > 0 ? 1 - rmse / reference : NAN;
}

void fit_score(const struct fit_predictor *predictor, double target_mean, bool has_last,
	       size_t features, struct rfactor *held_out, struct fit_score *score)
{
	double weights[RFACTOR_MAX_COLUMNS] = { 0 };
	size_t target = features + (has_last ? 1 : 0);
	*score = (struct fit_score){ .rows = rfactor_rows(held_out),
				     .rmse = NAN,
				     .last_rmse = NAN,
				     .mean_rmse = NAN,
				     .skill_last = NAN,
				     .skill_mean = NAN };
	if (score->rows == 0)
		return;
	double root = sqrt((double)score->rows);
	weights[target] = 1;
	if (predictor->ones)
		score->mean_rmse = rfactor_norm(held_out, -target_mean, weights) / root;
	if (has_last) {
		weights[features] = -1;
		score->last_rmse = rfactor_norm(held_out, 0, weights) / root;
		weights[features] = 0;
	}
	long double constant = predictor->base;
	for (size_t i = 0; i < predictor->kept; i++) {
		weights[predictor->columns[i]] = -predictor->slope[i];
		constant -= (long double)predictor->slope[i] * predictor->shift[i];
	}
	if (predictor->anchor >= 0)
		weights[predictor->anchor] = -1;
	score->rmse = rfactor_norm(held_out, -(double)constant, weights) / root;
	score->skill_last = skill(score->rmse, score->last_rmse);
	score->skill_mean = skill(score->rmse, score->mean_rmse);
}
