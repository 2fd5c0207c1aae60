/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/dead-letters/replay: what was refused, and would be taken now, goes to its topic again.
 * On behalf of whoever asks, also for a partition that another instance holds.
 */
#include <string.h>

#include "ingest.h"
#include "log.h"
#include "replay.h"
#include "row.h"
#include "timestamp.h"

enum { LETTERS = 1000, WHY_BYTES = 1024 };
static const int64_t MOST_OFFSET = (int64_t)1 << 53; /* a JSON number holds it */

/* --- what is asked -----------------------------------------------------------------------------
 */

static enum error refuse(struct http_request *request, const char *name, const char *rule)
{
	http_answer_problem(request, 400, "bad-parameter", NULL, "%s \"%.60s\" must be %s", name,
			    http_query(request, name), rule);
	return ERROR_INVALID;
}

static enum error read_reason(struct http_request *request, const char **reason)
{
	*reason = http_query(request, "reason");
	size_t length = *reason ? strlen(*reason) : 1;
	bool good = !*reason || strspn(*reason, "abcdefghijklmnopqrstuvwxyz-") == length;
	return good && length >= 1 && length <= REPLAY_REASON_BYTES
		       ? ERROR_OK
		       : refuse(request, "reason", "a reason's code, as in a dead letter");
}

static enum error read_dry_run(struct http_request *request, bool *dry_run)
{
	const char *text = http_query(request, "dry_run");
	*dry_run = text && strcmp(text, "true") == 0;
	return !text || *dry_run || strcmp(text, "false") == 0
		       ? ERROR_OK
		       : refuse(request, "dry_run", "true or false");
}

static enum error read_asked(struct http_request *request, struct replay_letters *letters,
			     bool *dry_run)
{
	int64_t partition = 0;
	enum error error =
		http_query_i64(request, "partition", 0, FILE_PARTITION_MAX, 0, &partition);
	if (!error)
		error = http_query_i64(request, "since", 0, MOST_OFFSET, 0, &letters->since);
	if (!error)
		error = http_query_i64(request, "until", 0, MOST_OFFSET, MOST_OFFSET,
				       &letters->until);
	if (!error)
		error = http_query_i64(request, "limit", 1, REPLAY_MOST_LETTERS, LETTERS,
				       &letters->limit);
	if (!error)
		error = read_reason(request, &letters->reason);
	letters->partition = (int32_t)partition;
	return error ? error : read_dry_run(request, dry_run);
}

/* --- what came of it ---------------------------------------------------------------------------
 */

struct counts {
	int64_t due, before, refused;
	cJSON *reasons; /* {code: how many} of the refused ones */
};

static void count_reason(cJSON *reasons, const char *code)
{
	cJSON *known = cJSON_GetObjectItemCaseSensitive(reasons, code);
	if (known)
		cJSON_SetNumberValue(known, known->valuedouble + 1);
	else
		cJSON_AddNumberToObject(reasons, code, 1);
}

static struct counts count(const struct replay_letters *letters)
{
	struct counts counts = { .reasons = cJSON_CreateObject() };
	for (size_t i = 0; i < letters->count; i++) {
		const struct replay_letter *letter = &letters->letters[i];
		counts.before += letter->before;
		counts.due += replay_letter_is_due(letter);
		if (letter->before || !letter->fault)
			continue;
		counts.refused++;
		count_reason(counts.reasons, letter->fault);
	}
	return counts;
}

static void add_metric(const struct dataset *dataset, const char *name, const char *help,
		       const char *key, const char *value, int64_t n)
{
	char memory[128];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "dataset", dataset->table->plural);
	metrics_label(&labels, key, value);
	metric_add(metrics_counter(dataset->registry, name, help, labels.data), (uint64_t)n);
}

static void note(const struct replay *replay, const struct replay_letters *letters,
		 const struct counts *counts, enum error error)
{
	const struct dataset *dataset = letters->dataset;
	static const char records[] = "Dead letters that a replay looked at, by what became of "
				      "them.";
	add_metric(dataset, "ingest_replays_total", "Replays of dead letters asked for.", "outcome",
		   error             ? error_name(error)
		   : replay->dry_run ? "dry-run"
				     : "ok",
		   1);
	if (!error && !replay->dry_run) {
		add_metric(dataset, "ingest_replayed_records_total", records, "outcome", "replayed",
			   counts->due);
		add_metric(dataset, "ingest_replayed_records_total", records, "outcome", "skipped",
			   counts->before);
		add_metric(dataset, "ingest_replayed_records_total", records, "outcome",
			   "still-bad", counts->refused);
	}
	log_warn(replay->dry_run ? "dead letters looked at" : "dead letters replayed",
		 LOG_STR("by", replay->by), LOG_STR("topic", dataset->topic),
		 LOG_I64("partition", letters->partition), LOG_I64("since", letters->since),
		 LOG_I64("next", letters->next), LOG_STR("outcome", error_name(error)),
		 LOG_I64("replayed", error ? 0 : counts->due), LOG_I64("skipped", counts->before),
		 LOG_I64("still_bad", counts->refused));
}

/* --- the answer --------------------------------------------------------------------------------
 */

static void answer_done(struct http_request *request, const struct replay *replay,
			const struct replay_letters *letters, const struct counts *counts)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "dataset", letters->dataset->table->plural);
	cJSON_AddNumberToObject(json, "partition", letters->partition);
	cJSON_AddBoolToObject(json, "dry_run", replay->dry_run);
	cJSON_AddNumberToObject(json, "limit", (double)letters->limit);
	cJSON_AddNumberToObject(json, "replayed", (double)counts->due);
	cJSON_AddNumberToObject(json, "skipped", (double)counts->before);
	cJSON_AddNumberToObject(json, "still_bad", (double)counts->refused);
	cJSON_AddItemToObject(json, "reasons", cJSON_Duplicate(counts->reasons, true));
	cJSON_AddBoolToObject(json, "more", letters->more);
	cJSON_AddNumberToObject(json, "next", (double)letters->next);
	http_answer_json(request, 200, json);
}

static void answer_failed(struct http_request *request, enum error error, const struct text *why)
{
	const char *detail = why->length ? why->data : error_text(error);
	switch (error) {
	case ERROR_FENCED:
		http_answer_problem(request, 409, "replay-fenced", NULL,
				    "another replay of this partition began meanwhile, and nothing "
				    "was replayed by this one: %s",
				    detail);
		return;
	case ERROR_CONFLICT:
		http_answer_problem(request, 409, "ledger-forgets", NULL, "%s", detail);
		return;
	case ERROR_UNKNOWN_OUTCOME:
		http_answer_problem(request, 504, "replay-unknown", NULL,
				    "whether it was done is not known: %s. Ask again, which is "
				    "safe: what was replayed is skipped then",
				    detail);
		return;
	default:
		http_answer_retry_after(request, 5);
		http_answer_problem(request, 503, "not-replayed", NULL, "nothing was replayed: %s",
				    detail);
	}
}

/* --- the call ----------------------------------------------------------------------------------
 */

static enum error find_letters(const struct ingest *ingest, struct replay_letters *letters,
			       struct text *why)
{
	const struct webhdfs_options options = hdfs_client_options(&ingest->hdfs, ingest->metrics);
	struct webhdfs *hdfs;
	enum error error = webhdfs_new(&options, &hdfs, why);
	if (error)
		return error;
	error = replay_letters_find(letters, hdfs, why);
	webhdfs_destroy(&hdfs);
	return error;
}

static void run(struct http_request *request, struct ingest *ingest, struct replay_letters *letters,
		bool dry_run)
{
	char memory[WHY_BYTES];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	const int64_t now_us = monotonic_now_us(), limit_ms = ingest->settings.replay_timeout_ms;
	const struct replay replay = {
		.ledger = { .config = ingest->config,
			    .brokers = ingest->kafka.kafka_brokers,
			    .topic = letters->dataset->topic,
			    .replication = (int)ingest->kafka.topic_replication,
			    .deadline_us = now_us + limit_ms * 1000 },
		.by = http_principal(request),
		.dry_run = dry_run,
	};
	letters->rules = row_rules(&ingest->settings.bounds);
	letters->rules.wall_us = wall_now_us();
	letters->deadline_us = now_us + limit_ms * 500; /* the other half is Kafka's */
	enum error error = find_letters(ingest, letters, &why);
	if (!error && letters->count > 0 && !dry_run)
		error = replay_ledger_ensure(&replay.ledger, consumer_kafka(ingest->consumer),
					     &why);
	if (!error)
		error = replay_run(&replay, letters, &why);
	struct counts counts = count(letters);
	note(&replay, letters, &counts, error);
	atomic_store(&ingest->replaying, false); /* before who has the answer can ask again */
	if (error)
		answer_failed(request, error, &why);
	else
		answer_done(request, &replay, letters, &counts);
	cJSON_Delete(counts.reasons);
	replay_letters_clean_up(letters);
}

void replay_post(struct http_request *request, void *user)
{
	struct ingest *ingest = user;
	struct replay_letters letters = { .dataset = dataset_asked(request, ingest) };
	bool dry_run;
	if (!letters.dataset || read_asked(request, &letters, &dry_run))
		return;
	if (atomic_exchange(&ingest->replaying, true)) {
		http_answer_retry_after(request, 1);
		http_answer_problem(request, 409, "replay-running", NULL,
				    "this instance is at another replay");
		return;
	}
	run(request, ingest, &letters, dry_run);
}
