/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gate.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

/* Errors differ when they do beyond rounding: the same rows, merged in another order, must not look
 * like progress. */
static const double ROUNDING = 1e-9;

const char *gate_rule_name(enum gate_rule rule)
{
	static const char *const names[GATE_RULES] = {
		[GATE_FIRST] = "first",
		[GATE_NOTHING_HELD_OUT] = "nothing-held-out",
		[GATE_BEATS_LAST_PRICE] = "beats-last-price",
		[GATE_SAME] = "same",
		[GATE_LOWER] = "lower",
		[GATE_NOT_WORSE] = "not-worse",
	};
	return names[rule];
}

static struct gate decided(enum gate_rule rule, bool serves, const char *format, ...)
	PRINTF_LIKE(3, 4);
static struct gate decided(enum gate_rule rule, bool serves, const char *format, ...)
{
	struct gate gate = { .serves = serves, .rule = rule };
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(gate.reason, sizeof(gate.reason), format, arguments);
	va_end(arguments);
	return gate;
}

static struct gate beats_last_price(const struct gate_input *input)
{
	const struct skill *skill = input->skill;
	double found = 100 * input->score->skill_last;
	if (skill->verdict == SKILL_UNKNOWN)
		return decided(GATE_BEATS_LAST_PRICE, false,
			       "its skill against the last price, %+.2f%% on %" PRIu64
			       " held-out rows, may be noise: %zu blocks of time and %" PRIu64
			       " rows can't tell (at least %d and %d, and 4 horizons)",
			       found, input->score->rows, skill->blocks, skill->rows,
			       SKILL_LEAST_BLOCKS, SKILL_LEAST_ROWS);
	return decided(GATE_BEATS_LAST_PRICE, skill->verdict == SKILL_BETTER,
		       "its skill against the last price is %+.2f%% on %" PRIu64
		       " held-out rows, 95%% interval %+.2f%% to %+.2f%%, Diebold-Mariano p %.2g; "
		       "to serve, the interval must be above 0 and p below 0.05",
		       found, input->score->rows, 100 * skill->low, 100 * skill->high, skill->p);
}

/* The version that serves is a fit of the same spec. */
static struct gate follows(const struct gate_input *input)
{
	const struct gate_rival *rival = input->rival;
	double rmse = input->score->rmse, its = rival->rmse;
	double low = rival->skill.low, high = rival->skill.high;
	bool same = fabs(rmse - its) <= ROUNDING * its;
	if (same || isnan(low))
		return decided(same ? GATE_SAME : GATE_LOWER, !same && rmse < its,
			       "on %" PRIu64 " held-out rows%s its error, %.6g, is %s that of "
			       "version %" PRId64 ", %.6g",
			       input->score->rows,
			       same ? "" : ", too few to tell by how much for sure,", rmse,
			       !same && rmse < its ? "below" : "not below", rival->version, its);
	bool fine = low > -GATE_WORSE_MOST && high >= 0 && rmse <= its * (1 + GATE_WORSE_MOST);
	return decided(GATE_NOT_WORSE, fine,
		       "on %" PRIu64 " held-out rows its error, %.6g, is %+.2f%% from version "
		       "%" PRId64
		       "'s, %.6g, skill's 95%% interval %+.2f%% to %+.2f%%; to follow, it "
		       "must be above %+.0f%% and not wholly below 0",
		       input->score->rows, rmse, 100 * (rmse / its - 1), rival->version, its,
		       100 * low, 100 * high, -100 * GATE_WORSE_MOST);
}

static struct gate follows_forecast(const struct gate_input *input)
{
	double last = input->score->last_rmse;
	struct gate gate = follows(input);
	if (!(input->score->rmse < last))
		gate = decided(GATE_BEATS_LAST_PRICE, false,
			       "on %" PRIu64 " held-out rows its error, %.6g, is not below that of "
			       "the last price, %.6g",
			       input->score->rows, input->score->rmse, last);
	gate.last_price_returns = !gate.serves && !(input->rival->rmse < last);
	return gate;
}

struct gate gate_decide(const struct gate_input *input)
{
	const struct gate_rival *rival = input->rival;
	if (input->score->rows == 0)
		return input->has_serving ? decided(GATE_NOTHING_HELD_OUT, false,
						    "nothing is held out, so it can't be compared")
					  : decided(GATE_FIRST, true, "the first version");
	bool refreshes = rival->present && rival->version > 0;
	if (input->forecast)
		return refreshes ? follows_forecast(input) : beats_last_price(input);
	return refreshes ? follows(input)
			 : decided(GATE_FIRST, true, "%s",
				   input->has_serving ? "it is the first of its spec"
						      : "the first version");
}
