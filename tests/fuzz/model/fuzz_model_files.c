/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored files of any content: an envelope, a version, factors. What is taken can be used.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "checkpoint.h"
#include "dataset.h"
#include "envelope.h"
#include "model_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_version(const cJSON *json)
{
	struct version *version = NULL;
	if (version_from_json(json, &version, NULL) != ERROR_OK) {
		assert(!version);
		return;
	}
	const double x[SPEC_MAX_FEATURES] = { 107000, 1 };
	struct prediction prediction;
	if (version_predict(version, x, 0.95, &prediction) == ERROR_OK)
		assert(isfinite(prediction.value));
	version_release(&version);
}

static void use_factors(const cJSON *json, const struct spec *spec)
{
	struct checkpoint checkpoint;
	struct partial_split split;
	if (checkpoint_read_json(spec, json, &checkpoint, NULL) == ERROR_OK &&
	    partial_split(checkpoint.partial, &split) == ERROR_OK)
		partial_split_clean_up(&split);
	checkpoint_clean_up(&checkpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body;
	char name[100] = "";
	struct dataset_file file;
	memcpy(name, data, size < sizeof(name) ? size : sizeof(name) - 1);
	if (dataset_parse_name(name, &file))
		assert(file.first >= 0 && file.first <= file.last && file.partition >= 0);
	if (envelope_read((const char *)data, size, &body, NULL) == ERROR_OK)
		assert(body.length < size);
	cJSON *json = cJSON_ParseWithLength((const char *)data, size);
	if (json) {
		use_version(json);
		use_factors(json, spec_builtin(0));
		use_factors(json, spec_builtin(1));
	}
	cJSON_Delete(json);
	return 0;
}
