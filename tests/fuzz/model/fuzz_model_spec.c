/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A spec is refused with a reason, or it is written so that it reads back the same.
 */
#include <assert.h>
#include <string.h>

#include "spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spec spec, again;
	char memory[500];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	cJSON *json = cJSON_ParseWithLength((const char *)data, size);
	if (!json)
		return 0;
	enum error error = spec_from_json(json, &spec, &why);
	assert(error == ERROR_OK || why.length > 0);
	if (error == ERROR_OK) {
		cJSON *written = spec_to_json(&spec);
		error = spec_from_json(written, &again, NULL);
		assert(error == ERROR_OK && memcmp(&spec, &again, sizeof(spec)) == 0);
		assert(spec.feature_count >= 1 && spec.anchor < (int)spec.feature_count);
		cJSON_Delete(written);
	}
	cJSON_Delete(json);
	return 0;
}
