/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Specs from and to JSON. Every member is one row of a table, so that unknown ones can be told.
 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

static const char *const TRANSFORMS[FEATURE_TRANSFORMS] = {
	[FEATURE_VALUE] = "value",
	[FEATURE_RETURN] = "return",
	[FEATURE_DIFFERENCE] = "difference",
	[FEATURE_RATIO] = "ratio",
	[FEATURE_LOG] = "log",
	[FEATURE_MEAN] = "mean",
	[FEATURE_DEVIATION] = "deviation",
	[FEATURE_HOUR_SINE] = "hour_sine",
	[FEATURE_HOUR_COSINE] = "hour_cosine",
};
static const char *const SPLITS[] = { [SPLIT_SEEDED] = "seeded", [SPLIT_TIME] = "time" };
static const char *const LEAKAGES[] = { [LEAKAGE_FLAG] = "flag", [LEAKAGE_DROP] = "drop" };

/* Where a value is being read: the object, its path for messages, and what to say. */
struct reader {
	const cJSON *object;
	const char *path; /* "" or "features[2]." or "split." */
	struct text *why;
};

static enum error refuse(const struct reader *in, const char *name, const char *rule)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, name);
	char *value = item ? cJSON_PrintUnformatted(item) : NULL;
	why_putf(in->why, "%s%s %s%.80s%s%s", in->path, name, value ? "is " : "is missing: it ",
		 value ? value : "", value ? ": it " : "", rule);
	free(value);
	return ERROR_INVALID;
}

static enum error check_members(const struct reader *in, const char *const *known, size_t count)
{
	const cJSON *item = NULL;
	cJSON_ArrayForEach(item, in->object)
	{
		size_t i = 0;
		while (i < count && strcmp(known[i], item->string) != 0)
			i++;
		bool first = cJSON_GetObjectItemCaseSensitive(in->object, item->string) == item;
		if (i < count && first)
			continue;
		why_putf(in->why, "%s%.60s %s", in->path, item->string,
			 i < count ? "is there twice" : "is not a member of a model's spec");
		return ERROR_INVALID;
	}
	return ERROR_OK;
}

/* Copies a string member; `fallback` NULL: it must be there. */
static enum error read_string(const struct reader *in, const char *name, const char *fallback,
			      char *out, size_t max)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, name);
	const char *value = item ? cJSON_GetStringValue(item) : fallback;
	if (!value)
		return refuse(in, name, "must be a string");
	if (strlen(value) > max)
		return refuse(in, name, "is too long");
	memcpy(out, value, strlen(value) + 1);
	return ERROR_OK;
}

/* What cJSON prints and reads back for sure: a spec must come back as it was. */
static double fifteen_digits(double value)
{
	char text[40];
	snprintf(text, sizeof(text), "%.15g", value);
	return strtod(text, NULL);
}

static enum error read_number(const struct reader *in, const char *name, double fallback,
			      double low, double high, double *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, name);
	*out = item ? item->valuedouble : fallback;
	if (item && (!cJSON_IsNumber(item) || !(*out >= low && *out <= high))) {
		char rule[80];
		snprintf(rule, sizeof(rule), "must be a number from %.15g to %.15g", low, high);
		return refuse(in, name, rule);
	}
	return ERROR_OK;
}

static enum error read_integer(const struct reader *in, const char *name, int64_t high,
			       int64_t fallback, int64_t *out)
{
	double value;
	enum error error = read_number(in, name, (double)fallback, 0, (double)high, &value);
	if (error != ERROR_OK)
		return error;
	if (value != floor(value))
		return refuse(in, name, "must be an integer");
	*out = (int64_t)value;
	return ERROR_OK;
}

static enum error read_choice(const struct reader *in, const char *name, const char *const *names,
			      int count, int fallback, int *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, name);
	const char *value = item ? cJSON_GetStringValue(item) : names[fallback];
	for (int i = 0; value && i < count; i++) {
		if (strcmp(names[i], value) == 0) {
			*out = i;
			return ERROR_OK;
		}
	}
	char rule[120];
	int length = snprintf(rule, sizeof(rule), "must be one of");
	for (int i = 0; i < count; i++)
		length += snprintf(rule + length, sizeof(rule) - (size_t)length, "%s \"%s\"",
				   i ? "," : "", names[i]);
	return refuse(in, name, rule);
}

/* A numeric column of the record; `fallback` -2: it must be there, -1: it may be missing. */
static enum error read_column(const struct reader *in, const struct record_table *table,
			      const char *name, int fallback, int *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, name);
	*out = fallback;
	if (!item && fallback != -2)
		return ERROR_OK;
	const char *value = cJSON_GetStringValue(item);
	*out = value ? record_field_index(table, value, strlen(value)) : -1;
	if (*out >= 1)
		return ERROR_OK;
	char rule[RECORD_MAX_FIELDS * 32 + 60];
	int length = snprintf(rule, sizeof(rule), "must be a column of %s:", table->plural);
	for (size_t i = 1; i < table->count; i++)
		length += snprintf(rule + length, sizeof(rule) - (size_t)length, "%s %s",
				   i > 1 ? "," : "", table->fields[i].name);
	return refuse(in, name, rule);
}

/* --- features -------------------------------------------------------------------------------- */

static bool divides(enum feature_transform transform)
{
	return transform == FEATURE_RATIO || transform == FEATURE_RETURN;
}

static enum error read_zero(const struct reader *in, struct spec_feature *feature)
{
	const cJSON *zero = cJSON_GetObjectItemCaseSensitive(in->object, "zero");
	feature->zero_drops = !cJSON_IsNumber(zero);
	feature->zero_value = cJSON_IsNumber(zero) ? fifteen_digits(zero->valuedouble) : 0;
	if (!zero)
		return ERROR_OK;
	const char *text = cJSON_GetStringValue(zero);
	bool is_drop = text && strcmp(text, "drop") == 0;
	if (!(is_drop || cJSON_IsNumber(zero)) || !isfinite(feature->zero_value))
		return refuse(in, "zero", "must be \"drop\" or a number");
	if (!divides(feature->transform))
		return refuse(in, "zero", "belongs to \"ratio\" and \"return\" only");
	return ERROR_OK;
}

static enum error check_other(const struct reader *in, const struct spec_feature *feature)
{
	bool may = feature->transform == FEATURE_RATIO || feature->transform == FEATURE_DIFFERENCE;
	if (feature->transform == FEATURE_RATIO && feature->other < 0)
		return refuse(in, "other", "is the column that a \"ratio\" divides by");
	if (feature->other >= 0 && !may)
		return refuse(in, "other", "belongs to \"ratio\" and \"difference\" only");
	if (feature->other >= 0 && feature->lag_s > 0)
		return refuse(in, "lag_s", "can't be given together with `other`");
	return ERROR_OK;
}

/* The column of the record, which for the hour is its time. */
static enum error read_source(const struct reader *in, const struct record_table *table,
			      struct spec_feature *feature)
{
	const cJSON *column = cJSON_GetObjectItemCaseSensitive(in->object, "column");
	const char *time = table->fields[0].name, *given = cJSON_GetStringValue(column);
	if (!spec_feature_is_hour(feature))
		return read_column(in, table, "column", -2, &feature->column);
	feature->column = 0;
	if (column && (!given || strcmp(given, time) != 0))
		return refuse(in, "column", "must be \"timestamp\" for the hour of the day");
	if (feature->lag_s > 0)
		return refuse(in, "lag_s", "can't be given for the hour of the day");
	return ERROR_OK;
}

static enum error read_window(const struct reader *in, struct spec_feature *feature)
{
	enum error error = read_integer(in, "window_s", SPEC_MAX_LAG_S, 0, &feature->window_s);
	if (error != ERROR_OK)
		return error;
	if (!spec_feature_rolls(feature) &&
	    cJSON_GetObjectItemCaseSensitive(in->object, "window_s"))
		return refuse(in, "window_s", "belongs to \"mean\" and \"deviation\" only");
	if (spec_feature_rolls(feature) && feature->window_s == 0)
		return refuse(in, "window_s", "must be the seconds to look back over, at least 1");
	if (feature->lag_s + feature->window_s > SPEC_MAX_LAG_S)
		return refuse(in, "window_s", "must be at most 604800 together with lag_s");
	return ERROR_OK;
}

static enum error read_feature_object(const struct reader *in, const struct record_table *table,
				      struct spec_feature *feature)
{
	static const char *const members[] = { "name",     "column", "transform", "lag_s",
					       "window_s", "other",  "zero" };
	int transform = 0;
	enum error error = check_members(in, members, sizeof(members) / sizeof(members[0]));
	if (error == ERROR_OK)
		error = read_string(in, "name", NULL, feature->name, SPEC_MAX_NAME);
	if (error == ERROR_OK && !spec_name_ok(feature->name))
		error = refuse(in, "name", "must be of a-z, 0-9, _ and -, a letter first");
	if (error == ERROR_OK)
		error = read_choice(in, "transform", TRANSFORMS, FEATURE_TRANSFORMS, FEATURE_VALUE,
				    &transform);
	feature->transform = (enum feature_transform)transform;
	if (error == ERROR_OK)
		error = read_integer(in, "lag_s", SPEC_MAX_LAG_S, 0, &feature->lag_s);
	if (error == ERROR_OK)
		error = read_source(in, table, feature);
	if (error == ERROR_OK)
		error = read_window(in, feature);
	if (error == ERROR_OK)
		error = read_column(in, table, "other", -1, &feature->other);
	if (error == ERROR_OK)
		error = check_other(in, feature);
	return error == ERROR_OK ? read_zero(in, feature) : error;
}

/* "open" stands for {"name":"open","column":"open"}. */
static enum error read_feature(const cJSON *item, size_t index, const struct record_table *table,
			       struct spec_feature *feature, struct text *why)
{
	char path[32];
	snprintf(path, sizeof(path), "features[%zu].", index);
	cJSON *made = NULL;
	if (cJSON_IsString(item)) {
		made = cJSON_CreateObject();
		cJSON_AddStringToObject(made, "name", item->valuestring);
		cJSON_AddStringToObject(made, "column", item->valuestring);
	} else if (!cJSON_IsObject(item)) {
		why_putf(why, "features[%zu] must be a column's name or an object", index);
		return ERROR_INVALID;
	}
	struct reader in = { .object = made ? made : item, .path = path, .why = why };
	enum error error = read_feature_object(&in, table, feature);
	cJSON_Delete(made);
	return error;
}

static enum error read_features(const struct reader *in, struct spec *spec)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(in->object, "features");
	const cJSON *item = NULL;
	size_t count = cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : 0;
	if (count < 1 || count > SPEC_MAX_FEATURES)
		return refuse(in, "features", "must be an array of 1 to 32 features");
	cJSON_ArrayForEach(item, array)
	{
		struct spec_feature *feature = &spec->features[spec->feature_count];
		enum error error =
			read_feature(item, spec->feature_count, spec->table, feature, in->why);
		if (error != ERROR_OK)
			return error;
		if (spec_feature_index(spec, feature->name) >= 0) {
			why_putf(in->why, "features[%zu].name \"%s\" is there twice",
				 spec->feature_count, feature->name);
			return ERROR_INVALID;
		}
		spec->feature_count++;
	}
	return ERROR_OK;
}

/* --- the rest -------------------------------------------------------------------------------- */

static enum error read_split(const struct reader *in, struct spec *spec)
{
	static const char *const members[] = { "kind", "train", "seed" };
	const cJSON *split = cJSON_GetObjectItemCaseSensitive(in->object, "split");
	int kind = SPLIT_SEEDED;
	int64_t seed = 0;
	if (split && !cJSON_IsObject(split))
		return refuse(in, "split", "must be an object");
	struct reader inside = { .object = split, .path = "split.", .why = in->why };
	enum error error = check_members(&inside, members, 3);
	if (error == ERROR_OK)
		error = read_choice(&inside, "kind", SPLITS, 2, SPLIT_SEEDED, &kind);
	if (error == ERROR_OK)
		error = read_number(&inside, "train", 0.8, 0.05, 1, &spec->train_fraction);
	if (error == ERROR_OK)
		error = read_integer(&inside, "seed", INT64_C(1) << 53, 42, &seed);
	if (error == ERROR_OK && kind == SPLIT_TIME &&
	    cJSON_GetObjectItemCaseSensitive(split, "seed"))
		error = refuse(&inside, "seed", "belongs to \"seeded\" only");
	spec->train_fraction = fifteen_digits(spec->train_fraction);
	spec->split = (enum spec_split)kind;
	spec->seed = (uint64_t)seed;
	return error;
}

static enum error read_ridge(const struct reader *in, struct spec *spec)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, "ridge");
	const char *text = cJSON_GetStringValue(item);
	spec->ridge_auto = text && strcmp(text, "auto") == 0;
	if (!item || cJSON_IsNull(item) || spec->ridge_auto)
		return ERROR_OK;
	/* Zero has no sign here: none is written for it. */
	spec->ridge = cJSON_IsNumber(item) ? fifteen_digits(item->valuedouble) + 0.0 : NAN;
	if (!(spec->ridge >= 0 && spec->ridge <= SPEC_MAX_RIDGE))
		return refuse(in, "ridge", "must be \"auto\" or a number from 0 to 1000000");
	return ERROR_OK;
}

static enum error read_anchor(const struct reader *in, struct spec *spec)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, "anchor");
	const char *name = cJSON_GetStringValue(item);
	spec->anchor = -1;
	if (!item || cJSON_IsNull(item))
		return ERROR_OK;
	spec->anchor = name ? spec_feature_index(spec, name) : -1;
	if (spec->anchor < 0)
		return refuse(in, "anchor", "must be the name of a feature, or null");
	return ERROR_OK;
}

static enum error read_bool(const struct reader *in, const char *name, bool fallback, bool *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(in->object, name);
	*out = item ? cJSON_IsTrue(item) : fallback;
	return item && !cJSON_IsBool(item) ? refuse(in, name, "must be true or false") : ERROR_OK;
}

static enum error read_records(const struct reader *in, struct spec *spec)
{
	char plural[32];
	enum error error = read_string(in, "records", NULL, plural, sizeof(plural) - 1);
	if (error != ERROR_OK)
		return error;
	spec->table = record_table_by_plural(plural);
	return spec->table ? ERROR_OK : refuse(in, "records", "must be \"ticks\" or \"bars\"");
}

static enum error read_heading(const struct reader *in, struct spec *spec)
{
	enum error error = read_string(in, "name", NULL, spec->name, SPEC_MAX_NAME);
	if (error == ERROR_OK && !spec_name_ok(spec->name))
		error = refuse(in, "name",
			       "must be of a-z, 0-9, _ and -, a letter first, at most 48 long");
	if (error == ERROR_OK)
		error = read_string(in, "description", "", spec->description, SPEC_MAX_DESCRIPTION);
	return error == ERROR_OK ? read_records(in, spec) : error;
}

enum error spec_from_json(const cJSON *json, struct spec *spec, struct text *why)
{
	static const char *const members[] = { "name",        "description", "records",   "target",
					       "features",    "intercept",   "horizon_s", "split",
					       "tolerance_s", "leakage",     "anchor",    "ridge" };
	struct reader in = { .object = json, .path = "", .why = why };
	int leakage = LEAKAGE_FLAG;
	memset(spec, 0, sizeof(*spec));
	if (!cJSON_IsObject(json)) {
		why_putf(why, "a model's spec must be an object");
		return ERROR_INVALID;
	}
	enum error error = check_members(&in, members, sizeof(members) / sizeof(members[0]));
	if (error == ERROR_OK)
		error = read_heading(&in, spec);
	if (error == ERROR_OK)
		error = read_column(&in, spec->table, "target", -2, &spec->target);
	if (error == ERROR_OK)
		error = read_features(&in, spec);
	if (error == ERROR_OK)
		error = read_bool(&in, "intercept", true, &spec->intercept);
	if (error == ERROR_OK)
		error = read_integer(&in, "horizon_s", SPEC_MAX_HORIZON_S, 0, &spec->horizon_s);
	if (error == ERROR_OK)
		error = read_integer(&in, "tolerance_s", 86400, 0, &spec->tolerance_s);
	if (error == ERROR_OK)
		error = read_split(&in, spec);
	if (error == ERROR_OK)
		error = read_choice(&in, "leakage", LEAKAGES, 2, LEAKAGE_FLAG, &leakage);
	spec->leakage = (enum spec_leakage)leakage;
	if (error == ERROR_OK)
		error = read_ridge(&in, spec);
	return error == ERROR_OK ? read_anchor(&in, spec) : error;
}

/* --- writing --------------------------------------------------------------------------------- */

static cJSON *feature_to_json(const struct spec *spec, const struct spec_feature *feature)
{
	const struct record_field *fields = spec->table->fields;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "name", feature->name);
	cJSON_AddStringToObject(json, "column", fields[feature->column].name);
	cJSON_AddStringToObject(json, "transform", TRANSFORMS[feature->transform]);
	cJSON_AddNumberToObject(json, "lag_s", (double)feature->lag_s);
	if (spec_feature_rolls(feature))
		cJSON_AddNumberToObject(json, "window_s", (double)feature->window_s);
	if (feature->other >= 0)
		cJSON_AddStringToObject(json, "other", fields[feature->other].name);
	if (divides(feature->transform) && feature->zero_drops)
		cJSON_AddStringToObject(json, "zero", "drop");
	else if (divides(feature->transform))
		cJSON_AddNumberToObject(json, "zero", feature->zero_value);
	return json;
}

static void add_split(const struct spec *spec, cJSON *json)
{
	cJSON *split = cJSON_AddObjectToObject(json, "split");
	cJSON_AddStringToObject(split, "kind", SPLITS[spec->split]);
	cJSON_AddNumberToObject(split, "train", spec->train_fraction);
	if (spec->split == SPLIT_SEEDED)
		cJSON_AddNumberToObject(split, "seed", (double)spec->seed);
}

cJSON *spec_to_json(const struct spec *spec)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "name", spec->name);
	cJSON_AddStringToObject(json, "description", spec->description);
	cJSON_AddStringToObject(json, "records", spec->table->plural);
	cJSON_AddStringToObject(json, "target", spec->table->fields[spec->target].name);
	cJSON *features = cJSON_AddArrayToObject(json, "features");
	for (size_t i = 0; i < spec->feature_count; i++)
		cJSON_AddItemToArray(features, feature_to_json(spec, &spec->features[i]));
	cJSON_AddBoolToObject(json, "intercept", spec->intercept);
	cJSON_AddNumberToObject(json, "horizon_s", (double)spec->horizon_s);
	cJSON_AddNumberToObject(json, "tolerance_s", (double)spec->tolerance_s);
	add_split(spec, json);
	cJSON_AddStringToObject(json, "leakage", LEAKAGES[spec->leakage]);
	if (spec->ridge_auto)
		cJSON_AddStringToObject(json, "ridge", "auto");
	else if (spec->ridge > 0)
		cJSON_AddNumberToObject(json, "ridge", spec->ridge);
	cJSON *last = spec->anchor < 0 ? cJSON_AddNullToObject(json, "anchor")
				       : cJSON_AddStringToObject(json, "anchor",
								 spec->features[spec->anchor].name);
	if (!last) /* the last one made: what is missing before would be missing here as well */
		cJSON_Delete(json);
	return last ? json : NULL;
}
