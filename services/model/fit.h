/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Least squares from an R factor alone (rfactor.h), as a statistics package reports it.
 *
 * The factor's data columns are: the features, then the last known value of the target where the
 * stream has an order (`has_last`), then the target.
 *
 * Rank: centred columns of unit length are taken one after the other, each time the first in the
 * spec's order whose part not yet explained is at least 0.9 of the longest such part; a column with
 * no more than FIT_RANK_TOLERANCE left is dependent on those before it and dropped. A column is
 * constant when it does not vary beyond the rounding of its own values.
 *
 * A feature leaks when the sine of its angle to the target, both centred, is at most
 * FIT_LEAK_TOLERANCE, that is |correlation| > 1 - 5e-13.
 *
 * Ridge: the sum of squared errors plus ridge * n * the sum of squared slopes of columns of unit
 * variance is least; alone, a column's slope shrinks by 1 / (1 + ridge). The intercept and the
 * anchor are not penalised. Shrunken coefficients are biased: they have no standard errors. AIC
 * counts the effective rank, the trace of the matrix that makes fitted values of targets.
 *
 * Undefined numbers are NAN: errors without degrees of freedom, R2 of a constant target, ratios
 * with a zero below.
 */
#ifndef TICKLINE_MODEL_FIT_H
#define TICKLINE_MODEL_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "rfactor.h"
#include "text.h"

#define FIT_RANK_TOLERANCE 1e-11
#define FIT_LEAK_TOLERANCE 1e-6

enum { FIT_MAX_FEATURES = 32, FIT_MAX_TERMS = FIT_MAX_FEATURES + 1 };

enum fit_status {
	FIT_KEPT,
	FIT_FIXED, /* the anchor: its coefficient is 1, not estimated */
	FIT_CONSTANT,
	FIT_DEPENDENT,
	FIT_LEAKING, /* left out because it gives the target away */
};
const char *fit_status_name(enum fit_status status);

struct fit_term {
	double value; /* in the columns' own units; 0 when dropped */
	double error, t, p;
	double low, high; /* 95% */
	enum fit_status status;
	bool leaks;
};

/* What a prediction needs: value = base + sum b (x - shift) + anchor, and the triangle T of the
 * kept columns for the leverage. */
struct fit_predictor {
	size_t kept;                      /* features in `columns` */
	size_t columns[FIT_MAX_FEATURES]; /* feature indices */
	double base;
	double slope[FIT_MAX_FEATURES], shift[FIT_MAX_FEATURES], scale[FIT_MAX_FEATURES];
	int anchor; /* feature index, -1: none */
	bool ones;
	double triangle[FIT_MAX_TERMS * FIT_MAX_TERMS]; /* row after row, size kept + ones */
	double s;                                       /* NAN: undefined */
	int64_t freedom;
	uint64_t rows;
};

struct fit {
	size_t features;
	bool ones;
	int anchor;
	struct fit_term intercept; /* unused without ones */
	struct fit_term terms[FIT_MAX_FEATURES];
	uint64_t rows;
	size_t rank;      /* kept features and the ones */
	double effective; /* rank: below it with a ridge penalty */
	double ridge;     /* 0: none */
	int64_t freedom;
	double rss, s, rmse, r2, adjusted_r2, aic, condition;
	double target_mean, target_low, target_high;
	bool leakage;
	struct fit_predictor predictor;
};

struct fit_request {
	struct rfactor *factor; /* only waiting rows are worked in */
	size_t features;
	bool has_last;
	int anchor;        /* -1: none */
	bool drop_leaking; /* leave leaking features out */
	double ridge;      /* >= 0 */
};

/* OK; INVALID with `why`: no rows, or numbers so large that their squares overflow. */
enum error fit_solve(const struct fit_request *request, struct fit *fit, struct text *why) MUST_USE;

/* FIT_RIDGES penalties are tried, none and powers of the root of 10 from 1e-6 to 100; the fit is
 * the one whose error on `held_out` is the lowest, of equal ones the least shrunken. The request's
 * own ridge is not looked at. Errors of fit_solve. */
enum { FIT_RIDGES = 18 };
enum error fit_choose_ridge(const struct fit_request *request, struct rfactor *held_out,
			    struct fit *fit, struct text *why) MUST_USE;

/* How predictions do on rows that are in `held_out` (same columns as the training's factor). */
struct fit_score {
	uint64_t rows;
	double rmse;                   /* of the predictor */
	double last_rmse;              /* of the last known value as the prediction */
	double mean_rmse;              /* of the training part's mean as the prediction */
	double skill_last, skill_mean; /* 1 - rmse / that rmse */
};
void fit_score(const struct fit_predictor *predictor, double target_mean, bool has_last,
	       size_t features, struct rfactor *held_out, struct fit_score *score);

/* x has one value per feature. NAN leverage where there is no triangle. Any thread. */
double fit_predict(const struct fit_predictor *predictor, const double *x);
double fit_leverage(const struct fit_predictor *predictor, const double *x);

/* The half width of a prediction interval; NAN without degrees of freedom. */
double fit_half_width(const struct fit_predictor *predictor, double leverage, double level);

#endif
