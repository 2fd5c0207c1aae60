/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stability.h"

#include <math.h>
#include <string.h>

#include "json_numbers.h"
#include "sort_doubles.h"

static const double SPARE = 0.5; /* rows that every bin gets */

static size_t bin_of(const struct stability *reference, double value)
{
	size_t bin = 0;
	while (bin + 1 < reference->bins && value > reference->edges[bin])
		bin++;
	return bin;
}

static double share(size_t count, size_t rows, size_t bins)
{
	return ((double)count + SPARE) / ((double)rows + SPARE * (double)bins);
}

void stability_set(struct stability *reference, double *values, size_t count)
{
	struct stability_now now = { 0 };
	*reference = (struct stability){ 0 };
	if (count < STABILITY_LEAST)
		return;
	sort_doubles(values, count);
	reference->bins = 1;
	for (size_t i = 1; i < STABILITY_BINS; i++) {
		double edge = values[i * count / STABILITY_BINS - 1];
		if (reference->bins == 1 || edge > reference->edges[reference->bins - 2])
			reference->edges[reference->bins++ - 1] = edge;
	}
	for (size_t i = 0; i < count; i++)
		stability_count(reference, values[i], &now);
	for (size_t i = 0; i < reference->bins; i++)
		reference->shares[i] = share(now.counts[i], count, reference->bins);
}

void stability_count(const struct stability *reference, double value, struct stability_now *now)
{
	now->rows++;
	now->counts[bin_of(reference, value)]++;
}

double stability_index(const struct stability *reference, const struct stability_now *now)
{
	double sum = 0;
	if (reference->bins == 0 || now->rows < STABILITY_LEAST)
		return NAN;
	for (size_t i = 0; i < reference->bins; i++) {
		double p = share(now->counts[i], now->rows, reference->bins);
		sum += (p - reference->shares[i]) * log(p / reference->shares[i]);
	}
	return sum;
}

/* --- JSON ------------------------------------------------------------------------------------ */

cJSON *stability_to_json(const struct stability *reference)
{
	if (reference->bins == 0)
		return cJSON_CreateNull();
	cJSON *json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "edges",
			      json_exact_array(reference->edges, reference->bins - 1));
	cJSON_AddItemToObject(json, "shares", json_exact_array(reference->shares, reference->bins));
	return json;
}

static bool is_sound(const struct stability *reference)
{
	for (size_t i = 0; i < reference->bins; i++)
		if (!(reference->shares[i] > 0))
			return false;
	for (size_t i = 1; i + 1 < reference->bins; i++)
		if (!(reference->edges[i] > reference->edges[i - 1]))
			return false;
	return true;
}

bool stability_from_json(const cJSON *json, struct stability *reference)
{
	const cJSON *shares = cJSON_GetObjectItemCaseSensitive(json, "shares");
	int bins = cJSON_GetArraySize(shares);
	*reference = (struct stability){ 0 };
	if (cJSON_IsNull(json))
		return true;
	if (bins < 1 || bins > STABILITY_BINS)
		return false;
	reference->bins = (size_t)bins;
	return json_read_doubles(shares, reference->shares, reference->bins) &&
	       json_read_doubles(cJSON_GetObjectItemCaseSensitive(json, "edges"), reference->edges,
				 reference->bins - 1) &&
	       is_sound(reference);
}
