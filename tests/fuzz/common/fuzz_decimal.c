/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading must agree with strtod on every JSON number, printing must read back to the same double,
 * and a number's span must itself be readable. The first 8 bytes are also taken as a double.
 */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void check_print(double value)
{
	char out[DECIMAL_MAX_TEXT];
	double back;
	size_t length = decimal_print(value, out);
	assert(length == strlen(out) && decimal_span(out, length) == length);
	assert(!decimal_read(out, length, &back) && is_same(back, value));
	assert(decimal_is_canonical(out, length) ==
	       (!memchr(out, 'e', length) && strcmp(out, "-0") != 0));
}

static void check_read(const char *text, size_t length)
{
	double value;
	int64_t integer;
	char *copy = strndup(text, length);
	double expected = strtod(copy, NULL);
	enum error error = decimal_read(text, length, &value);
	assert(error == (isinf(expected) ? ERROR_LIMIT : ERROR_OK));
	assert(error || is_same(value, expected));
	if (!error)
		check_print(value);
	if (!decimal_read_i64(text, length, &integer))
		assert(integer == strtoll(copy, NULL, 10));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	double value;
	size_t span = decimal_span(text, size);
	assert(span <= size);
	assert((decimal_read(text, size, &value) == ERROR_INVALID) == (span != size || !size));
	if (span)
		check_read(text, span);
	if (size >= sizeof value) {
		memcpy(&value, data, sizeof value);
		if (isfinite(value))
			check_print(value);
	}
	return 0;
}
