/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* 1,000 held-out rows, on which the last price is off by 100 and the fit by `rmse`. */
struct case_of {
	struct fit_score score;
	struct skill skill;
	struct gate_rival rival;
	struct gate_input input;
};

static void set_up(struct case_of *c, bool forecast, double rmse)
{
	*c = (struct case_of){ .score = { .rows = 1000,
					  .rmse = rmse,
					  .last_rmse = 100,
					  .skill_last = 1 - rmse / 100 },
			       .skill = { .low = NAN, .high = NAN, .p = NAN } };
	c->input = (struct gate_input){
		.forecast = forecast, .score = &c->score, .skill = &c->skill, .rival = &c->rival
	};
}

static void set_rival(struct case_of *c, double rmse, double low, double high)
{
	c->input.has_serving = true;
	c->rival = (struct gate_rival){
		.present = true, .version = 3, .rmse = rmse, .skill = { .low = low, .high = high }
	};
}

static void has(const struct gate *gate, const char *words)
{
	if (!strstr(gate->reason, words))
		fail_msg("\"%s\" is not in \"%s\"", words, gate->reason);
}

static void the_first_version_serves(void **state)
{
	(void)state;
	struct case_of c;
	set_up(&c, false, 30);
	struct gate gate = gate_decide(&c.input);
	assert_true(gate.serves && gate.rule == GATE_FIRST);
	has(&gate, "the first version");
	c.score.rows = 0;
	assert_true(gate_decide(&c.input).serves);
	c.input.has_serving = true;
	gate = gate_decide(&c.input);
	assert_false(gate.serves);
	assert_string_equal(gate_rule_name(gate.rule), "nothing-held-out");
}

/* A lower error is not enough to take the last price's place. */
static void noise_does_not_beat_the_last_price(void **state)
{
	(void)state;
	struct case_of c;
	set_up(&c, true, 99.4);
	struct gate gate = gate_decide(&c.input);
	assert_true(!gate.serves && gate.rule == GATE_BEATS_LAST_PRICE);
	has(&gate, "+0.60% on 1000 held-out rows, may be noise: 0 blocks of time and 0 rows");
	c.skill = (struct skill){ .low = -0.0038,
				  .high = 0.0131,
				  .p = 0.19,
				  .blocks = 40,
				  .verdict = SKILL_NOT_TOLD_APART };
	gate = gate_decide(&c.input);
	assert_false(gate.serves);
	has(&gate,
	    "is +0.60% on 1000 held-out rows, 95% interval -0.38% to +1.31%, "
	    "Diebold-Mariano p 0.19; to serve, the interval must be above 0 and p below 0.05");
	c.skill.verdict = SKILL_BETTER;
	assert_true(gate_decide(&c.input).serves);
	/* Version 0 is the last price: that rule is all. */
	set_rival(&c, 100, NAN, NAN);
	c.rival.version = 0;
	gate = gate_decide(&c.input);
	assert_true(gate.serves && gate.rule == GATE_BEATS_LAST_PRICE);
	c.skill.verdict = SKILL_WORSE;
	gate = gate_decide(&c.input);
	assert_true(!gate.serves && !gate.last_price_returns);
}

static void a_refreshed_version_must_not_be_worse(void **state)
{
	(void)state;
	static const struct {
		double rmse, low, high;
		bool serves;
		enum gate_rule rule;
	} cases[] = {
		{ 29, 0.01, 0.06, true, GATE_NOT_WORSE },
		{ 30.01, -0.004, 0.003, true, GATE_NOT_WORSE },
		{ 30.1, -0.0095, -0.001, false, GATE_NOT_WORSE }, /* surely worse */
		{ 30.01, -0.02, 0.02, false, GATE_NOT_WORSE },    /* may be much worse */
		{ 31, -0.005, 0.003, false, GATE_NOT_WORSE },     /* is, on the older rows */
		{ 30 * (1 + 1e-10), 0, 0, false, GATE_SAME },
		{ 29, NAN, NAN, true, GATE_LOWER },
		{ 31, NAN, NAN, false, GATE_LOWER },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct case_of c;
		set_up(&c, false, cases[i].rmse);
		set_rival(&c, 30, cases[i].low, cases[i].high);
		struct gate gate = gate_decide(&c.input);
		assert_int_equal(gate.serves, cases[i].serves);
		assert_int_equal(gate.rule, cases[i].rule);
		assert_false(gate.last_price_returns);
		has(&gate, "version 3");
		has(&gate, "1000 held-out rows");
	}
}

static void a_refreshed_forecast_stays_below_the_last_price(void **state)
{
	(void)state;
	struct case_of c;
	set_up(&c, true, 99);
	set_rival(&c, 99.1, -0.002, 0.003);
	struct gate gate = gate_decide(&c.input);
	assert_true(gate.serves && gate.rule == GATE_NOT_WORSE && !gate.last_price_returns);
	set_up(&c, true, 100.5);
	set_rival(&c, 99.9, -0.008, 0.001);
	gate = gate_decide(&c.input);
	assert_true(!gate.serves && gate.rule == GATE_BEATS_LAST_PRICE);
	has(&gate, "100.5, is not below that of the last price, 100");
	assert_false(gate.last_price_returns);
	set_rival(&c, 100.1, -0.008, 0.001); /* nor is the one that serves */
	assert_true(gate_decide(&c.input).last_price_returns);
	set_up(&c, true, 99.5);
	set_rival(&c, 100.1, 0.001, 0.009);
	gate = gate_decide(&c.input);
	assert_true(gate.serves && !gate.last_price_returns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_version_serves),
		cmocka_unit_test(noise_does_not_beat_the_last_price),
		cmocka_unit_test(a_refreshed_version_must_not_be_worse),
		cmocka_unit_test(a_refreshed_forecast_stays_below_the_last_price),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
