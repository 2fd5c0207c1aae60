/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order is the proof: first the transactional id is taken, which ends whatever another one has
 * begun with it, committed or not; only then the ledger is read to its end. What is committed by
 * others after that fails here, because this producer is fenced then.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka.h"
#include "replay_entry.h"
#include "timestamp.h"

/* How long the coordinator lets a transaction live of which it hears nothing. Readers of committed
 * records wait for it, so it is short. */
#define TRANSACTION_MS "15000"

enum { ABORT_MS = 3000, HEADER_BYTES = 24 };

struct transaction {
	const struct replay *replay;
	const struct replay_letters *letters;
	rd_kafka_t *kafka;
	struct text *why;
};

static int left_ms(const struct transaction *t)
{
	int64_t left = (t->replay->ledger.deadline_us - monotonic_now_us()) / 1000;
	return left > 1 ? (int)left : 1;
}

/* Takes `failed`. */
static enum error explain(const struct transaction *t, const char *what, rd_kafka_error_t *failed)
{
	if (!failed)
		return ERROR_OK;
	rd_kafka_resp_err_t code = rd_kafka_error_code(failed);
	bool fenced = code == RD_KAFKA_RESP_ERR__FENCED ||
		      code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
		      code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
	why_putf(t->why, "%s: %s", what, rd_kafka_error_string(failed));
	rd_kafka_error_destroy(failed);
	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
		return ERROR_TIMEOUT;
	return fenced ? ERROR_FENCED : ERROR_KAFKA;
}

/* --- the producer ------------------------------------------------------------------------------
 */

static enum error open_producer(struct transaction *t)
{
	char id[REPLAY_LEDGER_BYTES + 64];
	snprintf(id, sizeof id, "tickline-ingest-replay-%s-%d", t->letters->dataset->topic,
		 (int)t->letters->partition);
	const struct kafka_property properties[] = {
		{ "transactional.id", id },
		{ "transaction.timeout.ms", TRANSACTION_MS },
		{ "allow.auto.create.topics", "false" },
		{ NULL, NULL },
	};
	rd_kafka_conf_t *conf;
	enum error error = kafka_conf_new(t->replay->ledger.config, t->replay->ledger.brokers,
					  "tickline-ingest-replay", properties, &conf, t->why);
	return error ? error : kafka_producer_new(conf, &t->kafka, t->why);
}

/* From here on no other transaction of this id can be committed. */
static enum error take_id(const struct transaction *t)
{
	rd_kafka_error_t *failed = rd_kafka_init_transactions(t->kafka, left_ms(t));
	return explain(t, "the transactional id can't be taken", failed);
}

/* --- what is sent ------------------------------------------------------------------------------
 */

static rd_kafka_headers_t *headers_of(const struct dead_letter *letter)
{
	char partition[HEADER_BYTES], offset[HEADER_BYTES];
	rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
	snprintf(partition, sizeof partition, "%d", (int)letter->partition);
	snprintf(offset, sizeof offset, "%" PRId64, letter->offset);
	(void)rd_kafka_header_add(headers, REPLAY_HEADER_PARTITION, -1, partition, -1);
	(void)rd_kafka_header_add(headers, REPLAY_HEADER_OFFSET, -1, offset, -1);
	return headers;
}

/* The same key, value and time, in the same partition. */
static enum error send_letter(const struct transaction *t, const struct dead_letter *letter)
{
	int64_t time_ms = letter->timestamp_us < 0 ? 0 : letter->timestamp_us / 1000; /* 0: now */
	rd_kafka_headers_t *headers = headers_of(letter);
	const rd_kafka_vu_t parts[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = letter->topic },
		{ .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = letter->partition },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_KEY,
		  .u.mem = { (void *)letter->key.data, letter->key.length } },
		{ .vtype = RD_KAFKA_VTYPE_VALUE,
		  .u.mem = { (void *)letter->raw.data, letter->raw.length } },
		{ .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = time_ms },
		{ .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
	};
	rd_kafka_error_t *failed =
		rd_kafka_produceva(t->kafka, parts, sizeof parts / sizeof parts[0]);
	if (failed)
		rd_kafka_headers_destroy(headers);
	return explain(t, "a record can't be sent", failed);
}

static enum error send_entry(const struct transaction *t, const struct replay_entry *entry)
{
	char key[REPLAY_KEY_BYTES], name[REPLAY_LEDGER_BYTES];
	struct text value;
	replay_entry_key(entry, key);
	replay_ledger_name(&t->replay->ledger, name);
	text_init(&value, REPLAY_ENTRY_BYTES);
	replay_entry_write(entry, &value);
	enum error error = value.error;
	const rd_kafka_vu_t parts[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = name },
		{ .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0 },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { key, strlen(key) } },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { value.data, value.length } },
	};
	if (!error)
		error = explain(
			t, "the ledger's entry can't be sent",
			rd_kafka_produceva(t->kafka, parts, sizeof parts / sizeof parts[0]));
	text_clean_up(&value);
	return error;
}

/* Before the commit is asked for, it is certain that none was. */
static enum error not_fenced(const struct transaction *t)
{
	char reason[256];
	if (!rd_kafka_fatal_error(t->kafka, reason, sizeof reason))
		return ERROR_OK;
	why_putf(t->why, "the producer is done with: %s", reason);
	return ERROR_FENCED;
}

static enum error send_all(const struct transaction *t, const int64_t *offsets, size_t count)
{
	const struct replay_letters *letters = t->letters;
	const struct replay_entry entry = { .partition = letters->partition,
					    .offsets = offsets,
					    .count = count,
					    .by = t->replay->by,
					    .wall_us = wall_now_us() };
	enum error error = explain(t, "no transaction", rd_kafka_begin_transaction(t->kafka));
	if (!error)
		error = send_entry(t, &entry);
	for (size_t i = 0; !error && i < letters->count; i++)
		if (replay_letter_is_due(&letters->letters[i]))
			error = send_letter(t, &letters->letters[i].record);
	if (error)
		return error;
	rd_kafka_resp_err_t code = rd_kafka_flush(t->kafka, left_ms(t));
	if (!code)
		return not_fenced(t);
	why_putf(t->why, "the records were not taken in time: %s", rd_kafka_err2str(code));
	return ERROR_TIMEOUT;
}

/* --- the end -----------------------------------------------------------------------------------
 */

/* True: it is certain that nothing of it is or will be seen. */
static bool abort_all(const struct transaction *t)
{
	rd_kafka_error_t *failed = rd_kafka_abort_transaction(t->kafka, ABORT_MS);
	if (!failed)
		return true;
	rd_kafka_error_destroy(failed);
	return false;
}

/* An abort that is answered was not preceded by a commit: that alone is certain. */
static enum error commit_all(const struct transaction *t)
{
	rd_kafka_error_t *failed = rd_kafka_commit_transaction(t->kafka, left_ms(t));
	if (!failed)
		return ERROR_OK;
	bool abortable = rd_kafka_error_txn_requires_abort(failed);
	enum error error = explain(t, "not committed", failed);
	return abortable && abort_all(t) ? error : ERROR_UNKNOWN_OUTCOME;
}

static size_t due_offsets(const struct replay_letters *letters, int64_t *offsets)
{
	size_t count = 0;
	for (size_t i = 0; i < letters->count; i++)
		if (replay_letter_is_due(&letters->letters[i]))
			offsets[count++] = letters->letters[i].offset;
	return count;
}

static enum error send_due(const struct transaction *t)
{
	int64_t *offsets = calloc(t->letters->count + 1, sizeof *offsets);
	if (!offsets)
		return ERROR_NO_MEMORY;
	size_t count = due_offsets(t->letters, offsets);
	enum error error = count > 0 ? send_all(t, offsets, count) : ERROR_OK;
	free(offsets);
	if (count == 0)
		return ERROR_OK;
	if (!error)
		return commit_all(t);
	/* Nobody has asked for a commit: if this fails, the coordinator aborts it. */
	(void)abort_all(t);
	return error;
}

static enum error read_ledger(const struct replay *replay, struct replay_letters *letters,
			      struct text *why)
{
	return replay_ledger_read(&replay->ledger, letters->partition, replay_letters_mark, letters,
				  why);
}

/* Before the first replay there is no ledger. */
static enum error look_only(const struct replay *replay, struct replay_letters *letters,
			    struct text *why)
{
	enum error error = read_ledger(replay, letters, why);
	return error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

enum error replay_run(const struct replay *replay, struct replay_letters *letters, struct text *why)
{
	if (letters->count == 0)
		return ERROR_OK;
	if (replay->dry_run)
		return look_only(replay, letters, why);
	struct transaction t = { .replay = replay, .letters = letters, .why = why };
	enum error error = open_producer(&t);
	if (error)
		return error;
	error = take_id(&t);
	if (!error)
		error = read_ledger(replay, letters, why);
	if (!error)
		error = send_due(&t);
	rd_kafka_destroy(t.kafka);
	return error;
}
