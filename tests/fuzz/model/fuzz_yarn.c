/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What comes from a cluster: lines for the reducer, its result, and the ResourceManager's answers.
 * The first byte says which.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "yarn/step_plan.h"
#include "yarn/step_reduce.h"
#include "yarn/yarn_answer.h"
#include "yarn/yarn_result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reduce(const struct spec *spec, const char *data, size_t size)
{
	char *output = NULL;
	size_t length = 0;
	FILE *in = fmemopen((void *)(uintptr_t)data, size, "r"),
	     *out = open_memstream(&output, &length);
	if (in && out && step_reduce(spec, in, out, NULL) == ERROR_OK && length == 0)
		abort();
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	free(output);
}

static void read_result(const struct spec *spec, const char *data, size_t size)
{
	struct dataset_file file = {
		.last = 9, .length = 100, .format = DATA_CSV, .date = DATE_NONE
	};
	const struct dataset dataset = { .files = &file, .count = 1 };
	struct reading_result result;
	enum error error = yarn_result_read(spec, &dataset, data, size, &result, NULL);
	if (error == ERROR_OK && !result.partial)
		abort();
	reading_clean_up(&result);
}

static void read_answers(const char *data, size_t size)
{
	struct yarn_application application;
	char id[YARN_ID_SIZE];
	enum error errors[] = {
		yarn_answer_application(data, size, &application, NULL),
		yarn_answer_newest(data, size, &application, NULL),
		yarn_answer_new_id(data, size, id, NULL),
		yarn_answer_error(500, data, size, NULL),
	};
	if (errors[3] != ERROR_UNAVAILABLE)
		abort();
}

static void read_plan(const char *data, size_t size)
{
	struct step_plan plan;
	if (step_plan_read(data, size, &plan, NULL) == ERROR_OK && !plan.spec.table)
		abort();
	step_plan_clean_up(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	const char *rest = (const char *)data + 1;
	const struct spec *spec = spec_builtin(data[0] / 8 % spec_builtin_count());
	switch (data[0] % 4) {
	case 0:
		reduce(spec, rest, size - 1);
		break;
	case 1:
		read_result(spec, rest, size - 1);
		break;
	case 2:
		read_answers(rest, size - 1);
		break;
	default:
		read_plan(rest, size - 1);
	}
	return 0;
}
