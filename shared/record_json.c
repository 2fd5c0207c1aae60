/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The fast reader. It takes only what producers of these records usually send: a flat object,
 * numbers, strings of plain ASCII without escapes, each name once. Whatever else it sees, it says
 * "unusual" and judges nothing: the slow reader decides whether that is a fault.
 */
#include <string.h>

#include "record_internal.h"

struct cursor {
	const char *at, *end;
};

static void skip_blanks(struct cursor *in)
{
	while (in->at < in->end &&
	       (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t'))
		in->at++;
}

static bool take(struct cursor *in, char c)
{
	skip_blanks(in);
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

/* After the opening quote: up to and over the closing one. */
static bool take_plain(struct cursor *in, const char **data, size_t *length)
{
	*data = in->at;
	for (; in->at < in->end; in->at++) {
		const unsigned char c = (unsigned char)*in->at;
		if (c == '"') {
			*length = (size_t)(in->at++ - *data);
			return true;
		}
		if (c < 0x20 || c >= 0x80 || c == '\\')
			return false;
	}
	return false;
}

static bool take_word(struct cursor *in, const char *word)
{
	const size_t n = strlen(word);
	if ((size_t)(in->end - in->at) < n || memcmp(in->at, word, n) != 0)
		return false;
	in->at += n;
	return true;
}

static bool take_value(struct cursor *in, struct record_cell *cell)
{
	skip_blanks(in);
	if (in->at == in->end)
		return false;
	if (*in->at == '"') {
		in->at++;
		cell->kind = CELL_STRING;
		return take_plain(in, &cell->data, &cell->length);
	}
	cell->data = in->at;
	cell->taken = decimal_take(in->at, (size_t)(in->end - in->at), &cell->decimal) == ERROR_OK;
	cell->length = cell->decimal.length;
	in->at += cell->length;
	cell->kind = CELL_NUMBER;
	if (cell->length > 0)
		return true;
	cell->kind = CELL_NULL;
	if (take_word(in, "null"))
		return true;
	cell->kind = CELL_BOOLEAN;
	return take_word(in, "true") || take_word(in, "false");
}

/* After the opening quote: the cell that the name means. Members come in the table's order nearly
 * always. NULL: something unusual. */
static struct record_cell *take_name(struct cursor *in, const struct record_table *table,
				     size_t *next, struct record_cells *cells)
{
	const struct record_field *expected = &table->fields[*next];
	const char *name = in->at;
	size_t length = expected->name_length;
	int index = (int)*next;
	if ((size_t)(in->end - name) > length && name[length] == '"' &&
	    memcmp(name, expected->name, length) == 0) {
		in->at += length + 1;
	} else {
		if (!take_plain(in, &name, &length))
			return NULL;
		index = record_field_index(table, name, length);
		if (index < 0)
			return record_cell_of(table, cells, name, length);
	}
	*next = ((size_t)index + 1) % table->count;
	return &cells->fields[index];
}

static bool take_member(struct cursor *in, const struct record_table *table, size_t *next,
			struct record_cells *cells)
{
	if (!take(in, '"'))
		return false;
	struct record_cell *cell = take_name(in, table, next, cells);
	return cell != NULL && cell->kind == CELL_MISSING && take(in, ':') && take_value(in, cell);
}

bool record_cells_fast(const struct record_table *table, const char *data, size_t length,
		       struct record_cells *cells)
{
	struct cursor in = { data, data + length };
	size_t next = 0;
	memset(cells, 0, sizeof *cells);
	if (length > RECORD_MAX_INPUT || !take(&in, '{'))
		return false;
	do {
		if (!take_member(&in, table, &next, cells))
			return false;
	} while (take(&in, ','));
	if (!take(&in, '}'))
		return false;
	skip_blanks(&in);
	return in.at == in.end;
}

enum error record_read_json(const struct record_table *table, const struct record_rules *rules,
			    const char *data, size_t length, struct record *out,
			    struct record_fault *fault)
{
	struct record_cells cells;
	if (record_cells_fast(table, data, length, &cells))
		return record_build(table, rules, &cells, out, fault);
	return record_read_json_slow(table, rules, data, length, out, fault);
}
