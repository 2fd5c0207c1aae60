/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The slow reader: any JSON, by cJSON. cJSON is generous and turns numbers into doubles, so the
 * document is checked by json_check first, and written anew with each number as a string behind a
 * mark, a byte that no JSON string can hold: so the numbers keep their own text.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "decimal.h"
#include "json_check.h"
#include "record_internal.h"

#define MARK '\xff'
enum { MARKED_EXTRA = 3 }; /* bytes that marking adds to a number: the mark and two quotes */

/* Numbers, and what other languages' JSON writers put for those that are not finite, so that the
 * fault can name the field. */
static size_t number_length(const char *data, size_t length)
{
	static const char *const names[] = { "NaN", "Infinity", "-Infinity" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const size_t n = strlen(names[i]);
		if (length >= n && memcmp(data, names[i], n) == 0)
			return n;
	}
	return decimal_span(data, length);
}

/* One pass over a document that may be broken in any way. `checked` is the same, byte for byte, but
 * with zeros for the numbers that are not finite; `marked` has every number marked. */
static void write_anew(const char *at, const char *end, struct text *checked, struct text *marked)
{
	bool in_string = false;
	while (at < end) {
		const size_t left = (size_t)(end - at);
		const size_t number = in_string ? 0 : number_length(at, left);
		const size_t step = number > 0                             ? number
				    : in_string && *at == '\\' && left > 1 ? 2
									   : 1;
		if (number > 0) {
			text_put(marked, "\"\xff", 2);
			text_put(marked, at, number);
			text_putc(marked, '"');
		} else {
			text_put(marked, at, step);
		}
		if (number > 0 && decimal_span(at, number) == 0)
			text_putf(checked, "%-*d", (int)number, 0);
		else
			text_put(checked, at, step);
		in_string ^= *at == '"';
		at += step;
	}
}

static enum error no_memory(struct record_fault *fault)
{
	(void)record_fault_set(fault, "no-memory", "", 0, "no memory to read the record");
	return ERROR_NO_MEMORY;
}

static void fill_cell(struct record_cell *cell, const cJSON *item)
{
	static const struct {
		int type;
		enum record_cell_kind kind;
	} kinds[] = {
		{ cJSON_String, CELL_STRING }, { cJSON_NULL, CELL_NULL },
		{ cJSON_True, CELL_BOOLEAN },  { cJSON_False, CELL_BOOLEAN },
		{ cJSON_Array, CELL_ARRAY },   { cJSON_Object, CELL_OBJECT },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if ((item->type & 0xff) == kinds[i].type)
			cell->kind = kinds[i].kind;
	if (cell->kind != CELL_STRING)
		return;
	cell->data = item->valuestring;
	cell->length = strlen(item->valuestring);
	if (*cell->data == MARK) {
		cell->kind = CELL_NUMBER;
		cell->data++;
		cell->length--;
	}
}

static enum error fill_cells(const struct record_table *table, const struct record_rules *rules,
			     const cJSON *object, struct record_cells *cells,
			     struct record_fault *fault)
{
	const cJSON *item;
	memset(cells, 0, sizeof *cells);
	cJSON_ArrayForEach(item, object)
	{
		const size_t length = strlen(item->string);
		struct record_cell *cell = record_cell_of(table, cells, item->string, length);
		if (cell == NULL && rules->unknown_ignored)
			continue;
		if (cell == NULL)
			return record_fault_set(fault, "unknown-member", item->string, length,
						"is no member of a %s", table->name);
		if (cell->kind != CELL_MISSING)
			return record_fault_set(fault, "duplicate-member", item->string, length,
						"is given twice");
		fill_cell(cell, item);
	}
	return ERROR_OK;
}

static enum error read_tree(const struct record_table *table, const struct record_rules *rules,
			    const cJSON *tree, struct record *out, struct record_fault *fault)
{
	struct record_cells cells;
	if (!cJSON_IsObject(tree))
		return record_fault_set(fault, "not-object", "", 0,
					"not a JSON object: a %s is one object", table->name);
	enum error error = fill_cells(table, rules, tree, &cells, fault);
	return error ? error : record_build(table, rules, &cells, out, fault);
}

static enum error check(const struct text *checked, size_t skipped, struct record_fault *fault)
{
	struct json_flaw flaw;
	switch (json_check(checked->data, checked->length, RECORD_MAX_DEPTH, &flaw)) {
	case ERROR_OK:
		return ERROR_OK;
	case ERROR_LIMIT:
		return record_fault_set(fault, "too-large", "", 0,
					"the record is nested deeper than %d levels",
					RECORD_MAX_DEPTH);
	default:
		return record_fault_set(fault, "not-json", "", 0, "not JSON: %s at byte %zu",
					flaw.reason, flaw.offset + skipped);
	}
}

static enum error read_marked(const struct record_table *table, const struct record_rules *rules,
			      const struct text *marked, struct record *out,
			      struct record_fault *fault)
{
	/* The grammar is good: only memory can be missing. */
	cJSON *tree = cJSON_ParseWithLength(marked->data, marked->length);
	if (tree == NULL)
		return no_memory(fault);
	enum error error = read_tree(table, rules, tree, out, fault);
	cJSON_Delete(tree);
	return error;
}

enum error record_read_json_slow(const struct record_table *table, const struct record_rules *rules,
				 const char *data, size_t length, struct record *out,
				 struct record_fault *fault)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of the byte order; some editors write it */
	struct text checked, marked;
	size_t skipped = 0;
	enum error error;
	if (length > RECORD_MAX_INPUT)
		return record_fault_set(fault, "too-large", "", 0,
					"the record has %zu bytes: at most %d are read", length,
					RECORD_MAX_INPUT);
	if (length >= sizeof mark - 1 && memcmp(data, mark, sizeof mark - 1) == 0)
		skipped = sizeof mark - 1;
	text_init(&checked, length);
	text_init(&marked, length * (1 + MARKED_EXTRA));
	write_anew(data + skipped, data + length, &checked, &marked);
	error = text_ok(&checked) && text_ok(&marked) ? check(&checked, skipped, fault)
						      : no_memory(fault);
	if (!error)
		error = read_marked(table, rules, &marked, out, fault);
	text_clean_up(&checked);
	text_clean_up(&marked);
	return error;
}
