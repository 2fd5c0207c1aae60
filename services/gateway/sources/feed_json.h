/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the readers of feeds share. Any thread.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_FEED_JSON_H
#define TICKLINE_GATEWAY_SOURCES_FEED_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "error.h"
#include "feed.h"
#include "text.h"

/* OK; INVALID: it is no JSON, `why` shows how it begins; NO_MEMORY. */
enum error feed_parse(const char *data, size_t length, cJSON **json, struct text *why) MUST_USE;

/* A finite number, or a string that holds one, as exchanges send them. */
bool feed_number(const cJSON *cell, double *value);

/* Epoch seconds, ms or us. */
bool feed_epoch(const cJSON *cell, int64_t *us);

/* Room for `count` rows, at most FEED_MAX_ROWS. INVALID with `why`, NO_MEMORY. */
enum error feed_rows_reserve(struct feed_rows *rows, size_t count, struct text *why) MUST_USE;

/* Rows that are arrays: the time in cell `time`, the values in `cells` in the table's order. */
struct feed_array {
	int least_cells;
	int time;
	int cells[5];
};
enum error feed_read_arrays(const struct feed_array *shape, const char *data, size_t length,
			    struct feed_rows *rows, struct text *why) MUST_USE;

/* Appends what an exchange says in an answer that is none: its own message, or how the text begins;
 * readable, and of bounded length. */
void feed_explain(const char *data, size_t length, struct text *out);

#endif
