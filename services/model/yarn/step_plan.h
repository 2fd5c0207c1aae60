/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What goes with a job to every node: the spec, and how far each partition's files reach that
 * belong to the job. Files are published in the order of their offsets, so one number a partition
 * tells them from those that came later.
 */
#ifndef TICKLINE_MODEL_STEP_PLAN_H
#define TICKLINE_MODEL_STEP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset.h"
#include "error.h"
#include "spec.h"
#include "text.h"

enum { STEP_MAX_PARTITIONS = 100000, STEP_MAX_PLAN = 4 << 20 };

struct step_reach {
	int32_t partition;
	int64_t last; /* offset */
};

struct step_plan {
	struct spec spec;
	struct step_reach *reaches; /* by partition */
	size_t count;
};

/* The plan of all files of a dataset. NO_MEMORY; LIMIT. Free with step_plan_clean_up in any case.
 */
enum error step_plan_make(const struct spec *spec, const struct dataset *dataset,
			  struct step_plan *plan, struct text *why) MUST_USE;
void step_plan_clean_up(struct step_plan *plan);

bool step_plan_holds(const struct step_plan *plan, const struct dataset_file *file);

/* JSON and back. INVALID: it is no plan. */
enum error step_plan_write(const struct step_plan *plan, struct text *out) MUST_USE;
enum error step_plan_read(const char *data, size_t length, struct step_plan *plan,
			  struct text *why) MUST_USE;

#endif
