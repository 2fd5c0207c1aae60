/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "kafka.h"
#include "log.h"
#include "replay_entry.h"
#include "timestamp.h"

enum { POLL_MS = 100, AGAIN_NS = 100000000, PARTITIONS_MOST = 64 };

void replay_ledger_name(const struct replay_ledger *ledger, char out[REPLAY_LEDGER_BYTES])
{
	snprintf(out, REPLAY_LEDGER_BYTES, "%s.replayed", ledger->topic);
}

static int left_ms(const struct replay_ledger *ledger)
{
	int64_t left = (ledger->deadline_us - monotonic_now_us()) / 1000;
	return left > 1 ? (int)left : 1;
}

/* Where the broker does not tell (no right to ask), an operator has to know. */
static enum error check_kept(const struct replay_ledger *ledger, const char *name,
			     rd_kafka_t *handle, struct text *why)
{
	char memory[256];
	struct text detail;
	bool compacted;
	text_init_fixed(&detail, memory, sizeof memory);
	enum error error = ERROR_NOT_FOUND;
	/* A topic that was made just now is not known to all parts of the broker yet. */
	while (error == ERROR_NOT_FOUND && monotonic_now_us() < ledger->deadline_us) {
		text_reset(&detail);
		error = kafka_topic_is_compacted(handle, name, left_ms(ledger), &compacted,
						 &detail);
		if (error == ERROR_NOT_FOUND)
			nanosleep(&(struct timespec){ .tv_nsec = AGAIN_NS }, NULL);
	}
	if (error == ERROR_KAFKA) {
		log_warn("whether the ledger of replays forgets is not known",
			 LOG_STR("topic", name), LOG_STR("why", detail.data));
		return ERROR_OK;
	}
	why_putf(why, "%s", detail.data);
	if (error || compacted)
		return error;
	why_putf(why, "topic %s may forget what was replayed: its cleanup.policy must be compact",
		 name);
	return ERROR_CONFLICT;
}

enum error replay_ledger_ensure(const struct replay_ledger *ledger, rd_kafka_t *handle,
				struct text *why)
{
	char name[REPLAY_LEDGER_BYTES];
	replay_ledger_name(ledger, name);
	const struct kafka_topic topic = { .name = name,
					   .partitions = 1,
					   .replication = ledger->replication,
					   .retention_bytes = -1,
					   .compacted = true };
	enum error error = kafka_topics_ensure(handle, &topic, 1, left_ms(ledger), why);
	return error ? error : check_kept(ledger, name, handle, why);
}

/* --- reading -----------------------------------------------------------------------------------
 */

struct reading {
	const struct replay_ledger *ledger;
	rd_kafka_t *kafka;
	char name[REPLAY_LEDGER_BYTES];
	int partitions;
	int64_t reached[PARTITIONS_MOST]; /* the offset of the end that was told; -1: not yet */
	int32_t of;                       /* whose entries */
	void (*visit)(int64_t first, int64_t last, void *user);
	void *user;
	struct text *why;
};

static enum error open_consumer(struct reading *reading)
{
	static const struct kafka_property properties[] = {
		{ "group.id", "tickline-ingest-replay" }, /* asked for, never joined */
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "error" },
		{ "isolation.level", "read_committed" },
		{ "enable.partition.eof", "true" },
		{ "allow.auto.create.topics", "false" },
		{ "fetch.wait.max.ms", "100" },
		{ "queued.max.messages.kbytes", "8192" },
		{ NULL, NULL },
	};
	rd_kafka_conf_t *conf;
	enum error error =
		kafka_conf_new(reading->ledger->config, reading->ledger->brokers,
			       "tickline-ingest-replay", properties, &conf, reading->why);
	return error ? error : kafka_consumer_new(conf, &reading->kafka, reading->why);
}

static enum error take_entry(const struct reading *reading, const rd_kafka_message_t *message)
{
	char memory[256];
	struct text flaw;
	text_init_fixed(&flaw, memory, sizeof memory);
	enum error error = replay_entry_read(message->payload, message->len, reading->of,
					     reading->visit, reading->user, &flaw);
	if (error != ERROR_INVALID)
		return error;
	why_putf(reading->why, "the entry at offset %" PRId64 " of %s[%d] can't be read: %s",
		 message->offset, reading->name, (int)message->partition, flaw.data);
	return ERROR_PROTOCOL;
}

static enum error take(struct reading *reading, const rd_kafka_message_t *message)
{
	bool known = message->partition >= 0 && message->partition < reading->partitions;
	switch (message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return take_entry(reading, message);
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (known)
			reading->reached[message->partition] = message->offset;
		return ERROR_OK;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		why_putf(reading->why, "%s was cut while it was read", reading->name);
		return ERROR_KAFKA;
	default:
		return ERROR_OK; /* passes, or the deadline does */
	}
}

/* The end that is told lies before the first record of a transaction that is still open, and so
 * may hide what was committed after it: the log's own end is the one to reach. */
static bool at_end(const struct reading *reading, int32_t partition)
{
	int64_t low, high;
	return reading->reached[partition] >= 0 &&
	       !rd_kafka_get_watermark_offsets(reading->kafka, reading->name, partition, &low,
					       &high) &&
	       high >= 0 && reading->reached[partition] >= high;
}

static bool at_ends(const struct reading *reading)
{
	for (int32_t i = 0; i < reading->partitions; i++)
		if (!at_end(reading, i))
			return false;
	return true;
}

static enum error read_to_ends(struct reading *reading)
{
	enum error error = ERROR_OK;
	while (!error && !at_ends(reading)) {
		if (monotonic_now_us() >= reading->ledger->deadline_us) {
			why_putf(reading->why,
				 "%s was not read to its end in time: Kafka is away, or an "
				 "unfinished replay holds it",
				 reading->name);
			return ERROR_TIMEOUT;
		}
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reading->kafka, POLL_MS);
		if (!message)
			continue;
		error = take(reading, message);
		rd_kafka_message_destroy(message);
	}
	return error;
}

static enum error assign_all(struct reading *reading)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(reading->partitions);
	for (int32_t i = 0; i < reading->partitions; i++) {
		reading->reached[i] = -1;
		rd_kafka_topic_partition_list_add(list, reading->name, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	}
	rd_kafka_resp_err_t code = rd_kafka_assign(reading->kafka, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (!code)
		return ERROR_OK;
	why_putf(reading->why, "%s can't be read: %s", reading->name, rd_kafka_err2str(code));
	return ERROR_KAFKA;
}

static enum error count_partitions(struct reading *reading)
{
	enum error error =
		kafka_partition_count(reading->kafka, reading->name, left_ms(reading->ledger),
				      &reading->partitions, reading->why);
	if (error || reading->partitions <= PARTITIONS_MOST)
		return error;
	why_putf(reading->why, "%s has %d partitions, more than %d", reading->name,
		 reading->partitions, PARTITIONS_MOST);
	return ERROR_LIMIT;
}

enum error replay_ledger_read(const struct replay_ledger *ledger, int32_t partition,
			      void (*visit)(int64_t first, int64_t last, void *user), void *user,
			      struct text *why)
{
	struct reading reading = {
		.ledger = ledger, .of = partition, .visit = visit, .user = user, .why = why
	};
	replay_ledger_name(ledger, reading.name);
	enum error error = open_consumer(&reading);
	if (error)
		return error;
	error = count_partitions(&reading);
	if (!error)
		error = assign_all(&reading);
	if (!error)
		error = read_to_ends(&reading);
	rd_kafka_consumer_close(reading.kafka);
	rd_kafka_destroy(reading.kafka);
	return error;
}
