/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether what stands in Kafka can become a row: one answer for a record that is read, and for a
 * dead letter that is to be tried again. Any thread.
 */
#ifndef TICKLINE_INGEST_ROW_H
#define TICKLINE_INGEST_ROW_H

#include "record.h"

/* Writers of other origin: what they add is ignored, what they derived is kept. The caller sets
 * `wall_us`. */
struct record_rules row_rules(const struct record_bounds *bounds);

/* `value` with data NULL is a null value. OK; INVALID or NO_MEMORY with `fault`, whose code may
 * also be "null" and "empty". */
enum error row_read(const struct record_table *table, const struct record_rules *rules,
		    const struct slice *value, struct record *out,
		    struct record_fault *fault) MUST_USE;

#endif
