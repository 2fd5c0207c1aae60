/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far the closed bars of each symbol were sent by sources that were removed, so that the next
 * source of the symbol sends none again. One thread at a time.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_BAR_CLAIMS_H
#define TICKLINE_GATEWAY_SOURCES_BAR_CLAIMS_H

#include <cjson/cJSON.h>

enum { BAR_CLAIMS_LIMIT = 100 }; /* symbols; beyond, the one that was noted first is forgotten */

struct bar_claims {
	const char *state_dir; /* NULL: they end with the gateway */
	cJSON *positions;      /* by symbol; NULL: none yet */
};

/* What an earlier gateway noted in the folder (NULL: there is none); nothing where that is damaged.
 */
void bar_claims_open(struct bar_claims *claims, const char *state_dir);
void bar_claims_clean_up(struct bar_claims *claims);

/* `position` is taken; NULL: nothing is noted. */
void bar_claims_note(struct bar_claims *claims, const char *symbol, cJSON *position);

/* NULL: nobody sent them. */
const cJSON *bar_claims_find(const struct bar_claims *claims, const char *symbol);

#endif
