/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the built-in forecasts would have done, walking forward through a series of bars: trained on
 * the first days, tried on the next one, trained again on all days so far, and so on. The code is
 * the service's own: features, factors, split, fit, calibration, adaptive intervals. Prints a table
 * in Markdown: evaluate_forecast FILE.csv...
 *
 * Of the intervals, "conformal" is what a version carries when nobody follows its errors, for the
 * day after its training; "adaptive" goes on from there with each actual, as live predictions and
 * predict do; "split" is the conformal one without the factor of its calibration's end.
 */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "features.h"
#include "interval.h"
#include "partial.h"
#include "skill.h"
#include "timestamp.h"

#define DAY_US INT64_C(86400000000)
enum { FIRST_DAYS = 5, MAX_ROWS = 1 << 20, LINE_BYTES = 1024 };

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "evaluate_forecast: %s\n", what);
		exit(1);
	}
}

struct rows {
	struct feature_row *all; /* by time */
	size_t count;
};

struct outcome { /* of one later row */
	int64_t time_us, target_us;
	double error, last_error;       /* of the fit, of the last price */
	double plain, split, conformal; /* half widths of the fit's intervals */
	double last_conformal;          /* of the last price's */
	bool inside, last_inside;       /* of the adaptive ones */
};

struct walk {
	const struct spec *spec;
	struct rows rows;
	struct outcome *outcomes;
	size_t count;
};

/* --- rows ------------------------------------------------------------------------------------ */

static void keep_row(const struct feature_row *row, enum row_reason reason, void *user)
{
	struct rows *rows = user;
	if (reason != ROW_USED)
		return;
	require(rows->count < MAX_ROWS, "too many rows");
	rows->all[rows->count++] = *row;
}

static void read_rows(const char *path, struct walk *walk)
{
	char line[LINE_BYTES];
	struct record record;
	struct record_fault fault;
	struct record_columns columns;
	const struct record_rules rules = { .bounds = RECORD_DEFAULT_BOUNDS,
					    .wall_us = wall_now_us() };
	bool header = false, first = true;
	FILE *file = fopen(path, "r");
	require(file != NULL, "a file can't be opened");
	struct features *features = features_new(walk->spec);
	walk->rows.all = calloc(MAX_ROWS, sizeof(*walk->rows.all));
	require(features && walk->rows.all, "no memory");
	for (; fgets(line, sizeof(line), file); first = false) {
		size_t length = strcspn(line, "\n");
		if (first)
			require(record_columns_detect(walk->spec->table, line, length, &columns,
						      &header, &fault) == ERROR_OK,
				"not a CSV of bars");
		if (first && header)
			continue;
		require(record_read_csv(&columns, &rules, line, length, &record, &fault) ==
				ERROR_OK,
			"a line is no bar");
		features_push(features, record.timestamp_us, record.values, keep_row, &walk->rows);
	}
	fclose(file);
	features_destroy(&features);
}

/* --- one training ---------------------------------------------------------------------------- */

struct trained {
	struct predictor fit, last;
};

static void calibrate_one(struct predictor *predictor, struct tail *tail, int64_t since_us)
{
	struct calibration calibration;
	require(calibrate(predictor, SPLIT_TIME, tail, since_us, &calibration) == ERROR_OK,
		"no memory");
	memcpy(predictor->spread, calibration.spread, sizeof(predictor->spread));
	predictor->log_factor = calibration.log_factor;
}

/* On the rows whose targets were known by then. */
static void train(const struct walk *walk, int64_t until_us, struct trained *trained)
{
	const struct spec *spec = walk->spec;
	struct partial *partial = partial_new(spec);
	struct partial_split split;
	static struct fit fit;
	require(partial != NULL, "no memory");
	for (size_t i = 0; i < walk->rows.count; i++)
		if (walk->rows.all[i].target_us <= until_us)
			partial_take(&walk->rows.all[i], ROW_USED, partial);
	require(partial_split(partial, &split) == ERROR_OK && split.held_out, "no memory");
	const struct fit_request request = { .factor = split.train,
					     .features = spec->feature_count,
					     .has_last = true,
					     .anchor = spec->anchor };
	require(fit_solve(&request, &fit, NULL) == ERROR_OK, "no fit");
	*trained = (struct trained){ .last = { .last_price = true, .fit.anchor = spec->anchor } };
	trained->fit.fit = fit.predictor;
	calibrate_one(&trained->fit, partial_tail(partial), split.cut_us);
	calibrate_one(&trained->last, partial_tail(partial), 0);
	partial_split_clean_up(&split);
	partial_destroy(&partial);
}

static double half_at_level(const struct predictor *predictor)
{
	for (size_t i = 0; i < PREDICTOR_SPREADS; i++)
		if (PREDICTOR_PARTS[i] == CALIBRATION_LEVEL)
			return predictor->spread[i];
	return NAN;
}

static struct outcome predicted(const struct walk *walk, const struct trained *trained,
				const struct feature_row *row)
{
	double leverage = fit_leverage(&trained->fit.fit, row->x);
	double split = half_at_level(&trained->fit) * sqrt(1 + leverage);
	return (struct outcome){
		.time_us = row->timestamp_us,
		.target_us = row->target_us,
		.error = row->y - fit_predict(&trained->fit.fit, row->x),
		.last_error = row->y - row->x[walk->spec->anchor],
		.plain = fit_half_width(&trained->fit.fit, leverage, CALIBRATION_LEVEL),
		.split = split,
		.conformal = split * exp(trained->fit.log_factor),
		.last_conformal = half_at_level(&trained->last) * exp(trained->last.log_factor),
	};
}

/* The day after a training, as it goes live: intervals learn from actuals as they come. */
static void walk_one_day(struct walk *walk, const struct trained *trained, int64_t from_us)
{
	struct adaptive fit = { 0 }, last = { 0 }; /* beyond the factors that were kept */
	size_t learned = walk->count;
	for (size_t i = 0; i < walk->rows.count; i++) {
		const struct feature_row *row = &walk->rows.all[i];
		if (row->timestamp_us < from_us || row->timestamp_us >= from_us + DAY_US)
			continue;
		struct outcome *made = &walk->outcomes[walk->count];
		for (; learned < walk->count &&
		       walk->outcomes[learned].target_us <= row->timestamp_us;
		     learned++) {
			adaptive_learn(&fit, walk->outcomes[learned].inside, CALIBRATION_LEVEL);
			adaptive_learn(&last, walk->outcomes[learned].last_inside,
				       CALIBRATION_LEVEL);
		}
		*made = predicted(walk, trained, row);
		made->inside = fabs(made->error) <= made->conformal * adaptive_factor(&fit);
		made->last_inside =
			fabs(made->last_error) <= made->last_conformal * adaptive_factor(&last);
		walk->count++;
	}
}

/* --- the table ------------------------------------------------------------------------------- */

static void print_skill(const struct walk *walk)
{
	double *d = calloc(walk->count, sizeof(*d)), squares = 0, last_squares = 0, statistic, p;
	struct skill_block blocks[SKILL_MAX_BLOCKS] = { { 0 } };
	require(d != NULL, "no memory");
	for (size_t i = 0; i < walk->count; i++) {
		double of_fit = pow(walk->outcomes[i].error, 2);
		double of_last = pow(walk->outcomes[i].last_error, 2);
		struct skill_block *block = &blocks[i * SKILL_MAX_BLOCKS / walk->count];
		block->squares += of_fit;
		block->last_squares += of_last;
		squares += of_fit;
		last_squares += of_last;
		d[i] = of_last - of_fit;
	}
	double low, high;
	skill_bootstrap(blocks, SKILL_MAX_BLOCKS, &low, &high);
	skill_diebold_mariano(d, walk->count, (uint64_t)walk->spec->horizon_s / 60, &statistic, &p);
	printf("%zu | %.2f | %.2f | %+.2f%% [%+.2f%%, %+.2f%%] | %.2g | ", walk->count,
	       sqrt(squares / (double)walk->count), sqrt(last_squares / (double)walk->count),
	       100 * (1 - sqrt(squares / last_squares)), 100 * low, 100 * high, p);
	free(d);
}

static void print_coverage(const struct walk *walk)
{
	size_t plain = 0, split = 0, conformal = 0, adaptive = 0, last = 0, last_adaptive = 0;
	for (size_t i = 0; i < walk->count; i++) {
		const struct outcome *made = &walk->outcomes[i];
		plain += fabs(made->error) <= made->plain;
		split += fabs(made->error) <= made->split;
		conformal += fabs(made->error) <= made->conformal;
		adaptive += made->inside;
		last += fabs(made->last_error) <= made->last_conformal;
		last_adaptive += made->last_inside;
	}
	double all = (double)walk->count / 100;
	printf("%.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% |\n", (double)plain / all,
	       (double)split / all, (double)conformal / all, (double)adaptive / all,
	       (double)last / all, (double)last_adaptive / all);
}

static void evaluate(const char *path, const struct spec *spec)
{
	struct walk walk = { .spec = spec };
	struct trained trained;
	read_rows(path, &walk);
	walk.outcomes = calloc(walk.rows.count + 1, sizeof(*walk.outcomes));
	require(walk.outcomes && walk.rows.count > 0, "no rows");
	int64_t end_us = walk.rows.all[walk.rows.count - 1].timestamp_us;
	for (int64_t from_us = walk.rows.all[0].timestamp_us + FIRST_DAYS * DAY_US;
	     from_us < end_us; from_us += DAY_US) {
		train(&walk, from_us, &trained);
		walk_one_day(&walk, &trained, from_us);
	}
	const char *name = strrchr(path, '/');
	printf("| %s | %lld min | ", name ? name + 1 : path, (long long)spec->horizon_s / 60);
	if (walk.count >= SKILL_LEAST_ROWS) {
		print_skill(&walk);
		print_coverage(&walk);
	} else {
		printf("shorter than %d days |\n", FIRST_DAYS);
	}
	free(walk.outcomes);
	free(walk.rows.all);
}

int main(int argc, char **argv)
{
	require(argc > 1, "give CSV files of bars");
	gsl_set_error_handler_off();
	puts("| series | ahead | later bars | RMSE | of the last price | skill, 95% interval | "
	     "DM p | plain | split | conformal | adaptive | last price, conformal | adaptive |\n"
	     "|---|---|---|---|---|---|---|---|---|---|---|---|---|");
	for (int i = 1; i < argc; i++)
		for (size_t s = 0; s < spec_builtin_count(); s++)
			if (spec_builtin(s)->anchor >= 0)
				evaluate(argv[i], spec_builtin(s));
	return 0;
}
