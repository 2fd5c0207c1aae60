/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mapper: the lines of a split of a file, as Hadoop Streaming gives them, to a partial. Where
 * rows depend on their neighbours the lines pass on as they are, for the reducer to read them in
 * their order.
 */
#ifndef TICKLINE_MODEL_STEP_MAP_H
#define TICKLINE_MODEL_STEP_MAP_H

#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "step_plan.h"
#include "text.h"

struct step_split {
	const char *file; /* its address; the part after the last slash counts */
	int64_t start, length;
};

/* What Hadoop Streaming puts into a mapper's environment. INVALID: it is not there. */
enum error step_split_from_environment(struct step_split *split, struct text *why) MUST_USE;

/* Reads `in` to its end. A file that the plan does not hold gives nothing. NO_MEMORY; SYSTEM: `in`
 * can't be read or `out` not written. */
enum error step_map(const struct step_plan *plan, const struct step_split *split, FILE *in,
		    FILE *out, struct text *why) MUST_USE;

#endif
