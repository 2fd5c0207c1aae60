/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NIST's linear problems (tests/data/nist) as rows for a factor: the powers or columns, then y.
 */
#ifndef TICKLINE_TESTS_NIST_H
#define TICKLINE_TESTS_NIST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NIST_MAX_ROWS = 100, NIST_MAX_COLUMNS = 12 };

struct nist {
	bool ones;
	size_t features, rows;
	double data[NIST_MAX_ROWS][NIST_MAX_COLUMNS];
	double value[NIST_MAX_COLUMNS], error[NIST_MAX_COLUMNS]; /* intercept first */
	double s, r2;
};

static char *nist_slurp(const char *path)
{
	static char memory[32768];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t length = fread(memory, 1, sizeof(memory) - 1, file);
	memory[length] = '\0';
	fclose(file);
	return memory;
}

static double nist_number(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	assert_non_null(item);
	return cJSON_IsString(item) ? strtod(item->valuestring, NULL) : item->valuedouble;
}

static void nist_read_rows(struct nist *nist, const char *name, bool polynomial)
{
	char path[100];
	snprintf(path, sizeof(path), "tests/data/nist/%s.csv", name);
	char *rest = NULL;
	strtok_r(nist_slurp(path), "\n", &rest);
	for (char *line; (line = strtok_r(NULL, "\n", &rest));) {
		double *row = nist->data[nist->rows++];
		row[nist->features] = strtod(line, &line);
		long double power = 1, x = 0;
		for (size_t j = 0; j < nist->features; j++) {
			if (!polynomial || j == 0)
				x = strtold(line + 1, &line);
			power = polynomial ? power * x : x;
			row[j] = (double)power;
		}
	}
}

static void nist_load(struct nist *nist, const char *name)
{
	memset(nist, 0, sizeof(*nist));
	cJSON *all = cJSON_Parse(nist_slurp("tests/data/nist/certified.json"));
	const cJSON *problem = cJSON_GetObjectItem(cJSON_GetObjectItem(all, "problems"), name);
	const cJSON *model = cJSON_GetObjectItem(problem, "model");
	assert_non_null(model);
	const char *kind = cJSON_GetStringValue(cJSON_GetObjectItem(model, "kind"));
	nist->ones = cJSON_IsTrue(cJSON_GetObjectItem(model, "intercept"));
	nist->features = (size_t)nist_number(problem, "p") - (nist->ones ? 1 : 0);
	nist->s = nist_number(problem, "residual_sd");
	nist->r2 = nist_number(problem, "r_squared");
	const cJSON *term = NULL;
	size_t index = nist->ones ? 0 : 1;
	cJSON_ArrayForEach(term, cJSON_GetObjectItem(problem, "coefficients"))
	{
		nist->value[index] = nist_number(term, "estimate");
		nist->error[index++] = nist_number(term, "std_error");
	}
	nist_read_rows(nist, name, strcmp(kind, "polynomial") == 0);
	assert_int_equal(nist->rows, (size_t)nist_number(problem, "n"));
	cJSON_Delete(all);
}

/* Right decimal digits of a value; a certified zero counts 15 within 1e-8. */
static double nist_digits(double value, double certified)
{
	if (certified == 0)
		return fabs(value) < 1e-8 ? 15 : 0;
	double relative = fabs(value - certified) / fabs(certified);
	return relative < 1e-15 ? 15 : -log10(relative);
}

#endif
