/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How wide intervals must be, learned from rows that a fit has not seen: split-conformal prediction
 * (Papadopoulos et al. 2002; Lei et al. 2018) on errors divided by sqrt(1 + leverage). The half
 * width for a level is the error of rank ceil((n + 1) level) among n; where that is beyond n, there
 * are too few rows and it stays unknown.
 *
 * It rests on the latest held-out rows, at most TAIL_ROWS (with 4,096 rows the coverage of a 95%
 * interval is known to a standard error of 0.34%). Rows that were calibrated on prove nothing: so
 * the coverage is measured on the later half of them with a calibration on the earlier half, and
 * then all of them calibrate what is served.
 */
#ifndef TICKLINE_MODEL_CALIBRATION_H
#define TICKLINE_MODEL_CALIBRATION_H

#include <stdint.h>

#include "error.h"
#include "predictor_json.h"
#include "tail.h"

#define CALIBRATION_LEVEL 0.95 /* at which the coverage is measured; one of PREDICTOR_PARTS */

struct calibration {
	uint64_t rows; /* that calibrate; 0: none */
	int64_t since_us, until_us;
	double spread[PREDICTOR_SPREADS];  /* half widths by PREDICTOR_PARTS; NAN: too few rows */
	uint64_t proof_rows;               /* the later half */
	double plain, conformal, adaptive; /* share of them inside; NAN: not known */
};

/* Rows before `since_us` are passed over: the predictor was fitted on them. Works in the tail's
 * waiting rows first. NO_MEMORY. */
enum error calibrate(const struct predictor *predictor, struct tail *tail, int64_t since_us,
		     struct calibration *calibration) MUST_USE;

#endif
