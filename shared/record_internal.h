/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of `record` share. Every reader (fast JSON, cJSON, CSV) only finds the cells, the
 * raw values of the fields; record_build alone judges them. So all readers give the same answer for
 * the same values.
 */
#ifndef TICKLINE_RECORD_INTERNAL_H
#define TICKLINE_RECORD_INTERNAL_H

#include "decimal.h"
#include "record.h"

enum record_cell_kind {
	CELL_MISSING,
	CELL_NUMBER, /* text follows the JSON grammar, or is NaN or an infinity */
	CELL_STRING, /* any text */
	CELL_NULL,
	CELL_BOOLEAN,
	CELL_ARRAY,
	CELL_OBJECT,
};

struct record_cell {
	const char *data; /* of a number or a string, in memory of the reader */
	size_t length;
	enum record_cell_kind kind;
	bool taken;             /* a number that the reader has read already: */
	struct decimal decimal; /* the whole of it */
};

struct record_cells {
	struct record_cell fields[RECORD_MAX_FIELDS];
	struct record_cell symbol;
};

/* Judges the cells in the table's order, derives, and prints. OK or INVALID. */
enum error record_build(const struct record_table *table, const struct record_rules *rules,
			const struct record_cells *cells, struct record *out,
			struct record_fault *fault) MUST_USE;

/* Finds the cells of a flat object without escapes. False: something unusual, good or bad. */
bool record_cells_fast(const struct record_table *table, const char *data, size_t length,
		       struct record_cells *cells);

/* The member's cell, a field's or the symbol's; NULL: unknown. */
struct record_cell *record_cell_of(const struct record_table *table, struct record_cells *cells,
				   const char *name, size_t length);

/* Fills the fault; returns INVALID. `field` may be any bytes. */
enum error record_fault_set(struct record_fault *fault, const char *code, const char *field,
			    size_t field_length, const char *format, ...) PRINTF_LIKE(5, 6);

/* A value as it is shown in a reason: a JSON string (quoted) or as it stands, cut, valid UTF-8. */
enum { RECORD_MAX_SHOWN = 80 };
const char *record_shown(char out[RECORD_MAX_SHOWN], const char *data, size_t length, bool quoted);

#endif
