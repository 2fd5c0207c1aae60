/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many ticks librdkafka alone takes to Kafka, made in a loop: beside it, batches through the
 * gateway are measured.
 *   peer_produce BROKERS TOPIC COUNT     prints the acknowledged messages per second
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

static long acknowledged;

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *user)
{
	(void)kafka;
	(void)user;
	acknowledged += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool send_to_kafka(rd_kafka_t *producer, const char *topic, char *value, size_t length)
{
	const rd_kafka_vu_t parts[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { value, length } },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
	};
	rd_kafka_error_t *error = rd_kafka_produceva(producer, parts, sizeof parts / sizeof *parts);

	if (error == NULL)
		return true;
	rd_kafka_error_destroy(error);
	return false;
}

static void produce(rd_kafka_t *producer, const char *topic, long i)
{
	char value[512];
	int length = snprintf(
		value, sizeof value,
		"{\"timestamp\": \"2026-11-25T01:%02ld:%02ld.123456\", \"buy_price\": %.2f, "
		"\"sell_price\": %.2f, \"volume\": %ld, \"volatility\": 2.31, "
		"\"buy_price_normalized\": 0.4317125, \"sell_price_normalized\": 0.6317125, "
		"\"volume_normalized\": 0.77425}",
		i / 60 % 60, i % 60, 10000 + (double)(i % 70000) + .37,
		10000 + (double)(i * 7 % 70000) + .53, 100 + i % 7900);

	while (!send_to_kafka(producer, topic, value, (size_t)length))
		rd_kafka_poll(producer, 10);
	if (i % 256 == 0)
		rd_kafka_poll(producer, 0);
}

int main(int argc, char **argv)
{
	char why[512] = "usage: peer_produce BROKERS TOPIC COUNT";
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *producer = NULL;
	double begun_s;

	rd_kafka_conf_set(conf, "bootstrap.servers", argc > 3 ? argv[1] : "", why, sizeof why);
	rd_kafka_conf_set(conf, "enable.idempotence", "true", why, sizeof why);
	rd_kafka_conf_set(conf, "linger.ms", "5", why, sizeof why);
	rd_kafka_conf_set(conf, "queue.buffering.max.messages", "1000000", why, sizeof why);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	if (argc > 3)
		producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (producer == NULL) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	produce(producer, argv[2], 0); /* the first one waits for a producer id */
	rd_kafka_flush(producer, 60000);
	acknowledged = 0;
	begun_s = now_s();
	for (long i = 0; i < atol(argv[3]); i++)
		produce(producer, argv[2], i);
	rd_kafka_flush(producer, 60000);
	printf("%.0f\n", (double)acknowledged / (now_s() - begun_s));
	rd_kafka_destroy(producer);
	return 0;
}
