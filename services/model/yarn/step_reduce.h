/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reducer: what the mappers told of all splits, in the order of the keys, to one line of JSON:
 *
 *   {"partitions":[{"partition":0,"bytes":5120,"pending":0,"features":{…}},…],
 *    "refused_count":1,"refused":[{"partition":0,"first":10,"last":19,"length":77,"reason":"…"}],
 *    "factors":{…}}
 *
 * `features` is where the stream of an ordered spec stands. A cut file is left out whole and named.
 */
#ifndef TICKLINE_MODEL_STEP_REDUCE_H
#define TICKLINE_MODEL_STEP_REDUCE_H

#include <stdio.h>

#include "error.h"
#include "spec.h"
#include "text.h"

/* LENGTH: the lines of a file are not all there; INVALID: a line that no mapper writes; NO_MEMORY,
 * LIMIT; SYSTEM: `in` can't be read or `out` not written. */
enum error step_reduce(const struct spec *spec, FILE *in, FILE *out, struct text *why) MUST_USE;

#endif
