/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_csv.h"

#include <string.h>

#include "record_internal.h"

void record_csv_start(struct record_csv_line *in, const char *line, size_t length)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;
	*in = (struct record_csv_line){ line, line + length, true, NULL };
}

/* Over the separator, when there is one. */
static void end_cell(struct record_csv_line *in)
{
	in->more = in->at < in->end;
	if (in->more)
		in->at++;
}

static bool next_quoted(struct record_csv_line *in, struct slice *cell)
{
	const char *from = ++in->at;
	for (; in->at < in->end; in->at++) {
		if (*in->at != '"')
			continue;
		if (in->at + 1 == in->end || in->at[1] != '"')
			break;
		in->at++;
	}
	if (in->at >= in->end) {
		in->complaint = "a quote that is not closed";
		return false;
	}
	*cell = (struct slice){ from, (size_t)(in->at - from) };
	in->at++;
	if (in->at < in->end && *in->at != ',') {
		in->complaint = "text after a closing quote";
		return false;
	}
	end_cell(in);
	return true;
}

bool record_csv_next(struct record_csv_line *in, struct slice *cell)
{
	if (!in->more || in->complaint != NULL)
		return false;
	if (in->at < in->end && *in->at == '"')
		return next_quoted(in, cell);
	const char *from = in->at;
	const char *comma = memchr(from, ',', (size_t)(in->end - from));
	in->at = comma != NULL ? comma : in->end;
	*cell = (struct slice){ from, (size_t)(in->at - from) };
	end_cell(in);
	return true;
}

/* An empty cell is a missing one. Text stands for numbers and strings alike. */
static void fill_cell(const struct record_columns *columns, size_t column, const struct slice *from,
		      struct record_cells *cells)
{
	const int field = columns->field_of[column];
	if (from->length == 0 || field == -1)
		return;
	struct record_cell *cell = field == -2 ? &cells->symbol : &cells->fields[field];
	*cell = (struct record_cell){ .data = from->data,
				      .length = from->length,
				      .kind = CELL_STRING };
}

enum error record_read_csv(const struct record_columns *columns, const struct record_rules *rules,
			   const char *line, size_t length, struct record *out,
			   struct record_fault *fault)
{
	struct record_csv_line in;
	struct record_cells cells;
	struct slice cell;
	size_t count = 0;
	if (length > RECORD_MAX_INPUT)
		return record_fault_set(fault, "too-large", "", 0,
					"the line has %zu bytes: at most %d are read", length,
					RECORD_MAX_INPUT);
	memset(&cells, 0, sizeof cells);
	record_csv_start(&in, line, length);
	for (; record_csv_next(&in, &cell); count++)
		if (count < columns->count)
			fill_cell(columns, count, &cell, &cells);
	if (in.complaint != NULL)
		return record_fault_set(fault, "bad-csv", "", 0, "the line has %s", in.complaint);
	if (count != columns->count)
		return record_fault_set(fault, "bad-csv", "", 0,
					"the line has %zu columns: %zu are expected", count,
					columns->count);
	return record_build(columns->table, rules, &cells, out, fault);
}
