/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "skill.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "fit.h"
#include "sort_doubles.h"

const char *skill_verdict_text(enum skill_verdict verdict)
{
	static const char *const texts[] = {
		[SKILL_UNKNOWN] = "not known",
		[SKILL_BETTER] = "better than the last price",
		[SKILL_WORSE] = "worse than the last price",
		[SKILL_NOT_TOLD_APART] = "not told apart from the last price",
	};
	return texts[verdict];
}

/* --- the bootstrap --------------------------------------------------------------------------- */

/* splitmix64: the same blocks give the same interval. */
static size_t draw(uint64_t *state, size_t below)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (size_t)(((z ^ (z >> 31)) >> 32) * below >> 32);
}

static double resample(const struct skill_block *blocks, size_t count, uint64_t *state)
{
	double squares = 0, last_squares = 0;
	for (size_t i = 0; i < count; i++) {
		const struct skill_block *block = &blocks[draw(state, count)];
		squares += block->squares;
		last_squares += block->last_squares;
	}
	return last_squares > 0 ? 1 - sqrt(squares / last_squares) : 0;
}

void skill_bootstrap(const struct skill_block *blocks, size_t count, double *low, double *high)
{
	double skills[SKILL_RESAMPLES];
	uint64_t state = 1;
	*low = *high = NAN;
	if (count < SKILL_LEAST_BLOCKS)
		return;
	for (size_t i = 0; i < SKILL_RESAMPLES; i++)
		skills[i] = resample(blocks, count, &state);
	sort_doubles(skills, SKILL_RESAMPLES);
	*low = skills[SKILL_RESAMPLES / 40];
	*high = skills[SKILL_RESAMPLES - 1 - SKILL_RESAMPLES / 40];
}

/* --- Diebold and Mariano --------------------------------------------------------------------- */

static double autocovariance(const double *d, size_t count, double mean, size_t lag)
{
	double sum = 0;
	for (size_t i = lag; i < count; i++)
		sum += (d[i] - mean) * (d[i - lag] - mean);
	return sum / (double)count;
}

static double long_run_variance(const double *d, size_t count, double mean, uint64_t horizon)
{
	double flat = autocovariance(d, count, mean, 0), tapered = flat;
	size_t lags = (size_t)(4 * pow((double)count / 100, 2.0 / 9));
	if (lags < horizon - 1)
		lags = horizon - 1;
	for (size_t lag = 1; lag <= lags && lag < count; lag++) {
		double both = 2 * autocovariance(d, count, mean, lag);
		flat += lag < horizon ? both : 0;
		tapered += both * (1 - (double)lag / (double)(lags + 1));
	}
	return fmax(flat, tapered);
}

void skill_diebold_mariano(const double *d, size_t count, uint64_t horizon, double *statistic,
			   double *p)
{
	double n = (double)count, h = (double)horizon, mean = 0;
	*statistic = *p = NAN;
	if (count < SKILL_LEAST_ROWS || horizon > count / 4)
		return;
	for (size_t i = 0; i < count; i++)
		mean += d[i] / n;
	double variance = long_run_variance(d, count, mean, horizon);
	if (!(variance > 0) || !isfinite(variance))
		return;
	double correction = sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n);
	*statistic = correction * mean / sqrt(variance / n);
	*p = 2 * gsl_cdf_tdist_Q(fabs(*statistic), n - 1);
}

/* --- from a training ------------------------------------------------------------------------- */

/* The latest held-out rows: their times are needed for the horizon only. */
struct latest {
	size_t count;
	int64_t first_us, last_us;
	double squares[TAIL_ROWS], last_squares[TAIL_ROWS];
};

static double error_of(const struct version *rival, const struct tail_row *row)
{
	struct prediction made;
	if (!rival)
		return row->y - row->last;
	return version_predict(rival, row->x, 0.95, &made) == ERROR_OK ? row->y - made.value : NAN;
}

static void gather(const struct predictor *predictor, const struct version *rival,
		   struct tail *tail, int64_t since_us, struct latest *latest)
{
	size_t rows = tail_count(tail);
	for (size_t i = 0; i < rows; i++) {
		struct tail_row row = tail_row(tail, i);
		double error = row.y - fit_predict(&predictor->fit, row.x);
		double last_error = error_of(rival, &row);
		if (row.timestamp_us < since_us || !isfinite(error) || !isfinite(last_error))
			continue;
		latest->first_us = latest->count == 0 ? row.timestamp_us : latest->first_us;
		latest->last_us = row.timestamp_us;
		latest->squares[latest->count] = error * error;
		latest->last_squares[latest->count++] = last_error * last_error;
	}
}

static uint64_t horizon_rows(const struct spec *spec, const struct latest *latest)
{
	double span_s = (double)(latest->last_us - latest->first_us) / 1e6;
	double rows =
		span_s > 0 ? (double)spec->horizon_s * (double)(latest->count - 1) / span_s : 1;
	return (uint64_t)fmin(fmax(ceil(rows), 1), TAIL_ROWS);
}

static void test(const struct spec *spec, struct latest *latest, struct skill *skill)
{
	double *d = latest->squares;
	skill->rows = latest->count;
	skill->horizon = horizon_rows(spec, latest);
	for (size_t i = 0; i < latest->count; i++)
		d[i] = latest->last_squares[i] - latest->squares[i];
	skill_diebold_mariano(d, latest->count, skill->horizon, &skill->statistic, &skill->p);
}

/* Neighbours become one block where there are more than SKILL_MAX_BLOCKS. */
static size_t block_of(size_t index, size_t count)
{
	return count > SKILL_MAX_BLOCKS ? index * SKILL_MAX_BLOCKS / count : index;
}

static size_t blocks_of_rows(const struct latest *latest, struct skill_block *blocks)
{
	size_t count = latest->count;
	for (size_t i = 0; i < count; i++) {
		struct skill_block *block = &blocks[block_of(i, count)];
		block->squares += latest->squares[i];
		block->last_squares += latest->last_squares[i];
	}
	return count > SKILL_MAX_BLOCKS ? SKILL_MAX_BLOCKS : count;
}

static size_t blocks_of_buckets(const struct spec *spec, const struct predictor *predictor,
				const struct version *rival, struct partial *partial,
				struct skill_block *blocks)
{
	struct rfactor *buckets[PARTIAL_MAX_BUCKETS];
	size_t count = partial_held_out(partial, buckets);
	for (size_t i = 0; i < count; i++) {
		struct fit_score score;
		struct skill_block *block = &blocks[block_of(i, count)];
		fit_score(&predictor->fit, 0, true, spec->feature_count, buckets[i], &score);
		double rows = (double)score.rows;
		double its = rival ? version_rmse(rival, buckets[i]) : score.last_rmse;
		block->squares += rows * score.rmse * score.rmse;
		block->last_squares += rows * its * its;
	}
	return count > SKILL_MAX_BLOCKS ? SKILL_MAX_BLOCKS : count;
}

static enum skill_verdict verdict_of(const struct skill *skill)
{
	if (isnan(skill->low) || isnan(skill->p))
		return SKILL_UNKNOWN;
	if (skill->low > 0 && skill->statistic > 0 && skill->p < 0.05)
		return SKILL_BETTER;
	if (skill->high < 0 && skill->statistic < 0 && skill->p < 0.05)
		return SKILL_WORSE;
	return SKILL_NOT_TOLD_APART;
}

enum error skill_find(const struct spec *spec, const struct predictor *predictor,
		      const struct version *rival, struct partial *partial, int64_t since_us,
		      struct skill *skill)
{
	*skill = (struct skill){ .low = NAN, .high = NAN, .statistic = NAN, .p = NAN };
	if ((!rival && !spec_is_ordered(spec)) || predictor->last_price)
		return ERROR_OK;
	struct latest *latest = calloc(1, sizeof(*latest)); /* too large for a stack */
	if (!latest)
		return ERROR_NO_MEMORY;
	struct skill_block blocks[SKILL_MAX_BLOCKS] = { { 0 } };
	gather(predictor, rival, partial_tail(partial), since_us, latest);
	skill->blocks = spec->split == SPLIT_TIME
				? blocks_of_buckets(spec, predictor, rival, partial, blocks)
				: blocks_of_rows(latest, blocks);
	skill_bootstrap(blocks, skill->blocks, &skill->low, &skill->high);
	test(spec, latest, skill);
	skill->verdict = verdict_of(skill);
	free(latest);
	return ERROR_OK;
}
