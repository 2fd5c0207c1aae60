/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Features as MLflow's scoring protocol has them. `instances` and `inputs` may come without names,
 * as a matrix: then each row holds every feature in the spec's order, no more and no fewer.
 */
#include <string.h>

#include "feature_reader.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static enum error refuse_form(struct feature_reader *reader, const char *what)
{
	return feature_refuse(reader, 400, "wrong-type", NULL, "%s", what);
}

/* --- dataframe_split ------------------------------------------------------------------------- */

static enum error read_names(struct feature_reader *reader, const cJSON *names,
			     struct feature_columns *columns)
{
	enum error error = ERROR_OK;
	for (const cJSON *name = names->child; name && error == ERROR_OK; name = name->next) {
		const char *string = cJSON_GetStringValue(name);
		error = string ? feature_column(reader, columns, string, strlen(string))
			       : refuse_form(reader, "columns must be the features' names");
	}
	return error == ERROR_OK ? feature_columns_whole(reader, columns) : error;
}

/* An array with a number for each column. */
static enum error read_cells(struct feature_reader *reader, const cJSON *row,
			     const struct feature_columns *columns)
{
	const struct spec *spec = version_spec(reader->version);
	double x[SPEC_MAX_FEATURES] = { 0 };
	if (!cJSON_IsArray(row) || (size_t)cJSON_GetArraySize(row) != columns->count)
		return feature_refuse(reader, 400, "bad-shape", NULL,
				      "a row must be an array of %zu numbers", columns->count);
	size_t i = 0;
	for (const cJSON *cell = row->child; cell; cell = cell->next, i++) {
		size_t feature = (size_t)columns->feature[i];
		enum error error =
			feature_number(reader, spec->features[feature].name, cell, &x[feature]);
		if (error != ERROR_OK)
			return error;
	}
	return feature_row_end(reader, x);
}

static enum error read_matrix(struct feature_reader *reader, const cJSON *rows,
			      const struct feature_columns *columns)
{
	enum error error = ERROR_OK;
	reader->row = 0;
	for (const cJSON *row = rows->child; row && error == ERROR_OK; row = row->next)
		error = read_cells(reader, row, columns);
	return error;
}

static enum error read_split(struct feature_reader *reader, const cJSON *split)
{
	const cJSON *names = member(split, "columns"), *rows = member(split, "data");
	struct feature_columns columns = { 0 };
	if (!cJSON_IsArray(names) || !cJSON_IsArray(rows))
		return refuse_form(reader, "dataframe_split must be an object with the arrays "
					   "columns and data");
	enum error error = read_names(reader, names, &columns);
	return error == ERROR_OK ? read_matrix(reader, rows, &columns) : error;
}

/* --- dataframe_records, instances, inputs ---------------------------------------------------- */

static enum error read_records(struct feature_reader *reader, const cJSON *rows)
{
	if (!cJSON_IsArray(rows))
		return refuse_form(reader, "it must be an array with an object for each row");
	reader->row = 0;
	return feature_read_objects(reader, rows);
}

static enum error read_rows(struct feature_reader *reader, const cJSON *rows)
{
	struct feature_columns columns = { 0 };
	if (!cJSON_IsArray(rows) || !cJSON_IsArray(rows->child))
		return read_records(reader, rows);
	columns.count = version_spec(reader->version)->feature_count;
	for (size_t i = 0; i < columns.count; i++)
		columns.feature[i] = (int)i;
	return read_matrix(reader, rows, &columns);
}

/* A number, or an array of one, as a shape of [rows,1] may be written. */
static const cJSON *scalar(const cJSON *cell)
{
	return cJSON_IsArray(cell) && cJSON_GetArraySize(cell) == 1 ? cell->child : cell;
}

/* One row from the cells that stand under the columns, which then move on. */
static enum error read_across(struct feature_reader *reader, const struct feature_columns *columns,
			      const cJSON **cells)
{
	const struct spec *spec = version_spec(reader->version);
	double x[SPEC_MAX_FEATURES] = { 0 };
	for (size_t i = 0; i < columns->count; i++) {
		size_t feature = (size_t)columns->feature[i];
		enum error error = feature_number(reader, spec->features[feature].name,
						  scalar(cells[i]), &x[feature]);
		if (error != ERROR_OK)
			return error;
		cells[i] = cells[i]->next;
	}
	return feature_row_end(reader, x);
}

static enum error read_inputs(struct feature_reader *reader, const cJSON *inputs)
{
	struct feature_columns columns = { 0 };
	const cJSON *cells[SPEC_MAX_FEATURES];
	size_t rows = 0;
	enum error error = ERROR_OK;
	if (!cJSON_IsObject(inputs))
		return read_rows(reader, inputs);
	for (const cJSON *input = inputs->child; input; input = input->next) {
		error = feature_column(reader, &columns, input->string, strlen(input->string));
		if (error != ERROR_OK)
			return error;
		if (!cJSON_IsArray(input) ||
		    (input != inputs->child && (size_t)cJSON_GetArraySize(input) != rows))
			return feature_refuse(reader, 400, "bad-shape", input->string,
					      "must be an array with as many values as the others");
		rows = (size_t)cJSON_GetArraySize(input);
		cells[columns.count - 1] = input->child;
	}
	error = feature_columns_whole(reader, &columns);
	reader->row = 0;
	for (size_t row = 0; row < rows && error == ERROR_OK; row++)
		error = read_across(reader, &columns, cells);
	return error;
}

/* --- the forms ------------------------------------------------------------------------------- */

static const struct form {
	const char *name;
	enum error (*read)(struct feature_reader *reader, const cJSON *rows);
} forms[] = {
	{ "dataframe_split", read_split },
	{ "dataframe_records", read_records },
	{ "instances", read_rows },
	{ "inputs", read_inputs },
};

enum { FORMS = sizeof forms / sizeof *forms };

bool feature_is_mlflow_form(const char *name)
{
	size_t i = 0;
	while (i < FORMS && strcmp(forms[i].name, name) != 0)
		i++;
	return i < FORMS;
}

enum error feature_read_mlflow(struct feature_reader *reader, const cJSON *body)
{
	const struct form *found = NULL;
	size_t count = 0;
	reader->row = -1;
	for (size_t i = 0; i < FORMS; i++) {
		if (!member(body, forms[i].name))
			continue;
		found = &forms[i];
		count++;
	}
	if (count != 1)
		return feature_refuse(reader, 400, "no-inputs", NULL,
				      "the body must be an object with one of dataframe_split, "
				      "dataframe_records, instances and inputs");
	return found->read(reader, member(body, found->name));
}
