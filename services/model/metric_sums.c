/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metric_sums.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "decimal.h"

/* The labels begin after `{` or a comma; a quoted value may hold anything, escaped. */
static bool has_label(const char *labels, const char *end, const char *label)
{
	size_t length = strlen(label);
	bool quoted = false, begins = true;
	for (const char *at = labels; at < end; at++) {
		if (begins && (size_t)(end - at) >= length && memcmp(at, label, length) == 0 &&
		    (at + length == end || at[length] == ','))
			return true;
		begins = !quoted && *at == ',';
		if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return false;
}

/* The end of the labels, where `}` stands; NULL: there is none. */
static const char *labels_end(const char *at, const char *end)
{
	bool quoted = false;
	for (; at < end; at++) {
		if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (*at == '}' && !quoted)
			return at;
	}
	return NULL;
}

/* NAN: not a series of that metric with that label. A time stamp after the value is allowed. */
static double read_line(const char *line, const char *end, const struct metric_sum *sum)
{
	size_t name = strlen(sum->name);
	double value;
	if ((size_t)(end - line) <= name || memcmp(line, sum->name, name) != 0)
		return NAN;
	const char *at = line + name;
	if (*at == '{') {
		const char *close = labels_end(at + 1, end);
		if (!close || (sum->label && !has_label(at + 1, close, sum->label)))
			return NAN;
		at = close + 1;
	} else if (sum->label) {
		return NAN;
	}
	if (at == end || *at != ' ')
		return NAN;
	at++;
	const char *blank = memchr(at, ' ', (size_t)(end - at));
	size_t length = (size_t)((blank ? blank : end) - at);
	return decimal_read(at, length, &value) == ERROR_OK ? value : NAN;
}

double metric_sum_read(const char *page, size_t length, const struct metric_sum *sum)
{
	double total = NAN;
	for (const char *at = page, *end = page + length; at < end;) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = next ? next : end;
		double value = read_line(at, line_end, sum);
		if (isfinite(value))
			total = isnan(total) ? value : total + value;
		at = line_end + 1;
	}
	return total;
}
