/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Features as CSV: a header of names, then one line a row.
 */
#include <string.h>

#include "decimal.h"
#include "feature_reader.h"
#include "record_csv.h"

static const char BYTE_ORDER_MARK[] = "\xEF\xBB\xBF";

static struct slice without_blanks(struct slice cell)
{
	while (cell.length > 0 && (cell.data[0] == ' ' || cell.data[0] == '\t')) {
		cell.data++;
		cell.length--;
	}
	while (cell.length > 0 &&
	       (cell.data[cell.length - 1] == ' ' || cell.data[cell.length - 1] == '\t'))
		cell.length--;
	return cell;
}

/* The next line that is not empty. False: there is none. */
static bool next_line(const char **at, const char *end, struct slice *line)
{
	while (*at < end) {
		const char *from = *at, *stop = memchr(from, '\n', (size_t)(end - from));
		*at = stop ? stop + 1 : end;
		*line = (struct slice){ from, (size_t)((stop ? stop : end) - from) };
		if (line->length > 0 && line->data[line->length - 1] == '\r')
			line->length--;
		if (line->length > 0)
			return true;
	}
	return false;
}

static enum error read_header(struct feature_reader *reader, struct slice line,
			      struct feature_columns *columns)
{
	struct record_csv_line in;
	struct slice cell;
	enum error error = ERROR_OK;
	record_csv_start(&in, line.data, line.length);
	while (error == ERROR_OK && record_csv_next(&in, &cell)) {
		cell = without_blanks(cell);
		error = feature_column(reader, columns, cell.data, cell.length);
	}
	if (error == ERROR_OK && in.complaint)
		return feature_refuse(reader, 400, "bad-csv", NULL, "the header has %s",
				      in.complaint);
	return error == ERROR_OK ? feature_columns_whole(reader, columns) : error;
}

/* An empty cell is a feature that is missing, which only one that is not used may be. */
static enum error read_cell(struct feature_reader *reader, size_t feature, struct slice cell,
			    double *value)
{
	const char *name = version_spec(reader->version)->features[feature].name;
	cell = without_blanks(cell);
	if (cell.length == 0)
		return version_uses(reader->version, feature)
			       ? feature_refuse(reader, 400, "missing-feature", name, "is empty")
			       : ERROR_OK;
	if (decimal_read(cell.data, cell.length, value) == ERROR_OK)
		return ERROR_OK;
	return feature_refuse(reader, 400, "wrong-type", name,
			      "must be a number that a double can hold, not \"%.*s\"",
			      (int)(cell.length < 64 ? cell.length : 64), cell.data);
}

static enum error read_row(struct feature_reader *reader, struct slice line,
			   const struct feature_columns *columns)
{
	double x[SPEC_MAX_FEATURES] = { 0 };
	struct record_csv_line in;
	struct slice cell;
	size_t count = 0;
	enum error error = ERROR_OK;
	record_csv_start(&in, line.data, line.length);
	for (; error == ERROR_OK && record_csv_next(&in, &cell); count++) {
		size_t feature = count < columns->count ? (size_t)columns->feature[count] : 0;
		if (count < columns->count)
			error = read_cell(reader, feature, cell, &x[feature]);
	}
	if (error != ERROR_OK)
		return error;
	if (in.complaint)
		return feature_refuse(reader, 400, "bad-csv", NULL, "the line has %s",
				      in.complaint);
	if (count != columns->count)
		return feature_refuse(reader, 400, "bad-csv", NULL,
				      "the line has %zu cells, and the header %zu", count,
				      columns->count);
	return feature_row_end(reader, x);
}

enum error feature_read_csv(struct feature_reader *reader, const char *data, size_t length)
{
	const char *at = data, *end = data + length;
	struct feature_columns columns = { 0 };
	struct slice line;
	enum error error;
	if (length >= 3 && memcmp(data, BYTE_ORDER_MARK, 3) == 0)
		at += 3;
	reader->row = -1;
	if (!next_line(&at, end, &line))
		return feature_refuse(reader, 400, "bad-csv", NULL,
				      "there is no header that names the features");
	error = read_header(reader, line, &columns);
	reader->row = 0;
	while (error == ERROR_OK && next_line(&at, end, &line))
		error = read_row(reader, line, &columns);
	return error;
}
