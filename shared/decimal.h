/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact decimal text <-> double, whatever the locale. Any thread.
 */
#ifndef TICKLINE_DECIMAL_H
#define TICKLINE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { DECIMAL_MAX_TEXT = 32 }; /* bytes that decimal_print needs, terminator included */

/* Reads the whole of `data` as a JSON number (RFC 8259 grammar: no plus sign, no leading zeros or
 * blanks, no hexadecimal, no NaN, no infinity). Correctly rounded.
 * OK; INVALID: not a JSON number; LIMIT: beyond the range of a double. */
enum error decimal_read(const char *data, size_t length, double *value) MUST_USE;

/* All that decimal_read, decimal_span and decimal_is_canonical tell, found in one pass over the
 * longest prefix of `data` that is a JSON number. */
struct decimal {
	size_t length; /* of the prefix, 0: there is none */
	double value;
	bool canonical;
};

/* OK; INVALID: there is none; LIMIT: beyond the range of a double, `value` is not set. */
enum error decimal_take(const char *data, size_t length, struct decimal *out) MUST_USE;

/* Length of the longest prefix of `data` that is a JSON number; 0 when there is none. */
size_t decimal_span(const char *data, size_t length);

/* The whole of `data` as a decimal integer in int64 range. OK, INVALID or LIMIT. */
enum error decimal_read_i64(const char *data, size_t length, int64_t *value) MUST_USE;

/* Shortest text that reads back to the same finite double: plain notation between 1e-7 and 1e21,
 * else with an exponent; an integral value has no ".0". Returns its length. */
size_t decimal_print(double value, char out[DECIMAL_MAX_TEXT]);

/* True when the JSON number is already what a reader of our files expects to see: plain notation,
 * no exponent, no surplus zeros at the end of a fraction, no minus zero; then its own text is kept.
 */
bool decimal_is_canonical(const char *data, size_t length);

#endif
