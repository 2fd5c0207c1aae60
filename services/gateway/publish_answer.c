/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_answer.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

enum { MAX_ANSWER_BYTES = 256 << 20 };

/* --- which status ---------------------------------------------------------------------------- */

static int status_of_body_error(enum error error)
{
	switch (error) {
	case ERROR_LIMIT:
		return 413;
	case ERROR_TIMEOUT:
		return 408;
	default:
		return 400;
	}
}

/* Nothing was taken: the first cause in this order is told. */
static int status_of_nothing(const struct outcome_counts *counts, const struct publish_end *end)
{
	if (counts->of[PUBLISH_UNAVAILABLE] > 0)
		return end->queue_full ? 429 : 503;
	if (end->broken || end->blank)
		return 400;
	return counts->of[PUBLISH_REFUSED] > 0 ? 422 : 200;
}

int publish_status_code(const struct outcome_counts *counts, const struct publish_end *end)
{
	uint64_t taken = counts->of[PUBLISH_STORED] + counts->queued;
	if (counts->of[PUBLISH_UNKNOWN] > 0)
		return 504;
	if (end->body != ERROR_OK)
		return taken + counts->errors > 0 ? status_of_body_error(end->body) : 0;
	if (taken == 0)
		return status_of_nothing(counts, end);
	if (end->async)
		return 202;
	return counts->errors > 0 ? 207 : 200;
}

/* --- what is said ---------------------------------------------------------------------------- */

struct problem {
	int status;
	const char *slug, *detail;
};

static const struct problem problems[] = {
	{ 400, "broken-body", "the body could not be read to its end" },
	{ 408, "body-too-slow", "the body stopped arriving" },
	{ 413, "body-too-large", "the body is over the limit" },
	{ 422, "records-refused", "no record was accepted" },
	{ 429, "queue-full", "records arrive faster than Kafka takes them" },
	{ 503, "kafka-unavailable", "Kafka is not available, nothing was stored" },
	{ 504, "outcome-unknown", "it is not known of every record whether Kafka stored it" },
};

static const struct problem *problem_of(int status)
{
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		if (problems[i].status == status)
			return &problems[i];
	}
	return NULL;
}

static const char *string_in(const cJSON *object, const char *name)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	return value ? value : "";
}

static void answer_problem(struct http_request *request, struct publisher *publisher,
			   const struct problem *problem, const struct text *members)
{
	if (problem->status == 429 || problem->status == 503)
		http_answer_retry_after(request, publisher_retry_after_s(publisher));
	cJSON *extra = cJSON_ParseWithLength(members->data, members->length);
	const cJSON *first =
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(extra, "errors"), 0);
	http_answer_problem(request, problem->status, problem->slug, extra, "%s%s%s",
			    problem->detail, first ? "; the first error: " : "",
			    string_in(first, "reason")); /* which names the field */
}

void publish_send(struct http_request *request, struct publisher *publisher, int status,
		  const struct text *members)
{
	const struct problem *problem = problem_of(status);
	if (status == 202)
		http_answer_header(request, "Preference-Applied", "respond-async");
	if (problem && text_ok(members))
		answer_problem(request, publisher, problem, members);
	else
		http_answer_text(request, status, "application/json", members);
}

void publish_answer(struct http_request *request, struct publisher *publisher,
		    struct outcome *outcome, const struct publish_end *end)
{
	struct outcome_counts counts = outcome_counts(outcome);
	int status = publish_status_code(&counts, end);
	if (status == 0) {
		http_answer_body_error(request, end->body);
		return;
	}
	if (status == 400 && end->blank) {
		http_answer_problem(request, 400, "no-records", NULL,
				    "the body holds no record: send one JSON object, an array of "
				    "them, NDJSON or CSV");
		return;
	}
	struct text members;
	text_init(&members, MAX_ANSWER_BYTES);
	outcome_write(outcome, OUTCOME_WHOLE, &members);
	publish_send(request, publisher, status, &members);
	text_clean_up(&members);
}
