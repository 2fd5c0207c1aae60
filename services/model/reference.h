/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a version's features and errors were distributed like when it was trained, kept with it so
 * that drift.h can tell how far those of live predictions have moved (stability.h). Reentrant.
 */
#ifndef TICKLINE_MODEL_REFERENCE_H
#define TICKLINE_MODEL_REFERENCE_H

#include <cjson/cJSON.h>

#include "error.h"
#include "predictor_json.h"
#include "spec.h"
#include "stability.h"
#include "tail.h"

struct reference {
	struct stability features[SPEC_MAX_FEATURES]; /* in the spec's order */
	struct stability residuals;
};

/* Of the latest rows of a training; residuals of those from `since_us` on, as for calibrate().
 * NO_MEMORY. */
enum error reference_set(const struct predictor *predictor, size_t features, struct tail *tail,
			 int64_t since_us, struct reference *reference) MUST_USE;

/* {"features":{"<name>":…},"residuals":…}. What is not there, as in versions of earlier programs,
 * is no reference; false: not of this spec. */
cJSON *reference_to_json(const struct reference *reference, const struct spec *spec);
bool reference_from_json(const cJSON *json, const struct spec *spec, struct reference *reference);

#endif
