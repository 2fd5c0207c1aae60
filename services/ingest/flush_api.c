/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/flush: everything that the logs held when it was asked for is published before it is
 * answered, so that a caller whose records were acknowledged can read them on HDFS.
 */
#include <stdlib.h>

#include "ingest.h"
#include "timestamp.h"

enum { ASK_TIMEOUT_MS = 3000, MAX_FILES_ANSWERED = 1000 };

static enum error ask_ends(const struct ingest *ingest, const struct partition_view *views,
			   size_t count, struct flush_target *targets, struct text *why)
{
	rd_kafka_t *kafka = consumer_kafka(ingest->consumer);
	for (size_t i = 0; i < count; i++) {
		int64_t low, high;
		rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
			kafka, views[i].dataset->topic, views[i].partition, &low, &high,
			ASK_TIMEOUT_MS);
		if (code) {
			why_putf(why, "Kafka does not tell the end of %s[%d]: %s",
				 views[i].dataset->topic, (int)views[i].partition,
				 rd_kafka_err2str(code));
			return ERROR_KAFKA;
		}
		targets[i] = (struct flush_target){ .dataset = views[i].dataset,
						    .partition = views[i].partition,
						    .high = high,
						    .sealed = FLUSH_NOT_SEALED };
	}
	return ERROR_OK;
}

static void answer_files(struct http_request *request, struct ingest *ingest, uint64_t from)
{
	struct published_file *files = calloc(MAX_FILES_ANSWERED, sizeof *files);
	size_t count = files ? status_files(ingest->status, from, files, MAX_FILES_ANSWERED) : 0;
	cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "files");
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(list, status_file_json(&files[i]));
	free(files);
	http_answer_json(request, 200, json);
}

static void answer_not_done(struct http_request *request, const struct flush *flush,
			    enum error error)
{
	cJSON *extra = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(extra, "waiting");
	for (size_t i = 0; i < flush->count; i++) {
		if (flush->targets[i].done)
			continue;
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "dataset", flush->targets[i].dataset->table->plural);
		cJSON_AddNumberToObject(one, "partition", flush->targets[i].partition);
		cJSON_AddItemToArray(list, one);
	}
	http_answer_retry_after(request, 5);
	http_answer_problem(
		request, 503, "not-flushed", extra,
		error == ERROR_CANCELLED
			? "the service is stopping"
			: "not everything was published within flush_timeout_ms; it goes "
			  "on, and /v1/status says what it waits for");
}

void flush_post(struct http_request *request, void *user)
{
	struct ingest *ingest = user;
	int64_t deadline_us = monotonic_now_us() + ingest->settings.flush_timeout_ms * 1000;
	uint64_t from = status_next_file(ingest->status);
	size_t count;
	struct status_totals totals;
	char memory[512];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct partition_view *views = status_views(ingest->status, &count, &totals);
	struct flush flush = { .targets = calloc(count + 1, sizeof *flush.targets),
			       .count = count };
	enum error error = views && flush.targets ? ERROR_OK : ERROR_NO_MEMORY;
	if (!error && totals.paused)
		error = ERROR_CONFLICT;
	if (!error && !totals.joined) {
		why_putf(&why, "the group has assigned nothing yet");
		error = ERROR_UNAVAILABLE;
	}
	if (!error)
		error = ask_ends(ingest, views, count, flush.targets, &why);
	if (error == ERROR_CONFLICT) {
		http_answer_problem(request, 409, "paused", NULL,
				    "an operator's pause holds: POST /v1/resume first");
	} else if (error) {
		http_answer_retry_after(request, 5);
		http_answer_problem(request, 503, "not-flushed", NULL, "%s",
				    why.length ? why.data : error_text(error));
	} else {
		error = status_flush(ingest->status, &flush, deadline_us);
		if (error)
			answer_not_done(request, &flush, error);
		else
			answer_files(request, ingest, from);
	}
	free(flush.targets);
	free(views);
}
