/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/files: what this instance published and still remembers. The folder's names tell the
 * whole; the answer says from when on the list is complete.
 */
#include <stdlib.h>

#include "ingest.h"
#include "timestamp.h"

enum { MOST_FILES = 1000, FILES = 100 };

static cJSON *files_json(const struct published_file *files, const struct files_found *found)
{
	char since[TIMESTAMP_MAX_TEXT];
	timestamp_print(found->complete_since_us, since);
	cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "files");
	for (size_t i = 0; i < found->count; i++)
		cJSON_AddItemToArray(list, status_file_json(&files[i]));
	cJSON_AddBoolToObject(json, "more", found->more);
	cJSON_AddStringToObject(json, "complete_since", since);
	return json;
}

void files_get(struct http_request *request, void *user)
{
	struct ingest *ingest = user;
	int64_t limit, since_us;
	if (http_query_i64(request, "limit", 1, MOST_FILES, FILES, &limit) ||
	    http_query_timestamp(request, "since", INT64_MIN, &since_us))
		return;
	struct published_file *files = calloc((size_t)limit, sizeof *files);
	if (!files) {
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
		return;
	}
	const struct files_found found =
		status_find_files(ingest->status, since_us, http_query(request, "since") == NULL,
				  files, (size_t)limit);
	http_answer_json(request, 200, files_json(files, &found));
	free(files);
}
