/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ridge penalty that does best on rows which the fit has not seen.
 */
#include <math.h>

#include "fit.h"

static double penalty(size_t index)
{
	return index == 0 ? 0 : pow(10, ((double)index - 1) / 2 - 6);
}

static enum error try(const struct fit_request *request, size_t index, struct rfactor *held_out,
		      struct fit *fit, double *rmse, struct text *why)
{
	struct fit_request tried = *request;
	struct fit_score score;
	tried.ridge = penalty(index);
	enum error error = fit_solve(&tried, fit, why);
	if (error != ERROR_OK)
		return error;
	fit_score(&fit->predictor, fit->target_mean, request->has_last, request->features, held_out,
		  &score);
	*rmse = score.rmse;
	return ERROR_OK;
}

enum error fit_choose_ridge(const struct fit_request *request, struct rfactor *held_out,
			    struct fit *fit, struct text *why)
{
	size_t best = 0;
	double least = INFINITY, rmse;
	for (size_t i = 0; i < FIT_RIDGES; i++) {
		enum error error = try(request, i, held_out, fit, &rmse, why);
		if (error != ERROR_OK)
			return error;
		if (rmse < least) {
			least = rmse;
			best = i;
		}
	}
	return try(request, best, held_out, fit, &rmse, why);
}
