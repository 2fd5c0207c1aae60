/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gateway.h"
#include "idempotency.h"
#include "publish_api.h"
#include "publisher.h"
#include "service.h"
#include "sources/sources.h"
#include "sources_api.h"

extern const char openapi_gateway[];

static struct gateway gateway;

static enum error start_publisher(struct service *service, void *app, struct text *why)
{
	struct gateway *g = app;
	struct metrics *metrics = service_metrics(service);
	const struct publisher_options options = { .config = service_config(service),
						   .kafka = &g->kafka,
						   .settings = &g->settings,
						   .metrics = metrics,
						   .health = service_health(service) };
	enum error error = publisher_new(&options, &g->publisher, why);
	if (error != ERROR_OK)
		return error;
	g->metrics = metrics;
	g->http = publisher_origin(g->publisher, "http");
	g->request_bytes = metrics_counter(metrics, "gateway_request_bytes_total",
					   "Bytes of bodies that were read, unpacked", NULL);
	g->late_outcomes = metrics_counter(
		metrics, "gateway_late_outcomes_total",
		"Records whose outcome came after the client was told that it is unknown", NULL);
	return ERROR_OK;
}

static void drain_publisher(struct service *service, void *app, int64_t deadline_us)
{
	(void)service;
	struct gateway *g = app;
	publisher_drain(g->publisher, deadline_us);
}

static void stop_publisher(struct service *service, void *app)
{
	(void)service;
	struct gateway *g = app;
	publisher_destroy(&g->publisher);
}

static enum error start_idempotency(struct service *service, void *app, struct text *why)
{
	(void)why;
	struct gateway *g = app;
	const struct idempotency_options options = {
		.limit = (size_t)g->settings.idempotency_keys,
		.limit_bytes = (size_t)g->settings.idempotency_bytes,
		.ttl_us = g->settings.idempotency_ttl_s * 1000000,
		.metrics = service_metrics(service),
	};
	g->idempotency = idempotency_new(&options);
	return g->idempotency ? ERROR_OK : ERROR_NO_MEMORY;
}

static void stop_idempotency(struct service *service, void *app)
{
	(void)service;
	struct gateway *g = app;
	idempotency_destroy(&g->idempotency);
}

/* It is the settings' and not kept: each start makes its own. */
static enum error autostart(struct gateway *g, struct text *why)
{
	cJSON *json = cJSON_CreateObject(), *source = NULL;
	cJSON_AddStringToObject(json, "type", "simulator");
	cJSON_AddNumberToObject(json, "rate_per_s", g->settings.simulator_rate_per_s);
	struct definition definition = { .json = json, .complaints = cJSON_CreateArray() };
	enum error error = sources_add(g->sources, &definition, -1, false, &source);
	if (error != ERROR_OK)
		why_putf(why, "the simulator cannot be started");
	cJSON_Delete(source);
	cJSON_Delete(definition.complaints);
	cJSON_Delete(json);
	return error;
}

static enum error start_sources(struct service *service, void *app, struct text *why)
{
	(void)service;
	struct gateway *g = app;
	g->sources = sources_new(g);
	if (!g->sources)
		return ERROR_NO_MEMORY;
	enum error error = sources_restore(g->sources, why);
	if (error == ERROR_OK && g->settings.simulator_autostart)
		error = autostart(g, why);
	return error;
}

static void drain_sources(struct service *service, void *app, int64_t deadline_us)
{
	(void)service;
	(void)deadline_us; /* their threads end at once; what they sent drains with the publisher */
	struct gateway *g = app;
	sources_drain(g->sources);
}

static void stop_sources(struct service *service, void *app)
{
	(void)service;
	struct gateway *g = app;
	sources_destroy(&g->sources);
}

static const struct service_part parts[] = {
	{ .name = "publisher",
	  .start = start_publisher,
	  .drain = drain_publisher,
	  .stop = stop_publisher },
	{ .name = "idempotency", .start = start_idempotency, .stop = stop_idempotency },
	{ .name = "sources", .start = start_sources, .drain = drain_sources, .stop = stop_sources },
};

static const struct http_route routes[] = {
	{ "POST", "/v1/ticks", publish_ticks, HTTP_SCOPE_WRITE, 0 },
	{ "POST", "/v1/bars", publish_bars, HTTP_SCOPE_WRITE, 0 },
	{ "GET", "/v1/sources", sources_api_list, HTTP_SCOPE_READ, 0 },
	{ "POST", "/v1/sources", sources_api_post, HTTP_SCOPE_WRITE, 0 },
	{ "GET", "/v1/sources/{id}", sources_api_get, HTTP_SCOPE_READ, 0 },
	{ "DELETE", "/v1/sources/{id}", sources_api_delete, HTTP_SCOPE_WRITE, 0 },
};

static void check_settings(const void *app, struct text *complaints)
{
	const struct gateway *g = app;
	gateway_settings_check(&g->settings, complaints);
}

int main(int argc, char **argv)
{
	const struct config_table tables[] = {
		gateway_settings_table(&gateway.settings),
		kafka_settings_table(&gateway.kafka),
	};
	const struct service_spec spec = {
		.name = "gateway",
		.summary =
			"Takes ticks and bars by HTTP and from sources, and puts them into Kafka.",
		.default_port = 5550,
		.tables = tables,
		.table_count = sizeof(tables) / sizeof(tables[0]),
		.check = check_settings,
		.parts = parts,
		.part_count = sizeof(parts) / sizeof(parts[0]),
		.routes = routes,
		.route_count = sizeof(routes) / sizeof(routes[0]),
		.openapi = openapi_gateway,
		.app = &gateway,
	};
	return service_main(&spec, argc, argv);
}
