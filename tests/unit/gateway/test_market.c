/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/market.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define YEAR_S (365.0 * 86400)

static struct market market_of(const char *text, double rate_per_s, uint64_t seed)
{
	struct market market;
	cJSON *json = cJSON_Parse(text);
	struct definition d = { .json = json, .complaints = cJSON_CreateArray() };
	assert_non_null(json);
	market_read(&market, &d, rate_per_s, seed);
	assert_true(definition_is_good(&d));
	cJSON_Delete(d.complaints);
	cJSON_Delete(json);
	return market;
}

static void assert_refused(const char *text, const char *reason)
{
	struct market market;
	cJSON *json = cJSON_Parse(text);
	struct definition d = { .json = json, .complaints = cJSON_CreateArray() };
	market_read(&market, &d, 1, 1);
	char *complaints = cJSON_PrintUnformatted(d.complaints);
	if (!strstr(complaints, reason))
		fail_msg("%s says %s", text, complaints);
	cJSON_free(complaints);
	cJSON_Delete(d.complaints);
	cJSON_Delete(json);
}

static void uniform_is_the_original_producer(void **state)
{
	(void)state;
	struct market market = market_of("{}", 1, 42);
	double values[MARKET_VALUES];
	for (int i = 0; i < 10000; i++) {
		market_tick(&market, values);
		assert_true(values[0] >= 10000 && values[0] <= 80000);
		assert_true(values[1] >= 10000 && values[1] <= 80000);
		assert_true(values[2] >= 100 && values[2] <= 8000);
		assert_true(values[3] >= 0.5 && values[3] <= 5);
	}
}

struct moments {
	double mean, variance; /* of the log steps */
	double mean_state;     /* of the instantaneous variance, as far as it is above 0 */
	double correlation;    /* of the step of the price with that of the variance */
};

static struct moments walk(struct market *market, int steps)
{
	double sum = 0, squares = 0, states = 0, sv = 0, svv = 0, sxy = 0;
	for (int i = 0; i < steps; i++) {
		double price = market->log_price, variance = market->variance;
		market_step(market);
		double x = market->log_price - price, y = market->variance - variance;
		sum += x;
		squares += x * x;
		states += fmax(variance, 0);
		sv += y;
		svv += y * y;
		sxy += x * y;
	}
	double n = steps, mean = sum / n, variance = squares / n - mean * mean;
	double vy = svv / n - sv / n * (sv / n);
	return (struct moments){
		.mean = mean,
		.variance = variance,
		.mean_state = states / n,
		.correlation = vy > 0 ? (sxy / n - mean * sv / n) / sqrt(variance * vy) : 0
	};
}

/* Within 4 standard errors, for several seeds; a step of an hour makes the drift visible. */
static void gbm_has_the_mean_and_variance_that_it_says(void **state)
{
	(void)state;
	enum { N = 200000 };
	const double rate = 1.0 / 3600, dt = 3600 / YEAR_S, mu = 3, sigma = 0.8;
	for (uint64_t seed = 0; seed < 5; seed++) {
		struct market market =
			market_of("{\"model\":\"gbm\",\"drift\":3,\"volatility\":0.8}", rate, seed);
		struct moments m = walk(&market, N);
		double variance = sigma * sigma * dt;
		assert_true(fabs(m.mean - (mu - sigma * sigma / 2) * dt) < 4 * sqrt(variance / N));
		assert_true(fabs(m.variance - variance) < 4 * variance * sqrt(2.0 / N));
	}
}

/* The Feller condition holds, so that the variance stays above 0 and its mean is theta; its own
 * standard error is that of a process that forgets at the rate kappa:
 * Var(mean) = 2 Var(v) / (kappa T), Var(v) = theta xi^2 / (2 kappa) (Cox, Ingersoll, Ross 1985). */
static void heston_reverts_to_its_mean(void **state)
{
	(void)state;
	enum { N = 400000 };
	const double rate = 1.0 / 600, dt = 600 / YEAR_S;
	const double kappa = 50, theta = 0.36, xi = 2, rho = -0.7, mu = 1;
	for (uint64_t seed = 0; seed < 5; seed++) {
		struct market market = market_of(
			"{\"model\":\"heston\",\"drift\":1,\"volatility\":0.6,\"mean_reversion\":"
			"50,"
			"\"long_volatility\":0.6,\"variance_volatility\":2,\"correlation\":-0.7}",
			rate, seed);
		struct moments m = walk(&market, N);
		double state_error = sqrt(theta * xi * xi / (kappa * kappa * N * dt));
		assert_true(fabs(m.mean_state - theta) < 4 * state_error);
		assert_true(fabs(m.variance - theta * dt) <
			    4 * (state_error * dt + theta * dt * sqrt(2.0 / N)));
		assert_true(fabs(m.mean - (mu - theta / 2) * dt) < 4 * sqrt(theta * dt / N));
		assert_true(fabs(m.correlation - rho) < 0.02);
	}
}

static void a_variance_below_zero_counts_as_zero(void **state)
{
	(void)state;
	struct market market =
		market_of("{\"model\":\"heston\",\"volatility\":0.1,\"long_volatility\":0.1,"
			  "\"mean_reversion\":1,\"variance_volatility\":5}",
			  1.0 / 3600, 1);
	double values[MARKET_VALUES];
	bool below = false;
	for (int i = 0; i < 20000; i++) {
		below = below || market.variance < 0;
		market_tick(&market, values);
		assert_true(isfinite(market.log_price) && values[0] > 0 && values[3] >= 0);
	}
	assert_true(below);
}

static void one_buys_dearer_than_one_sells(void **state)
{
	(void)state;
	struct market market =
		market_of("{\"model\":\"gbm\",\"start_price\":50000,\"spread\":0.001}", 1, 1);
	double values[MARKET_VALUES];
	market_tick(&market, values);
	assert_true(fabs(values[0] - 50025) < 1e-9);
	assert_true(fabs(values[1] - 49975) < 1e-9);
	assert_true(fabs(values[3] - 3.14) < 1e-9); /* 60 % a year is 3.14 % a day */
}

static void a_wild_walk_stays_a_price(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{\"model\":\"gbm\",\"drift\":10,\"volatility\":0}",
		"{\"model\":\"gbm\",\"drift\":-10,\"volatility\":10}",
	};
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct market market = market_of(texts[t], 1e-7, 1); /* a step of 116 days */
		double values[MARKET_VALUES];
		for (int i = 0; i < 1000; i++) {
			market_tick(&market, values);
			assert_true(values[0] >= 0.01 && values[0] <= 1e12);
			assert_true(values[1] >= 0.01 && values[1] <= 1e12);
		}
	}
}

static void a_seed_gives_the_same_bytes(void **state)
{
	(void)state;
	static const char *const texts[] = { "{}", "{\"model\":\"gbm\"}",
					     "{\"model\":\"heston\"}" };
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct market one = market_of(texts[t], 10, UINT64_C(1) << 40);
		struct market same = market_of(texts[t], 10, UINT64_C(1) << 40);
		struct market other = market_of(texts[t], 10, UINT64_C(1) << 41);
		double a[MARKET_VALUES], b[MARKET_VALUES], c[MARKET_VALUES];
		bool differs = false;
		for (int i = 0; i < 1000; i++) {
			market_tick(&one, a);
			market_tick(&same, b);
			market_tick(&other, c);
			assert_memory_equal(a, b, sizeof(a));
			differs = differs || memcmp(a, c, sizeof(a)) != 0;
		}
		assert_true(differs);
	}
}

static void a_saved_walk_goes_on_as_if_nothing_was(void **state)
{
	(void)state;
	const char *const models[] = { "uniform", "gbm", "heston" };
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		char text[64];
		double through[MARKET_VALUES], after[MARKET_VALUES];
		snprintf(text, sizeof(text), "{\"model\":\"%s\"}", models[i]);
		struct market whole = market_of(text, 1, 7), second = market_of(text, 1, 8);
		for (int tick = 0; tick < 1000; tick++)
			market_tick(&whole, through);
		cJSON *position = cJSON_CreateObject();
		market_save(&whole, position);
		char *printed = cJSON_PrintUnformatted(position);
		cJSON *read = cJSON_Parse(printed);
		assert_int_equal(ERROR_OK, market_restore(&second, read));
		for (int tick = 0; tick < 1000; tick++) {
			market_tick(&whole, through);
			market_tick(&second, after);
			assert_memory_equal(through, after, sizeof(after));
		}
		cJSON_DeleteItemFromObject(read, "random");
		assert_int_equal(ERROR_INVALID, market_restore(&second, read));
		cJSON_Delete(read);
		free(printed);
		cJSON_Delete(position);
	}
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	assert_refused("{\"model\":\"garch\"}", "\\\"garch\\\" is no model: it must be");
	assert_refused("{\"model\":\"gbm\",\"volatility\":-1}", "from 0 to 10");
	assert_refused("{\"model\":\"gbm\",\"start_price\":0}", "\"field\":\"start_price\"");
	assert_refused("{\"model\":\"heston\",\"correlation\":1.5}", "from -1 to 1");
}

static void a_model_takes_its_own_members(void **state)
{
	(void)state;
	const char *names[MARKET_MAX_MEMBERS];
	struct market market = market_of("{}", 1, 1);
	assert_int_equal(0, market_members(&market, names));
	market = market_of("{\"model\":\"gbm\"}", 1, 1);
	assert_int_equal(4, market_members(&market, names));
	market = market_of("{\"model\":\"heston\",\"drift\":0.5}", 1, 1);
	assert_int_equal(8, market_members(&market, names));
	cJSON *json = cJSON_CreateObject();
	market_describe(&market, json);
	assert_string_equal("heston", cJSON_GetObjectItem(json, "model")->valuestring);
	assert_true(fabs(cJSON_GetObjectItem(json, "drift")->valuedouble - 0.5) < 1e-9);
	assert_true(fabs(cJSON_GetObjectItem(json, "mean_reversion")->valuedouble - 3) < 1e-9);
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uniform_is_the_original_producer),
		cmocka_unit_test(gbm_has_the_mean_and_variance_that_it_says),
		cmocka_unit_test(heston_reverts_to_its_mean),
		cmocka_unit_test(a_variance_below_zero_counts_as_zero),
		cmocka_unit_test(one_buys_dearer_than_one_sells),
		cmocka_unit_test(a_wild_walk_stays_a_price),
		cmocka_unit_test(a_seed_gives_the_same_bytes),
		cmocka_unit_test(a_saved_walk_goes_on_as_if_nothing_was),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_model_takes_its_own_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
