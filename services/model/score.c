/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "score.h"

#include <math.h>

struct sums {
	double squares, absolute, errors;
	size_t intervals, inside;
	double last_squares, squares_beside_last; /* over the same predictions */
	size_t lasts;
};

static void add(struct sums *sums, const struct live_prediction *p)
{
	double error = p->actual - p->value;
	sums->squares += error * error;
	sums->absolute += fabs(error);
	sums->errors += error;
	if (isfinite(p->low) && isfinite(p->high)) {
		sums->intervals++;
		sums->inside += p->low <= p->actual && p->actual <= p->high;
	}
	if (isfinite(p->last)) {
		sums->lasts++;
		sums->last_squares += (p->actual - p->last) * (p->actual - p->last);
		sums->squares_beside_last += error * error;
	}
}

struct score score_of(const struct live_prediction *predictions, size_t count, int64_t version)
{
	struct score score = { .rmse = NAN,
			       .mae = NAN,
			       .bias = NAN,
			       .coverage = NAN,
			       .level = NAN,
			       .skill_last = NAN };
	struct sums sums = { 0 };
	for (size_t i = 0; i < count; i++) {
		const struct live_prediction *p = &predictions[i];
		if (p->version != version)
			continue;
		if (p->in_training) {
			score.in_training++;
			continue;
		}
		if (!isfinite(p->actual)) {
			score.waiting++;
			continue;
		}
		add(&sums, p);
		if (score.count++ == 0)
			score.from_us = p->target_us;
		score.to_us = p->target_us;
		score.level = p->level;
	}
	if (score.count == 0)
		return score;
	score.rmse = sqrt(sums.squares / (double)score.count);
	score.mae = sums.absolute / (double)score.count;
	score.bias = sums.errors / (double)score.count;
	if (sums.intervals > 0)
		score.coverage = (double)sums.inside / (double)sums.intervals;
	else
		score.level = NAN;
	if (sums.lasts > 0 && sums.last_squares > 0)
		score.skill_last = 1 - sqrt(sums.squares_beside_last / sums.last_squares);
	return score;
}
