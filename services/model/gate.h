/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which new version may serve. All is judged on the newest held-out rows, that neither the new fit
 * nor the serving one has seen. Reentrant.
 *
 *   a forecast takes the last price's place (version 0 serves, or nothing does) only where its
 * skill is more than noise: both the bootstrap's interval and the test of Diebold and Mariano say
 * that it is better (skill.h). Everything else would have a lucky day serve.
 *
 *   a newer fit follows an older one of the same spec where it is not worse: the interval of its
 *   skill against that one lies above -GATE_WORSE_MOST (non-inferiority: no progress has to be
 *   shown to refresh coefficients) and not wholly below 0. Where there are too few rows for an
 *   interval, its error must be lower. A forecast's must still be below that of the last price.
 *
 *   a forecast that is itself no better than the last price any more gives it its place back, where
 *   it was the gate that gave it away; what an admin promoted stays.
 *
 *   models without a last price (ia, streamlit: they explain a record by itself) have but the
 * second rule; the first version of any model that needs none of this serves.
 */
#ifndef TICKLINE_MODEL_GATE_H
#define TICKLINE_MODEL_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "fit.h"
#include "skill.h"

#define GATE_WORSE_MOST 0.01 /* of its error, that a refreshed version may be worse at most */

enum gate_rule {
	GATE_FIRST,            /* there is nothing to compare it with */
	GATE_NOTHING_HELD_OUT, /* there is, but nothing to compare it on */
	GATE_BEATS_LAST_PRICE,
	GATE_SAME,      /* no error differs from the serving version's */
	GATE_LOWER,     /* than the serving version's error; too few rows for more */
	GATE_NOT_WORSE, /* than the serving version */
	GATE_RULES
};
const char *gate_rule_name(enum gate_rule rule); /* "first", "beats-last-price", … */

/* How the version that serves does on the same held-out rows. */
struct gate_rival {
	bool present; /* of the same spec, and something is held out */
	int64_t version;
	double rmse;
	struct skill skill; /* the fit's, against it; not of version 0, which is the last price */
};

struct gate_input {
	bool forecast;    /* it has a last price to beat */
	bool has_serving; /* of whatever spec */
	const struct fit_score *score;
	const struct skill *skill; /* against the last price */
	const struct gate_rival *rival;
};

struct gate {
	bool serves;
	bool last_price_returns; /* the serving version is no better; only when the new one doesn't
				    serve */
	enum gate_rule rule;     /* that decided */
	char reason[256];        /* with its numbers */
};

struct gate gate_decide(const struct gate_input *input);

#endif
