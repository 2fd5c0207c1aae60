/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "file_name.h"
#include "ingest.h"
#include "timestamp.h"

static void add_i64(cJSON *object, const char *name, int64_t value)
{
	cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_time(cJSON *object, const char *name, int64_t wall_us)
{
	char text[TIMESTAMP_MAX_TEXT];
	timestamp_print(wall_us, text);
	cJSON_AddStringToObject(object, name, text);
}

static cJSON *range_json(int64_t first, int64_t last)
{
	cJSON *json = cJSON_CreateObject();
	add_i64(json, "first_offset", first);
	add_i64(json, "last_offset", last);
	return json;
}

cJSON *status_file_json(const struct published_file *file)
{
	char name[FILE_NAME_MAX], folder[1100], path[1200];
	file_name_print(FILE_ROWS, &file->range, name);
	date_folder_path(file->dataset->folder, file->date, folder, sizeof folder);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	cJSON *json = range_json(file->range.first, file->range.last);
	cJSON_AddStringToObject(json, "dataset", file->dataset->table->plural);
	add_i64(json, "partition", file->range.partition);
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "path", path);
	add_i64(json, "rows", file->rows);
	add_i64(json, "dead_letters", file->dead_letters);
	add_i64(json, "bytes", file->bytes);
	add_time(json, "published_at", file->wall_us);
	return json;
}

static cJSON *open_json(const struct partition_view *view)
{
	cJSON *json = cJSON_CreateObject();
	add_i64(json, "rows", view->open_rows);
	add_i64(json, "dead_letters", view->open_dead_letters);
	add_i64(json, "bytes", view->open_bytes);
	add_i64(json, "age_ms", view->open_age_us / 1000);
	return json;
}

static cJSON *waiting_json(const struct partition_view *view)
{
	cJSON *json = cJSON_CreateObject();
	add_i64(json, "batches", view->waiting_batches);
	add_i64(json, "bytes", view->waiting_bytes);
	return json;
}

static cJSON *error_json(const struct partition_view *view)
{
	if (view->failures == 0)
		return cJSON_CreateNull();
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "kind", error_name(view->error));
	cJSON_AddStringToObject(json, "detail", view->why);
	add_i64(json, "failures", view->failures);
	add_time(json, "since", view->failing_since_us);
	return json;
}

static cJSON *gaps_json(const struct partition_view *view)
{
	cJSON *json = cJSON_CreateArray();
	for (size_t i = 0; i < view->gap_count; i++)
		cJSON_AddItemToArray(json, range_json(view->gaps[i].first, view->gaps[i].last));
	return json;
}

void status_add_pause(cJSON *json, const struct status_totals *totals)
{
	cJSON_AddBoolToObject(json, "paused", totals->paused);
	if (totals->paused)
		add_time(json, "paused_since", totals->paused_since_us);
	else
		cJSON_AddNullToObject(json, "paused_since");
	add_i64(json, "in_flight", totals->in_flight);
}

/* An offset that is not known is null, never a number that could be taken for one. */
static void add_offset(cJSON *object, const char *name, int64_t value, bool known)
{
	if (known)
		add_i64(object, name, value);
	else
		cJSON_AddNullToObject(object, name);
}

static cJSON *view_json(const struct partition_view *view)
{
	int64_t lag = view->log_end - view->published - 1;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "dataset", view->dataset->table->plural);
	cJSON_AddStringToObject(json, "topic", view->dataset->topic);
	add_i64(json, "partition", view->partition);
	cJSON_AddStringToObject(json, "state", view->state);
	add_offset(json, "next_offset", view->next_offset, !view->recovering);
	add_offset(json, "published_offset", view->published, view->published >= 0);
	add_offset(json, "log_end_offset", view->log_end, view->log_end >= 0);
	add_offset(json, "lag", lag > 0 ? lag : 0, view->log_end >= 0 && !view->recovering);
	cJSON_AddItemToObject(json, "open", open_json(view));
	cJSON_AddItemToObject(json, "waiting", waiting_json(view));
	add_i64(json, "unpublished_age_ms", view->unpublished_age_us / 1000);
	cJSON_AddItemToObject(json, "last_file",
			      view->has_last_file ? status_file_json(&view->last_file)
						  : cJSON_CreateNull());
	cJSON_AddItemToObject(json, "error", error_json(view));
	cJSON_AddItemToObject(json, "lost", gaps_json(view));
	return json;
}

static cJSON *datasets_json(const struct ingest *ingest)
{
	cJSON *json = cJSON_CreateArray();
	for (size_t i = 0; i < RECORD_KINDS; i++) {
		const struct dataset *dataset = &ingest->datasets[i];
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "dataset", dataset->table->plural);
		cJSON_AddStringToObject(one, "topic", dataset->topic);
		cJSON_AddStringToObject(one, "folder", dataset->folder);
		cJSON_AddStringToObject(one, "dead_letter_folder", dataset->dead_letter_folder);
		cJSON_AddItemToArray(json, one);
	}
	return json;
}

/* `only` -1: all partitions. Returns the number of partitions. */
static size_t add_views(cJSON *list, const struct partition_view *views, size_t count, int32_t only)
{
	size_t added = 0;
	for (size_t i = 0; i < count; i++) {
		if (only >= 0 && views[i].partition != only)
			continue;
		cJSON_AddItemToArray(list, view_json(&views[i]));
		added++;
	}
	return added;
}

void status_get(struct http_request *request, void *user)
{
	struct ingest *ingest = user;
	size_t count;
	struct status_totals totals;
	struct partition_view *views = status_views(ingest->status, &count, &totals);
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "group", ingest->settings.group);
	cJSON_AddBoolToObject(json, "joined", totals.joined);
	status_add_pause(json, &totals);
	cJSON *memory = cJSON_AddObjectToObject(json, "memory");
	add_i64(memory, "used_bytes", totals.memory_bytes);
	add_i64(memory, "limit_bytes", totals.memory_limit_bytes);
	cJSON_AddItemToObject(json, "datasets", datasets_json(ingest));
	cJSON *list = cJSON_AddArrayToObject(json, "partitions");
	if (views)
		add_views(list, views, count, -1);
	free(views);
	http_answer_json(request, 200, json);
}

/* False: answered 404. */
static bool read_partition(struct http_request *request, int32_t *partition)
{
	const char *text = http_path_parameter(request, "p");
	int64_t value;
	if (decimal_read_i64(text, strlen(text), &value) || value < 0 ||
	    value > FILE_PARTITION_MAX) {
		http_answer_problem(request, 404, "no-such-partition", NULL,
				    "\"%.40s\" is not a partition: a number from 0 to %d", text,
				    FILE_PARTITION_MAX);
		return false;
	}
	*partition = (int32_t)value;
	return true;
}

static void answer_not_here(struct http_request *request, int32_t partition)
{
	http_answer_problem(request, 404, "no-such-partition", NULL,
			    "partition %d is not assigned to this instance", (int)partition);
}

void status_get_partition(struct http_request *request, void *user)
{
	struct ingest *ingest = user;
	int32_t partition;
	if (!read_partition(request, &partition))
		return;
	size_t count;
	struct status_totals totals;
	struct partition_view *views = status_views(ingest->status, &count, &totals);
	cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "partitions");
	size_t added = views ? add_views(list, views, count, partition) : 0;
	free(views);
	if (added > 0) {
		http_answer_json(request, 200, json);
		return;
	}
	cJSON_Delete(json);
	answer_not_here(request, partition);
}

const struct dataset *dataset_asked(struct http_request *request, const struct ingest *ingest)
{
	const char *name = http_query(request, "dataset");
	for (size_t i = 0; name && i < RECORD_KINDS; i++)
		if (strcmp(ingest->datasets[i].table->plural, name) == 0)
			return &ingest->datasets[i];
	http_answer_problem(request, 400, "bad-parameter", NULL,
			    "dataset \"%.40s\" must be ticks or bars", name ? name : "");
	return NULL;
}

static const struct partition_view *find_view(const struct partition_view *views, size_t count,
					      const struct dataset *dataset, int32_t partition)
{
	for (size_t i = 0; views && i < count; i++)
		if (views[i].dataset == dataset && views[i].partition == partition)
			return &views[i];
	return NULL;
}

static void acknowledge(struct http_request *request, struct ingest *ingest,
			const struct partition_view *view)
{
	if (view->gap_count == 0) {
		http_answer_problem(request, 409, "nothing-lost", NULL,
				    "no offsets of %s[%d] are known to be lost",
				    view->dataset->topic, (int)view->partition);
		return;
	}
	if (status_acknowledge(ingest->status, view->dataset, view->partition)) {
		http_answer_retry_after(request, 1);
		http_answer_problem(request, 503, "busy", NULL, "too many wishes wait already");
		return;
	}
	cJSON *json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "acknowledged", gaps_json(view));
	http_answer_json(request, 202, json);
}

void status_acknowledge_loss(struct http_request *request, void *user)
{
	struct ingest *ingest = user;
	int32_t partition;
	if (!read_partition(request, &partition))
		return;
	const struct dataset *dataset = dataset_asked(request, ingest);
	if (!dataset)
		return;
	size_t count;
	struct status_totals totals;
	struct partition_view *views = status_views(ingest->status, &count, &totals);
	const struct partition_view *view = find_view(views, count, dataset, partition);
	if (view)
		acknowledge(request, ingest, view);
	else
		answer_not_here(request, partition);
	free(views);
}
