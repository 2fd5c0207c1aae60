/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The model service: settings, parts in the order in which they start, routes.
 */
#include <gsl/gsl_errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "api.h"
#include "dashboard/static_files.h"
#include "http_client.h"
#include "service.h"
#include "train_once.h"

extern const char openapi_model[];

static struct model_app app;

/* --- parts ----------------------------------------------------------------------------------- */

static enum error numerics_start(struct service *service, void *user, struct text *why)
{
	(void)user;
	(void)why;
	gsl_set_error_handler_off(); /* else GSL ends the process on an error */
	app.predict_rows = metrics_counter(service_metrics(service), "model_predict_rows_total",
					   "Rows answered by the predict call.", NULL);
	return ERROR_OK;
}

static enum error http_part_start(struct service *service, void *user, struct text *why)
{
	(void)user;
	(void)why;
	app.metrics = service_metrics(service);
	return http_client_global_init();
}

static enum error registry_part_start(struct service *service, void *user, struct text *why)
{
	(void)user;
	const struct registry_options options = {
		.root = app.hdfs.hdfs_root,
		.state_dir = app.settings.state_dir,
		.webhdfs = hdfs_client_options(&app.hdfs, service_metrics(service)),
		.metrics = service_metrics(service),
		.health = app.settings.require_version ? service_health(service) : NULL,
	};
	enum error error = registry_new(&options, &app.registry, why);
	return error == ERROR_OK ? registry_start(app.registry, why) : error;
}

static void registry_part_stop(struct service *service, void *user)
{
	(void)service;
	(void)user;
	if (app.registry)
		registry_stop(app.registry);
	registry_destroy(&app.registry);
}

/* Of a training: what it reads of the dataset may come from the DataNodes themselves. */
static enum error find_client(struct webhdfs_options *options, struct metrics *metrics)
{
	*options = hdfs_client_options(&app.hdfs, metrics);
	if (!app.settings.hdfs_direct_reads)
		return ERROR_OK;
	app.direct = webhdfs_direct_new();
	options->direct = app.direct;
	return app.direct ? ERROR_OK : ERROR_NO_MEMORY;
}

static enum error training_part_start(struct service *service, void *user, struct text *why)
{
	(void)user;
	struct training_options options = {
		.settings = &app.training_settings,
		.yarn = &app.yarn,
		.registry = app.registry,
		.root = app.hdfs.hdfs_root,
		.metrics = service_metrics(service),
	};
	enum error error = find_client(&options.webhdfs, service_metrics(service));
	if (error == ERROR_OK)
		error = training_new(&options, &app.training, why);
	return error == ERROR_OK ? training_start(app.training, why) : error;
}

static void training_part_drain(struct service *service, void *user, int64_t deadline_us)
{
	(void)service;
	(void)user;
	training_drain(app.training, deadline_us);
}

static void training_part_stop(struct service *service, void *user)
{
	(void)service;
	(void)user;
	training_destroy(&app.training);
	webhdfs_direct_destroy(&app.direct);
}

static enum error live_part_start(struct service *service, void *user, struct text *why)
{
	(void)user;
	const struct live_options options = {
		.config = service_config(service),
		.kafka = &app.kafka,
		.settings = &app.settings,
		.registry = app.registry,
		.metrics = service_metrics(service),
		.health = service_health(service),
	};
	enum error error = live_new(&options, &app.live, why);
	return error == ERROR_OK ? live_start(app.live, why) : error;
}

static void live_part_stop(struct service *service, void *user)
{
	(void)service;
	(void)user;
	live_destroy(&app.live);
}

static const struct service_part parts[] = {
	{ .name = "numerics", .start = numerics_start },
	{ .name = "http client", .start = http_part_start },
	{ .name = "registry", .start = registry_part_start, .stop = registry_part_stop },
	{ .name = "training",
	  .start = training_part_start,
	  .drain = training_part_drain,
	  .stop = training_part_stop },
	{ .name = "live", .start = live_part_start, .stop = live_part_stop },
};

/* --- routes ---------------------------------------------------------------------------------- */

enum { SOURCE_BYTES = 16384 }; /* of a source's definition */

#define READ  HTTP_SCOPE_READ
#define WRITE HTTP_SCOPE_WRITE
#define ADMIN HTTP_SCOPE_ADMIN

static const struct http_route routes[] = {
	{ "GET", "/v1/models", models_list, READ, 0 },
	{ "POST", "/v1/models", models_create, WRITE, 0 },
	{ "GET", "/v1/models/{m}", models_get, READ, 0 },
	{ "DELETE", "/v1/models/{m}", models_delete, ADMIN, 0 },
	{ "POST", "/v1/models/{m}/train", jobs_train, WRITE, 0 },
	{ "POST", "/v1/models/{m}/predict", predict_handle, READ, 0 },
	{ "GET", "/v1/models/{m}/live", predictions_live, READ, 0 },
	{ "GET", "/v1/models/{m}/versions", versions_list, READ, 0 },
	{ "GET", "/v1/models/{m}/versions/{v}", versions_get, READ, 0 },
	{ "POST", "/v1/models/{m}/versions/{v}/promote", versions_promote, ADMIN, 0 },
	{ "POST", "/v1/models/{m}/rollback", versions_rollback, ADMIN, 0 },
	{ "GET", "/v1/models/{m}/history", versions_history, READ, 0 },
	{ "GET", "/v1/audit", audit_get, READ, 0 },
	{ "GET", "/v1/jobs", jobs_list, READ, 0 },
	{ "GET", "/v1/jobs/{id}", jobs_get, READ, 0 },
	{ "DELETE", "/v1/jobs/{id}", jobs_cancel, WRITE, 0 },
	{ "GET", "/v1/predictions", predictions_list, READ, 0 },
	{ "GET", "/v1/records/{kind}", records_list, READ, 0 },
	{ "GET", "/v1/pipeline/{service}", pipeline_get, READ, 0 },
	{ "POST", "/v1/pipeline/gateway/sources", pipeline_source_start, WRITE, SOURCE_BYTES },
	{ "DELETE", "/v1/pipeline/gateway/sources/{id}", pipeline_source_stop, WRITE, 0 },
	{ "GET", "/v2", oip_server, READ, 0 },
	{ "GET", "/v2/health/live", oip_live, READ, 0 },
	{ "GET", "/v2/health/ready", oip_ready, READ, 0 },
	{ "GET", "/v2/models/{m}", oip_model, READ, 0 },
	{ "GET", "/v2/models/{m}/ready", oip_model_ready, READ, 0 },
	{ "POST", "/v2/models/{m}/infer", oip_infer, READ, 0 },
	{ "GET", "/v2/models/{m}/versions/{v}", oip_model, READ, 0 },
	{ "GET", "/v2/models/{m}/versions/{v}/ready", oip_model_ready, READ, 0 },
	{ "POST", "/v2/models/{m}/versions/{v}/infer", oip_infer, READ, 0 },
	{ "GET", "/ping", mlflow_ping, READ, 0 },
	{ "POST", "/invocations", mlflow_invocations, READ, 0 },
	{ "GET", "/v1/models/{m}/ping", mlflow_ping, READ, 0 },
	{ "POST", "/v1/models/{m}/invocations", mlflow_invocations, READ, 0 },
	STATIC_FILES_ROUTES,
};

static void check_settings(const void *user, struct text *complaints)
{
	const struct model_app *settings = user;
	pipeline_settings_check(&settings->pipeline, complaints);
}

static int train(void)
{
	struct metrics *metrics = metrics_new();
	struct training_options options = {
		.settings = &app.training_settings,
		.yarn = &app.yarn,
		.root = app.hdfs.hdfs_root,
		.metrics = metrics,
	};
	gsl_set_error_handler_off();
	enum error error = metrics ? http_client_global_init() : ERROR_NO_MEMORY;
	if (error == ERROR_OK)
		error = find_client(&options.webhdfs, metrics);
	if (error != ERROR_OK)
		fprintf(stderr, "model: %s\n", error_text(error));
	int code = error == ERROR_OK ? train_once(&options, stdout) : EXIT_FAILURE;
	webhdfs_direct_destroy(&app.direct);
	metrics_destroy(&metrics);
	return code;
}

static bool train_instead(const struct config *config, void *user, int *code)
{
	(void)config;
	(void)user;
	bool asked = app.training_settings.train[0];
	if (asked)
		*code = train();
	return asked;
}

/* malloc keeps what a large body took for the arena of the thread that had it: with few arenas that
 * is little. (By default there are eight for each core; rates at 32 connections are the same.) */
enum { MALLOC_ARENAS = 2 };

int main(int argc, char **argv)
{
	const struct config_table tables[] = {
		model_settings_table(&app.settings),
		pipeline_settings_table(&app.pipeline),
		training_settings_table(&app.training_settings),
		yarn_settings_table(&app.yarn),
		kafka_settings_table(&app.kafka),
		hdfs_settings_table(&app.hdfs),
	};
	const struct service_spec spec = {
		.name = "model",
		.summary = "trains models on HDFS, predicts live, answers REST, shows a dashboard",
		.default_port = 5552,
		.tables = tables,
		.table_count = sizeof tables / sizeof tables[0],
		.check = check_settings,
		.instead = train_instead,
		.parts = parts,
		.part_count = sizeof parts / sizeof parts[0],
		.routes = routes,
		.route_count = sizeof routes / sizeof routes[0],
		.openapi = openapi_model,
		.app = &app,
	};
	(void)mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	return service_main(&spec, argc, argv);
}
