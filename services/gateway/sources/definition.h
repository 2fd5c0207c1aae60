/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a source's definition, a flat JSON object, and collects every complaint about it.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_DEFINITION_H
#define TICKLINE_GATEWAY_SOURCES_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "error.h"
#include "text.h"

struct definition {
	const cJSON *json; /* an object */
	cJSON *complaints; /* an array of {field, reason}; empty: all is well */
};

void definition_complain(struct definition *d, const char *field, const char *format, ...)
	PRINTF_LIKE(3, 4);
bool definition_is_good(const struct definition *d);

/* Complains about members that are not among `names`. */
void definition_allow(struct definition *d, const char *const *names, size_t count);

/* A missing or null member gives `initial`. After a complaint the result is `initial`, too. */
double definition_number(struct definition *d, const char *name, double low, double high,
			 double initial);
int64_t definition_integer(struct definition *d, const char *name, int64_t low, int64_t high,
			   int64_t initial);
const char *definition_string(struct definition *d, const char *name, const char *initial);

/* RFC 3339 or epoch, in us. */
int64_t definition_timestamp(struct definition *d, const char *name, int64_t initial);

#endif
