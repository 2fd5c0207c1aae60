/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Features as CSV are refused with a reason, or every row that is taken holds finite numbers.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "feature_reader.h"

enum { ROWS_LIMIT = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct version *version_make(void)
{
	struct version *version = NULL;
	cJSON *body = cJSON_Parse(
		"{\"version\":1,\"created_us\":1,\"spec\":{\"name\":\"m\",\"records\":\"bars\","
		"\"target\":\"close\",\"features\":[\"open\",\"high\",\"volume\"]},\"predictor\":{"
		"\"kind\":\"linear\",\"anchor\":null,\"ones\":false,\"features\":[\"open\","
		"\"volume\"],\"base\":0,\"slope\":[1,2],\"shift\":[0,0],\"scale\":[1,1],"
		"\"triangle\":[1,0,0,1],\"low\":[0,0,0],\"high\":[9,9,9],\"freedom\":9,\"rows\":11,"
		"\"s\":1},\"report\":{}}");
	if (!body || version_from_json(body, &version, NULL) != ERROR_OK)
		abort();
	cJSON_Delete(body);
	return version;
}

static enum error row_take(const double *x, struct feature_fault *fault, void *user)
{
	(void)fault;
	assert(isfinite(x[0]) && isfinite(x[1]) && isfinite(x[2]));
	++*(size_t *)user;
	return ERROR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct version *version;
	size_t rows = 0;
	if (!version)
		version = version_make();
	struct feature_reader reader = {
		.version = version, .rows_limit = ROWS_LIMIT, .take = row_take, .user = &rows
	};
	enum error error = feature_read_csv(&reader, (const char *)data, size);
	assert(rows <= ROWS_LIMIT);
	if (error != ERROR_OK) {
		assert(reader.fault.status == 400 || reader.fault.status == 413);
		assert(reader.fault.slug && reader.fault.reason[0]);
		assert(strlen(reader.fault.feature) < sizeof reader.fault.feature);
	}
	return 0;
}
