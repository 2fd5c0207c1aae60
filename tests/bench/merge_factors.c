/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What 1,000,000,000 ticks in 4,000 files cost beyond being read: the factors of a few files of
 * 250,000 rows each, merged as often as there are files, then split and solved. A factor is of one
 * size however many rows went in. The files lie in the same span of time, which is the worst case
 * for the latest rows that are kept with the factors. Prints: files, rows, milliseconds of the
 * merges, of the solution.
 */
#include <gsl/gsl_errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fit.h"
#include "partial.h"
#include "timestamp.h"

enum { FILES = 4000, KINDS = 8, FILE_ROWS = 250000 };

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "merge_factors: %s\n", what);
		exit(1);
	}
}

static uint64_t next_random(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t mixed = (*state ^ (*state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return mixed ^ (mixed >> 31);
}

/* What reading one file leaves. */
static struct partial *read_file(const struct spec *spec, uint64_t *state)
{
	struct partial *partial = partial_new(spec);
	require(partial != NULL, "no memory");
	for (int64_t i = 0; i < FILE_ROWS; i++) {
		struct feature_row row = { .timestamp_us = (i + 1) * 1000000, .y = 1 };
		row.target_us = row.timestamp_us;
		row.identity = next_random(state);
		for (size_t j = 0; j < spec->feature_count; j++) {
			row.x[j] = (double)(next_random(state) >> 40) + 10000;
			row.y += row.x[j] * (double)(j + 1);
		}
		row.y += (double)(next_random(state) >> 56);
		partial_count_record(partial);
		partial_take(&row, ROW_USED, partial);
	}
	return partial;
}

static int64_t solve(const struct spec *spec, struct partial *all)
{
	struct partial_split split;
	struct fit fit;
	int64_t started_us = monotonic_now_us();
	require(partial_split(all, &split) == ERROR_OK, "no memory");
	const struct fit_request request = { .factor = split.train,
					     .features = spec->feature_count,
					     .anchor = spec->anchor };
	require(fit_solve(&request, &fit, NULL) == ERROR_OK, "it can't be solved");
	partial_split_clean_up(&split);
	return monotonic_now_us() - started_us;
}

int main(void)
{
	const struct spec *spec = spec_builtin(0);
	struct partial *kinds[KINDS], *all = partial_new(spec);
	uint64_t state = 1;
	gsl_set_error_handler_off();
	require(all != NULL, "no memory");
	for (size_t i = 0; i < KINDS; i++)
		kinds[i] = read_file(spec, &state);
	int64_t started_us = monotonic_now_us();
	for (size_t i = 0; i < FILES; i++)
		require(partial_merge(all, kinds[i % KINDS]) == ERROR_OK, "no memory");
	int64_t merged_us = monotonic_now_us() - started_us;
	int64_t solved_us = solve(spec, all);
	printf("%d %" PRId64 " %.3f %.3f\n", FILES, partial_counts(all)->rows[ROW_USED],
	       (double)merged_us / 1e3, (double)solved_us / 1e3);
	for (size_t i = 0; i < KINDS; i++)
		partial_destroy(&kinds[i]);
	partial_destroy(&all);
	return 0;
}
