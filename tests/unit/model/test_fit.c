/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit.h"

#include "nist.h"

static const struct {
	const char *name;
	double digits;
} PROBLEMS[] = {
	{ "Norris", 11.5 },  { "Pontius", 11.5 }, { "NoInt1", 14 },    { "NoInt2", 14 },
	{ "Filip", 6.5 },    { "Longley", 11 },   { "Wampler1", 8.5 }, { "Wampler2", 11.5 },
	{ "Wampler3", 8.5 }, { "Wampler4", 6.8 }, { "Wampler5", 5.0 },
};
enum { PROBLEM_COUNT = sizeof(PROBLEMS) / sizeof(PROBLEMS[0]) };

static void solve(struct rfactor *factor, size_t features, struct fit *fit)
{
	struct fit_request request = { .factor = factor, .features = features, .anchor = -1 };
	assert_int_equal(fit_solve(&request, fit, NULL), ERROR_OK);
}

static void digits(const struct nist *nist, const struct fit *fit, double *values, double *errors)
{
	*values = *errors = 15;
	for (size_t i = nist->ones ? 0 : 1; i <= nist->features; i++) {
		const struct fit_term *term = i == 0 ? &fit->intercept : &fit->terms[i - 1];
		*values = fmin(*values, nist_digits(term->value, nist->value[i]));
		*errors = fmin(*errors, nist_digits(term->error, nist->error[i]));
	}
}

static void test_nist_in_one_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROBLEM_COUNT; i++) {
		struct nist nist;
		struct fit fit;
		double values, errors;
		nist_load(&nist, PROBLEMS[i].name);
		struct rfactor *factor = rfactor_new(nist.features + 1, nist.ones);
		for (size_t row = 0; row < nist.rows; row++)
			rfactor_add(factor, nist.data[row]);
		solve(factor, nist.features, &fit);
		digits(&nist, &fit, &values, &errors);
		print_message("%-9s %5.1f digits, errors %5.1f, condition %.1e\n", PROBLEMS[i].name,
			      values, errors, fit.condition);
		assert_int_equal(fit.rank, nist.features + (nist.ones ? 1 : 0));
		assert_true(values >= PROBLEMS[i].digits);
		assert_true(errors >= PROBLEMS[i].digits);
		assert_true(nist_digits(fit.s, nist.s) >= PROBLEMS[i].digits);
		assert_true(nist_digits(fit.r2, nist.r2) >= PROBLEMS[i].digits);
		rfactor_destroy(&factor);
	}
}

/* The rows fall at random into four parts, which merge in random order. */
static void merged(const struct nist *nist, unsigned seed, struct fit *fit)
{
	struct rfactor *parts[4];
	srand(seed);
	for (size_t i = 0; i < 4; i++)
		parts[i] = rfactor_new(nist->features + 1, nist->ones);
	for (size_t row = 0; row < nist->rows; row++)
		rfactor_add(parts[rand() % 4], nist->data[row]);
	size_t order[4] = { 0, 1, 2, 3 };
	for (size_t i = 3; i > 0; i--) {
		size_t other = (size_t)rand() % (i + 1), kept = order[i];
		order[i] = order[other];
		order[other] = kept;
	}
	for (size_t i = 1; i < 4; i++)
		rfactor_merge(parts[order[0]], parts[order[i]]);
	solve(parts[order[0]], nist->features, fit);
	for (size_t i = 0; i < 4; i++)
		rfactor_destroy(&parts[i]);
}

static void test_nist_merged_from_four_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROBLEM_COUNT; i++) {
		struct nist nist;
		nist_load(&nist, PROBLEMS[i].name);
		double least_value = 15, least_error = 15;
		for (unsigned seed = 1; seed <= 50; seed++) {
			struct fit fit;
			double values, errors;
			merged(&nist, seed, &fit);
			digits(&nist, &fit, &values, &errors);
			least_value = fmin(least_value, values);
			least_error = fmin(least_error, errors);
		}
		print_message("%-9s %5.1f digits, errors %5.1f\n", PROBLEMS[i].name, least_value,
			      least_error);
		assert_true(least_value >= PROBLEMS[i].digits);
		assert_true(least_error >= PROBLEMS[i].digits);
	}
}

/* --- any split, any order of merging -----------------------------------------------------------
 */

enum { PARTS_MAX = 40, RANDOM_ROWS = 3000, RANDOM_FEATURES = 4 };

static double uniform(void)
{
	return (double)rand() / RAND_MAX - 0.5;
}

/* Columns of unlike places and sizes, as prices, volumes and returns are. */
static void random_row(double row[RANDOM_FEATURES + 1])
{
	static const double place[RANDOM_FEATURES] = { 60000, 0, -3, 1e6 };
	static const double size[RANDOM_FEATURES] = { 900, 1e-3, 10, 5e5 };
	double target = 7 + uniform();
	for (size_t i = 0; i < RANDOM_FEATURES; i++) {
		double unit = uniform();
		row[i] = place[i] + size[i] * unit;
		target += (double)(i + 1) * unit;
	}
	row[RANDOM_FEATURES] = target;
}

/* Two parts at random become one until one is left: every shape of merge tree comes up. */
static struct rfactor *merge_at_random(struct rfactor *parts[], size_t count)
{
	while (count > 1) {
		size_t into = (size_t)rand() % count, from = (size_t)rand() % (count - 1);
		from += from >= into ? 1 : 0;
		rfactor_merge(parts[into], parts[from]);
		rfactor_destroy(&parts[from]);
		parts[from] = parts[count - 1];
		count--;
	}
	return parts[0];
}

static void assert_near(double value, double expected)
{
	assert_true(fabs(value - expected) <= 1e-12 * fabs(expected));
}

static void test_any_split_and_any_merge_tree_give_the_same_fit(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		srand(seed);
		struct rfactor *parts[PARTS_MAX], *whole = rfactor_new(RANDOM_FEATURES + 1, true);
		size_t count = 1 + (size_t)rand() % PARTS_MAX; /* some stay empty or hold one row */
		size_t rows = 6 + (size_t)rand() % RANDOM_ROWS;
		for (size_t i = 0; i < count; i++)
			parts[i] = rfactor_new(RANDOM_FEATURES + 1, true);
		for (size_t i = 0; i < rows; i++) {
			double row[RANDOM_FEATURES + 1];
			random_row(row);
			rfactor_add(whole, row);
			rfactor_add(parts[(size_t)rand() % count], row);
		}
		struct fit once, merged_fit;
		struct rfactor *joined = merge_at_random(parts, count);
		solve(whole, RANDOM_FEATURES, &once);
		solve(joined, RANDOM_FEATURES, &merged_fit);
		assert_int_equal(merged_fit.rows, rows);
		assert_near(merged_fit.s, once.s);
		for (size_t i = 0; i < RANDOM_FEATURES; i++) {
			assert_near(merged_fit.terms[i].value, once.terms[i].value);
			assert_near(merged_fit.terms[i].error, once.terms[i].error);
		}
		rfactor_destroy(&whole);
		rfactor_destroy(&joined);
	}
}

/* --- cases from the field --------------------------------------------------------------------- */

/* Bars as columns open, high, low, volume and the target close. */
static void add_bar(struct rfactor *factor, double open, double high, double low, double volume,
		    double close)
{
	rfactor_add(factor, (const double[]){ open, high, low, volume, close });
}

/* M01: 200 bars with open = high = low = close and volume 0. */
static void test_exactly_dependent_and_constant_columns(void **state)
{
	(void)state;
	struct rfactor *whole = rfactor_new(5, true), *half = rfactor_new(5, true);
	struct rfactor *rest = rfactor_new(5, true);
	for (int i = 0; i < 200; i++) {
		double p = 107000 + 100 * sin(i / 9.0);
		add_bar(whole, p, p, p, 0, p);
		add_bar(i < 100 ? half : rest, p, p, p, 0, p);
	}
	rfactor_merge(half, rest);
	struct rfactor *both[] = { whole, half };
	for (int i = 0; i < 2; i++) {
		struct fit fit;
		solve(both[i], 4, &fit);
		assert_int_equal(fit.rank, 2);
		assert_int_equal(fit.terms[0].status, FIT_KEPT);
		assert_int_equal(fit.terms[1].status, FIT_DEPENDENT);
		assert_int_equal(fit.terms[2].status, FIT_DEPENDENT);
		assert_int_equal(fit.terms[3].status, FIT_CONSTANT);
		assert_true(!isnan(fit.terms[0].error));
		assert_true(isnan(fit.terms[1].error) && isnan(fit.terms[3].error));
		assert_true(fit.leakage && fit.terms[0].leaks);
		double x[] = { 107000, 107100, 106900, 0 };
		assert_true(fabs(fit_predict(&fit.predictor, x) - 107050) < 2000);
	}
	rfactor_destroy(&whole);
	rfactor_destroy(&half);
	rfactor_destroy(&rest);
}

/* M02: high = close in all of 5,000 bars but one. */
static void test_nearly_dependent_columns(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(5, true);
	struct fit fit;
	double p = 107000;
	srand(3);
	for (int i = 0; i < 5000; i++) {
		double open = p;
		p += 40 * ((double)rand() / RAND_MAX - 0.5);
		add_bar(factor, open, p + (i == 2500 ? 0.01 : 0), fmin(open, p), rand() % 10, p);
	}
	solve(factor, 4, &fit);
	assert_true(fit.terms[1].leaks);
	double x[] = { p, p + 50, p, 3 };
	assert_true(fabs(fit_predict(&fit.predictor, x) - p) < 0.01 * p);
	assert_true(fit.condition > 1);
	rfactor_destroy(&factor);
}

/* The same pair as features of another target: kept, with a condition number that tells. */
static void test_condition_number_of_nearly_equal_features(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(3, true);
	struct fit fit;
	srand(3);
	for (int i = 0; i < 5000; i++) {
		double p = 107000 + rand() % 1000;
		rfactor_add(factor,
			    (const double[]){ p, p + (i == 2500 ? 0.01 : 0), p + rand() % 100 });
	}
	solve(factor, 2, &fit);
	assert_int_equal(fit.rank, 3);
	assert_true(fit.condition > 1e6);
	rfactor_destroy(&factor);
}

/* M03: epoch microseconds as a feature. */
static void test_epoch_sized_numbers_do_not_cancel(void **state)
{
	(void)state;
	struct rfactor *whole = rfactor_new(2, true), *half = rfactor_new(2, true);
	struct rfactor *rest = rfactor_new(2, true);
	for (int i = 0; i < 10; i++) {
		double row[] = { 1751328000000000.0 + i * 60000000.0, 107000.25 + 0.75 * i };
		rfactor_add(whole, row);
		rfactor_add(i < 5 ? half : rest, row);
	}
	rfactor_merge(half, rest);
	struct rfactor *both[] = { whole, half };
	for (int i = 0; i < 2; i++) {
		struct fit fit;
		solve(both[i], 1, &fit);
		assert_true(fabs(fit.terms[0].value / 1.25e-8 - 1) < 1e-9);
		assert_true(fit.rss >= 0);
		double x = 1751328000000000.0 + 600000000.0;
		assert_true(fabs(fit_predict(&fit.predictor, &x) - 107007.75) < 1e-6);
	}
	rfactor_destroy(&whole);
	rfactor_destroy(&half);
	rfactor_destroy(&rest);
}

/* M04: what is undefined is NAN, not 0 and not 1. */
static void test_undefined_numbers(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(2, true);
	struct fit_request request = { .factor = factor, .features = 1, .anchor = -1 };
	struct fit fit;
	char memory[100];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	assert_int_equal(fit_solve(&request, &fit, &why), ERROR_INVALID);
	assert_string_equal(why.data, "there are no rows");
	rfactor_add(factor, (const double[]){ 1, 60000 });
	solve(factor, 1, &fit);
	assert_int_equal(fit.freedom, 0);
	assert_true(isnan(fit.s) && isnan(fit.r2) && isnan(fit.intercept.error));
	assert_true(isnan(fit_half_width(&fit.predictor, 0, 0.95)));
	assert_true(fit_predict(&fit.predictor, (const double[]){ 5 }) == 60000);
	rfactor_add(factor, (const double[]){ 2, 60000 });
	rfactor_add(factor, (const double[]){ 4, 60000 });
	solve(factor, 1, &fit);
	assert_true(isnan(fit.r2) && !fit.leakage && fit.terms[0].value == 0);
	rfactor_destroy(&factor);
}

static void test_numbers_too_large(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(2, true);
	struct fit_request request = { .factor = factor, .features = 1, .anchor = -1 };
	struct fit fit;
	for (int i = 0; i < 5; i++)
		rfactor_add(factor, (const double[]){ i, i % 2 ? 1e300 : -1e300 });
	assert_int_equal(fit_solve(&request, &fit, NULL), ERROR_INVALID);
	rfactor_destroy(&factor);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void test_a_leaking_feature_is_left_out_when_asked(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(4, true);
	struct fit fit, plain;
	srand(5);
	for (int i = 0; i < 500; i++) {
		double buy = 20000 + rand() % 40000, sell = buy + rand() % 100;
		rfactor_add(factor, (const double[]){ buy, (buy - 20000) / 40000,
						      (sell - 20000) / 40000, sell });
	}
	struct fit_request request = {
		.factor = factor, .features = 3, .anchor = -1, .drop_leaking = true
	};
	assert_int_equal(fit_solve(&request, &fit, NULL), ERROR_OK);
	assert_int_equal(fit.terms[2].status, FIT_LEAKING);
	assert_int_equal(fit.terms[1].status, FIT_DEPENDENT);
	assert_int_equal(fit.rank, 2);
	solve(factor, 3, &plain);
	assert_int_equal(plain.terms[2].status, FIT_KEPT);
	assert_true(plain.leakage && plain.s < 1e-6);
	rfactor_destroy(&factor);
}

/* Fixing a coefficient at 1 is fitting the difference. */
static void test_an_anchor_is_fixed_at_one(void **state)
{
	(void)state;
	struct rfactor *anchored = rfactor_new(4, true), *plain = rfactor_new(2, true);
	struct fit fit, difference;
	double p = 60000;
	srand(9);
	for (int i = 0; i < 400; i++) {
		double move = rand() % 100 - 50, next = p + 0.3 * move + rand() % 20;
		rfactor_add(anchored, (const double[]){ p, move, p, next });
		rfactor_add(plain, (const double[]){ move, next - p });
		p = next;
	}
	struct fit_request request = {
		.factor = anchored, .features = 2, .has_last = true, .anchor = 0
	};
	assert_int_equal(fit_solve(&request, &fit, NULL), ERROR_OK);
	solve(plain, 1, &difference);
	assert_int_equal(fit.terms[0].status, FIT_FIXED);
	assert_true(fit.terms[0].value == 1);
	assert_true(fabs(fit.terms[1].value / difference.terms[0].value - 1) < 1e-10);
	assert_true(fabs(fit.s / difference.s - 1) < 1e-10);
	double x[] = { 61000, 20 }, y = 20;
	assert_true(fabs(fit_predict(&fit.predictor, x) - 61000 -
			 fit_predict(&difference.predictor, &y)) < 1e-6);
	struct fit_score score;
	fit_score(&fit.predictor, fit.target_mean, true, 2, anchored, &score);
	assert_true(fabs(score.rmse / fit.rmse - 1) < 1e-9);
	assert_true(score.skill_last > 0 && score.rmse < score.last_rmse);
	rfactor_destroy(&anchored);
	rfactor_destroy(&plain);
}

/* A textbook's straight line: five points, by hand. */
static void test_inference_of_a_straight_line(void **state)
{
	(void)state;
	const double points[5][2] = { { 1, 2 }, { 2, 4 }, { 3, 5 }, { 4, 4 }, { 5, 5 } };
	struct rfactor *factor = rfactor_new(2, true);
	struct fit fit;
	for (int i = 0; i < 5; i++)
		rfactor_add(factor, points[i]);
	solve(factor, 1, &fit);
	assert_true(fabs(fit.terms[0].value - 0.6) < 1e-14);
	assert_true(fabs(fit.intercept.value - 2.2) < 1e-14);
	assert_true(fabs(fit.rss - 2.4) < 1e-14 && fit.freedom == 3);
	assert_true(fabs(fit.r2 - 0.6) < 1e-14);
	assert_true(fabs(fit.adjusted_r2 - (1 - 0.4 * 4 / 3)) < 1e-14);
	assert_true(fabs(fit.terms[0].error - sqrt(0.8 / 10)) < 1e-14);
	assert_true(fabs(fit.intercept.error - sqrt(0.8 * (0.2 + 0.9))) < 1e-14);
	assert_true(fabs(fit.terms[0].p - 0.12402706265755452) < 1e-12);
	assert_true(fabs(fit.terms[0].high - fit.terms[0].value -
			 3.1824463052842638 * fit.terms[0].error) < 1e-10);
	assert_true(fabs(fit.aic - (5 * (log(2 * M_PI * 0.48) + 1) + 4)) < 1e-12);
	double x = 3, leverage = fit_leverage(&fit.predictor, &x);
	assert_true(fabs(leverage - 0.2) < 1e-14);
	assert_true(fabs(fit_half_width(&fit.predictor, leverage, 0.95) -
			 3.1824463052842638 * sqrt(0.8 * 1.2)) < 1e-10);
	rfactor_destroy(&factor);
}

static void test_score_on_rows_not_seen(void **state)
{
	(void)state;
	struct rfactor *train = rfactor_new(2, true), *held_out = rfactor_new(2, true);
	struct fit fit;
	struct fit_score score;
	for (int i = 0; i < 50; i++)
		rfactor_add(train, (const double[]){ i, 3.0 * i + 1 + (i % 2 ? 1 : -1) });
	solve(train, 1, &fit);
	double sum = 0, mean_sum = 0;
	for (int i = 0; i < 20; i++) {
		double x = 100 + i, y = 3 * x + 5;
		rfactor_add(held_out, (const double[]){ x, y });
		sum += pow(y - fit_predict(&fit.predictor, &x), 2);
		mean_sum += pow(y - fit.target_mean, 2);
	}
	fit_score(&fit.predictor, fit.target_mean, false, 1, held_out, &score);
	assert_int_equal(score.rows, 20);
	assert_true(fabs(score.rmse - sqrt(sum / 20)) < 1e-10);
	assert_true(fabs(score.mean_rmse - sqrt(mean_sum / 20)) < 1e-9);
	assert_true(fabs(score.skill_mean - (1 - sqrt(sum / mean_sum))) < 1e-10);
	assert_true(isnan(score.last_rmse) && isnan(score.skill_last));
	rfactor_destroy(&train);
	rfactor_destroy(&held_out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nist_in_one_pass),
		cmocka_unit_test(test_nist_merged_from_four_parts),
		cmocka_unit_test(test_any_split_and_any_merge_tree_give_the_same_fit),
		cmocka_unit_test(test_exactly_dependent_and_constant_columns),
		cmocka_unit_test(test_nearly_dependent_columns),
		cmocka_unit_test(test_condition_number_of_nearly_equal_features),
		cmocka_unit_test(test_epoch_sized_numbers_do_not_cancel),
		cmocka_unit_test(test_undefined_numbers),
		cmocka_unit_test(test_numbers_too_large),
		cmocka_unit_test(test_a_leaking_feature_is_left_out_when_asked),
		cmocka_unit_test(test_an_anchor_is_fixed_at_one),
		cmocka_unit_test(test_inference_of_a_straight_line),
		cmocka_unit_test(test_score_on_rows_not_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
