/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include <stddef.h>

#define COUNT(array)      (sizeof(array) / sizeof *(array))
#define AT(member)        .name = #member, .offset = offsetof(struct SETTINGS, member)
#define STRING(member)    AT(member), .type = CONFIG_STRING
#define INT(member)       AT(member), .type = CONFIG_INT
#define BOOL(member)      AT(member), .type = CONFIG_BOOL
#define CHOICE(member)    AT(member), .type = CONFIG_CHOICE
#define RANGE(low, high)  .min = (low), .max = (high)
#define MAX_TIMEOUT_MS    86400000.0
#define MAX_EXACT_INTEGER 9007199254740992.0

#define SETTINGS service_settings
static const struct config_option service_options[] = {
	{ STRING(http_address), .initial = "127.0.0.1",
	  .help = "Address that the public listener binds" },
	{ INT(http_port), .initial = "0", RANGE(0, 65535),
	  .help = "Port of the public listener; 0: any free one" },
	{ STRING(management_address), .initial = "",
	  .help = "Address of the management listener (/healthz, /readyz, /metrics, /config); "
		  "empty: http_address" },
	{ INT(management_port), .initial = "-1", RANGE(-1, 65535),
	  .help = "Port of the management listener; -1: http_port + 1000, 0: any free one" },
	{ INT(http_threads), .initial = "256", RANGE(1, 4096), .unit = "threads",
	  .help = "Worker threads; each serves one connection at a time" },
	{ INT(http_body_limit_bytes), .initial = "16777216", RANGE(1, MAX_EXACT_INTEGER),
	  .unit = "bytes", .help = "Longest request body, counted after unpacking" },
	{ INT(http_bodies_limit_bytes), .initial = "268435456", RANGE(1, MAX_EXACT_INTEGER),
	  .unit = "bytes",
	  .help = "Memory of all request bodies that are held whole; beyond it others get 503" },
	{ INT(http_request_timeout_ms), .initial = "10000", RANGE(1, MAX_TIMEOUT_MS), .unit = "ms",
	  .help = "Wait for the headers, and for each piece of a body" },
	{ INT(http_body_timeout_ms), .initial = "60000", RANGE(1, MAX_TIMEOUT_MS), .unit = "ms",
	  .help = "Wait for the whole body" },
	{ INT(http_keep_alive_timeout_ms), .initial = "15000", RANGE(1, MAX_TIMEOUT_MS),
	  .unit = "ms", .help = "How long a connection may be idle between two requests" },
	{ AT(http_rate_limit_per_s), .type = CONFIG_DOUBLE, .initial = "0", RANGE(0, 1e6),
	  .unit = "requests/s",
	  .help = "Requests that each token may make, without tokens all together; 0: no limit" },
	{ INT(http_rate_limit_burst), .initial = "0", RANGE(0, 1e6), .unit = "requests",
	  .help = "How many of them may come at once; 0: as many as a second allows" },
	{ STRING(cors_origins), .initial = "",
	  .help = "Origins whose pages may call this service: https://a,https://b or *" },
	{ STRING(token_file), .initial = "",
	  .help = "File of bearer tokens, lines of: token scope[,scope] [name]; read again on "
		  "SIGHUP" },
	{ STRING(tls_certificate), .initial = "",
	  .help = "PEM file with certificate and key, read again on SIGHUP; empty: plain HTTP" },
	{ BOOL(allow_anonymous), .initial = "false",
	  .help = "Without a token file, listen on other addresses than loopback all the same" },
	{ INT(drain_timeout_s), .initial = "30", RANGE(0, 3600), .unit = "s",
	  .help = "Time to finish what is in flight when told to stop" },
	{ CHOICE(log_level), .initial = "info", .choices = "debug|info|warn|error",
	  .help = "Least important events that are logged" },
	{ CHOICE(log_format), .initial = "text", .choices = "text|json",
	  .help = "Form of a log line" },
};
#undef SETTINGS

#define SETTINGS kafka_settings
static const struct config_option kafka_options[] = {
	{ STRING(kafka_brokers), .initial = "127.0.0.1:9092",
	  .help = "Brokers to start from: host:port,host:port" },
	{ STRING(ticks_topic), .initial = "bitcointopic", .help = "Topic of the ticks" },
	{ STRING(bars_topic), .initial = "bitcoinbars", .help = "Topic of the bars" },
	{ INT(topic_partitions), .initial = "1", RANGE(1, 10000), .unit = "partitions",
	  .help = "Partitions of a topic that is made because it is missing" },
	{ INT(topic_replication), .initial = "1", RANGE(1, 100), .unit = "replicas",
	  .help = "Replicas of a topic that is made" },
	{ INT(topic_retention_bytes), .initial = "1073741824", RANGE(-1, MAX_EXACT_INTEGER),
	  .unit = "bytes",
	  .help = "Bytes that a partition of a topic that is made keeps; -1: all" },
};
#undef SETTINGS

#define SETTINGS hdfs_settings
#define LIMIT_MS(setting, member)                                                      \
	.name = setting, .offset = offsetof(struct hdfs_settings, hdfs_limits.member), \
	.type = CONFIG_INT, RANGE(1, MAX_TIMEOUT_MS), .unit = "ms"
static const struct config_option hdfs_options[] = {
	{ STRING(hdfs_urls), .initial = "http://127.0.0.1:9870",
	  .help = "NameNodes' HTTP addresses, the active one is found: "
		  "http://a:9870,http://b:9870" },
	{ STRING(hdfs_user), .initial = "bitcoin", .help = "User to act as on HDFS" },
	{ STRING(hdfs_token), .initial = "", .secret = true,
	  .help = "Delegation token; empty: the user's name alone" },
	{ STRING(hdfs_host_map), .initial = "",
	  .help = "Other addresses for DataNodes' host names: name=address,name=address" },
	{ STRING(hdfs_root), .initial = "/bitcoin", .help = "Folder that holds all of ours" },
	{ LIMIT_MS("hdfs_connect_timeout_ms", connect_ms), .initial = "5000",
	  .help = "Wait for a connection" },
	{ LIMIT_MS("hdfs_idle_timeout_ms", idle_ms), .initial = "30000",
	  .help = "Wait for the next byte" },
	{ LIMIT_MS("hdfs_timeout_ms", total_ms), .initial = "300000",
	  .help = "Wait for one whole call" },
};
#undef SETTINGS

struct config_table service_settings_table(struct service_settings *settings)
{
	return (struct config_table){ "HTTP and process", service_options, COUNT(service_options),
				      settings };
}

struct config_table kafka_settings_table(struct kafka_settings *settings)
{
	return (struct config_table){ "Kafka", kafka_options, COUNT(kafka_options), settings };
}

struct config_table hdfs_settings_table(struct hdfs_settings *settings)
{
	return (struct config_table){ "HDFS", hdfs_options, COUNT(hdfs_options), settings };
}

struct webhdfs_options hdfs_client_options(const struct hdfs_settings *settings,
					   struct metrics *metrics)
{
	return (struct webhdfs_options){ .urls = settings->hdfs_urls,
					 .user = settings->hdfs_user,
					 .token = settings->hdfs_token,
					 .host_map = settings->hdfs_host_map,
					 .limits = settings->hdfs_limits,
					 .metrics = metrics };
}
