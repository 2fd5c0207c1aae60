/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a training read, kept so that the next one reads only what is new: the factors of everything
 * so far, how far each partition was read, and where its stream of rows stands. It holds while the
 * files of every partition up to there have the same number of bytes; joining files does not change
 * that, a changed, removed or late file does, and then everything is read again.
 */
#ifndef TICKLINE_MODEL_CHECKPOINT_H
#define TICKLINE_MODEL_CHECKPOINT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset.h"
#include "error.h"
#include "features.h"
#include "partial.h"
#include "spec.h"
#include "text.h"

struct checkpoint_partition {
	int32_t partition;
	int64_t last;              /* offset */
	int64_t bytes;             /* of its files up to there */
	struct features *features; /* ordered specs; NULL otherwise */
};

struct checkpoint {
	struct partial *partial;
	struct checkpoint_partition *partitions; /* ascending */
	size_t count;
};

/* Adds the partitions of a dataset that was read whole; features are set by the caller. NO_MEMORY.
 */
enum error checkpoint_cover(struct checkpoint *checkpoint, const struct dataset *dataset) MUST_USE;

struct checkpoint_partition *checkpoint_find(const struct checkpoint *checkpoint,
					     int32_t partition); /* NULL: none */

/* From which byte on each file is new: its length for one that was read. False: the checkpoint does
 * not hold for this dataset. `from` has one place per file. */
bool checkpoint_plan(const struct checkpoint *checkpoint, const struct dataset *dataset,
		     int64_t *from);

void checkpoint_write_json(const struct checkpoint *checkpoint, const struct spec *spec,
			   struct text *out);

/* INVALID: it is not whole or not of this spec. Free with checkpoint_clean_up in any case. */
enum error checkpoint_read_json(const struct spec *spec, const cJSON *json,
				struct checkpoint *checkpoint, struct text *why) MUST_USE;
void checkpoint_clean_up(struct checkpoint *checkpoint);

#endif
