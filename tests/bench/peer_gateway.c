/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The least that civetweb and librdkafka can do, beside which the gateway is measured: no parsing,
 * no checks, no metrics.
 *   peer_gateway THREADS [BROKERS TOPIC]   prints its port, serves until its standard input ends
 * GET /h answers at once; POST /p answers when the broker has acknowledged the body (linger 0).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <civetweb.h>
#include <librdkafka/rdkafka.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			     "Content-Length: 3\r\n\r\n{}\n";
static rd_kafka_t *producer;
static const char *topic;
static atomic_bool stopping;

struct delivery {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *user)
{
	struct delivery *delivery = message->_private;

	(void)kafka;
	(void)user;
	pthread_mutex_lock(&delivery->lock);
	delivery->done = true;
	pthread_cond_signal(&delivery->changed);
	pthread_mutex_unlock(&delivery->lock);
}

static void *poll_reports(void *user)
{
	(void)user;
	while (!atomic_load(&stopping))
		rd_kafka_poll(producer, 100);
	return NULL;
}

static int at_once(struct mg_connection *connection, void *user)
{
	(void)user;
	mg_write(connection, answer, sizeof answer - 1);
	return 200;
}

static bool send_to_kafka(const char *body, size_t length, struct delivery *delivery)
{
	const rd_kafka_vu_t parts[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)body, length } },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = delivery },
	};
	rd_kafka_error_t *error = rd_kafka_produceva(producer, parts, sizeof parts / sizeof *parts);

	if (error == NULL)
		return true;
	rd_kafka_error_destroy(error);
	return false;
}

static int produce(struct mg_connection *connection, void *user)
{
	struct delivery delivery = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	char body[4096];
	int length = mg_read(connection, body, sizeof body);

	(void)user;
	if (length < 0 || !send_to_kafka(body, (size_t)length, &delivery))
		return 0;
	pthread_mutex_lock(&delivery.lock);
	while (!delivery.done)
		pthread_cond_wait(&delivery.changed, &delivery.lock);
	pthread_mutex_unlock(&delivery.lock);
	mg_write(connection, answer, sizeof answer - 1);
	return 200;
}

static void start_producer(const char *brokers)
{
	char why[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
	rd_kafka_conf_set(conf, "enable.idempotence", "true", why, sizeof why);
	rd_kafka_conf_set(conf, "linger.ms", "0", why, sizeof why);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (producer == NULL) {
		fprintf(stderr, "peer_gateway: %s\n", why);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *threads = argc > 1 ? argv[1] : "64";
	const char *options[] = { "listening_ports",       "127.0.0.1:0", "num_threads", threads,
				  "enable_keep_alive",     "yes",         "tcp_nodelay", "1",
				  "keep_alive_timeout_ms", "10000",       NULL };
	struct mg_context *context = mg_start(NULL, NULL, options);
	struct mg_server_port port;
	pthread_t poller;
	char end;

	if (context == NULL || mg_get_server_ports(context, 1, &port) != 1)
		return 1;
	mg_set_request_handler(context, "/h", at_once, NULL);
	if (argc > 3) {
		topic = argv[3];
		start_producer(argv[2]);
		pthread_create(&poller, NULL, poll_reports, NULL);
		mg_set_request_handler(context, "/p", produce, NULL);
	}
	printf("%d\n", port.port);
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	mg_stop(context);
	atomic_store(&stopping, true);
	if (producer != NULL) {
		pthread_join(poller, NULL);
		rd_kafka_destroy(producer);
	}
	return 0;
}
