/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_version.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "extrapolation.h"
#include "predictor_json.h"

enum { USUAL_LEVEL_PERCENT = 95 };

/* Written once, before the first reference is handed out; only `references` and `followed` change
 * afterwards. */
struct version {
	atomic_size_t references;
	_Atomic double followed; /* the factor that live errors ask for; NAN: none is known */
	struct spec spec;
	struct version_summary summary;
	struct predictor predictor;
	struct reference reference;
	enum interval_kind usual; /* at the usual level, before any factor */
	double factor;            /* kept with the version */
	double usual_half;        /* plain half width at the usual level and leverage 0 */
	double leverage_limit;    /* a row beyond it is extrapolated */
	char *report;
	size_t report_length;
};

/* --- intervals -------------------------------------------------------------------------------- */

/* Between the stored parts, and from no width at level 0, by straight lines; NAN beyond what is
 * known. */
static double spread_at(const struct predictor *predictor, double level)
{
	const double *parts = PREDICTOR_PARTS, *spread = predictor->spread;
	size_t above = 0;
	while (above < PREDICTOR_SPREADS && parts[above] < level)
		above++;
	if (!predictor->calibrated || above == PREDICTOR_SPREADS)
		return NAN;
	double part = above > 0 ? parts[above - 1] : 0, low = above > 0 ? spread[above - 1] : 0;
	return low + (level - part) / (parts[above] - part) * (spread[above] - low);
}

/* --- from JSON ------------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static double number(const cJSON *json, const char *name)
{
	const cJSON *item = member(json, name);
	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static int64_t integer(const cJSON *json, const char *name)
{
	double value = number(json, name);
	return value > -0x1p53 && value < 0x1p53 ? (int64_t)value : -1;
}

static struct version_summary read_summary(const cJSON *body)
{
	const cJSON *report = member(body, "report"), *held_out = member(report, "held_out");
	int64_t held_out_rows = integer(held_out, "rows");
	return (struct version_summary){
		.number = integer(body, "version"),
		.created_us = integer(body, "created_us"),
		.rows = integer(report, "rows"),
		.held_out_rows = held_out_rows > 0 ? held_out_rows : 0,
		.bytes = integer(member(report, "lineage"), "bytes"),
		.r2 = number(report, "r2"),
		.rmse = number(report, "rmse"),
		.held_out_rmse = number(held_out, "rmse"),
		.skill_last = number(held_out, "skill_last"),
		.skill_mean = number(held_out, "skill_mean"),
		.leakage = cJSON_IsTrue(member(report, "leakage")),
	};
}

/* What a prediction needs beside the predictor. */
static void prepare(struct version *version)
{
	const struct predictor *predictor = &version->predictor;
	const double level = USUAL_LEVEL_PERCENT / 100.0;
	bool last = predictor->last_price, spread = isfinite(spread_at(predictor, level));
	version->usual = last || spread ? INTERVAL_CONFORMAL : INTERVAL_PLAIN;
	version->factor = spread ? exp(predictor->log_factor) : 1;
	version->usual_half = last ? NAN : fit_half_width(&predictor->fit, 0, level);
	version->leverage_limit = last ? INFINITY : extrapolation_limit(predictor);
	version->summary.last_price = last;
}

static enum error read_body(const cJSON *body, struct version *version, struct text *why)
{
	const cJSON *report = member(body, "report");
	version->summary = read_summary(body);
	if (!cJSON_IsObject(report) || version->summary.number < 0 ||
	    version->summary.created_us < 0) {
		why_putf(why, "the version has no report, number or time");
		return ERROR_INVALID;
	}
	enum error error = spec_from_json(member(body, "spec"), &version->spec, why);
	if (error == ERROR_OK)
		error = predictor_from_json(member(body, "predictor"), &version->spec,
					    &version->predictor, why);
	if (error != ERROR_OK)
		return error;
	if (!reference_from_json(member(body, "reference"), &version->spec, &version->reference)) {
		why_putf(why, "the reference is not whole or not of this spec");
		return ERROR_INVALID;
	}
	prepare(version);
	version->report = cJSON_PrintUnformatted(report);
	version->report_length = version->report ? strlen(version->report) : 0;
	return version->report ? ERROR_OK : ERROR_NO_MEMORY;
}

static void destroy(struct version *version)
{
	cJSON_free(version->report);
	free(version);
}

enum error version_from_json(const cJSON *body, struct version **out, struct text *why)
{
	struct version *version = calloc(1, sizeof(*version));
	*out = NULL;
	if (!version)
		return ERROR_NO_MEMORY;
	enum error error = read_body(body, version, why);
	if (error != ERROR_OK) {
		destroy(version);
		return error;
	}
	atomic_store(&version->references, 1);
	atomic_store(&version->followed, NAN);
	*out = version;
	return ERROR_OK;
}

/* --- references and views -------------------------------------------------------------------- */

struct version *version_retain(const struct version *version)
{
	struct version *shared = (struct version *)(uintptr_t)version; /* only the count changes */
	size_t before = atomic_fetch_add(&shared->references, 1);
	assert(before > 0);
	return shared;
}

void version_release(struct version **version)
{
	struct version *released = *version;
	*version = NULL;
	if (released && atomic_fetch_sub(&released->references, 1) == 1)
		destroy(released);
}

const struct spec *version_spec(const struct version *version)
{
	return &version->spec;
}

int64_t version_number(const struct version *version)
{
	return version->summary.number;
}

int64_t version_created_us(const struct version *version)
{
	return version->summary.created_us;
}

const char *version_report(const struct version *version, size_t *length)
{
	*length = version->report_length;
	return version->report;
}

struct version_summary version_summary(const struct version *version)
{
	return version->summary;
}

bool version_uses(const struct version *version, size_t feature)
{
	const struct fit_predictor *fit = &version->predictor.fit;
	if ((int)feature == fit->anchor)
		return true;
	for (size_t i = 0; i < fit->kept; i++)
		if (fit->columns[i] == feature)
			return true;
	return false;
}

/* --- predicting ------------------------------------------------------------------------------ */

/* Each gives half the width of the interval, before any factor. */
static double predict_last(const struct predictor *predictor, const double *x,
			   struct prediction *out)
{
	out->value = x[predictor->fit.anchor];
	out->interval = INTERVAL_CONFORMAL;
	out->leverage = NAN;
	out->extrapolated = false;
	return spread_at(predictor, out->level);
}

static bool outside(const struct predictor *predictor, size_t feature, const double *x)
{
	return x[feature] < predictor->low[feature] || x[feature] > predictor->high[feature];
}

static double predict_linear(const struct version *version, const double *x, struct prediction *out)
{
	const struct predictor *predictor = &version->predictor;
	const struct fit_predictor *fit = &predictor->fit;
	out->value = fit_predict(fit, x);
	out->leverage = fit_leverage(fit, x);
	out->extrapolated = out->leverage > version->leverage_limit ||
			    (fit->anchor >= 0 && outside(predictor, (size_t)fit->anchor, x));
	for (size_t i = 0; i < fit->kept; i++)
		out->extrapolated |= outside(predictor, fit->columns[i], x);
	double spread = spread_at(predictor, out->level);
	out->interval = isfinite(spread) ? INTERVAL_CONFORMAL : INTERVAL_PLAIN;
	if (isfinite(spread))
		return spread * sqrt(1 + out->leverage);
	/* The quantile is the costly part of a half width, and the level is mostly the usual one.
	 */
	return out->level == USUAL_LEVEL_PERCENT / 100.0
		       ? version->usual_half * sqrt(1 + out->leverage)
		       : fit_half_width(fit, out->leverage, out->level);
}

/* A factor was learned beside intervals of the usual kind, and says nothing about another's. */
static void choose_factor(const struct version *version, struct prediction *out)
{
	double followed = atomic_load_explicit(&version->followed, memory_order_relaxed);
	out->factor = 1;
	if (out->interval != version->usual)
		return;
	out->factor = isnan(followed) ? version->factor : followed;
	out->interval = isnan(followed) ? out->interval : INTERVAL_ADAPTIVE;
}

enum error version_predict(const struct version *version, const double *x, double level,
			   struct prediction *out)
{
	assert(level > 0 && level < 1);
	out->level = level;
	double half = version->predictor.last_price ? predict_last(&version->predictor, x, out)
						    : predict_linear(version, x, out);
	choose_factor(version, out);
	out->low = out->value - half * out->factor;
	out->high = out->value + half * out->factor;
	if (!isfinite(out->low) || !isfinite(out->high)) {
		out->low = out->high = out->factor = NAN;
		out->interval = INTERVAL_NONE;
	}
	return isfinite(out->value) ? ERROR_OK : ERROR_INVALID;
}

void version_follow(struct version *version, double factor)
{
	atomic_store_explicit(&version->followed, factor, memory_order_relaxed);
}

double version_log_factor(const struct version *version)
{
	return log(version->factor);
}

struct version_training version_training(const struct version *version, size_t feature)
{
	const struct fit_predictor *fit = &version->predictor.fit;
	const double *t = fit->triangle;
	size_t i = 0, size = fit->kept + 1;
	while (i < fit->kept && fit->columns[i] != feature)
		i++;
	if (!fit->ones || i == fit->kept || fit->rows < 2)
		return (struct version_training){ NAN, NAN };
	double squares = 0;
	for (size_t row = 1; row <= i + 1; row++)
		squares += t[row * size + i + 1] * t[row * size + i + 1];
	return (struct version_training){
		.mean = fit->shift[i] + fit->scale[i] * t[i + 1] / t[0],
		.deviation = fabs(fit->scale[i]) * sqrt(squares / (double)(fit->rows - 1)),
	};
}

const struct reference *version_reference(const struct version *version)
{
	return &version->reference;
}

double version_promised_error(const struct version *version)
{
	double held_out = version->summary.held_out_rmse;
	if (isfinite(held_out))
		return held_out;
	return version->predictor.last_price ? NAN : version->predictor.fit.s;
}

double version_rmse(const struct version *version, struct rfactor *rows)
{
	struct fit_score score;
	/* For the last price the base is zero and nothing is kept: the anchor alone predicts. */
	fit_score(&version->predictor.fit, 0, spec_is_ordered(&version->spec),
		  version->spec.feature_count, rows, &score);
	return score.rmse;
}
