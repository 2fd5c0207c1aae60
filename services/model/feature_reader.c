/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feature_reader.h"

#include <stdio.h>
#include <string.h>

enum error feature_refuse(struct feature_reader *reader, int status, const char *slug,
			  const char *feature, const char *format, ...)
{
	struct feature_fault *fault = &reader->fault;
	struct text reason;
	va_list arguments;
	*fault = (struct feature_fault){
		.status = status, .slug = slug, .row = reader->row, .feature_given = feature != NULL
	};
	snprintf(fault->feature, sizeof fault->feature, "%s", feature ? feature : "");
	text_init_fixed(&reason, fault->reason, sizeof fault->reason);
	va_start(arguments, format);
	text_putv(&reason, format, arguments);
	va_end(arguments);
	return ERROR_INVALID;
}

static const char *type_name(const cJSON *json)
{
	if (cJSON_IsNull(json))
		return "null";
	if (cJSON_IsString(json))
		return "a string";
	if (cJSON_IsBool(json))
		return "a boolean";
	return cJSON_IsObject(json) ? "an object" : "an array";
}

enum error feature_number(struct feature_reader *reader, const char *name, const cJSON *item,
			  double *value)
{
	if (!cJSON_IsNumber(item))
		return feature_refuse(reader, 400, "wrong-type", name, "must be a number, not %s",
				      type_name(item));
	*value = item->valuedouble;
	return ERROR_OK;
}

static enum error refuse_unknown(struct feature_reader *reader, const char *name)
{
	return feature_refuse(reader, 400, "unknown-feature", name,
			      "is unknown to this model; GET /v1/models/{m} lists its features");
}

static enum error check_given(struct feature_reader *reader, const bool *given)
{
	const struct spec *spec = version_spec(reader->version);
	for (size_t i = 0; i < spec->feature_count; i++) {
		if (!given[i] && version_uses(reader->version, i))
			return feature_refuse(reader, 400, "missing-feature",
					      spec->features[i].name, "is missing");
	}
	return ERROR_OK;
}

enum error feature_row_end(struct feature_reader *reader, const double *x)
{
	if (reader->row >= 0 && (size_t)reader->row >= reader->rows_limit) {
		reader->row = -1;
		return feature_refuse(reader, 413, "too-many-rows", NULL,
				      "more than %zu rows: one call takes no more (setting "
				      "rows_limit)",
				      reader->rows_limit);
	}
	enum error error = reader->take(x, &reader->fault, reader->user);
	if (error != ERROR_OK)
		reader->fault.row = reader->row;
	else if (reader->row >= 0)
		reader->row++;
	return error;
}

/* --- objects --------------------------------------------------------------------------------- */

enum error feature_read_object(struct feature_reader *reader, const cJSON *row)
{
	const struct spec *spec = version_spec(reader->version);
	double x[SPEC_MAX_FEATURES] = { 0 };
	bool given[SPEC_MAX_FEATURES] = { false };
	if (!cJSON_IsObject(row))
		return feature_refuse(reader, 400, "wrong-type", NULL,
				      "a row must be an object of features by name");
	for (const cJSON *member = row->child; member; member = member->next) {
		int index = spec_feature_index(spec, member->string);
		if (index < 0)
			return refuse_unknown(reader, member->string);
		enum error error = feature_number(reader, member->string, member, &x[index]);
		if (error != ERROR_OK)
			return error;
		given[index] = true;
	}
	enum error error = check_given(reader, given);
	return error == ERROR_OK ? feature_row_end(reader, x) : error;
}

enum error feature_read_objects(struct feature_reader *reader, const cJSON *rows)
{
	enum error error = ERROR_OK;
	for (const cJSON *row = rows->child; row && error == ERROR_OK; row = row->next)
		error = feature_read_object(reader, row);
	return error;
}

/* --- columns --------------------------------------------------------------------------------- */

enum error feature_column(struct feature_reader *reader, struct feature_columns *columns,
			  const char *name, size_t length)
{
	char copy[sizeof reader->fault.feature];
	snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : sizeof copy),
		 name);
	int index =
		length < sizeof copy ? spec_feature_index(version_spec(reader->version), copy) : -1;
	if (index < 0)
		return refuse_unknown(reader, copy);
	if (columns->given[index])
		return feature_refuse(reader, 400, "repeated-feature", copy, "has two columns");
	columns->given[index] = true;
	columns->feature[columns->count++] = index;
	return ERROR_OK;
}

enum error feature_columns_whole(struct feature_reader *reader,
				 const struct feature_columns *columns)
{
	return check_given(reader, columns->given);
}
