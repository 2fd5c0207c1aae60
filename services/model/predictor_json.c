/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "predictor_json.h"

#include <math.h>
#include <string.h>

#include "interval.h"
#include "json_numbers.h"

const double PREDICTOR_PARTS[PREDICTOR_SPREADS] = { 0.5, 0.68, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999 };

/* --- writing --------------------------------------------------------------------------------- */

static void add_doubles(cJSON *json, const char *name, const double *values, size_t count)
{
	cJSON_AddItemToObject(json, name, json_exact_array(values, count));
}

static void add_fit(cJSON *json, const struct predictor *predictor, const struct spec *spec)
{
	const struct fit_predictor *fit = &predictor->fit;
	size_t size = fit->kept + (fit->ones ? 1 : 0);
	cJSON *names = cJSON_AddArrayToObject(json, "features");
	for (size_t i = 0; i < fit->kept; i++)
		cJSON_AddItemToArray(names,
				     cJSON_CreateString(spec->features[fit->columns[i]].name));
	cJSON_AddItemToObject(json, "base", json_exact(fit->base));
	cJSON_AddBoolToObject(json, "ones", fit->ones);
	add_doubles(json, "slope", fit->slope, fit->kept);
	add_doubles(json, "shift", fit->shift, fit->kept);
	add_doubles(json, "scale", fit->scale, fit->kept);
	add_doubles(json, "triangle", fit->triangle, size * size);
	add_doubles(json, "low", predictor->low, spec->feature_count);
	add_doubles(json, "high", predictor->high, spec->feature_count);
	cJSON_AddItemToObject(json, "s", json_exact(fit->s));
	cJSON_AddNumberToObject(json, "freedom", (double)fit->freedom);
	cJSON_AddNumberToObject(json, "rows", (double)fit->rows);
}

cJSON *predictor_to_json(const struct predictor *predictor, const struct spec *spec)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "kind", predictor->last_price ? "last-price" : "linear");
	if (predictor->calibrated)
		add_doubles(json, "spread", predictor->spread, PREDICTOR_SPREADS);
	if (predictor->calibrated)
		cJSON_AddItemToObject(json, "log_factor", json_exact(predictor->log_factor));
	if (!predictor->last_price)
		add_fit(json, predictor, spec);
	int anchor = predictor->fit.anchor;
	if (anchor >= 0)
		cJSON_AddStringToObject(json, "anchor", spec->features[anchor].name);
	else
		cJSON_AddNullToObject(json, "anchor");
	return json;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool get_number(const cJSON *json, const char *name, double *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	*out = cJSON_IsNumber(item) ? item->valuedouble : NAN;
	return cJSON_IsNumber(item) && isfinite(*out);
}

static bool get_integer(const cJSON *json, const char *name, int64_t *out)
{
	return json_read_integer(cJSON_GetObjectItemCaseSensitive(json, name), out);
}

static bool get_doubles(const cJSON *json, const char *name, double *out, size_t count)
{
	return json_read_doubles(cJSON_GetObjectItemCaseSensitive(json, name), out, count);
}

static bool get_features(const cJSON *json, const struct spec *spec, struct fit_predictor *fit)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "features");
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array) || (size_t)cJSON_GetArraySize(array) > spec->feature_count)
		return false;
	cJSON_ArrayForEach(item, array)
	{
		const char *name = cJSON_GetStringValue(item);
		int index = name ? spec_feature_index(spec, name) : -1;
		if (index < 0)
			return false;
		fit->columns[fit->kept++] = (size_t)index;
	}
	return true;
}

/* Numbers that do not fall, and null from the first unknown one on. */
static bool get_spread(const cJSON *json, double *spread)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "spread"), *item = NULL;
	size_t count = 0;
	double before = 0;
	if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) != PREDICTOR_SPREADS)
		return false;
	cJSON_ArrayForEach(item, array)
	{
		bool known = cJSON_IsNumber(item) && item->valuedouble >= before;
		if (!cJSON_IsNull(item) && !known)
			return false;
		before = known ? item->valuedouble : INFINITY;
		spread[count++] = known ? item->valuedouble : NAN;
	}
	return true;
}

/* Versions of earlier programs have none. */
static bool get_log_factor(const cJSON *json, double *log_factor)
{
	if (!cJSON_GetObjectItemCaseSensitive(json, "log_factor")) {
		*log_factor = 0;
		return true;
	}
	return get_number(json, "log_factor", log_factor) &&
	       fabs(*log_factor) <= log(ADAPTIVE_MOST);
}

/* A zero on the diagonal, or no scale, would divide by zero later. */
static bool divides_well(const struct fit_predictor *fit, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (fit->triangle[i * size + i] == 0)
			return false;
	for (size_t i = 0; i < fit->kept; i++)
		if (fit->scale[i] == 0)
			return false;
	return true;
}

static bool get_fit(const cJSON *json, const struct spec *spec, struct predictor *predictor)
{
	struct fit_predictor *fit = &predictor->fit;
	int64_t rows;
	fit->ones = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ones"));
	if (!get_features(json, spec, fit))
		return false;
	size_t size = fit->kept + (fit->ones ? 1 : 0);
	bool whole = get_number(json, "base", &fit->base) &&
		     get_doubles(json, "slope", fit->slope, fit->kept) &&
		     get_doubles(json, "shift", fit->shift, fit->kept) &&
		     get_doubles(json, "scale", fit->scale, fit->kept) &&
		     get_doubles(json, "triangle", fit->triangle, size * size) &&
		     get_doubles(json, "low", predictor->low, spec->feature_count) &&
		     get_doubles(json, "high", predictor->high, spec->feature_count) &&
		     get_integer(json, "freedom", &fit->freedom) &&
		     get_integer(json, "rows", &rows) && rows >= 0 && divides_well(fit, size);
	if (!whole)
		return false;
	fit->rows = (uint64_t)rows;
	return get_number(json, "s", &fit->s) || fit->freedom <= 0;
}

enum error predictor_from_json(const cJSON *json, const struct spec *spec,
			       struct predictor *predictor, struct text *why)
{
	memset(predictor, 0, sizeof(*predictor));
	const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "kind"));
	const char *anchor = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "anchor"));
	predictor->fit.anchor = anchor ? spec_feature_index(spec, anchor) : -1;
	predictor->last_price = kind && strcmp(kind, "last-price") == 0;
	bool has_spread = cJSON_GetObjectItemCaseSensitive(json, "spread") != NULL;
	bool whole = false;
	predictor->calibrated = has_spread && get_spread(json, predictor->spread) &&
				get_log_factor(json, &predictor->log_factor);
	if (predictor->last_price)
		whole = predictor->fit.anchor >= 0 && predictor->calibrated;
	else if (kind && strcmp(kind, "linear") == 0)
		whole = (!anchor || predictor->fit.anchor >= 0) && get_fit(json, spec, predictor);
	if (whole && predictor->calibrated == has_spread)
		return ERROR_OK;
	why_putf(why, "the predictor is not whole or not of this spec");
	return ERROR_INVALID;
}
