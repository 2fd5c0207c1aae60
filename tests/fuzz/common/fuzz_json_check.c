/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the strict check lets through, cJSON reads, prints, and reads again; what is too deep for
 * the check never reaches it. The place of a flaw is within the text or at its end.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json_check.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t depth(const cJSON *item)
{
	size_t deepest = 0;

	if (!cJSON_IsArray(item) && !cJSON_IsObject(item))
		return 0;
	for (const cJSON *child = item->child; child != NULL; child = child->next) {
		size_t below = depth(child);

		deepest = below > deepest ? below : deepest;
	}
	return deepest + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_flaw flaw;
	enum error error = json_check((const char *)data, size, 8, &flaw);
	cJSON *json;

	assert(flaw.offset <= size);
	if (error != ERROR_OK) {
		assert(error == ERROR_INVALID || error == ERROR_LIMIT);
		assert(flaw.reason != NULL);
		return 0;
	}
	assert(flaw.offset == size);
	assert(utf8_valid((const char *)data, size));
	json = cJSON_ParseWithLength((const char *)data, size);
	assert(json != NULL);
	assert(depth(json) <= 8);
	cJSON_Delete(json);
	return 0;
}
