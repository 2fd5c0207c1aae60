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

/* Written once, before the first reference is handed out; only `references` changes afterwards. */
struct version {
	atomic_size_t references;
	struct spec spec;
	struct version_summary summary;
	struct predictor predictor;
	double usual_half;     /* half width at the usual level and leverage 0 */
	double leverage_limit; /* a row beyond it is extrapolated */
	char *report;
	size_t report_length;
};

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
	version->summary.last_price = version->predictor.last_price;
	version->usual_half =
		version->predictor.last_price
			? NAN
			: fit_half_width(&version->predictor.fit, 0, USUAL_LEVEL_PERCENT / 100.0);
	version->leverage_limit =
		version->predictor.last_price ? INFINITY : extrapolation_limit(&version->predictor);
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

static void predict_last(const struct predictor *predictor, const double *x, struct prediction *out)
{
	double half = spread_at(predictor, out->level);
	out->value = x[predictor->fit.anchor];
	out->low = out->value - half;
	out->high = out->value + half;
	out->interval = INTERVAL_CONFORMAL;
	out->leverage = NAN;
	out->extrapolated = false;
}

static bool outside(const struct predictor *predictor, size_t feature, const double *x)
{
	return x[feature] < predictor->low[feature] || x[feature] > predictor->high[feature];
}

static void predict_linear(const struct version *version, const double *x, struct prediction *out)
{
	const struct predictor *predictor = &version->predictor;
	const struct fit_predictor *fit = &predictor->fit;
	out->value = fit_predict(fit, x);
	out->leverage = fit_leverage(fit, x);
	double spread = spread_at(predictor, out->level);
	/* The quantile is the costly part of a half width, and the level is mostly the usual one.
	 */
	double half = isfinite(spread) ? spread * sqrt(1 + out->leverage)
		      : out->level == USUAL_LEVEL_PERCENT / 100.0
			      ? version->usual_half * sqrt(1 + out->leverage)
			      : fit_half_width(fit, out->leverage, out->level);
	out->interval = isfinite(spread) ? INTERVAL_CONFORMAL : INTERVAL_PLAIN;
	out->low = out->value - half;
	out->high = out->value + half;
	out->extrapolated = out->leverage > version->leverage_limit ||
			    (fit->anchor >= 0 && outside(predictor, (size_t)fit->anchor, x));
	for (size_t i = 0; i < fit->kept; i++)
		out->extrapolated |= outside(predictor, fit->columns[i], x);
}

enum error version_predict(const struct version *version, const double *x, double level,
			   struct prediction *out)
{
	assert(level > 0 && level < 1);
	out->level = level;
	if (version->predictor.last_price)
		predict_last(&version->predictor, x, out);
	else
		predict_linear(version, x, out);
	if (!isfinite(out->low) || !isfinite(out->high)) {
		out->low = out->high = NAN;
		out->interval = INTERVAL_NONE;
	}
	return isfinite(out->value) ? ERROR_OK : ERROR_INVALID;
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
