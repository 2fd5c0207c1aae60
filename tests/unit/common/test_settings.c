/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"

static struct service_settings service;
static struct kafka_settings kafka;
static struct hdfs_settings hdfs;

static struct config *load(char **environment, enum error expected)
{
	static struct config_table tables[3];
	tables[0] = service_settings_table(&service);
	tables[1] = kafka_settings_table(&kafka);
	tables[2] = hdfs_settings_table(&hdfs);
	struct config *config = config_new("ingest", tables, 3);
	struct text complaints;
	text_init(&complaints, 10000);
	const char *argv[] = { "ingest", NULL };
	assert_int_equal(config_load(config, 1, (char **)argv, environment, &complaints), expected);
	text_clean_up(&complaints);
	return config;
}

static void defaults_are_those_of_one_machine(void **state)
{
	(void)state;
	const char *environment[] = { NULL };
	struct config *config = load((char **)environment, ERROR_OK);
	assert_string_equal(service.http_address, "127.0.0.1");
	assert_int_equal(service.management_port, -1);
	assert_false(service.allow_anonymous);
	assert_string_equal(kafka.kafka_brokers, "127.0.0.1:9092");
	assert_string_equal(kafka.ticks_topic, "bitcointopic");
	assert_string_equal(kafka.bars_topic, "bitcoinbars");
	assert_int_equal(kafka.topic_partitions, 1);
	assert_int_equal(kafka.topic_retention_bytes, INT64_C(1) << 30);
	assert_string_equal(hdfs.hdfs_urls, "http://127.0.0.1:9870");
	assert_string_equal(hdfs.hdfs_user, "bitcoin");
	assert_string_equal(hdfs.hdfs_root, "/bitcoin");
	assert_true(hdfs.hdfs_limits.connect_ms > 0);
	assert_true(hdfs.hdfs_limits.idle_ms >= hdfs.hdfs_limits.connect_ms);
	assert_true(hdfs.hdfs_limits.total_ms >= hdfs.hdfs_limits.idle_ms);
	config_destroy(&config);
}

static void each_name_reaches_its_member(void **state)
{
	(void)state;
	const char *environment[] = { "INGEST_HDFS_TIMEOUT_MS=3",
				      "INGEST_HDFS_IDLE_TIMEOUT_MS=2",
				      "INGEST_HDFS_CONNECT_TIMEOUT_MS=1",
				      "INGEST_HDFS_TOKEN=t",
				      "INGEST_LOG_LEVEL=error",
				      "INGEST_TOPIC_RETENTION_BYTES=-1",
				      NULL };
	struct config *config = load((char **)environment, ERROR_OK);
	assert_int_equal(hdfs.hdfs_limits.connect_ms, 1);
	assert_int_equal(hdfs.hdfs_limits.idle_ms, 2);
	assert_int_equal(hdfs.hdfs_limits.total_ms, 3);
	assert_string_equal(hdfs.hdfs_token, "t");
	assert_int_equal(service.log_level, 3);
	assert_int_equal(kafka.topic_retention_bytes, -1);
	struct text json;
	text_init(&json, 100000);
	config_write_json(config, &json);
	assert_non_null(strstr(json.data, "\"hdfs_token\":{\"value\":\"********\""));
	text_clean_up(&json);
	config_destroy(&config);
}

static void a_time_limit_cannot_be_zero(void **state)
{
	(void)state;
	const char *environment[] = { "INGEST_HDFS_TIMEOUT_MS=0", NULL };
	struct config *config = load((char **)environment, ERROR_INVALID);
	config_destroy(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_one_machine),
		cmocka_unit_test(each_name_reaches_its_member),
		cmocka_unit_test(a_time_limit_cannot_be_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
