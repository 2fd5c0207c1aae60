/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "market.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_PER_YEAR (365.0 * 86400)
#define DAYS_PER_YEAR    365.0
/* What a tick can hold; a walk with a wild drift is held here. */
#define LOWEST_PRICE  0.01
#define HIGHEST_PRICE 1e12

struct market_model {
	const char *name;
	void (*step)(struct market *market); /* NULL: it does not walk */
};

static void step_gbm(struct market *m);
static void step_heston(struct market *m);

enum { UNIFORM, GBM, HESTON, MODELS };
enum { OF_GBM = 1 << GBM, OF_HESTON = 1 << HESTON, OF_WALKS = OF_GBM | OF_HESTON };

static const struct market_model models[MODELS] = {
	[UNIFORM] = { "uniform", NULL },
	[GBM] = { "gbm", step_gbm },
	[HESTON] = { "heston", step_heston },
};

static const struct member {
	const char *name;
	size_t offset;
	double low, high, initial;
	unsigned models;
} members[] = {
	{ "start_price", offsetof(struct market, start_price), 1, 1e9, 60000, OF_WALKS },
	{ "drift", offsetof(struct market, drift), -10, 10, 0, OF_WALKS },
	{ "volatility", offsetof(struct market, volatility), 0, 10, 0.6, OF_WALKS },
	{ "spread", offsetof(struct market, spread), 0, 0.1, 0.0002, OF_WALKS },
	{ "mean_reversion", offsetof(struct market, mean_reversion), 0, 10000, 3, OF_HESTON },
	{ "long_volatility", offsetof(struct market, long_volatility), 0, 10, 0.6, OF_HESTON },
	{ "variance_volatility", offsetof(struct market, variance_volatility), 0, 100, 0.5,
	  OF_HESTON },
	{ "correlation", offsetof(struct market, correlation), -1, 1, -0.5, OF_HESTON },
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };
_Static_assert((int)MEMBERS <= (int)MARKET_MAX_MEMBERS, "there is room for every name");

static bool has(const struct market *m, const struct member *member)
{
	return member->models >> (m->model - models) & 1;
}

static double *value_of(struct market *m, const struct member *member)
{
	void *at = (char *)m + member->offset;
	return at;
}

/* --- the definition -------------------------------------------------------------------------- */

static const struct market_model *read_model(struct definition *d)
{
	const char *name = definition_string(d, "model", models[UNIFORM].name);
	for (int i = 0; i < MODELS; i++) {
		if (strcmp(models[i].name, name) == 0)
			return &models[i];
	}
	definition_complain(d, "model",
			    "\"%.50s\" is no model: it must be \"uniform\", \"gbm\" or \"heston\"",
			    name);
	return &models[UNIFORM];
}

void market_read(struct market *m, struct definition *d, double rate_per_s, uint64_t seed)
{
	*m = (struct market){ .model = read_model(d) };
	random_seed(&m->random, seed);
	m->step_years = 1 / (rate_per_s * SECONDS_PER_YEAR);
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *member = &members[i];
		if (has(m, member))
			*value_of(m, member) = definition_number(d, member->name, member->low,
								 member->high, member->initial);
	}
	m->log_price = log(m->start_price > 0 ? m->start_price : 1);
	m->variance = m->volatility * m->volatility;
}

size_t market_members(const struct market *m, const char *names[MARKET_MAX_MEMBERS])
{
	size_t count = 0;
	for (size_t i = 0; i < MEMBERS; i++) {
		if (has(m, &members[i]))
			names[count++] = members[i].name;
	}
	return count;
}

void market_describe(const struct market *m, cJSON *definition)
{
	cJSON_AddStringToObject(definition, "model", m->model->name);
	for (size_t i = 0; i < MEMBERS; i++) {
		double value;
		memcpy(&value, (const char *)m + members[i].offset, sizeof(value));
		if (has(m, &members[i]))
			cJSON_AddNumberToObject(definition, members[i].name, value);
	}
}

/* --- positions ------------------------------------------------------------------------------- */

enum { STATE_WORDS = sizeof((struct random){ 0 }.state) / sizeof(uint64_t) };

/* 64 bits are more than a JSON number holds: hexadecimal. */
void market_save(const struct market *m, cJSON *position)
{
	cJSON *words = cJSON_AddArrayToObject(position, "random");
	for (size_t i = 0; i < STATE_WORDS; i++) {
		char word[20];
		snprintf(word, sizeof(word), "%016" PRIx64, m->random.state[i]);
		cJSON_AddItemToArray(words, cJSON_CreateString(word));
	}
	cJSON_AddNumberToObject(position, "log_price", m->log_price);
	cJSON_AddNumberToObject(position, "variance", m->variance);
}

enum error market_restore(struct market *m, const cJSON *position)
{
	const cJSON *words = cJSON_GetObjectItemCaseSensitive(position, "random");
	const cJSON *log_price = cJSON_GetObjectItemCaseSensitive(position, "log_price");
	const cJSON *variance = cJSON_GetObjectItemCaseSensitive(position, "variance");
	if (cJSON_GetArraySize(words) != STATE_WORDS || !cJSON_IsNumber(log_price) ||
	    !cJSON_IsNumber(variance))
		return ERROR_INVALID;
	for (int i = 0; i < STATE_WORDS; i++) {
		const char *word = cJSON_GetStringValue(cJSON_GetArrayItem(words, i));
		if (!word || sscanf(word, "%16" SCNx64, &m->random.state[i]) != 1)
			return ERROR_INVALID;
	}
	m->log_price = log_price->valuedouble;
	m->variance = variance->valuedouble;
	return ERROR_OK;
}

/* --- the walk -------------------------------------------------------------------------------- */

/* The order of the draws is part of what a seed means, here and below. */

/* d ln S = (mu - sigma^2 / 2) dt + sigma dW */
static void step_gbm(struct market *m)
{
	double dt = m->step_years, z = random_gaussian(&m->random);
	m->log_price += (m->drift - m->variance / 2) * dt + sqrt(m->variance * dt) * z;
}

/* d ln S = (mu - v / 2) dt + sqrt(v) dW1,  dv = kappa (theta - v) dt + xi sqrt(v) dW2,
 * dW1 dW2 = rho dt; where the discrete v falls below 0, 0 stands for it. */
static void step_heston(struct market *m)
{
	double dt = m->step_years, v = fmax(m->variance, 0), rho = m->correlation;
	double theta = m->long_volatility * m->long_volatility;
	double z1 = random_gaussian(&m->random), z2 = random_gaussian(&m->random);
	double zv = rho * z1 + sqrt(1 - rho * rho) * z2;
	m->log_price += (m->drift - v / 2) * dt + sqrt(v * dt) * z1;
	m->variance +=
		m->mean_reversion * (theta - v) * dt + m->variance_volatility * sqrt(v * dt) * zv;
}

void market_step(struct market *m)
{
	m->model->step(m);
}

/* --- the tick -------------------------------------------------------------------------------- */

static double with_two_decimals(double value)
{
	return round(value * 100) / 100;
}

static double price_of(double value)
{
	return with_two_decimals(fmin(fmax(value, LOWEST_PRICE), HIGHEST_PRICE));
}

static void tick_uniform(struct random *random, double values[MARKET_VALUES])
{
	values[0] = with_two_decimals(10000 + 70000 * random_unit(random));
	values[1] = with_two_decimals(10000 + 70000 * random_unit(random));
	values[2] = (double)random_integer(random, 100, 8000);
	values[3] = with_two_decimals(0.5 + 4.5 * random_unit(random));
}

void market_tick(struct market *m, double values[MARKET_VALUES])
{
	if (!m->model->step) {
		tick_uniform(&m->random, values);
		return;
	}
	double middle = exp(m->log_price);
	values[0] = price_of(middle * (1 + m->spread / 2)); /* one buys at the ask */
	values[1] = price_of(middle * (1 - m->spread / 2));
	values[2] = (double)random_integer(&m->random, 100, 8000);
	values[3] = with_two_decimals(100 * sqrt(fmax(m->variance, 0) / DAYS_PER_YEAR));
	market_step(m);
}
