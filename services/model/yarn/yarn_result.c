/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_numbers.h"

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static enum error unreadable(const char *what, struct text *why)
{
	why_putf(why, "the job's result can't be read: %s", what);
	return ERROR_INVALID;
}

/* --- partitions ------------------------------------------------------------------------------ */

/* Bytes that the reducer told of a partition; what has no line it does not tell of. */
static enum error read_partition(const struct spec *spec, const cJSON *json,
				 struct checkpoint_partition *reached, int64_t *bytes,
				 struct reading_result *result)
{
	int64_t pending = 0;
	if (!json_read_integer(member(json, "bytes"), bytes))
		return ERROR_INVALID;
	if (!spec_is_ordered(spec))
		return ERROR_OK;
	if (!json_read_integer(member(json, "pending"), &pending))
		return ERROR_INVALID;
	result->pending += pending;
	return features_read_json(spec, member(json, "features"), &reached->features, NULL);
}

static const cJSON *find_partition(const cJSON *list, int32_t partition)
{
	const cJSON *item = NULL;
	cJSON_ArrayForEach(item, list)
	{
		int64_t number;
		if (json_read_integer(member(item, "partition"), &number) && number == partition)
			return item;
	}
	return NULL;
}

static enum error read_partitions(const struct spec *spec, const cJSON *list,
				  struct reading_result *result, struct text *why)
{
	int told = 0;
	for (size_t i = 0; i < result->reached.count; i++) {
		struct checkpoint_partition *reached = &result->reached.partitions[i];
		const cJSON *json = find_partition(list, reached->partition);
		int64_t bytes = 0;
		told += json ? 1 : 0;
		if (json && read_partition(spec, json, reached, &bytes, result) != ERROR_OK)
			return unreadable("partitions", why);
		if (!json && spec_is_ordered(spec))
			reached->features = features_new(spec);
		if (spec_is_ordered(spec) && !reached->features)
			return ERROR_NO_MEMORY;
		if (bytes == reached->bytes)
			continue;
		why_putf(why, "partition %d: %" PRId64 " bytes were read, %" PRId64 " were listed",
			 (int)reached->partition, bytes, reached->bytes);
		return ERROR_CONFLICT;
	}
	return told == cJSON_GetArraySize(list) ? ERROR_OK : unreadable("partitions", why);
}

/* --- files that were left out ---------------------------------------------------------------- */

static bool read_refusal(const cJSON *json, struct reading_refusal *refusal)
{
	int64_t partition;
	const char *reason = cJSON_GetStringValue(member(json, "reason"));
	if (!reason || !json_read_integer(member(json, "partition"), &partition) || partition < 0 ||
	    partition > INT32_MAX ||
	    !json_read_integer(member(json, "first"), &refusal->file.first) ||
	    !json_read_integer(member(json, "last"), &refusal->file.last) ||
	    !json_read_integer(member(json, "length"), &refusal->file.length))
		return false;
	refusal->file.partition = (int32_t)partition;
	snprintf(refusal->reason, sizeof(refusal->reason), "%s", reason);
	return true;
}

static enum error read_refused(const cJSON *json, struct reading_result *result, struct text *why)
{
	int64_t count, kept = 0;
	const cJSON *item = NULL, *list = member(json, "refused");
	if (!json_read_integer(member(json, "refused_count"), &count) || count < 0 ||
	    !cJSON_IsArray(list))
		return unreadable("refused files", why);
	result->refused_count = (size_t)count;
	cJSON_ArrayForEach(item, list)
	{
		if (kept == READING_MAX_REFUSED || kept == count ||
		    !read_refusal(item, &result->refused[kept++]))
			return unreadable("refused files", why);
	}
	return ERROR_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

enum error yarn_result_read(const struct spec *spec, const struct dataset *dataset,
			    const char *data, size_t length, struct reading_result *result,
			    struct text *why)
{
	memset(result, 0, sizeof(*result));
	cJSON *json = cJSON_ParseWithLength(data, length);
	enum error error = cJSON_IsObject(json) ? checkpoint_cover(&result->reached, dataset)
						: unreadable("it is no JSON object", why);
	if (error == ERROR_OK)
		error = read_partitions(spec, member(json, "partitions"), result, why);
	if (error == ERROR_OK)
		error = read_refused(json, result, why);
	if (error == ERROR_OK)
		error = partial_read_json(spec, member(json, "factors"), &result->partial, why);
	cJSON_Delete(json);
	return error;
}
