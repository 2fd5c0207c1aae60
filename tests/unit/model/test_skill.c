/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "skill.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double uniform(void)
{
	return (double)rand() / RAND_MAX - 0.5;
}

/* With a horizon of one row and no autocorrelation it is the t test of a mean, corrected. */
static void one_row_ahead_is_a_t_test(void **state)
{
	(void)state;
	enum { N = 40 };
	double d[N], statistic, p, sum = 0, squares = 0;
	for (int i = 0; i < N; i++) /* alternates, so that Newey-West's variance is the smaller */
		d[i] = 1 + (i % 2 ? 3 : -3);
	for (int i = 0; i < N; i++) {
		sum += d[i];
		squares += (d[i] - 1) * (d[i] - 1);
	}
	skill_diebold_mariano(d, N, 1, &statistic, &p);
	double expected = sqrt((N - 1.0) / N) * (sum / N) / sqrt(squares / N / N);
	assert_true(fabs(statistic / expected - 1) < 1e-12);
	assert_true(fabs(p / (2 * gsl_cdf_tdist_Q(expected, N - 1)) - 1) < 1e-12);
	for (int i = 0; i < N; i++)
		d[i] = -d[i];
	skill_diebold_mariano(d, N, 1, &statistic, &p);
	assert_true(fabs(statistic / expected + 1) < 1e-12);
}

/* A value that stays for five rows is one observation, not five. */
static void overlapping_horizons_weaken_the_test(void **state)
{
	(void)state;
	enum { N = 1000 };
	static double d[N];
	double naive, honest, p;
	srand(11);
	for (int i = 0; i < N; i++)
		d[i] = i % 5 ? d[i - 1] : 0.2 + uniform();
	skill_diebold_mariano(d, N, 1, &naive, &p);
	skill_diebold_mariano(d, N, 5, &honest, &p);
	assert_true(honest > 0 && honest < naive);
}

static void what_can_not_be_tested_is_unknown(void **state)
{
	(void)state;
	static double d[SKILL_LEAST_ROWS];
	double statistic, p, low, high;
	skill_diebold_mariano(d, SKILL_LEAST_ROWS, 1, &statistic, &p); /* no variance */
	assert_true(isnan(statistic) && isnan(p));
	for (int i = 0; i < SKILL_LEAST_ROWS; i++)
		d[i] = i;
	skill_diebold_mariano(d, SKILL_LEAST_ROWS - 1, 1, &statistic, &p);
	assert_true(isnan(statistic));
	skill_diebold_mariano(d, SKILL_LEAST_ROWS, SKILL_LEAST_ROWS / 3, &statistic, &p);
	assert_true(isnan(statistic));
	const struct skill_block blocks[SKILL_LEAST_BLOCKS] = { { 1, 2 } };
	skill_bootstrap(blocks, SKILL_LEAST_BLOCKS - 1, &low, &high);
	assert_true(isnan(low) && isnan(high));
}

static void the_bootstrap_repeats_itself(void **state)
{
	(void)state;
	struct skill_block blocks[20], same[20];
	double low, high, again_low, again_high;
	srand(5);
	for (size_t i = 0; i < 20; i++) {
		blocks[i].last_squares = 10 + uniform();
		blocks[i].squares = 0.81 * blocks[i].last_squares * (1 + uniform() / 10);
		same[i] = (struct skill_block){ 8.1, 10 };
	}
	skill_bootstrap(blocks, 20, &low, &high);
	skill_bootstrap(blocks, 20, &again_low, &again_high);
	assert_true(low == again_low && high == again_high);
	assert_true(low > 0.08 && low < high - 0.005 && high < 0.12);
	skill_bootstrap(same, 20, &low, &high);
	assert_true(fabs(low - 0.1) < 1e-12 && fabs(high - 0.1) < 1e-12);
}

static const struct spec *builtin(const char *name)
{
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, name) == 0)
			return spec_builtin(i);
	fail_msg("there is no %s", name);
	return NULL;
}

/* 3,000 minutes; a part of each change is foretold by the first return. */
static struct skill found(const char *model, double foretold)
{
	const struct spec *spec = builtin(model);
	struct partial *partial = partial_new(spec);
	struct partial_split split;
	struct predictor predictor = { .fit = { .kept = 1,
						.columns = { 1 },
						.slope = { foretold },
						.scale = { 1 },
						.anchor = 0 } };
	srand(2);
	for (int i = 0; i < 3000; i++) {
		struct feature_row row = { .timestamp_us = INT64_C(1751328000000000) +
							   i * INT64_C(60000000),
					   .identity = (uint64_t)rand() << 32,
					   .last = 50000 };
		row.x[0] = row.last;
		row.x[1] = 100 * uniform();
		row.y = row.last + 0.5 * row.x[1] + 50 * uniform();
		partial_take(&row, ROW_USED, partial);
	}
	struct skill skill;
	assert_int_equal(partial_split(partial, &split), ERROR_OK);
	assert_int_equal(skill_find(spec, &predictor, NULL, partial, split.cut_us, &skill),
			 ERROR_OK);
	partial_split_clean_up(&split);
	partial_destroy(&partial);
	return skill;
}

static void skill_is_told_from_noise(void **state)
{
	(void)state;
	struct skill better = found("forecast_1m", 0.5), worse = found("forecast_1m", -0.5);
	struct skill noise = found("forecast_1m", 1); /* as much wrong as right */
	assert_int_equal(better.verdict, SKILL_BETTER);
	assert_int_equal(worse.verdict, SKILL_WORSE);
	assert_int_equal(noise.verdict, SKILL_NOT_TOLD_APART);
	assert_int_equal(better.blocks, 40);
	assert_int_equal(better.rows, 600);
	assert_int_equal(better.horizon, 1);
	assert_true(better.low > 0.2 && better.high < 0.4);
	assert_int_equal(found("forecast_15m", 0.5).horizon, 15);
	/* A seeded split: the latest held-out rows are cut into blocks. */
	struct skill seeded = found("streamlit", 0.5);
	assert_int_equal(seeded.verdict, SKILL_BETTER);
	assert_int_equal(seeded.blocks, SKILL_MAX_BLOCKS);
	assert_int_equal(seeded.horizon, 1);
	struct skill unordered = found("ia", 0.5);
	assert_int_equal(unordered.verdict, SKILL_UNKNOWN);
	assert_string_equal(skill_verdict_text(unordered.verdict), "not known");
	assert_true(isnan(unordered.low) && isnan(unordered.p));
}

/* y = x + 1, of rows of the same record. */
static struct version *rival_of(const struct spec *spec, double base)
{
	char text[1024];
	struct version *version;
	snprintf(text, sizeof text,
		 "{\"version\":3,\"created_us\":5,\"predictor\":{\"kind\":\"linear\","
		 "\"anchor\":null,\"ones\":true,\"features\":[\"buy_price\"],\"base\":%g,"
		 "\"slope\":[1],\"shift\":[0],\"scale\":[1],\"triangle\":[4,0,0,4],"
		 "\"low\":[0,0,0,0,0,0],\"high\":[1,1,1,1,1,1],\"freedom\":30,\"rows\":32,"
		 "\"s\":1},\"report\":{}}",
		 base);
	cJSON *json = cJSON_Parse(text);
	cJSON_AddItemToObject(json, "spec", spec_to_json(spec));
	assert_int_equal(version_from_json(json, &version, NULL), ERROR_OK);
	cJSON_Delete(json);
	return version;
}

/* Against a version, the last price is not needed: `off` by both, the fit is right. */
static struct skill against(double off)
{
	const struct spec *spec = builtin("ia");
	struct version *rival = rival_of(spec, off);
	struct partial *partial = partial_new(spec);
	struct predictor predictor = {
		.fit = { .kept = 1, .slope = { 1 }, .scale = { 1 }, .anchor = -1 }
	};
	srand(3);
	for (int i = 0; i < 2000; i++) {
		struct feature_row row = { .timestamp_us =
						   INT64_C(1751328000000000) + i * INT64_C(1000000),
					   .identity = (uint64_t)rand() << 32 | (unsigned)rand(),
					   .last = NAN };
		row.x[0] = 20000 + rand() % 40000;
		row.y = row.x[0] + uniform();
		partial_take(&row, ROW_USED, partial);
	}
	struct skill skill;
	assert_int_equal(skill_find(spec, &predictor, rival, partial, INT64_MIN, &skill), ERROR_OK);
	partial_destroy(&partial);
	version_release(&rival);
	return skill;
}

static void skill_against_another_version(void **state)
{
	(void)state;
	struct skill same = against(0), other = against(0.25);
	assert_true(same.low == 0 && same.high == 0 && isnan(same.p));
	assert_int_equal(other.blocks, SKILL_MAX_BLOCKS);
	assert_true(other.rows > 300 && other.low > 0.1 && other.high < 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_row_ahead_is_a_t_test),
		cmocka_unit_test(overlapping_horizons_weaken_the_test),
		cmocka_unit_test(what_can_not_be_tested_is_unknown),
		cmocka_unit_test(the_bootstrap_repeats_itself),
		cmocka_unit_test(skill_is_told_from_noise),
		cmocka_unit_test(skill_against_another_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
