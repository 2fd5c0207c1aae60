/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lineage.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "live_model.h"
#include "log.h"

static void take_partition(const cJSON *json, struct lineage *lineage)
{
	const cJSON *partition = cJSON_GetObjectItemCaseSensitive(json, "partition");
	const cJSON *last = cJSON_GetObjectItemCaseSensitive(json, "last_offset");
	if (!cJSON_IsNumber(partition) || !cJSON_IsNumber(last) || partition->valuedouble < 0 ||
	    partition->valuedouble >= LIVE_MAX_PARTITIONS)
		return;
	size_t index = (size_t)partition->valuedouble;
	if (index >= lineage->count) {
		int64_t *larger = realloc(lineage->last_offset, (index + 1) * sizeof *larger);
		if (!larger) {
			log_error("lineage", LOG_STR("error", error_text(ERROR_NO_MEMORY)));
			return;
		}
		while (lineage->count <= index)
			larger[lineage->count++] = -1;
		lineage->last_offset = larger;
	}
	lineage->last_offset[index] = (int64_t)last->valuedouble;
}

void lineage_read(const char *report, size_t length, struct lineage *lineage)
{
	*lineage = (struct lineage){ 0 };
	cJSON *json = cJSON_ParseWithLength(report, length);
	const cJSON *partitions = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(json, "lineage"), "partitions");
	for (const cJSON *one = partitions ? partitions->child : NULL; one; one = one->next)
		take_partition(one, lineage);
	cJSON_Delete(json);
}

bool lineage_has_seen(const struct lineage *lineage, int32_t partition, int64_t offset)
{
	return partition >= 0 && (size_t)partition < lineage->count &&
	       offset <= lineage->last_offset[partition];
}

void lineage_clean_up(struct lineage *lineage)
{
	free(lineage->last_offset);
	*lineage = (struct lineage){ 0 };
}
