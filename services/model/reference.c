/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLE_ROWS = 1024 };

static double error_of(const struct predictor *predictor, const struct tail_row *row)
{
	return row->y - (predictor->last_price ? row->x[predictor->fit.anchor]
					       : fit_predict(&predictor->fit, row->x));
}

/* Of one in so many rows: a thousand tell the deciles well enough, and a retraining waits for this.
 */
static void set_features(struct tail *tail, size_t features, double *values,
			 struct reference *reference)
{
	size_t rows = tail_count(tail), every = 1 + rows / (SAMPLE_ROWS + 1), count = 0;
	for (size_t i = 0; i < rows; i += every, count++) {
		struct tail_row row = tail_row(tail, i);
		for (size_t f = 0; f < features; f++)
			values[f * SAMPLE_ROWS + count] = row.x[f];
	}
	for (size_t f = 0; f < features; f++)
		stability_set(&reference->features[f], values + f * SAMPLE_ROWS, count);
}

static void set_residuals(const struct predictor *predictor, struct tail *tail, int64_t since_us,
			  double *values, struct stability *reference)
{
	size_t rows = tail_count(tail), count = 0;
	for (size_t i = 0; i < rows; i++) {
		struct tail_row row = tail_row(tail, i);
		values[count] = error_of(predictor, &row);
		count += row.timestamp_us >= since_us && isfinite(values[count]);
	}
	stability_set(reference, values, count);
}

enum error reference_set(const struct predictor *predictor, size_t features, struct tail *tail,
			 int64_t since_us, struct reference *reference)
{
	size_t room = features * SAMPLE_ROWS;
	double *values = calloc(room > TAIL_ROWS ? room : TAIL_ROWS, sizeof(*values));
	*reference = (struct reference){ 0 };
	if (!values)
		return ERROR_NO_MEMORY;
	set_features(tail, features, values, reference);
	set_residuals(predictor, tail, since_us, values, &reference->residuals);
	free(values);
	return ERROR_OK;
}

/* --- JSON ------------------------------------------------------------------------------------ */

cJSON *reference_to_json(const struct reference *reference, const struct spec *spec)
{
	cJSON *json = cJSON_CreateObject(), *features = cJSON_AddObjectToObject(json, "features");
	for (size_t i = 0; i < spec->feature_count; i++)
		cJSON_AddItemToObject(features, spec->features[i].name,
				      stability_to_json(&reference->features[i]));
	cJSON_AddItemToObject(json, "residuals", stability_to_json(&reference->residuals));
	return json;
}

static bool get(const cJSON *json, const char *name, struct stability *reference)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	*reference = (struct stability){ 0 };
	return !item || stability_from_json(item, reference);
}

bool reference_from_json(const cJSON *json, const struct spec *spec, struct reference *reference)
{
	const cJSON *features = cJSON_GetObjectItemCaseSensitive(json, "features");
	bool whole = get(json, "residuals", &reference->residuals);
	for (size_t i = 0; i < spec->feature_count && whole; i++)
		whole = get(features, spec->features[i].name, &reference->features[i]);
	return whole;
}
