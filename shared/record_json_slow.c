/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The slow reader: any JSON, by cJSON. cJSON turns numbers into doubles, takes control characters
 * and broken UTF-8, and has no NaN; so the document is first checked and written anew with each
 * number as a string behind a mark, a byte that no JSON string can hold. Then cJSON checks the
 * grammar and undoes the escapes, and the numbers still have their own text.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "decimal.h"
#include "record_internal.h"

#define MARK '\xff'
enum { MARKED_EXTRA = 3 }; /* bytes that marking adds to a number: the mark and two quotes */

struct scan {
	const char *start, *at, *end;
	struct text *out;
	int depth;
	const char *complaint; /* NULL: none */
};

static size_t sequence_length(unsigned char first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
			      : 0;
}

/* Length of the UTF-8 sequence at `p`; 0: not one (overlong, surrogate, beyond U+10FFFF, cut). */
static size_t utf8_length(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	const size_t n = sequence_length(u[0]);
	if (n == 0 || (size_t)(end - p) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

/* At the opening quote: copies the string as it stands. */
static bool scan_string(struct scan *in)
{
	const char *from = in->at++;
	while (in->at < in->end && *in->at != '"') {
		const unsigned char c = (unsigned char)*in->at;
		size_t n = utf8_length(in->at, in->end);
		if (c == '\\') {
			n = 2;
			if (in->end - in->at >= 6 && memcmp(in->at, "\\u0000", 6) == 0)
				in->complaint = "a NUL character";
		} else if (c < 0x20) {
			in->complaint = "a control character in a string";
		} else if (n == 0) {
			in->complaint = "a byte that is not UTF-8";
		}
		if (in->complaint != NULL)
			return false;
		in->at += n;
	}
	if (in->at >= in->end) {
		in->at = in->end;
		in->complaint = "the end inside a string";
		return false;
	}
	in->at++;
	text_put(in->out, from, (size_t)(in->at - from));
	return true;
}

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

static bool scan_other(struct scan *in)
{
	static const char allowed[] = " \t\r\n{}[]:,truefalsn";
	const char c = *in->at;
	const size_t n = number_length(in->at, (size_t)(in->end - in->at));
	if (n > 0) {
		text_put(in->out, "\"\xff", 2);
		text_put(in->out, in->at, n);
		text_putc(in->out, '"');
		in->at += n;
		return true;
	}
	if (c == '\0' || strchr(allowed, c) == NULL) {
		in->complaint = "a byte that does not belong there";
		return false;
	}
	in->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
	if (in->depth > RECORD_MAX_DEPTH)
		return false;
	text_putc(in->out, c);
	in->at++;
	return true;
}

static bool scan_document(struct scan *in)
{
	if (in->end - in->at >= 3 && memcmp(in->at, "\xef\xbb\xbf", 3) == 0)
		in->at += 3;
	in->start = in->at;
	while (in->at < in->end)
		if (!(*in->at == '"' ? scan_string(in) : scan_other(in)))
			return false;
	return true;
}

static enum error not_json(struct record_fault *fault, size_t at, const char *complaint)
{
	return record_fault_set(fault, "not-json", "", 0, "not JSON: %s at byte %zu", complaint,
				at);
}

static enum error no_memory(struct record_fault *fault)
{
	(void)record_fault_set(fault, "no-memory", "", 0, "no memory to read the record");
	return ERROR_NO_MEMORY;
}

/* Where a place in the marked text lies in the record. */
static size_t place_of(const char *marked, const char *at)
{
	size_t marks = 0;
	for (const char *p = marked; p < at; p++)
		marks += *p == MARK;
	return (size_t)(at - marked) - (marks > 0 ? MARKED_EXTRA * marks : 0);
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

/* `marked` is the checked document with its numbers marked. */
static enum error read_marked(const struct record_table *table, const struct record_rules *rules,
			      const struct text *marked, struct record *out,
			      struct record_fault *fault)
{
	const char *stop = marked->data, *end = marked->data + marked->length;
	errno = 0;
	cJSON *tree = cJSON_ParseWithLengthOpts(marked->data, marked->length, &stop, false);
	if (tree == NULL && errno == ENOMEM)
		return no_memory(fault);
	if (tree == NULL)
		return not_json(fault, place_of(marked->data, stop),
				stop >= end - 1 ? "unexpected text or end" : "unexpected text");
	stop += strspn(stop, " \t\r\n");
	enum error error = stop == end ? read_tree(table, rules, tree, out, fault)
				       : not_json(fault, place_of(marked->data, stop),
						  "more text after the value");
	cJSON_Delete(tree);
	return error;
}

enum error record_read_json_slow(const struct record_table *table, const struct record_rules *rules,
				 const char *data, size_t length, struct record *out,
				 struct record_fault *fault)
{
	if (length > RECORD_MAX_INPUT)
		return record_fault_set(fault, "too-large", "", 0,
					"the record has %zu bytes: at most %d are read", length,
					RECORD_MAX_INPUT);
	struct text marked;
	text_init(&marked, length * (1 + MARKED_EXTRA) + 1);
	struct scan in = { .start = data, .at = data, .end = data + length, .out = &marked };
	const bool scanned = scan_document(&in);
	enum error error;
	if (!text_ok(&marked))
		error = no_memory(fault);
	else if (scanned && marked.length > 0)
		error = read_marked(table, rules, &marked, out, fault);
	else if (scanned)
		error = not_json(fault, 0, "there is nothing");
	else if (in.complaint == NULL)
		error = record_fault_set(fault, "too-large", "", 0, "nested deeper than %d levels",
					 RECORD_MAX_DEPTH);
	else
		error = not_json(fault, (size_t)(in.at - data), in.complaint);
	text_clean_up(&marked);
	return error;
}
