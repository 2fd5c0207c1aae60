/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which offsets a version was fitted on, read from its report: a live prediction for a record that
 * the fit had seen proves nothing.
 */
#ifndef TICKLINE_MODEL_LINEAGE_H
#define TICKLINE_MODEL_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lineage {
	int64_t *last_offset; /* by partition; -1: nothing of it */
	size_t count;
};

/* Nothing is known of a report without lineage: then no record counts as seen. */
void lineage_read(const char *report, size_t length, struct lineage *lineage);
bool lineage_has_seen(const struct lineage *lineage, int32_t partition, int64_t offset);
void lineage_clean_up(struct lineage *lineage);

#endif
