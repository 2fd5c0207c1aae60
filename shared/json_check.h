/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A strict look at JSON text before cJSON reads it, since cJSON is generous (it takes control
 * characters in strings, "01", "1.", an embedded \u0000, any nesting up to its own limit). No
 * memory is allocated, nothing recurses. Any thread.
 */
#ifndef TICKLINE_JSON_CHECK_H
#define TICKLINE_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { JSON_NESTING_MAX = 256 };

struct json_flaw {
	size_t offset;      /* of the byte at which it went wrong */
	const char *reason; /* one clause, static */
	size_t values;      /* up to there: scalars, arrays and objects; set when it is OK, too */
};

/* Exactly one JSON value as RFC 8259 has it, in UTF-8, blanks around it allowed. OK; INVALID;
 * LIMIT: more than `nesting` (at most JSON_NESTING_MAX) arrays and objects within each other.
 * Refused beyond the RFC: \u0000 and lone surrogates, which no C string or UTF-8 can hold. */
enum error json_check(const char *data, size_t length, size_t nesting,
		      struct json_flaw *flaw) MUST_USE;

#endif
