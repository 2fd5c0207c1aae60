/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "ingest.h"
#include "service.h"
#include "verify.h"

enum { DEFAULT_PORT = 5551, FLUSH_BODY_BYTES = 1024 };

static enum error start_http(struct service *service, void *app, struct text *why)
{
	(void)service;
	(void)app;
	(void)why;
	return http_client_global_init();
}

static enum error init_datasets(struct ingest *ingest, struct metrics *metrics, struct text *why)
{
	const char *const topics[RECORD_KINDS] = {
		[RECORD_TICK] = ingest->kafka.ticks_topic, [RECORD_BAR] = ingest->kafka.bars_topic
	};
	enum error error = ERROR_OK;
	for (enum record_kind kind = 0; !error && kind < RECORD_KINDS; kind++)
		error = dataset_init(&ingest->datasets[kind], record_table(kind), topics[kind],
				     ingest->hdfs.hdfs_root, metrics, why);
	for (enum record_kind kind = 0; kind < RECORD_KINDS; kind++) {
		ingest->datasets[kind].format = (enum data_format)ingest->settings.format;
		ingest->datasets[kind].by_date = ingest->settings.split_by_date > 0;
	}
	return error;
}

static void clean_up_datasets(struct ingest *ingest)
{
	for (enum record_kind kind = 0; kind < RECORD_KINDS; kind++)
		dataset_clean_up(&ingest->datasets[kind]);
}

static void stop_datasets(struct service *service, void *app)
{
	struct ingest *ingest = app;
	(void)service;
	status_destroy(&ingest->status);
	clean_up_datasets(ingest);
}

static enum error start_datasets(struct service *service, void *app, struct text *why)
{
	struct ingest *ingest = app;
	ingest->config = service_config(service);
	ingest->metrics = service_metrics(service);
	enum error error = init_datasets(ingest, ingest->metrics, why);
	ingest->status = status_new();
	if (!error && !ingest->status)
		error = ERROR_NO_MEMORY;
	if (error)
		stop_datasets(service, app);
	return error;
}

static enum error start_consumer(struct service *service, void *app, struct text *why)
{
	struct ingest *ingest = app;
	const struct consumer_options options = {
		.config = service_config(service),
		.settings = &ingest->settings,
		.kafka = &ingest->kafka,
		.hdfs = &ingest->hdfs,
		.datasets = ingest->datasets,
		.dataset_count = RECORD_KINDS,
		.status = ingest->status,
		.health = service_health(service),
		.metrics = service_metrics(service),
	};
	return consumer_start(&options, &ingest->consumer, why);
}

static void drain_consumer(struct service *service, void *app, int64_t deadline_us)
{
	struct ingest *ingest = app;
	(void)service;
	consumer_drain(ingest->consumer, deadline_us);
}

static void stop_consumer(struct service *service, void *app)
{
	struct ingest *ingest = app;
	(void)service;
	consumer_destroy(&ingest->consumer);
}

static enum error start_watch(struct service *service, void *app, struct text *why)
{
	struct ingest *ingest = app;
	const struct watch_options options = {
		.kafka = consumer_kafka(ingest->consumer),
		.hdfs = hdfs_client_options(&ingest->hdfs, NULL),
		.datasets = ingest->datasets,
		.dataset_count = RECORD_KINDS,
		.root = ingest->hdfs.hdfs_root,
		.status = ingest->status,
		.health = service_health(service),
	};
	return watch_start(&options, &ingest->watch, why);
}

static void stop_watch(struct service *service, void *app)
{
	struct ingest *ingest = app;
	(void)service;
	watch_destroy(&ingest->watch);
}

static const struct http_route routes[] = {
	{ "GET", "/v1/status", status_get, HTTP_SCOPE_READ, 0 },
	{ "GET", "/v1/partitions/{p}", status_get_partition, HTTP_SCOPE_READ, 0 },
	{ "POST", "/v1/partitions/{p}/acknowledge-loss", status_acknowledge_loss, HTTP_SCOPE_ADMIN,
	  FLUSH_BODY_BYTES },
	{ "GET", "/v1/files", files_get, HTTP_SCOPE_READ, 0 },
	{ "GET", "/v1/dead-letters", dead_letters_get, HTTP_SCOPE_READ, 0 },
	{ "POST", "/v1/dead-letters/replay", replay_post, HTTP_SCOPE_ADMIN, FLUSH_BODY_BYTES },
	{ "POST", "/v1/flush", flush_post, HTTP_SCOPE_WRITE, FLUSH_BODY_BYTES },
	{ "POST", "/v1/pause", pause_post, HTTP_SCOPE_ADMIN, FLUSH_BODY_BYTES },
	{ "POST", "/v1/resume", resume_post, HTTP_SCOPE_ADMIN, FLUSH_BODY_BYTES },
};

static void check_settings(const void *app, struct text *complaints)
{
	const struct ingest *ingest = app;
	if (ingest->settings.join_bytes > 0 && strchr(ingest->hdfs.hdfs_root, ','))
		text_putf(
			complaints,
			"hdfs_root: %s holds a comma, at which CONCAT would cut the names of files "
			"to join; choose another root, or join_bytes=0\n",
			ingest->hdfs.hdfs_root);
}

static int verify(const struct config *config, struct ingest *ingest)
{
	char memory[1024];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct metrics *metrics = metrics_new();
	enum error error = metrics ? http_client_global_init() : ERROR_NO_MEMORY;
	if (!error)
		error = init_datasets(ingest, metrics, &why);
	int code = VERIFY_UNKNOWN;
	const struct verify_options options = { .config = config,
						.brokers = ingest->kafka.kafka_brokers,
						.group = ingest->settings.group,
						.hdfs = hdfs_client_options(&ingest->hdfs, NULL),
						.datasets = ingest->datasets,
						.dataset_count = RECORD_KINDS };
	if (error)
		fprintf(stderr, "ingest: %s: %s\n", error_text(error), why.data);
	else
		code = (int)verify_run(&options, stdout);
	clean_up_datasets(ingest);
	metrics_destroy(&metrics);
	return code;
}

static bool verify_instead(const struct config *config, void *app, int *code)
{
	struct ingest *ingest = app;
	if (ingest->settings.verify)
		*code = verify(config, ingest);
	return ingest->settings.verify;
}

int main(int argc, char **argv)
{
	static struct ingest ingest;
	const struct config_table tables[] = {
		ingest_settings_table(&ingest.settings),
		kafka_settings_table(&ingest.kafka),
		hdfs_settings_table(&ingest.hdfs),
	};
	const struct service_part parts[] = {
		{ .name = "http client", .start = start_http },
		{ .name = "datasets", .start = start_datasets, .stop = stop_datasets },
		{ .name = "consumer",
		  .start = start_consumer,
		  .drain = drain_consumer,
		  .stop = stop_consumer },
		{ .name = "watch", .start = start_watch, .stop = stop_watch },
	};
	const struct service_spec spec = {
		.name = "ingest",
		.summary = "Kafka to HDFS, each offset exactly once.",
		.default_port = DEFAULT_PORT,
		.tables = tables,
		.table_count = sizeof tables / sizeof tables[0],
		.check = check_settings,
		.instead = verify_instead,
		.parts = parts,
		.part_count = sizeof parts / sizeof parts[0],
		.routes = routes,
		.route_count = sizeof routes / sizeof routes[0],
		.openapi = openapi_ingest,
		.app = &ingest,
	};
	return service_main(&spec, argc, argv);
}
