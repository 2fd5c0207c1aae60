/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads and locks: see publisher_private.h.
 */
#include "publisher_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "settings.h"
#include "timestamp.h"

enum { GIVE_UP_US = 5000000 };

const char *publish_status_name(enum publish_status status)
{
	static const char *const names[] = { [PUBLISH_STORED] = "accepted",
					     [PUBLISH_REFUSED] = "rejected",
					     [PUBLISH_UNAVAILABLE] = "unavailable",
					     [PUBLISH_UNKNOWN] = "unknown" };
	return names[status];
}

/* --- settling: whoever polls --------------------------------------------------------------- */

/* Errors that the same record would meet again. */
static bool is_permanent(rd_kafka_resp_err_t code)
{
	static const rd_kafka_resp_err_t permanent[] = {
		RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
		RD_KAFKA_RESP_ERR_INVALID_MSG,
		RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
		RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
		RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
		RD_KAFKA_RESP_ERR_INVALID_RECORD,
		RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
		RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
	};
	for (size_t i = 0; i < sizeof(permanent) / sizeof(permanent[0]); i++) {
		if (permanent[i] == code)
			return true;
	}
	return false;
}

static enum publish_status status_of(struct publisher *p, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return PUBLISH_STORED;
	if (is_permanent(message->err))
		return publisher_was_sent_once(p, message) ? PUBLISH_REFUSED : PUBLISH_UNKNOWN;
	switch (rd_kafka_message_status(message)) {
	case RD_KAFKA_MSG_STATUS_PERSISTED:
		return PUBLISH_STORED;
	case RD_KAFKA_MSG_STATUS_NOT_PERSISTED:
		return publisher_may_have_left(p, message) ? PUBLISH_UNKNOWN : PUBLISH_UNAVAILABLE;
	default:
		return PUBLISH_UNKNOWN;
	}
}

void publisher_count(struct publish_origin *origin, enum record_kind kind,
		     enum publish_status status, uint64_t count)
{
	metric_add(origin->records[kind][status], count);
}

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *user)
{
	(void)handle;
	struct publisher *p = user;
	struct publish_ticket *ticket = message->_private;
	struct publish_result result = { .status = status_of(p, message),
					 .partition = message->partition,
					 .offset = message->offset,
					 .reason = rd_kafka_err2str(message->err) };
	if (result.status == PUBLISH_STORED && result.offset < 0) {
		/* librdkafka calls it a success when Kafka takes a batch for one that it has
		 * stored before but does not remember. That is no proof. */
		result.status = PUBLISH_UNKNOWN;
		result.reason = "Kafka took it for a repeat and did not say where it is";
	}
	if (result.status == PUBLISH_STORED) {
		metric_observe(p->ack_seconds, (double)rd_kafka_message_latency(message) / 1e6);
		metric_add(p->bytes, message->len);
		atomic_fetch_add(&p->stored, 1);
	}
	publisher_count(ticket->origin, ticket->kind, result.status, 1);
	ticket->done(ticket, &result);
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *user)
{
	(void)handle;
	struct publisher *p = user;
	LOG_AT(atomic_load(&p->gate) == GATE_AWAY ? LOG_DEBUG : LOG_WARN, "kafka",
	       LOG_STR("error", rd_kafka_err2name((rd_kafka_resp_err_t)code)),
	       LOG_STR("reason", reason), LOG_END);
	publisher_suspect(p);
}

/* --- the link -------------------------------------------------------------------------------- */

static enum error conf_new(struct publisher *p, rd_kafka_conf_t **conf, struct text *why)
{
	const struct gateway_settings *s = p->options.settings;
	char linger[32], timeout[24], records[24], kbytes[24];
	snprintf(linger, sizeof(linger), "%.3f", s->linger_ms);
	snprintf(timeout, sizeof(timeout), "%" PRId64, s->delivery_timeout_ms);
	snprintf(records, sizeof(records), "%" PRId64, s->queue_limit_records);
	snprintf(kbytes, sizeof(kbytes), "%" PRId64, s->queue_limit_bytes / 1024);
	const struct kafka_property properties[] = {
		{ "enable.idempotence", "true" },
		{ "acks", "all" },
		{ "linger.ms", linger },
		/* What comes meanwhile gathers into one request; with more, a batch leaves in many
		 * small ones. */
		{ "max.in.flight", "2" },
		{ "message.timeout.ms", timeout },
		{ "queue.buffering.max.messages", records },
		{ "queue.buffering.max.kbytes", kbytes },
		{ "partitioner", "murmur2_random" }, /* as Java's producers spread their keys */
		{ "socket.nagle.disable", "true" },
		{ "reconnect.backoff.max.ms", "1000" },
		{ "statistics.interval.ms", "1000" },
		{ NULL, NULL },
	};
	enum error error = kafka_conf_new(p->options.config, p->options.kafka->kafka_brokers,
					  "tickline-gateway", properties, conf, why);
	if (error != ERROR_OK)
		return error;
	rd_kafka_conf_set_opaque(*conf, p);
	rd_kafka_conf_set_dr_msg_cb(*conf, on_delivery);
	rd_kafka_conf_set_error_cb(*conf, on_error);
	rd_kafka_conf_set_stats_cb(*conf, publisher_on_stats);
	if (publisher_note_requests(p, *conf))
		return ERROR_OK;
	why_putf(why, "the requests to Kafka cannot be noted");
	rd_kafka_conf_destroy(*conf);
	*conf = NULL;
	return ERROR_SYSTEM;
}

void publisher_link_destroy(struct publisher_link *link)
{
	for (size_t i = 0; i < RECORD_KINDS; i++) {
		if (link->topics[i])
			rd_kafka_topic_destroy(link->topics[i]);
	}
	if (link->handle)
		rd_kafka_destroy(link->handle);
	*link = (struct publisher_link){ 0 };
}

enum error publisher_link_new(struct publisher *p, struct publisher_link *link, struct text *why)
{
	const char *names[] = { [RECORD_TICK] = p->options.kafka->ticks_topic,
				[RECORD_BAR] = p->options.kafka->bars_topic };
	rd_kafka_conf_t *conf = NULL;
	*link = (struct publisher_link){ 0 };
	enum error error = conf_new(p, &conf, why);
	if (error != ERROR_OK)
		return error;
	error = kafka_producer_new(conf, &link->handle, why);
	for (size_t i = 0; i < RECORD_KINDS && error == ERROR_OK; i++) {
		link->topics[i] = rd_kafka_topic_new(link->handle, names[i], NULL);
		if (!link->topics[i]) {
			why_putf(why, "topic %s: %s", names[i],
				 rd_kafka_err2str(rd_kafka_last_error()));
			error = ERROR_INVALID;
		}
	}
	if (error != ERROR_OK)
		publisher_link_destroy(link);
	return error;
}

/* --- sending: any thread --------------------------------------------------------------------- */

static enum error never(struct record_fault *fault, const char *code, const char *field,
			const char *reason)
{
	fault->code = code;
	snprintf(fault->field, sizeof(fault->field), "%s", field);
	snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
	return ERROR_INVALID;
}

/* Kafka refuses a whole batch for one record out of the window, so none may get there. */
static enum error check_window(struct publisher *p, int64_t timestamp_ms,
			       struct record_fault *fault)
{
	int64_t ahead_ms = timestamp_ms - wall_now_coarse_us() / 1000;
	int64_t after_ms = atomic_load(&p->after_ms), before_ms = atomic_load(&p->before_ms);
	char reason[128];
	if (ahead_ms <= after_ms && (before_ms == INT64_MAX || -ahead_ms <= before_ms))
		return ERROR_OK;
	snprintf(reason, sizeof(reason),
		 "timestamp is out of the topic's window: up to %" PRId64 " ms ahead and %" PRId64
		 " ms back of now",
		 after_ms, before_ms);
	return never(fault, "bad-timestamp", "timestamp", reason);
}

static const char *key_of(const struct publisher *p, const struct record *record)
{
	const struct gateway_settings *s = p->options.settings;
	int64_t choice = record->table->kind == RECORD_TICK ? s->tick_key : s->bar_key;
	if (choice == KEY_NONE)
		return NULL;
	return record->symbol[0] ? record->symbol : s->default_symbol;
}

static rd_kafka_resp_err_t produce(struct publisher *p, struct publish_ticket *ticket,
				   const char *key, const struct text *value, int64_t timestamp_ms)
{
	const rd_kafka_vu_t parts[] = {
		{ .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = p->link.topics[ticket->kind] },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { value->data, value->length } },
		{ .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp_ms },
		{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = ticket },
		{ .vtype = RD_KAFKA_VTYPE_KEY,
		  .u.mem = { (void *)(uintptr_t)key, key ? strlen(key) : 0 } },
	};
	rd_kafka_error_t *error =
		rd_kafka_produceva(p->link.handle, parts, sizeof(parts) / sizeof(parts[0]));
	if (!error)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	return code;
}

enum error publisher_send(struct publisher *p, const struct record *record,
			  struct publish_ticket *ticket, struct record_fault *fault)
{
	if (atomic_load(&p->gate) != GATE_OPEN)
		return ERROR_UNAVAILABLE;
	int64_t timestamp_ms = record->timestamp_us / 1000;
	enum error error = check_window(p, timestamp_ms, fault);
	if (error != ERROR_OK)
		return error;
	char memory[RECORD_MAX_JSON];
	struct text value;
	text_init_fixed(&value, memory, sizeof(memory));
	record_write_json(record, &value);
	assert(text_ok(&value) && ticket->kind == record->table->kind);
	if ((int64_t)value.length > atomic_load(&p->message_limit_bytes))
		return never(fault, "too-large", "",
			     "it is larger than the topic's max.message.bytes");
	pthread_rwlock_rdlock(&p->link_lock);
	rd_kafka_resp_err_t code = produce(p, ticket, key_of(p, record), &value, timestamp_ms);
	pthread_rwlock_unlock(&p->link_lock);
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return ERROR_OK;
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		metric_add(p->queue_full, 1);
		return ERROR_LIMIT;
	default:
		if (is_permanent(code))
			return never(fault, "refused-by-kafka", "", rd_kafka_err2str(code));
		return ERROR_UNAVAILABLE;
	}
}

int64_t publisher_queue_length(struct publisher *p)
{
	pthread_rwlock_rdlock(&p->link_lock);
	int64_t length = p->link.handle ? rd_kafka_outq_len(p->link.handle) : 0;
	pthread_rwlock_unlock(&p->link_lock);
	return length;
}

enum error publisher_wait_room(struct publisher *p, int64_t deadline_us)
{
	publisher_poll_wanted(p);
	const struct timespec until = { .tv_sec = deadline_us / 1000000,
					.tv_nsec = deadline_us % 1000000 * 1000 };
	int code = 0;
	pthread_mutex_lock(&p->lock);
	uint64_t round = p->rounds;
	p->waiting++;
	while (p->rounds == round && code == 0)
		code = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	p->waiting--;
	pthread_mutex_unlock(&p->lock);
	return code == 0 ? ERROR_OK : ERROR_TIMEOUT;
}

int64_t publisher_retry_after_s(struct publisher *p)
{
	enum { LONGEST_S = 30 };
	int64_t seconds;
	if (atomic_load(&p->gate) == GATE_OPEN) {
		int64_t rate = (int64_t)atomic_load(&p->drain_rate_per_s);
		seconds = rate > 0 ? publisher_queue_length(p) / rate + 1 : LONGEST_S;
	} else {
		int64_t away_us = monotonic_now_us() - atomic_load(&p->away_since_us);
		seconds = away_us / 2000000 + 1;
	}
	return seconds < LONGEST_S ? seconds : LONGEST_S;
}

/* --- life ------------------------------------------------------------------------------------ */

static void register_metrics(struct publisher *p)
{
	struct metrics *m = p->options.metrics;
	p->ack_seconds =
		metrics_histogram(m, "gateway_ack_seconds",
				  "From hand-over to Kafka's acknowledgement", NULL, NULL, 0);
	p->bytes = metrics_counter(m, "gateway_published_bytes_total",
				   "Bytes of values that Kafka acknowledged", NULL);
	p->retries = metrics_counter(m, "gateway_kafka_retries_total",
				     "Requests to Kafka that were repeated", NULL);
	p->replaced = metrics_counter(m, "gateway_producers_replaced_total",
				      "Producers replaced after a fatal error", NULL);
	p->queue_full = metrics_counter(m, "gateway_queue_full_total",
					"Sends that found the queue full", NULL);
	p->queue_records =
		metrics_gauge(m, "gateway_queue_records", "Records on their way to Kafka", NULL);
	p->queue_bytes = metrics_gauge(m, "gateway_queue_bytes",
				       "Bytes of records on their way to Kafka", NULL);
}

struct publish_origin *publisher_origin(struct publisher *p, const char *name)
{
	pthread_mutex_lock(&p->lock);
	struct publish_origin *origin = NULL;
	for (size_t i = 0; i < p->origin_count && !origin; i++) {
		if (strcmp(p->origins[i].name, name) == 0)
			origin = &p->origins[i];
	}
	if (!origin) {
		assert(p->origin_count < PUBLISHER_MAX_ORIGINS);
		origin = &p->origins[p->origin_count++];
		snprintf(origin->name, sizeof(origin->name), "%s", name);
		for (int k = 0; k < RECORD_KINDS; k++) {
			for (int s = 0; s < PUBLISH_STATUSES; s++) {
				char memory[128];
				struct text labels;
				text_init_fixed(&labels, memory, sizeof(memory));
				metrics_label(&labels, "kind",
					      record_table((enum record_kind)k)->name);
				metrics_label(&labels, "source", name);
				metrics_label(&labels, "outcome",
					      publish_status_name((enum publish_status)s));
				origin->records[k][s] = metrics_counter(
					p->options.metrics, "gateway_records_total",
					"Records by what became of them", labels.data);
			}
		}
	}
	pthread_mutex_unlock(&p->lock);
	return origin;
}

static void init_members(struct publisher *p, const struct publisher_options *options)
{
	pthread_condattr_t attributes;
	p->options = *options;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attributes);
	pthread_cond_init(&p->poll_turn, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&p->lock, NULL);
	pthread_rwlock_init(&p->link_lock, NULL);
	atomic_store(&p->away_since_us, monotonic_now_us());
	atomic_store(&p->before_ms, KAFKA_DEFAULT_LIMITS.before_ms);
	atomic_store(&p->after_ms, KAFKA_DEFAULT_LIMITS.after_ms);
	atomic_store(&p->message_limit_bytes, KAFKA_DEFAULT_LIMITS.message_bytes);
	p->kafka_condition = health_condition(options->health, "kafka");
	p->topics_condition = health_condition(options->health, "topics");
	p->poll_loop = health_loop(options->health, "publisher", 30000);
	publisher_set_gate(p, GATE_STARTING, "Kafka was not reached yet");
}

static void destroy_members(struct publisher *p)
{
	publisher_link_destroy(&p->link);
	pthread_rwlock_destroy(&p->link_lock);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->changed);
	pthread_cond_destroy(&p->poll_turn);
	free(p);
}

enum error publisher_new(const struct publisher_options *options, struct publisher **publisher,
			 struct text *why)
{
	*publisher = NULL;
	struct publisher *p = calloc(1, sizeof(*p));
	if (!p)
		return ERROR_NO_MEMORY;
	init_members(p, options);
	enum error error = publisher_link_new(p, &p->link, why);
	if (error != ERROR_OK)
		goto fail_link;
	register_metrics(p);
	error = ERROR_SYSTEM;
	if (publisher_poll_start(p) != ERROR_OK)
		goto fail_poll;
	if (publisher_watch_start(p) != ERROR_OK)
		goto fail_watch;
	*publisher = p;
	return ERROR_OK;
fail_watch:
	atomic_store(&p->ending, true);
	publisher_poll_join(p);
fail_poll:
	why_putf(why, "a thread cannot be started");
fail_link:
	destroy_members(p);
	return error;
}

/* What is left on its way at the deadline. */
static int64_t wait_until_empty(struct publisher *p, int64_t deadline_us)
{
	int64_t left, now_us;
	while ((left = publisher_queue_length(p)) > 0 &&
	       (now_us = monotonic_now_us()) < deadline_us) {
		int64_t step_us = now_us + PUBLISHER_POLL_MS * 1000;
		if (publisher_wait_room(p, step_us < deadline_us ? step_us : deadline_us) !=
		    ERROR_OK)
			continue; /* nothing came back in this step */
	}
	return left;
}

void publisher_drain(struct publisher *p, int64_t deadline_us)
{
	int64_t left = wait_until_empty(p, deadline_us);
	publisher_set_gate(p, GATE_ENDED, "the service is stopping");
	if (left == 0)
		return;
	log_warn("records are given up at the end of the drain", LOG_I64("records", left));
	atomic_store(&p->giving_up, true);
	(void)wait_until_empty(p, monotonic_now_us() + GIVE_UP_US);
}

void publisher_destroy(struct publisher **publisher)
{
	struct publisher *p = *publisher;
	*publisher = NULL;
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->ending, true);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->watch_thread, NULL);
	publisher_poll_join(p);
	destroy_members(p);
}
