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
 *
 * Rows of a seeded split are of all times, as those that it is told about: there that is all. Of a
 * split by time the rows that come are later than these, and calmer or wilder: an adaptive interval
 * (interval.h) is led through the rows in their order, and the factor with which it leaves the last
 * one is kept. It is the width that was right at the end of the data, where an answer begins.
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
	double spread[PREDICTOR_SPREADS]; /* half widths by PREDICTOR_PARTS; NAN: too few rows */
	double log_factor;   /* of the factor kept with them (struct predictor); 0: none */
	uint64_t proof_rows; /* the later half */
	/* Share of them inside; NAN: not known. Conformal: with the factor of the earlier half's
	 * end; adaptive: from there on with what each actual taught. */
	double plain, conformal, adaptive;
};

/* Rows before `since_us` are passed over: the predictor was fitted on them. Works in the tail's
 * waiting rows first. NO_MEMORY. */
enum error calibrate(const struct predictor *predictor, enum spec_split split, struct tail *tail,
		     int64_t since_us, struct calibration *calibration) MUST_USE;

#endif
