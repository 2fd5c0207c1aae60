/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model service's parts for tests: librdkafka's mock cluster, a registry that has one version of
 * streamlit (number 3, close = open + 1, offsets up to 1 seen) in its local copy and no HDFS, and
 * an HTTP server for the handlers. The live thread and the trainings are not started: the test is
 * the live thread.
 */
#ifndef TICKLINE_TEST_MODEL_TESTING_H
#define TICKLINE_TEST_MODEL_TESTING_H

#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "../common/http_testing.h"
#include "api.h"
#include "envelope.h"
#include "health.h"
#include <librdkafka/rdkafka_mock.h>

#define MINUTE_US INT64_C(60000000)
#define START_US  INT64_C(1751328000000000) /* 2025-07-01T00:00:00Z */

struct model_testing {
	struct model_app app; /* first: http_testing's `user` is replaced by it */
	struct http_testing *http;
	struct metrics *metrics;
	struct health *health;
	struct config *config;
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
	char brokers[128], folder[64];
};

static inline void file_put(const char *folder, const char *name, const char *body)
{
	char path[256];
	struct text wrapped;
	text_init(&wrapped, 65536);
	assert_int_equal(envelope_write(&wrapped, body, strlen(body)), ERROR_OK);
	snprintf(path, sizeof path, "%s/models", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/models/streamlit", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/models/streamlit/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(wrapped.data, 1, wrapped.length, file), wrapped.length);
	fclose(file);
	text_clean_up(&wrapped);
}

/* The version of that number, and that it serves. */
static inline void version_put(const char *folder, int number)
{
	char body[8192], name[64];
	const struct spec *spec = NULL;
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, "streamlit") == 0)
			spec = spec_builtin(i);
	assert_non_null(spec);
	cJSON *json = spec_to_json(spec);
	char *text = cJSON_PrintUnformatted(json);
	snprintf(body, sizeof body,
		 "{\"format\":1,\"model\":\"streamlit\",\"version\":%d,\"created_us\":%" PRId64
		 ",\"spec\":%s,\"predictor\":{\"kind\":\"linear\",\"anchor\":null,\"ones\":true,"
		 "\"features\":[\"open\"],\"base\":1,\"slope\":[1],\"shift\":[0],\"scale\":[1],"
		 "\"triangle\":[4,0,0,4000],\"low\":[0,0,0,0,-1],\"high\":[1000,1000,1000,1000,1],"
		 "\"freedom\":30,\"rows\":32,\"s\":1},\"report\":{\"version\":%d,\"rows\":32,"
		 "\"lineage\":{\"partitions\":[{\"partition\":0,\"last_offset\":1}]}}}",
		 number, START_US, text, number);
	cJSON_free(text);
	cJSON_Delete(json);
	snprintf(name, sizeof name, "version-%08d.json", number);
	file_put(folder, name, body);
	snprintf(body, sizeof body,
		 "{\"version\":%d,\"at_us\":%" PRId64 ",\"by\":\"gate\",\"reason\":\"a test\"}",
		 number, START_US);
	snprintf(name, sizeof name, "serving-%08d.json", number);
	file_put(folder, name, body);
}

static inline void testing_settings(struct model_testing *t)
{
	const struct config_table tables[] = { model_settings_table(&t->app.settings),
					       pipeline_settings_table(&t->app.pipeline),
					       training_settings_table(&t->app.training_settings),
					       kafka_settings_table(&t->app.kafka),
					       hdfs_settings_table(&t->app.hdfs) };
	char name[] = "model", *arguments[] = { name, NULL }, *environment[] = { NULL };
	struct text why;
	text_init(&why, 4096);
	t->config = config_new("model", tables, 5);
	assert_int_equal(config_load(t->config, 1, arguments, environment, &why), ERROR_OK);
	text_clean_up(&why);
	t->app.settings.live_ticks = t->app.settings.live_bars = 100;
	t->app.settings.live_predictions = 100;
}

static inline void testing_cluster(struct model_testing *t)
{
	char reason[128];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
	t->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
	t->cluster = rd_kafka_mock_cluster_new(t->owner, 1);
	rd_kafka_mock_topic_create(t->cluster, t->app.kafka.ticks_topic, 1, 1);
	rd_kafka_mock_topic_create(t->cluster, t->app.kafka.bars_topic, 2, 1);
	snprintf(t->brokers, sizeof t->brokers, "%s", rd_kafka_mock_cluster_bootstraps(t->cluster));
	t->app.kafka.kafka_brokers = t->brokers;
}

static inline void testing_live(struct model_testing *t)
{
	struct text why;
	text_init(&why, 4096);
	const struct live_options live = { .config = t->config,
					   .kafka = &t->app.kafka,
					   .settings = &t->app.settings,
					   .registry = t->app.registry,
					   .metrics = t->metrics,
					   .health = t->health };
	if (live_new(&live, &t->app.live, &why) != ERROR_OK)
		fail_msg("%s", why.data);
	text_clean_up(&why);
}

static inline void testing_parts(struct model_testing *t)
{
	struct text why;
	text_init(&why, 4096);
	const struct webhdfs_options webhdfs = { .urls = "http://127.0.0.1:1",
						 .user = "bitcoin",
						 .token = "",
						 .host_map = "",
						 .limits = t->app.hdfs.hdfs_limits,
						 .metrics = t->metrics };
	const struct registry_options registry = { .root = "/bitcoin",
						   .state_dir = t->folder,
						   .webhdfs = webhdfs,
						   .metrics = t->metrics };
	assert_int_equal(registry_new(&registry, &t->app.registry, &why), ERROR_OK);
	const struct training_options training = { .settings = &t->app.training_settings,
						   .registry = t->app.registry,
						   .root = "/bitcoin",
						   .webhdfs = webhdfs,
						   .metrics = t->metrics };
	assert_int_equal(training_new(&training, &t->app.training, &why), ERROR_OK);
	text_clean_up(&why);
	testing_live(t);
}

static inline struct model_testing *model_testing_new(const struct http_route *routes, size_t count)
{
	struct model_testing *t = calloc(1, sizeof *t);
	assert_non_null(t);
	strcpy(t->folder, "/tmp/tickline-model-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	version_put(t->folder, 3);
	t->http = http_testing_new(routes, count);
	t->http->options.user = &t->app;
	t->metrics = t->app.metrics = t->http->options.metrics;
	t->health = health_new();
	testing_settings(t);
	testing_cluster(t);
	testing_parts(t);
	t->app.predict_rows = metrics_counter(t->metrics, "model_predict_rows_total", "Rows", NULL);
	if (count > 0)
		http_testing_start(t->http);
	return t;
}

static inline int path_remove(const char *path, const struct stat *status, int kind,
			      struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static inline void model_testing_destroy(struct model_testing *t)
{
	struct metrics *metrics = t->metrics;
	if (t->http->server)
		http_server_destroy(&t->http->server);
	live_destroy(&t->app.live);
	training_destroy(&t->app.training);
	registry_destroy(&t->app.registry);
	rd_kafka_mock_cluster_destroy(t->cluster);
	rd_kafka_destroy(t->owner);
	health_destroy(&t->health);
	metrics_destroy(&metrics);
	config_destroy(&t->config);
	nftw(t->folder, path_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(t->http);
	free(t);
}

/* What the live thread does with a bar; the minute is its offset too. */
static inline void bar_take(struct model_testing *t, int minute, double open, double close)
{
	const struct record_table *bar = record_table(RECORD_BAR);
	struct ring_record record = { .timestamp_us = START_US + minute * MINUTE_US,
				      .offset = minute };
	for (size_t i = 1; i < bar->count; i++)
		record.values[i] = open;
	record.values[record_field_index(bar, "close", 5)] = close;
	live_models_take(live_models_of(t->app.live), RECORD_BAR, &record, START_US);
}

/* A series by its whole name, as the metrics page shows it; NAN: there is none. */
static inline double metric_of(const struct model_testing *t, const char *series)
{
	double value = NAN;
	struct text page;
	text_init(&page, 1 << 20);
	metrics_write(t->metrics, &page);
	const char *at = strstr(page.data, series);
	if (at && at[strlen(series)] == ' ')
		value = strtod(at + strlen(series), NULL);
	text_clean_up(&page);
	return value;
}

#define JSON "Content-Type: application/json\r\n"

#endif
