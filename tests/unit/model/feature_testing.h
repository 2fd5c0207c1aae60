/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A version of streamlit that uses only open and volume, and a reader that keeps the rows it took.
 */
#ifndef TICKLINE_TEST_FEATURE_TESTING_H
#define TICKLINE_TEST_FEATURE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feature_reader.h"

enum { FEATURES = 5, ROWS_MOST = 8 }; /* open, high, low, volume, return */

struct taken {
	struct feature_reader reader;
	struct version *version;
	double x[ROWS_MOST][FEATURES];
	size_t rows;
};

static inline enum error taken_take(const double *x, struct feature_fault *fault, void *user)
{
	struct taken *taken = user;
	if (x[0] < 0) {
		*fault = (struct feature_fault){ .status = 422, .slug = "below-zero" };
		return ERROR_INVALID;
	}
	memcpy(taken->x[taken->rows++], x, sizeof taken->x[0]);
	return ERROR_OK;
}

static inline const struct spec *streamlit(void)
{
	size_t i = 0;
	while (strcmp(spec_builtin(i)->name, "streamlit") != 0)
		i++;
	return spec_builtin(i);
}

static inline struct taken taken_new(void)
{
	struct taken taken = { .reader = { .rows_limit = 3, .take = taken_take } };
	cJSON *body = cJSON_Parse(
		"{\"version\":1,\"created_us\":1,\"predictor\":{\"kind\":\"linear\",\"anchor\":"
		"null,\"ones\":false,\"features\":[\"open\",\"volume\"],\"base\":0,\"slope\":[1,2],"
		"\"shift\":[0,0],\"scale\":[1,1],\"triangle\":[1,0,0,1],\"low\":[0,0,0,0,0],"
		"\"high\":[9,9,9,9,9],\"freedom\":9,\"rows\":11,\"s\":1},\"report\":{}}");
	cJSON_AddItemToObject(body, "spec", spec_to_json(streamlit()));
	assert_int_equal(version_from_json(body, &taken.version, NULL), ERROR_OK);
	cJSON_Delete(body);
	taken.reader.version = taken.version;
	return taken;
}

/* One text through one of the readers; what it gave stays in `taken`. */
static inline enum error taken_read_csv(struct taken *taken, const char *text)
{
	taken->rows = 0;
	taken->reader.user = taken;
	return feature_read_csv(&taken->reader, text, strlen(text));
}

static inline enum error taken_read_json(struct taken *taken,
					 enum error (*read)(struct feature_reader *reader,
							    const cJSON *json),
					 const char *text)
{
	cJSON *json = cJSON_Parse(text);
	assert_non_null(json);
	taken->rows = 0;
	taken->reader.user = taken;
	enum error error = read(&taken->reader, json);
	cJSON_Delete(json);
	return error;
}

struct refusal {
	const char *text, *slug, *feature, *part; /* feature NULL: it is about none */
	int64_t row;
};

static inline void refusal_check(const struct taken *taken, const struct refusal *refusal)
{
	const struct feature_fault *fault = &taken->reader.fault;
	if (strcmp(fault->slug, refusal->slug) != 0 || !strstr(fault->reason, refusal->part) ||
	    fault->row != refusal->row || fault->feature_given != (refusal->feature != NULL) ||
	    (refusal->feature && strcmp(fault->feature, refusal->feature) != 0))
		fail_msg("%s: %s, row %lld, feature \"%s\", %s", refusal->text, fault->slug,
			 (long long)fault->row, fault->feature, fault->reason);
}

#endif
