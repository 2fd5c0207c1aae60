/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The built-in models on real bars, from the CSV to the last digit of the report, beside what
 * statsmodels' OLS says (tests/data/statsmodels/certify.py).
 */
#include "fit.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "features.h"
#include "partial.h"

static cJSON *read_certified(void)
{
	static char memory[65536];
	FILE *file = fopen("tests/data/statsmodels/certified.json", "r");
	assert_non_null(file);
	memory[fread(memory, 1, sizeof(memory) - 1, file)] = '\0';
	fclose(file);
	cJSON *json = cJSON_Parse(memory);
	assert_non_null(json);
	return json;
}

static const struct spec *builtin(const char *name)
{
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, name) == 0)
			return spec_builtin(i);
	fail_msg("there is no %s", name);
	return NULL;
}

static void take_row(const struct feature_row *row, enum row_reason reason, void *factor)
{
	double columns[SPEC_MAX_FEATURES + 2];
	if (reason != ROW_USED)
		return;
	size_t features = rfactor_columns(factor) - 2;
	memcpy(columns, row->x, features * sizeof(double));
	columns[features] = row->last;
	columns[features + 1] = row->y;
	rfactor_add(factor, columns);
}

static void read_bars(const char *series, struct features *features, struct rfactor *factor)
{
	char path[100], line[256];
	struct record_columns columns;
	struct record record;
	struct record_fault fault;
	const struct record_rules rules = { .bounds = RECORD_DEFAULT_BOUNDS,
					    .wall_us = INT64_C(1795568400000000) };
	bool header;
	snprintf(path, sizeof(path), "tests/data/%s", series);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(record_columns_detect(record_table(RECORD_BAR), line, strcspn(line, "\n"),
					       &columns, &header, &fault),
			 ERROR_OK);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(record_read_csv(&columns, &rules, line, strcspn(line, "\n"),
						 &record, &fault),
				 ERROR_OK);
		features_push(features, record.timestamp_us, record.values, take_row, factor);
	}
	fclose(file);
}

/* All rows, nothing held out. */
static void solve(const char *series, const struct spec *spec, struct fit *fit)
{
	struct features *features = features_new(spec);
	struct rfactor *factor = rfactor_new(partial_columns(spec), true);
	assert_true(features && factor);
	read_bars(series, features, factor);
	const struct fit_request request = { .factor = factor,
					     .features = spec->feature_count,
					     .has_last = true,
					     .anchor = spec->anchor };
	assert_int_equal(fit_solve(&request, fit, NULL), ERROR_OK);
	features_destroy(&features);
	rfactor_destroy(&factor);
}

static void agrees(const cJSON *json, const char *name, double ours)
{
	const cJSON *theirs = cJSON_GetObjectItemCaseSensitive(json, name);
	assert_true(cJSON_IsNumber(theirs));
	double off = fabs(ours - theirs->valuedouble) / fmax(fabs(theirs->valuedouble), 1e-300);
	if (!(off <= 1e-8))
		fail_msg("%s is %.17g, statsmodels has %.17g", name, ours, theirs->valuedouble);
}

/* An end of an interval may be near zero: it is as good as the interval is wide. */
static void agrees_for_width(const cJSON *json, const char *name, double ours, double width)
{
	const cJSON *theirs = cJSON_GetObjectItemCaseSensitive(json, name);
	assert_true(fabs(ours - theirs->valuedouble) <= 1e-8 * width);
}

static size_t compare(const cJSON *json, const struct spec *spec, const struct fit *fit)
{
	size_t kept = 0;
	const cJSON *terms = cJSON_GetObjectItemCaseSensitive(json, "terms");
	agrees(json, "rows", (double)fit->rows);
	agrees(json, "degrees_of_freedom", (double)fit->freedom);
	agrees(json, "residual_standard_error", fit->s);
	for (size_t j = 0; j < spec->feature_count; j++) {
		const struct fit_term *term = &fit->terms[j];
		const cJSON *certified =
			cJSON_GetObjectItemCaseSensitive(terms, spec->features[j].name);
		assert_int_equal(term->status == FIT_KEPT, certified != NULL);
		if (!certified)
			continue;
		kept++;
		agrees(certified, "value", term->value);
		agrees(certified, "error", term->error);
		agrees(certified, "t", term->t);
		agrees(certified, "p", term->p);
		agrees_for_width(certified, "low", term->low, term->high - term->low);
		agrees_for_width(certified, "high", term->high, term->high - term->low);
	}
	assert_int_equal(kept, cJSON_GetArraySize(terms));
	return kept;
}

static void statsmodels_says_the_same(void **state)
{
	(void)state;
	static struct fit fit;
	size_t fits = 0, terms = 0;
	cJSON *certified = read_certified();
	const cJSON *one = NULL;
	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(certified, "fits"))
	{
		const char *series = cJSON_GetStringValue(cJSON_GetObjectItem(one, "series"));
		const struct spec *spec =
			builtin(cJSON_GetStringValue(cJSON_GetObjectItem(one, "model")));
		solve(series, spec, &fit);
		terms += compare(one, spec, &fit);
		agrees(one, "aic", fit.aic);
		/* R2 is of the target: where an anchor is taken off it, theirs is of the rest. */
		if (spec->anchor < 0) {
			agrees(one, "r2", fit.r2);
			agrees(one, "adjusted_r2", fit.adjusted_r2);
		}
		fits++;
	}
	assert_int_equal(fits, 7);
	print_message("%zu coefficients agree\n", terms);
	cJSON_Delete(certified);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(statsmodels_says_the_same) };
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
