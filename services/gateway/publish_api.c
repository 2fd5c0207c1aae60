/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A request is one thread's work from its first byte to its answer; what it shares is the publisher
 * and, with the publisher's thread, its outcome. Memory does not grow with the body: a piece, one
 * record that a cut runs through, a window of records on their way, and a bounded outcome.
 */
#include "publish_api.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway.h"
#include "outcome.h"
#include "publish_answer.h"
#include "publish_key.h"
#include "publisher.h"
#include "record.h"
#include "record_splitter.h"
#include "timestamp.h"

enum { PIECE_BYTES = 16384 };

enum body_format { FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV };

static const struct media {
	const char *type;
	enum body_format format;
} medias[] = {
	{ "application/json", FORMAT_JSON },
	{ "application/x-ndjson", FORMAT_NDJSON },
	{ "application/ndjson", FORMAT_NDJSON },
	{ "application/jsonl", FORMAT_NDJSON },
	{ "application/x-jsonlines", FORMAT_NDJSON },
	{ "text/csv", FORMAT_CSV },
	{ "", FORMAT_JSON }, /* none given */
};

#define ACCEPTED_TYPES "application/json, application/x-ndjson, text/csv"

struct call {
	struct http_request *request;
	struct gateway *gateway;
	const struct record_table *table;
	enum body_format format;
	struct record_rules rules;
	struct outcome *outcome;
	struct splitter *splitter;
	struct publish_key key;
	struct publish_end end;
	bool stopped;   /* the rest of the body is not read */
	uint64_t index; /* of the next record: a header is none */
	bool bound;     /* CSV: the columns are known */
	bool in_header; /* CSV: the next line may go on with it */
	struct record_columns columns;
	struct record record;
	struct record_fault fault;
	char piece[PIECE_BYTES];
};

/* --- what is asked for ----------------------------------------------------------------------- */

static bool prefers_async(const struct http_request *request)
{
	static const char wanted[] = "respond-async";
	const char *at = http_request_header(request, "Prefer");
	while (at && *at) {
		at += strspn(at, " \t,");
		size_t length = strcspn(at, " \t,;");
		if (length == sizeof(wanted) - 1 && strncasecmp(at, wanted, length) == 0)
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

/* False: answered. */
static bool choose_format(struct call *call)
{
	for (size_t i = 0; i < sizeof(medias) / sizeof(medias[0]); i++) {
		if (http_content_type_is(call->request, medias[i].type)) {
			call->format = medias[i].format;
			return true;
		}
	}
	http_answer_header(call->request, "Accept-Post", ACCEPTED_TYPES);
	http_answer_problem(call->request, 415, "unsupported-media-type", NULL,
			    "records come as %s; none given is read as application/json",
			    ACCEPTED_TYPES);
	return false;
}

static bool choose_detail(struct call *call, size_t *limit)
{
	const char *detail = http_query(call->request, "detail");
	*limit = 0;
	if (!detail)
		return true;
	if (strcmp(detail, "records") != 0) {
		http_answer_problem(call->request, 400, "bad-parameter", NULL,
				    "detail=%.100s: it can only be \"records\"", detail);
		return false;
	}
	if (!call->end.async)
		*limit = (size_t)call->gateway->settings.detail_limit;
	return true;
}

static bool check_answerable(struct call *call)
{
	if (http_accepts(call->request, "application/json"))
		return true;
	http_answer_problem(call->request, 406, "not-acceptable", NULL,
			    "the answer is application/json");
	return false;
}

static bool check_open(struct call *call)
{
	char memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	if (publisher_is_open(call->gateway->publisher, &why))
		return true;
	http_answer_retry_after(call->request, publisher_retry_after_s(call->gateway->publisher));
	http_answer_problem(call->request, 503, "kafka-unavailable", NULL,
			    "Kafka is not available, nothing was read or stored: %s", why.data);
	return false;
}

/* --- one record ------------------------------------------------------------------------------ */

static void refuse(struct call *call, struct outcome_place place, enum publish_status status,
		   const struct record_fault *fault)
{
	publisher_count(call->gateway->http, call->table->kind, status, 1);
	outcome_refuse(call->outcome, place, status, fault->code, fault->field, fault->reason);
}

static void stop(struct call *call, struct outcome_place place, const char *code,
		 const char *reason)
{
	struct record_fault *fault = &call->fault;
	call->stopped = true;
	fault->code = code;
	fault->field[0] = '\0';
	snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
	refuse(call, place, PUBLISH_UNAVAILABLE, fault);
	outcome_note(call->outcome, place, "not-read", "nothing after this record was read");
}

/* The publisher's word on one record, after waiting for room where the queue was full. */
static enum error send_patiently(struct call *call, struct publish_ticket *ticket)
{
	struct publisher *publisher = call->gateway->publisher;
	enum error error = publisher_send(publisher, &call->record, ticket, &call->fault);
	if (error != ERROR_LIMIT)
		return error;
	int64_t deadline_us = monotonic_now_us() + call->gateway->settings.queue_wait_ms * 1000;
	while (error == ERROR_LIMIT && publisher_wait_room(publisher, deadline_us) == ERROR_OK)
		error = publisher_send(publisher, &call->record, ticket, &call->fault);
	return error;
}

static void send(struct call *call, struct outcome_place place)
{
	const struct gateway_settings *s = &call->gateway->settings;
	uint64_t most = (uint64_t)s->request_window - 1;
	enum error error = ERROR_OK;
	if (!outcome_is_within(call->outcome, most)) /* asking for the time costs more than this */
		error = outcome_wait(call->outcome, most,
				     monotonic_now_us() + s->answer_timeout_ms * 1000);
	struct publish_ticket *ticket =
		error == ERROR_OK ? outcome_take(call->outcome, place) : NULL;
	if (ticket)
		error = send_patiently(call, ticket);
	else if (error == ERROR_OK)
		error = ERROR_NO_MEMORY;
	if (error == ERROR_OK)
		return;
	if (ticket)
		outcome_give_back(call->outcome, ticket);
	switch (error) {
	case ERROR_INVALID:
		refuse(call, place, PUBLISH_REFUSED, &call->fault);
		break;
	case ERROR_LIMIT:
		call->end.queue_full = true;
		stop(call, place, "queue-full", "the queue to Kafka stayed full");
		break;
	default:
		stop(call, place, "kafka-unavailable", "Kafka is not available");
	}
}

static void break_off(struct call *call, struct outcome_place place, const char *code,
		      const char *reason)
{
	call->stopped = call->end.broken = true;
	outcome_note(call->outcome, place, code, reason);
}

/* Where the lone object of the body is not even JSON, the body is broken, not the record. */
static void take(struct call *call, enum error error, struct outcome_place place)
{
	if (error == ERROR_OK)
		send(call, place);
	else if (splitter_is_lone(call->splitter) && strcmp(call->fault.code, "not-json") == 0)
		break_off(call, place, "not-json", call->fault.reason);
	else
		refuse(call, place, PUBLISH_REFUSED, &call->fault);
}

static enum error read_record(struct call *call, const struct split_part *part)
{
	if (call->format == FORMAT_CSV)
		return record_read_csv(&call->columns, &call->rules, part->data, part->length,
				       &call->record, &call->fault);
	return record_read_json(call->table, &call->rules, part->data, part->length, &call->record,
				&call->fault);
}

/* True: the line belongs to the header, or is so bad that nothing after it can be read. */
static bool is_header(struct call *call, const struct split_part *part)
{
	if (call->bound) {
		call->in_header =
			call->in_header && record_columns_continue(part->data, part->length);
		return call->in_header;
	}
	call->bound = true;
	if (record_columns_detect(call->table, part->data, part->length, &call->columns,
				  &call->in_header, &call->fault) == ERROR_OK)
		return call->in_header;
	break_off(call, (struct outcome_place){ 0, part->line }, call->fault.code,
		  call->fault.reason);
	return true;
}

static void on_record(struct call *call, const struct split_part *part)
{
	if (call->format == FORMAT_CSV && is_header(call, part))
		return;
	struct outcome_place place = { call->index++, part->line };
	take(call, read_record(call, part), place);
}

static void on_too_big(struct call *call, const struct split_part *part)
{
	struct outcome_place place = { call->index++, part->line };
	struct record_fault *fault = &call->fault;
	struct text reason;
	fault->code = "too-large";
	fault->field[0] = '\0';
	text_init_fixed(&reason, fault->reason, sizeof(fault->reason));
	text_putf(&reason, "it is longer than the %lld bytes that a record may have",
		  (long long)call->gateway->settings.record_limit_bytes);
	refuse(call, place, PUBLISH_REFUSED, fault);
}

/* --- the body -------------------------------------------------------------------------------- */

static enum split_event take_piece(struct call *call)
{
	struct split_part part;
	enum split_event event = SPLIT_MORE;
	call->rules.wall_us = wall_now_us();
	while (!call->stopped && (event = splitter_next(call->splitter, &part)) != SPLIT_MORE) {
		if (event == SPLIT_RECORD)
			on_record(call, &part);
		else if (event == SPLIT_TOO_BIG)
			on_too_big(call, &part);
		else
			break;
	}
	if (event == SPLIT_BROKEN)
		break_off(call, (struct outcome_place){ call->index, part.line }, "broken-body",
			  part.reason);
	return event;
}

static void read_body(struct call *call)
{
	enum split_event event = SPLIT_MORE;
	while (event != SPLIT_END && !call->stopped) {
		size_t got = 0;
		call->end.body =
			http_body_read(call->request, call->piece, sizeof(call->piece), &got);
		if (call->end.body != ERROR_OK)
			return;
		metric_add(call->gateway->request_bytes, got);
		publish_key_feed(&call->key, call->piece, got);
		call->end.whole = got == 0;
		if (got > 0)
			splitter_feed(call->splitter, call->piece, got);
		else
			splitter_finish(call->splitter);
		event = take_piece(call);
	}
	call->end.blank = splitter_is_blank(call->splitter);
}

static bool is_settled(const void *outcome)
{
	return outcome_is_within(outcome, 0);
}

static void answer(struct call *call)
{
	int64_t deadline_us = monotonic_now_us() + call->gateway->settings.answer_timeout_ms * 1000;
	if (!call->end.async)
		publisher_lend(call->gateway->publisher, outcome_pending(call->outcome), is_settled,
			       call->outcome, deadline_us);
	bool all = call->end.async || outcome_wait(call->outcome, 0, deadline_us) == ERROR_OK;
	outcome_close(call->outcome, all && call->end.async ? OUTCOME_QUEUED : OUTCOME_UNKNOWN);
	publish_key_settle(&call->key, call->outcome, &call->end);
	publish_answer(call->request, call->gateway->publisher, call->outcome, &call->end);
}

/* --- the call -------------------------------------------------------------------------------- */

/* False: answered. */
static bool begin(struct call *call)
{
	struct outcome_options options = { .origin = call->gateway->http,
					   .kind = call->table->kind,
					   .late = call->gateway->late_outcomes };
	call->end.async = prefers_async(call->request);
	if (!choose_format(call) || !check_answerable(call) ||
	    !choose_detail(call, &options.detail_limit) ||
	    !publish_key_begin(&call->key, call->request, call->gateway) || !check_open(call))
		return false;
	call->rules = gateway_rules(&call->gateway->settings);
	call->splitter = splitter_new(call->format == FORMAT_JSON ? SPLIT_JSON : SPLIT_LINES,
				      (size_t)call->gateway->settings.record_limit_bytes);
	call->outcome = outcome_new(&options);
	if (call->splitter && call->outcome)
		return true;
	http_answer_problem(call->request, 503, "no-memory", NULL, "memory is short");
	return false;
}

static void publish(struct http_request *request, struct gateway *gateway, enum record_kind kind)
{
	struct call *call = malloc(sizeof(*call));
	if (!call) {
		http_answer_problem(request, 503, "no-memory", NULL, "memory is short");
		return;
	}
	memset(call, 0, offsetof(struct call, columns)); /* the rest is filled when used */
	call->request = request;
	call->gateway = gateway;
	call->table = record_table(kind);
	if (begin(call)) {
		read_body(call);
		answer(call);
	}
	publish_key_clean_up(&call->key);
	outcome_release(&call->outcome);
	splitter_destroy(&call->splitter);
	free(call);
}

void publish_ticks(struct http_request *request, void *user)
{
	publish(request, user, RECORD_TICK);
}

void publish_bars(struct http_request *request, void *user)
{
	publish(request, user, RECORD_BAR);
}
