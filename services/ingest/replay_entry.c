/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay_entry.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "file_name.h"
#include "json_check.h"
#include "timestamp.h"

enum { NESTING = 4 };
static const double MOST_OFFSET = 9007199254740992; /* 2^53 */

/* --- writing -----------------------------------------------------------------------------------
 */

void replay_entry_key(const struct replay_entry *entry, char out[REPLAY_KEY_BYTES])
{
	assert(entry->count > 0);
	snprintf(out, REPLAY_KEY_BYTES, "%d:%" PRId64, (int)entry->partition, entry->offsets[0]);
}

static void put_run(struct text *out, int64_t first, int64_t last, bool more)
{
	text_putf(out, "%s[", more ? "," : "");
	text_put_i64(out, first);
	text_putc(out, ',');
	text_put_i64(out, last);
	text_putc(out, ']');
}

void replay_entry_write(const struct replay_entry *entry, struct text *out)
{
	char at[TIMESTAMP_MAX_TEXT];
	text_putf(out, "{\"partition\":%d,\"offsets\":[", (int)entry->partition);
	size_t begin = 0;
	for (size_t i = 1; i <= entry->count; i++) {
		if (i < entry->count && entry->offsets[i] == entry->offsets[i - 1] + 1)
			continue;
		put_run(out, entry->offsets[begin], entry->offsets[i - 1], begin > 0);
		begin = i;
	}
	timestamp_print(entry->wall_us, at);
	text_putf(out, "],\"records\":%zu,\"by\":", entry->count);
	text_put_json(out, entry->by, strlen(entry->by));
	text_putf(out, ",\"at\":\"%s\"}", at);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool whole(const cJSON *json, double most, int64_t *value)
{
	double number = cJSON_IsNumber(json) ? json->valuedouble : -1;
	if (number < 0 || number > most || number != floor(number))
		return false;
	*value = (int64_t)number;
	return true;
}

static bool read_run(const cJSON *run, int64_t *first, int64_t *last)
{
	return cJSON_IsArray(run) && cJSON_GetArraySize(run) == 2 &&
	       whole(run->child, MOST_OFFSET, first) &&
	       whole(run->child->next, MOST_OFFSET, last) && *first <= *last;
}

static enum error read_entry(const cJSON *json, int32_t partition,
			     void (*visit)(int64_t first, int64_t last, void *user), void *user)
{
	const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(json, "offsets"), *run;
	int64_t of, first, last;
	if (!whole(cJSON_GetObjectItemCaseSensitive(json, "partition"), FILE_PARTITION_MAX, &of) ||
	    !cJSON_IsArray(offsets))
		return ERROR_INVALID;
	cJSON_ArrayForEach(run, offsets)
	{
		if (!read_run(run, &first, &last))
			return ERROR_INVALID;
		if (of == partition)
			visit(first, last, user);
	}
	return ERROR_OK;
}

enum error replay_entry_read(const char *data, size_t length, int32_t partition,
			     void (*visit)(int64_t first, int64_t last, void *user), void *user,
			     struct text *why)
{
	struct json_flaw flaw = { .reason = "it is null" };
	if (!data || json_check(data, length, NESTING, &flaw)) {
		why_putf(why, "%s", flaw.reason);
		return ERROR_INVALID;
	}
	cJSON *json = cJSON_ParseWithLength(data, length);
	enum error error = json ? read_entry(json, partition, visit, user) : ERROR_NO_MEMORY;
	cJSON_Delete(json);
	if (error)
		why_putf(why, "%s",
			 error == ERROR_INVALID ? "it has no partition and runs of offsets"
						: error_text(error));
	return error;
}
