/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit.h"

#include <assert.h>
#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

#include "triangle.h"

/* The columns of R that matter, in the order [ones] features z; z is the target without its
 * anchor, in its own units, shifted by z_shift. */
struct system {
	const struct fit_request *request;
	struct rfactor_view view;
	size_t first;  /* 1 with ones: where centred rows and data columns begin */
	size_t target; /* data column of the target */
	double z_shift;
	double z[TRIANGLE_MAX];
};

static double at(const struct system *system, size_t row, size_t data_column)
{
	return system->view.r[row * system->view.size + system->first + data_column];
}

static void system_init(struct system *system, const struct fit_request *request)
{
	size_t target = request->features + (request->has_last ? 1 : 0);
	system->request = request;
	system->view = rfactor_view(request->factor);
	system->first = rfactor_has_ones(request->factor) ? 1 : 0;
	system->target = target;
	const struct rfactor_view *view = &system->view;
	int anchor = request->anchor;
	for (size_t i = 0; i < view->size; i++) {
		system->z[i] = view->scale[target] * at(system, i, target);
		if (anchor >= 0)
			system->z[i] -= view->scale[anchor] * at(system, i, (size_t)anchor);
	}
	system->z_shift = view->shift[target] - (anchor >= 0 ? view->shift[anchor] : 0);
}

/* Length of a data column of R below the ones: the root of the centred sum of squares, scaled. */
static double length(const struct system *system, size_t data_column)
{
	double sum = 0;
	for (size_t i = system->first; i < system->view.size; i++)
		sum = hypot(sum, at(system, i, data_column));
	return sum;
}

static bool varies(const struct system *system, size_t data_column)
{
	struct rfactor *factor = system->request->factor;
	double low = rfactor_min(factor, data_column), high = rfactor_max(factor, data_column);
	double spread = length(system, data_column) * system->view.scale[data_column];
	double rounding =
		8 * DBL_EPSILON * sqrt((double)rfactor_rows(factor)) * fmax(fabs(low), fabs(high));
	return system->first == 0 ? spread > 0 : low < high && spread > rounding;
}

/* The sine of the angle between a feature and the target, both centred. */
static double sine(const struct system *system, size_t feature)
{
	double a = length(system, feature), b = length(system, system->target), along = 0, off = 0;
	for (size_t i = system->first; i < system->view.size; i++)
		along += at(system, i, feature) / a * (at(system, i, system->target) / b);
	for (size_t i = system->first; i < system->view.size; i++)
		off = hypot(off,
			    at(system, i, system->target) / b - along * at(system, i, feature) / a);
	return off;
}

/* --- which columns stay --------------------------------------------------------------------- */

static void classify(const struct system *system, struct fit *fit)
{
	bool target_varies = varies(system, system->target);
	for (size_t j = 0; j < fit->features; j++) {
		struct fit_term *term = &fit->terms[j];
		bool moves = varies(system, j);
		term->leaks = moves && target_varies && sine(system, j) <= FIT_LEAK_TOLERANCE;
		fit->leakage |= term->leaks;
		term->status = (int)j == system->request->anchor              ? FIT_FIXED
			       : !moves                                       ? FIT_CONSTANT
			       : term->leaks && system->request->drop_leaking ? FIT_LEAKING
									      : FIT_DEPENDENT;
	}
}

/* Marks the kept columns among those that classify() left as FIT_DEPENDENT, by a QR that takes one
 * unit column after the other, and finds the condition number of the kept ones. */
static void reveal_rank(const struct system *system, struct fit *fit)
{
	struct triangle_columns unit = { .rows = system->view.size - system->first };
	size_t feature_of[FIT_MAX_FEATURES];
	for (size_t j = 0; j < fit->features; j++) {
		if (fit->terms[j].status != FIT_DEPENDENT)
			continue;
		double norm = length(system, j);
		feature_of[unit.count] = j;
		for (size_t i = 0; i < unit.rows; i++)
			unit.column[unit.count][i] = at(system, i + system->first, j) / norm;
		unit.count++;
	}
	size_t order[FIT_MAX_FEATURES];
	size_t rank = triangle_reveal(&unit, FIT_RANK_TOLERANCE, order);
	for (size_t i = 0; i < rank; i++)
		fit->terms[feature_of[order[i]]].status = FIT_KEPT;
	fit->condition = rank > 0 ? triangle_condition(&unit, rank) : NAN;
}

/* --- coefficients and errors ---------------------------------------------------------------- */

/* The trace of T (T'T + penalty)^-1 T', P being the triangle of T'T + penalty. */
static double trace(const double *t, const double *p, size_t size)
{
	double sum = 0;
	for (size_t i = 0; i < size; i++) {
		double row[FIT_MAX_TERMS];
		memcpy(row, t + i * size, size * sizeof(double));
		double norm = triangle_solve_transposed(p, size, row);
		sum += norm * norm;
	}
	return sum;
}

/* The triangle gets the penalty's rows; the right-hand side becomes the slopes. */
static void penalise(const struct system *system, struct fit *fit, double *slopes)
{
	struct fit_predictor *predictor = &fit->predictor;
	size_t size = fit->rank;
	double free[FIT_MAX_TERMS * FIT_MAX_TERMS], missed[FIT_MAX_TERMS];
	memcpy(free, predictor->triangle, size * size * sizeof(double));
	memcpy(missed, slopes, size * sizeof(double));
	fit->ridge = system->request->ridge;
	for (size_t i = 0; i < predictor->kept; i++)
		triangle_add_unit(predictor->triangle, size, slopes, system->first + i,
				  sqrt(fit->ridge) * length(system, predictor->columns[i]));
	triangle_solve(predictor->triangle, size, slopes);
	for (size_t i = 0; i < size; i++) {
		for (size_t j = i; j < size; j++)
			missed[i] -= free[i * size + j] * slopes[j];
		fit->rss += missed[i] * missed[i];
	}
	fit->effective = trace(free, predictor->triangle, size);
}

/* Triangularises [ones] kept z. Where nothing was dropped, R is that triangle already. */
static void solve_kept(const struct system *system, struct fit *fit, double *slopes)
{
	struct triangle_columns all = { .rows = system->view.size };
	struct fit_predictor *predictor = &fit->predictor;
	if (system->first == 1) {
		for (size_t i = 0; i < all.rows; i++)
			all.column[0][i] = system->view.r[i * system->view.size];
		all.count = 1;
	}
	for (size_t j = 0; j < fit->features; j++) {
		if (fit->terms[j].status != FIT_KEPT)
			continue;
		for (size_t i = 0; i < all.rows; i++)
			all.column[all.count][i] = at(system, i, j);
		all.count++;
		predictor->shift[predictor->kept] = system->view.shift[j];
		predictor->scale[predictor->kept] = system->view.scale[j];
		predictor->columns[predictor->kept++] = j;
	}
	size_t size = all.count;
	memcpy(all.column[all.count++], system->z, sizeof(system->z));
	triangle_reflect(&all, size);
	for (size_t i = 0; i < size; i++)
		for (size_t j = i; j < size; j++)
			predictor->triangle[i * size + j] = all.column[j][i];
	fit->rank = size;
	fit->rss = 0;
	for (size_t i = size; i < all.rows; i++)
		fit->rss = hypot(fit->rss, all.column[size][i]);
	fit->rss *= fit->rss;
	fit->effective = (double)size;
	memcpy(slopes, all.column[size], size * sizeof(double));
	if (system->request->ridge > 0)
		penalise(system, fit, slopes);
	else
		triangle_solve(predictor->triangle, size, slopes);
}

static void set_values(const struct system *system, struct fit *fit, const double *slopes)
{
	struct fit_predictor *predictor = &fit->predictor;
	size_t first = system->first;
	long double intercept = (long double)system->z_shift + (first ? slopes[0] : 0);
	predictor->base = (double)intercept;
	for (size_t i = 0; i < predictor->kept; i++) {
		double slope = slopes[first + i] / predictor->scale[i];
		predictor->slope[i] = slope;
		fit->terms[predictor->columns[i]].value = slope;
		intercept -= (long double)slope * predictor->shift[i];
	}
	if (fit->anchor >= 0)
		fit->terms[fit->anchor].value = 1;
	fit->intercept.value = first ? (double)intercept : 0;
}

static void set_inference(struct fit_term *term, double error, int64_t freedom)
{
	double quantile = freedom > 0 ? gsl_cdf_tdist_Pinv(0.975, (double)freedom) : NAN;
	term->error = error;
	term->t = error > 0 ? term->value / error : NAN;
	term->p = freedom > 0 && !isnan(term->t)
			  ? 2 * gsl_cdf_tdist_Q(fabs(term->t), (double)freedom)
			  : NAN;
	term->low = term->value - quantile * error;
	term->high = term->value + quantile * error;
}

/* A linear combination g of the shifted coefficients has the standard error s |T^-T g|. */
static double combination_error(const struct fit_predictor *predictor, const double *g)
{
	size_t size = predictor->kept + (predictor->ones ? 1 : 0);
	double work[FIT_MAX_TERMS];
	memcpy(work, g, size * sizeof(double));
	return predictor->s * triangle_solve_transposed(predictor->triangle, size, work);
}

static void set_errors(struct fit *fit)
{
	struct fit_predictor *predictor = &fit->predictor;
	size_t first = predictor->ones ? 1 : 0;
	if (fit->ridge > 0)
		return;
	for (size_t i = 0; i < predictor->kept; i++) {
		double g[FIT_MAX_TERMS] = { 0 };
		g[first + i] = 1 / predictor->scale[i];
		set_inference(&fit->terms[predictor->columns[i]], combination_error(predictor, g),
			      fit->freedom);
	}
	double g[FIT_MAX_TERMS] = { 1 };
	for (size_t i = 0; i < predictor->kept; i++)
		g[first + i] = -predictor->shift[i] / predictor->scale[i];
	if (predictor->ones)
		set_inference(&fit->intercept, combination_error(predictor, g), fit->freedom);
}

/* --- the whole ------------------------------------------------------------------------------ */

static double over(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

static void set_summary(const struct system *system, struct fit *fit)
{
	struct rfactor *factor = system->request->factor;
	double n = (double)fit->rows, scale = system->view.scale[system->target];
	double total = length(system, system->target) * scale;
	double freedom_total = n - (double)system->first;
	total *= total;
	fit->freedom = (int64_t)fit->rows - (int64_t)fit->rank;
	fit->s = fit->freedom > 0 ? sqrt(fit->rss / (double)fit->freedom) : NAN;
	fit->rmse = sqrt(fit->rss / n);
	fit->r2 = varies(system, system->target) && fit->freedom > 0 ? 1 - fit->rss / total : NAN;
	fit->adjusted_r2 = 1 - (1 - fit->r2) * over(freedom_total, (double)fit->freedom);
	fit->aic = fit->rss > 0 ? n * (log(2 * M_PI * fit->rss / n) + 1) + 2 * fit->effective : NAN;
	fit->target_low = rfactor_min(factor, system->target);
	fit->target_high = rfactor_max(factor, system->target);
	double ones = system->view.r[0]; /* R's first row holds the sums over sqrt(n) */
	fit->target_mean = system->first ? system->view.shift[system->target] +
						   scale * at(system, 0, system->target) / ones
					 : NAN;
}

static void term_clear(struct fit_term *term)
{
	*term = (struct fit_term){ .error = NAN, .t = NAN, .p = NAN, .low = NAN, .high = NAN };
}

enum error fit_solve(const struct fit_request *request, struct fit *fit, struct text *why)
{
	assert(request->features <= FIT_MAX_FEATURES);
	memset(fit, 0, sizeof(*fit));
	fit->features = request->features;
	fit->anchor = request->anchor;
	fit->rows = rfactor_rows(request->factor);
	fit->ones = rfactor_has_ones(request->factor);
	if (fit->rows == 0) {
		why_putf(why, "there are no rows");
		return ERROR_INVALID;
	}
	term_clear(&fit->intercept);
	for (size_t j = 0; j < fit->features; j++)
		term_clear(&fit->terms[j]);
	struct system system;
	double slopes[FIT_MAX_TERMS];
	system_init(&system, request);
	classify(&system, fit);
	reveal_rank(&system, fit);
	solve_kept(&system, fit, slopes);
	set_values(&system, fit, slopes);
	set_summary(&system, fit);
	fit->predictor.anchor = fit->anchor;
	fit->predictor.ones = fit->ones;
	fit->predictor.s = fit->s;
	fit->predictor.freedom = fit->freedom;
	fit->predictor.rows = fit->rows;
	set_errors(fit);
	if (!isfinite(fit->rss) || !isfinite(fit->predictor.base)) {
		why_putf(why, "the numbers are too large: their squares overflow");
		return ERROR_INVALID;
	}
	return ERROR_OK;
}

const char *fit_status_name(enum fit_status status)
{
	static const char *const names[] = {
		[FIT_KEPT] = "kept",         [FIT_FIXED] = "fixed",
		[FIT_CONSTANT] = "constant", [FIT_DEPENDENT] = "dependent",
		[FIT_LEAKING] = "leaking",
	};
	return names[status];
}
