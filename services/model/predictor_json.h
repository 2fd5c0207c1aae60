/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a stored version predicts with, from and to JSON, exact. Reentrant.
 */
#ifndef TICKLINE_MODEL_PREDICTOR_JSON_H
#define TICKLINE_MODEL_PREDICTOR_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "error.h"
#include "fit.h"
#include "spec.h"
#include "text.h"

enum { PREDICTOR_SPREADS = 8 };

/* The levels for which a predictor knows the spread. */
extern const double PREDICTOR_PARTS[PREDICTOR_SPREADS];

struct predictor {
	bool last_price; /* the anchor itself; then only `spread` and `fit.anchor` count */
	bool calibrated; /* `spread` is known; always for a last price */
	struct fit_predictor fit;
	double low[FIT_MAX_FEATURES], high[FIT_MAX_FEATURES]; /* training's range, per feature */
	double spread[PREDICTOR_SPREADS]; /* half widths at leverage 0, ascending (calibration.h);
					     NAN: unknown, and then those after it as well */
	double log_factor; /* of what all of `spread` is taken times at first (calibration.h); 0:
			      nothing */
};

/* NULL: no memory. */
cJSON *predictor_to_json(const struct predictor *predictor, const struct spec *spec) MUST_USE;
enum error predictor_from_json(const cJSON *json, const struct spec *spec,
			       struct predictor *predictor, struct text *why) MUST_USE;

#endif
