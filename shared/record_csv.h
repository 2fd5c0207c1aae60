/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Takes one CSV line of numbers and names apart (RFC 4180).
 */
#ifndef TICKLINE_RECORD_CSV_H
#define TICKLINE_RECORD_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

struct record_csv_line {
	const char *at, *end;
	bool more;             /* a cell follows, even if it is empty */
	const char *complaint; /* NULL: none; else record_csv_next has ended early */
};

/* `line` without its '\n'; a '\r' at its end is dropped. */
void record_csv_start(struct record_csv_line *in, const char *line, size_t length);

/* The next cell, without its quotes; doubled quotes inside are left as they stand, since no field's
 * value has one. False: no more cells, or a complaint. An empty line has one empty cell. */
bool record_csv_next(struct record_csv_line *in, struct slice *cell);

#endif
