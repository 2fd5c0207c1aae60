/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers into JSON so that they read back to the same doubles, and out of JSON that the program
 * itself wrote: anything unexpected is simply false.
 */
#ifndef TICKLINE_MODEL_JSON_NUMBERS_H
#define TICKLINE_MODEL_JSON_NUMBERS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* Exactly `count` finite numbers. */
bool json_read_doubles(const cJSON *array, double *out, size_t count);

/* An integer within 2^53. */
bool json_read_integer(const cJSON *item, int64_t *out);
bool json_read_integers(const cJSON *array, int64_t *out, size_t count);

/* As cJSON items; not finite: null. cJSON itself prints 15 digits where those come within rounding,
 * which may be another double. NULL: no memory. Such an item is text: print and parse the whole
 * before reading from it. */
cJSON *json_exact(double value);
cJSON *json_exact_array(const double *values, size_t count);

/* A member in RFC 3339; 0: null, for what did not happen. */
void json_add_time(cJSON *object, const char *name, int64_t us);

/* [1,2.5] and [1,2]; finite numbers only. */
void json_write_doubles(struct text *out, const double *values, size_t count);
void json_write_integers(struct text *out, const int64_t *values, size_t count);

#endif
