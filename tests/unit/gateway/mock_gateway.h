/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A gateway's publisher on librdkafka's mock cluster, for tests.
 */
#ifndef TICKLINE_TEST_MOCK_GATEWAY_H
#define TICKLINE_TEST_MOCK_GATEWAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include "gateway.h"
#include "health.h"
#include "log.h"
#include "publisher.h"
#include "timestamp.h"

struct mock_gateway {
	struct gateway gateway; /* its settings are the defaults */
	struct metrics *metrics;
	struct health *health;
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
	struct config *config;
	char brokers[128];
};

static inline int64_t in_ms(int64_t ms)
{
	return monotonic_now_us() + ms * 1000;
}

static inline void mock_settings(struct mock_gateway *m)
{
	const struct config_table tables[] = { gateway_settings_table(&m->gateway.settings),
					       kafka_settings_table(&m->gateway.kafka) };
	char name[] = "gateway", *arguments[] = { name, NULL }, *environment[] = { NULL };
	struct text why;
	text_init(&why, 4096);
	m->config = config_new("gateway", tables, 2);
	assert_int_equal(ERROR_OK, config_load(m->config, 1, arguments, environment, &why));
	text_clean_up(&why);
}

/* A cluster of one broker with both topics. */
static inline void mock_cluster(struct mock_gateway *m)
{
	char reason[128];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof(reason));
	m->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	m->cluster = rd_kafka_mock_cluster_new(m->owner, 1);
	rd_kafka_mock_topic_create(m->cluster, m->gateway.kafka.ticks_topic, 1, 1);
	rd_kafka_mock_topic_create(m->cluster, m->gateway.kafka.bars_topic, 2, 1);
	snprintf(m->brokers, sizeof(m->brokers), "%s",
		 rd_kafka_mock_cluster_bootstraps(m->cluster));
	m->gateway.kafka.kafka_brokers = m->brokers; /* the config frees its own string */
}

/* Settings may be changed between this and mock_gateway_start. */
static inline void mock_gateway_init(struct mock_gateway *m)
{
	memset(m, 0, sizeof(*m));
	log_init("test", LOG_ERROR, LOG_FORMAT_TEXT);
	mock_settings(m);
	mock_cluster(m);
	m->gateway.settings.broker_timeout_ms = 300;
	m->metrics = m->gateway.metrics = metrics_new();
	m->health = health_new();
}

static inline void mock_gateway_start(struct mock_gateway *m)
{
	struct text why;
	text_init(&why, 4096);
	const struct publisher_options options = { .kafka = &m->gateway.kafka,
						   .settings = &m->gateway.settings,
						   .metrics = m->metrics,
						   .health = m->health };
	assert_int_equal(ERROR_OK, publisher_new(&options, &m->gateway.publisher, &why));
	assert_int_equal(ERROR_OK, publisher_wait_open(m->gateway.publisher, in_ms(20000)));
	text_clean_up(&why);
}

static inline void mock_gateway_clean_up(struct mock_gateway *m)
{
	publisher_destroy(&m->gateway.publisher);
	rd_kafka_mock_cluster_destroy(m->cluster);
	rd_kafka_destroy(m->owner);
	health_destroy(&m->health);
	metrics_destroy(&m->metrics);
	config_destroy(&m->config);
}

static inline double mock_records(const struct mock_gateway *m, const char *kind,
				  const char *source, const char *outcome)
{
	char memory[128];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof(memory));
	metrics_label(&labels, "kind", kind);
	metrics_label(&labels, "source", source);
	metrics_label(&labels, "outcome", outcome);
	return metric_value(metrics_counter(m->metrics, "gateway_records_total",
					    "Records by what became of them", labels.data));
}

static inline void tick_record(int64_t timestamp_us, struct record *record)
{
	const double values[] = { 43210.55, 43219.12, 2311, 2.31 };
	struct record_fault fault;
	const struct record_rules rules = { .bounds = RECORD_DEFAULT_BOUNDS,
					    .wall_us = wall_now_us() };
	assert_int_equal(ERROR_OK, record_from_values(record_table(RECORD_TICK), &rules,
						      timestamp_us, values, 4, record, &fault));
}

#endif
