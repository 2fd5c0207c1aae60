/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a fit's skill on held-out rows is more than noise: against the last price, or against
 * another version. Skill is 1 - rmse / rmse of that. Reentrant.
 *
 *   interval  95%, by a bootstrap of blocks of time (Carlstein 1986): the blocks are the held-out
 *             buckets, each no shorter than the horizon, whose sums of squares come out of their R
 *             factors; all held-out rows count and nothing is read twice. A seeded split has no
 *             buckets: there the latest rows are cut into blocks.
 *   test      Diebold and Mariano (1995) on the difference of squared errors of the latest held-out
 *             rows (at most TAIL_ROWS), with the correction and t quantiles of Harvey, Leybourne
 * and Newbold (1997). The long-run variance is the larger of the original one (all autocovariances
 * up to horizon - 1 rows) and that of Newey and West (1987), so that it is never negative and
 * rather too large.
 *
 * The fit counts as better, or worse, only when both say so.
 */
#ifndef TICKLINE_MODEL_SKILL_H
#define TICKLINE_MODEL_SKILL_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "model_version.h"
#include "partial.h"
#include "predictor_json.h"
#include "spec.h"

enum { SKILL_MAX_BLOCKS = 40, SKILL_LEAST_BLOCKS = 8, SKILL_RESAMPLES = 2000 };
enum { SKILL_LEAST_ROWS = 30 };

enum skill_verdict { SKILL_UNKNOWN, SKILL_BETTER, SKILL_WORSE, SKILL_NOT_TOLD_APART };
const char *skill_verdict_text(enum skill_verdict verdict); /* "better than the last price", … */

struct skill {
	size_t blocks;    /* of the bootstrap */
	double low, high; /* NAN: fewer than SKILL_LEAST_BLOCKS, or no last price */
	uint64_t rows;    /* of the test */
	uint64_t horizon; /* in rows, at least 1 */
	double statistic; /* above 0: the fit is better; NAN: fewer than SKILL_LEAST_ROWS, or no
			     variance */
	double p;         /* two-sided */
	enum skill_verdict verdict;
};

/* `rival` NULL: the last price, which specs that are not ordered do not have (nothing is known
 * then). `since_us` as for calibrate(). Works in waiting rows first. NO_MEMORY. */
enum error skill_find(const struct spec *spec, const struct predictor *predictor,
		      const struct version *rival, struct partial *partial, int64_t since_us,
		      struct skill *skill) MUST_USE;

/* The parts, for tests. d: differences of squared errors, the oldest first. */
struct skill_block {
	double squares, last_squares; /* of the fit's errors and the other's */
};
void skill_bootstrap(const struct skill_block *blocks, size_t count, double *low, double *high);
void skill_diebold_mariano(const double *d, size_t count, uint64_t horizon, double *statistic,
			   double *p);

#endif
