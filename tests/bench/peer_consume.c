/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast librdkafka alone hands over one partition, nothing read or written: the bare limit
 * beside which ingest is measured. peer_consume BROKERS TOPIC     prints the messages per second,
 * from the first to the last
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

enum { BATCH = 10000, WAIT_MS = 1000 };

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static rd_kafka_t *open_consumer(const char *brokers)
{
	const char *const settings[][2] = { { "bootstrap.servers", brokers },
					    { "group.id", "peer" },
					    { "enable.auto.commit", "false" },
					    { "enable.partition.eof", "true" },
					    { "fetch.message.max.bytes", "8388608" } };
	char why[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why);
	rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (!consumer)
		fprintf(stderr, "%s\n", why);
	return consumer;
}

static void assign(rd_kafka_t *consumer, const char *topic)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_poll_set_consumer(consumer);
	rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 0;
	rd_kafka_assign(consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
}

/* Counts until the end of the partition. */
static long read_all(rd_kafka_queue_t *queue)
{
	static rd_kafka_message_t *messages[BATCH];
	long count = 0;
	bool at_end = false;

	while (!at_end) {
		ssize_t got = rd_kafka_consume_batch_queue(queue, WAIT_MS, messages, BATCH);
		for (ssize_t i = 0; i < got; i++) {
			at_end |= messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
			count += !messages[i]->err;
			rd_kafka_message_destroy(messages[i]);
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	rd_kafka_t *consumer = argc == 3 ? open_consumer(argv[1]) : NULL;

	if (!consumer) {
		fprintf(stderr, "usage: peer_consume BROKERS TOPIC\n");
		return EXIT_FAILURE;
	}
	assign(consumer, argv[2]);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
	double begun_s = now_s();
	long count = read_all(queue);
	printf("%.0f\n", (double)count / (now_s() - begun_s));
	rd_kafka_queue_destroy(queue);
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	return EXIT_SUCCESS;
}
