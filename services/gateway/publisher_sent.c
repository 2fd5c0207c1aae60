/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When the last Produce request left. librdkafka calls a message "not persisted" after errors such
 * as NOT_LEADER_FOR_PARTITION, but with acks=all a broker may say that after it appended the batch
 * (its leadership ended while it waited for the replicas); and a retry that never leaves ends with
 * the word of the try before. What is certain is only this: a record that was handed over after the
 * last request had left was in none; and one was in a single request when only one left since, or
 * when it had its outcome before librdkafka tries anything again (retry.backoff.ms, less its fifth
 * of jitter).
 */
#include "publisher_private.h"

#include "timestamp.h"

enum {
	API_PRODUCE = 0, /* of Kafka's protocol */
	SOONEST_RETRY_US = 80000,
};

static const char interceptor[] = "tickline-sent";

/* Never lowers it. Returns the earlier one of `us` and what it was. */
static int64_t raise_to(_Atomic int64_t *instant_us, int64_t us)
{
	int64_t was_us = atomic_load(instant_us);
	while (was_us < us && !atomic_compare_exchange_weak(instant_us, &was_us, us))
		;
	return was_us < us ? was_us : us;
}

/* On librdkafka's broker threads. */
static rd_kafka_resp_err_t on_request_sent(rd_kafka_t *handle, int socket, const char *broker,
					   int32_t broker_id, int16_t api_key, int16_t api_version,
					   int32_t correlation_id, size_t size, void *user)
{
	(void)handle;
	(void)socket;
	(void)broker;
	(void)broker_id;
	(void)api_version;
	(void)correlation_id;
	(void)size;
	struct publisher *p = user;
	if (api_key == API_PRODUCE)
		raise_to(&p->produced_before_us, raise_to(&p->produced_us, monotonic_now_us()));
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *user,
				  char *reason, size_t size)
{
	(void)conf;
	if (size > 0)
		reason[0] = '\0';
	return rd_kafka_interceptor_add_on_request_sent(handle, interceptor, on_request_sent, user);
}

bool publisher_note_requests(struct publisher *p, rd_kafka_conf_t *conf)
{
	return rd_kafka_conf_interceptor_add_on_new(conf, interceptor, on_new, p) ==
	       RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The clock first: what comes between makes it too early, and so more may have left, never less. */
static int64_t handed_over_us(const rd_kafka_message_t *message)
{
	int64_t now_us = monotonic_now_us(), waited_us = rd_kafka_message_latency(message);
	return waited_us < 0 ? 0 : now_us - waited_us;
}

bool publisher_may_have_left(struct publisher *p, const rd_kafka_message_t *message)
{
	return atomic_load(&p->produced_us) >= handed_over_us(message);
}

bool publisher_was_sent_once(struct publisher *p, const rd_kafka_message_t *message)
{
	int64_t waited_us = rd_kafka_message_latency(message);
	return (waited_us >= 0 && waited_us < SOONEST_RETRY_US) ||
	       atomic_load(&p->produced_before_us) < handed_over_us(message);
}
