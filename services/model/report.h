/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The stored form of a version: spec, predictor and report, as JSON. Undefined numbers are null.
 */
#ifndef TICKLINE_MODEL_REPORT_H
#define TICKLINE_MODEL_REPORT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "calibration.h"
#include "dataset.h"
#include "fit.h"
#include "gate.h"
#include "partial.h"
#include "predictor_json.h"
#include "reading.h"
#include "reference.h"
#include "skill.h"
#include "spec.h"

struct report_input {
	const struct spec *spec;
	const struct predictor *predictor;
	const struct fit *fit;         /* NULL: the last price itself */
	const struct fit_score *score; /* on the held-out part; rows 0: there is none */
	const struct calibration *calibration;
	const struct reference *reference;
	const struct skill *skill; /* of the fit */
	const struct partial_split *split;
	const struct gate_rival *rival;
	const struct gate *gate; /* NULL: the last price itself */
	const struct reading_result *reading;
	const struct dataset *dataset;
	bool resumed; /* only what was new was read */
	const char *folder;
	int64_t created_us;
};

/* The body of a version; its number is set by registry_add. NULL: no memory. */
cJSON *report_version(const struct report_input *input) MUST_USE;

#endif
