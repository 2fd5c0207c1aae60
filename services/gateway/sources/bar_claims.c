/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bar_claims.h"

#include "log.h"
#include "state_dir.h"

#define FILE_ID ".bars" /* no source's */

void bar_claims_open(struct bar_claims *claims, const char *state_dir)
{
	*claims = (struct bar_claims){ .state_dir = state_dir };
	cJSON *kept = state_dir ? state_dir_read(state_dir, FILE_ID) : NULL;
	claims->positions = cJSON_IsObject(kept) ? kept : cJSON_CreateObject();
	if (kept != claims->positions)
		cJSON_Delete(kept);
}

void bar_claims_clean_up(struct bar_claims *claims)
{
	cJSON_Delete(claims->positions);
	*claims = (struct bar_claims){ 0 };
}

static void forget_first(struct bar_claims *claims)
{
	log_info("too many symbols' bars to know: the one noted first is forgotten",
		 LOG_STR("symbol", claims->positions->child->string));
	cJSON_DeleteItemFromArray(claims->positions, 0);
}

void bar_claims_note(struct bar_claims *claims, const char *symbol, cJSON *position)
{
	if (!position)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(claims->positions, symbol);
	if (cJSON_GetArraySize(claims->positions) >= BAR_CLAIMS_LIMIT)
		forget_first(claims);
	cJSON_AddItemToObject(claims->positions, symbol, position);
	if (claims->state_dir)
		(void)state_dir_write(claims->state_dir, FILE_ID, claims->positions);
}

const cJSON *bar_claims_find(const struct bar_claims *claims, const char *symbol)
{
	return cJSON_GetObjectItemCaseSensitive(claims->positions, symbol);
}
