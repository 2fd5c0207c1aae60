/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spec.h"

#include <string.h>

bool spec_name_ok(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return length >= 1 && length <= SPEC_MAX_NAME && name[length] == '\0' && name[0] >= 'a' &&
	       name[0] <= 'z';
}

int spec_feature_index(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->feature_count; i++)
		if (strcmp(spec->features[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool spec_feature_rolls(const struct spec_feature *feature)
{
	return feature->transform == FEATURE_MEAN || feature->transform == FEATURE_DEVIATION;
}

bool spec_feature_is_hour(const struct spec_feature *feature)
{
	return feature->transform == FEATURE_HOUR_SINE || feature->transform == FEATURE_HOUR_COSINE;
}

/* How far the feature itself looks back, in seconds; 0: not, or to the record before. */
static int64_t reach_s(const struct spec_feature *feature)
{
	return feature->lag_s + feature->window_s;
}

/* True when the feature needs the record before or an earlier one. */
static bool looks_back(const struct spec_feature *feature)
{
	bool compares = feature->transform == FEATURE_RETURN ||
			(feature->transform == FEATURE_DIFFERENCE && feature->other < 0);
	return reach_s(feature) > 0 || compares;
}

bool spec_is_ordered(const struct spec *spec)
{
	if (spec->horizon_s > 0 || spec->split == SPLIT_TIME)
		return true;
	for (size_t i = 0; i < spec->feature_count; i++)
		if (looks_back(&spec->features[i]))
			return true;
	return false;
}

unsigned spec_columns(const struct spec *spec)
{
	unsigned columns = 1U << spec->target;
	for (size_t i = 0; i < spec->feature_count; i++) {
		const struct spec_feature *feature = &spec->features[i];
		columns |= 1U << feature->column;
		columns |= feature->other >= 0 ? 1U << feature->other : 0;
	}
	return columns;
}

int64_t spec_reach_s(const struct spec *spec)
{
	int64_t reach = 0;
	for (size_t i = 0; i < spec->feature_count; i++)
		if (reach_s(&spec->features[i]) > reach)
			reach = reach_s(&spec->features[i]);
	return reach > 0 ? reach + spec->tolerance_s : 0;
}
