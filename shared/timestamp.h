/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Instants as int64 microseconds since 1970-01-01T00:00:00Z (leap seconds are not counted).
 * Wall-clock and monotonic time have different names and never share a variable. Any thread.
 */
#ifndef TICKLINE_TIMESTAMP_H
#define TICKLINE_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { TIMESTAMP_MAX_TEXT = 28 }; /* "2026-11-25T01:00:00.123456Z" and the terminator */

#define TIMESTAMP_MIN_US INT64_C(1230940800000000) /* 2009-01-03, the genesis block's day */

int64_t wall_now_us(void);
int64_t wall_now_coarse_us(void); /* some ms behind, for a fraction of the cost */
int64_t monotonic_now_us(void);

/* RFC 3339, or ISO 8601's extended form without a zone (read as UTC), 'T', 't' or a blank between
 * date and time, up to 9 fraction digits (cut to microseconds), zone "Z", "z", "+hh:mm", "+hhmm" or
 * "+hh". "-00:00" is UTC; second 60 is refused. OK or INVALID. */
enum error timestamp_read(const char *data, size_t length, int64_t *us) MUST_USE;

/* Epoch seconds, ms, us or ns, told apart by range (each unit's range holds 2009 to 2286 and they
 * do not overlap); ns are cut by integer division. OK; INVALID: outside every range. */
enum error timestamp_from_epoch(int64_t value, int64_t *us) MUST_USE;

/* The same for a JSON number's text, which may have a fraction (seconds "1751328000.25"): read
 * without passing through a double, so that 19 digits keep their tail. OK or INVALID. */
enum error timestamp_read_epoch(const char *data, size_t length, int64_t *us) MUST_USE;

/* RFC 3339 in UTC with exactly six fraction digits; returns the length (27). Years 0001 to 9999. */
size_t timestamp_print(int64_t us, char out[TIMESTAMP_MAX_TEXT]);

#endif
