/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The key of a line between mapper and reducer: "<file's name>:<start of the split>:<number>", with
 * as many digits each that the order of bytes, by which Hadoop sorts, is that of partition, offset,
 * split and line.
 */
#ifndef TICKLINE_MODEL_STEP_KEY_H
#define TICKLINE_MODEL_STEP_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset.h"

enum { STEP_KEY_SIZE = DATASET_NAME_LENGTH + 2 * 20 + 3 };

/* The number of a split's last line, which tells what was in it. */
#define STEP_END INT64_MAX

struct step_key {
	struct dataset_file file; /* without its length */
	int64_t start, number;    /* not negative */
};

void step_key_print(const struct step_key *key, char out[STEP_KEY_SIZE]);

/* False: not such a key. */
bool step_key_parse(const char *data, size_t length, struct step_key *key);

bool step_key_same_file(const struct step_key *a, const struct step_key *b);

#endif
