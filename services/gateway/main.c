/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gateway.h"
#include "publish_api.h"
#include "publisher.h"
#include "service.h"

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

static const struct service_part parts[] = {
	{ .name = "publisher",
	  .start = start_publisher,
	  .drain = drain_publisher,
	  .stop = stop_publisher },
};

static const struct http_route routes[] = {
	{ "POST", "/v1/ticks", publish_ticks, HTTP_SCOPE_WRITE, 0 },
	{ "POST", "/v1/bars", publish_bars, HTTP_SCOPE_WRITE, 0 },
};

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
		.parts = parts,
		.part_count = sizeof(parts) / sizeof(parts[0]),
		.routes = routes,
		.route_count = sizeof(routes) / sizeof(routes[0]),
		.openapi = openapi_gateway,
		.app = &gateway,
	};
	return service_main(&spec, argc, argv);
}
