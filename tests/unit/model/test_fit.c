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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nist_in_one_pass),
		cmocka_unit_test(test_nist_merged_from_four_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
