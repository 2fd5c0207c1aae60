/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The settings that services share, as tables for config.h. A service picks the tables it needs.
 */
#ifndef TICKLINE_SETTINGS_H
#define TICKLINE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "http_client.h"
#include "webhdfs.h"

struct service_settings {
	char *http_address;
	int64_t http_port;        /* default set per service */
	int64_t management_port;  /* 0: any free one; -1: http_port + 1000 */
	char *management_address; /* "": http_address */
	int64_t http_threads;
	int64_t http_body_limit_bytes;
	int64_t http_bodies_limit_bytes;
	int64_t http_request_timeout_ms;
	int64_t http_body_timeout_ms;
	int64_t http_keep_alive_timeout_ms;
	double http_rate_limit_per_s;
	int64_t http_rate_limit_burst; /* 0: a second's worth */
	char *cors_origins;
	char *token_file;
	char *tls_certificate;
	bool allow_anonymous;
	int64_t drain_timeout_s;
	int64_t log_level;  /* enum log_level */
	int64_t log_format; /* enum log_format */
};

struct kafka_settings {
	char *kafka_brokers;
	char *ticks_topic, *bars_topic;
	int64_t topic_partitions;
	int64_t topic_replication;
	int64_t topic_retention_bytes;
};

struct hdfs_settings {
	char *hdfs_urls;
	char *hdfs_user;
	char *hdfs_token; /* secret */
	char *hdfs_host_map;
	char *hdfs_root; /* "/bitcoin" */
	struct http_limits
		hdfs_limits; /* hdfs_connect_timeout_ms, hdfs_idle_timeout_ms, hdfs_timeout_ms */
};

struct config_table service_settings_table(struct service_settings *settings);
struct config_table kafka_settings_table(struct kafka_settings *settings);
struct config_table hdfs_settings_table(struct hdfs_settings *settings);

/* Of a client by these settings, whose strings it borrows. `metrics` NULL: none are kept. */
struct webhdfs_options hdfs_client_options(const struct hdfs_settings *settings,
					   struct metrics *metrics);

#endif
