/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which column of a CSV text is which field: bound by name, never guessed from an unknown header.
 */
#include <string.h>

#include "record_csv.h"
#include "record_internal.h"

enum { IGNORED = -1, SYMBOL = -2, UNKNOWN = -3 };
enum { ANY_KIND = -1 };

/* Names in lower case, with '_' for blanks, as fold_name makes them. */
static const struct alias {
	const char *name;
	int kind; /* for which record_kind */
	int field;
} aliases[] = {
	{ "symbol", ANY_KIND, SYMBOL },
	{ "open_time", ANY_KIND, 0 },
	{ "time", ANY_KIND, 0 },
	{ "date", ANY_KIND, 0 },
	{ "datetime", ANY_KIND, 0 },
	{ "price", RECORD_BAR, 0 }, /* the corner of yfinance's header of three lines */
	{ "adj_close", RECORD_BAR, IGNORED },
	{ "dividends", RECORD_BAR, IGNORED },
	{ "stock_splits", RECORD_BAR, IGNORED },
	{ "close_time", RECORD_BAR, IGNORED },
	{ "quote_volume", RECORD_BAR, IGNORED },
	{ "quote_asset_volume", RECORD_BAR, IGNORED },
	{ "count", RECORD_BAR, IGNORED },
	{ "number_of_trades", RECORD_BAR, IGNORED },
	{ "taker_buy_volume", RECORD_BAR, IGNORED },
	{ "taker_buy_quote_volume", RECORD_BAR, IGNORED },
	{ "taker_buy_base_asset_volume", RECORD_BAR, IGNORED },
	{ "taker_buy_quote_asset_volume", RECORD_BAR, IGNORED },
	{ "ignore", RECORD_BAR, IGNORED },
};

/* Binance's files have 12 columns, of which the first 6 are a bar in our order. */
enum { KLINE_COLUMNS = 12 };

enum { MAX_HEADER_NAME = 64 };

static size_t fold_name(const struct slice *cell, char out[MAX_HEADER_NAME])
{
	if (cell->length >= MAX_HEADER_NAME)
		return 0;
	for (size_t i = 0; i < cell->length; i++) {
		const char c = cell->data[i];
		out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == ' ' ? '_' : c;
	}
	out[cell->length] = '\0';
	return cell->length;
}

static int field_named(const struct record_table *table, const struct slice *cell)
{
	char name[MAX_HEADER_NAME];
	const size_t length = fold_name(cell, name);
	const int index = record_field_index(table, name, length);
	if (index >= 0)
		return index;
	for (size_t i = 0; length > 0 && i < sizeof aliases / sizeof *aliases; i++)
		if ((aliases[i].kind == ANY_KIND || aliases[i].kind == (int)table->kind) &&
		    strcmp(aliases[i].name, name) == 0)
			return aliases[i].field;
	return UNKNOWN;
}

static bool is_bound(const struct record_columns *columns, int field)
{
	for (size_t i = 0; i < columns->count; i++)
		if (columns->field_of[i] == field)
			return true;
	return false;
}

static enum error bind_column(struct record_columns *columns, const struct slice *cell,
			      struct record_fault *fault)
{
	const int field = field_named(columns->table, cell);
	if (field == UNKNOWN)
		return record_fault_set(fault, "bad-csv", cell->data, cell->length,
					"is no column of a %s file", columns->table->name);
	if (field != IGNORED && is_bound(columns, field))
		return record_fault_set(fault, "bad-csv", cell->data, cell->length,
					"names a column that is there already");
	if (columns->count == RECORD_MAX_COLUMNS)
		return record_fault_set(fault, "bad-csv", "", 0,
					"the header has more than %d columns", RECORD_MAX_COLUMNS);
	columns->field_of[columns->count++] = field;
	return ERROR_OK;
}

static enum error check_bound(const struct record_columns *columns, struct record_fault *fault)
{
	const struct record_table *table = columns->table;
	for (size_t i = 0; i < table->count; i++)
		if (table->fields[i].type != RECORD_DERIVED && !is_bound(columns, (int)i))
			return record_fault_set(fault, "bad-csv", table->fields[i].name,
						table->fields[i].name_length,
						"has no column in the header");
	return ERROR_OK;
}

static void drop_bom(const char **line, size_t *length)
{
	if (*length >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*length -= 3;
	}
}

enum error record_columns_bind(const struct record_table *table, const char *line, size_t length,
			       struct record_columns *columns, struct record_fault *fault)
{
	struct record_csv_line in;
	struct slice cell;
	enum error error = ERROR_OK;
	drop_bom(&line, &length);
	record_csv_start(&in, line, length);
	columns->table = table;
	columns->count = 0;
	while (!error && record_csv_next(&in, &cell))
		error = bind_column(columns, &cell, fault);
	if (error)
		return error;
	if (in.complaint != NULL)
		return record_fault_set(fault, "bad-csv", "", 0, "the header has %s", in.complaint);
	return check_bound(columns, fault);
}

static void bind_in_order(const struct record_table *table, size_t fields, size_t count,
			  struct record_columns *columns)
{
	columns->table = table;
	columns->count = count;
	for (size_t i = 0; i < count; i++)
		columns->field_of[i] = i < fields ? (int)i : IGNORED;
}

void record_columns_default(const struct record_table *table, struct record_columns *columns)
{
	bind_in_order(table, table->count, table->count, columns);
}

static size_t count_given(const struct record_table *table)
{
	size_t given = 0;
	for (size_t i = 0; i < table->count; i++)
		given += table->fields[i].type != RECORD_DERIVED;
	return given;
}

enum error record_columns_detect(const struct record_table *table, const char *line, size_t length,
				 struct record_columns *columns, bool *header,
				 struct record_fault *fault)
{
	struct record_csv_line in;
	struct slice cell = { line, 0 };
	size_t count = 0;
	drop_bom(&line, &length);
	record_csv_start(&in, line, length);
	for (*header = true; record_csv_next(&in, &cell); count++)
		if (count == 0 && cell.length > 0 && *cell.data >= '0' && *cell.data <= '9')
			*header = false;
	const size_t given = count_given(table);
	if (*header)
		return record_columns_bind(table, line, length, columns, fault);
	if (count == table->count || (table->kind == RECORD_BAR && count == KLINE_COLUMNS))
		bind_in_order(table, table->count, count, columns);
	else if (count == given)
		bind_in_order(table, given, count, columns);
	else
		return record_fault_set(fault, "bad-csv", "", 0,
					"%zu columns without a header: a %s has %zu", count,
					table->name, table->count);
	return ERROR_OK;
}

bool record_columns_continue(const char *line, size_t length)
{
	struct record_csv_line in;
	struct slice cell;
	char name[MAX_HEADER_NAME];
	record_csv_start(&in, line, length);
	if (!record_csv_next(&in, &cell) || fold_name(&cell, name) == 0)
		return false;
	if (strcmp(name, "ticker") == 0)
		return true;
	if (strcmp(name, "datetime") != 0 && strcmp(name, "date") != 0)
		return false;
	while (record_csv_next(&in, &cell))
		if (cell.length > 0)
			return false;
	return true;
}
