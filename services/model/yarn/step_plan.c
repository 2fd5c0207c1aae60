/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "step_plan.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "json_numbers.h"

void step_plan_clean_up(struct step_plan *plan)
{
	free(plan->reaches);
	plan->reaches = NULL;
	plan->count = 0;
}

enum error step_plan_make(const struct spec *spec, const struct dataset *dataset,
			  struct step_plan *plan, struct text *why)
{
	memset(plan, 0, sizeof(*plan));
	plan->spec = *spec;
	size_t partitions = 0;
	for (size_t i = 0; i < dataset->count; i = dataset_partition_end(dataset, i))
		partitions++;
	if (partitions > STEP_MAX_PARTITIONS) {
		why_putf(why, "%zu partitions: at most %d", partitions, STEP_MAX_PARTITIONS);
		return ERROR_LIMIT;
	}
	plan->reaches = calloc(partitions + 1, sizeof(*plan->reaches));
	if (!plan->reaches)
		return ERROR_NO_MEMORY;
	for (size_t begin = 0; begin < dataset->count;) {
		struct step_reach *reach = &plan->reaches[plan->count++];
		size_t end = dataset_partition_end(dataset, begin);
		reach->partition = dataset->files[begin].partition;
		for (; begin < end; begin++)
			if (dataset->files[begin].last > reach->last)
				reach->last = dataset->files[begin].last;
	}
	return ERROR_OK;
}

bool step_plan_holds(const struct step_plan *plan, const struct dataset_file *file)
{
	size_t low = 0, high = plan->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (plan->reaches[middle].partition < file->partition)
			low = middle + 1;
		else
			high = middle;
	}
	return low < plan->count && plan->reaches[low].partition == file->partition &&
	       file->last <= plan->reaches[low].last;
}

enum error step_plan_write(const struct step_plan *plan, struct text *out)
{
	cJSON *json = spec_to_json(&plan->spec);
	char *spec = json ? cJSON_PrintUnformatted(json) : NULL;
	cJSON_Delete(json);
	if (!spec)
		return ERROR_NO_MEMORY;
	text_putf(out, "{\"spec\":%s,\"partitions\":[", spec);
	free(spec);
	for (size_t i = 0; i < plan->count; i++) {
		if (i > 0)
			text_putc(out, ',');
		json_write_integers(
			out, (const int64_t[]){ plan->reaches[i].partition, plan->reaches[i].last },
			2);
	}
	text_puts(out, "]}\n");
	return out->error;
}

static bool read_reaches(const cJSON *array, struct step_plan *plan)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array))
		return false;
	plan->reaches = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*plan->reaches));
	if (!plan->reaches)
		return false;
	cJSON_ArrayForEach(item, array)
	{
		int64_t pair[2];
		if (!json_read_integers(item, pair, 2) || pair[0] < 0 || pair[0] > INT32_MAX)
			return false;
		struct step_reach reach = { (int32_t)pair[0], pair[1] };
		if (plan->count > 0 && plan->reaches[plan->count - 1].partition >= reach.partition)
			return false;
		plan->reaches[plan->count++] = reach;
	}
	return true;
}

enum error step_plan_read(const char *data, size_t length, struct step_plan *plan, struct text *why)
{
	memset(plan, 0, sizeof(*plan));
	cJSON *json = cJSON_ParseWithLength(data, length);
	enum error error =
		spec_from_json(cJSON_GetObjectItemCaseSensitive(json, "spec"), &plan->spec, why);
	if (error == ERROR_OK &&
	    !read_reaches(cJSON_GetObjectItemCaseSensitive(json, "partitions"), plan)) {
		why_putf(why, "the plan's partitions are no ascending pairs of numbers");
		error = ERROR_INVALID;
	}
	cJSON_Delete(json);
	return error;
}
