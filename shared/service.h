/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The life of a service: settings, logs, parts started in order, signals, drain, parts stopped in
 * reverse order. main() gives a table and returns service_main's result.
 *
 *   --help, --version, --check (0: the settings are good; 2: complaints on standard error),
 *   --health (asks the running service's /healthz; 0 or 1).
 *   SIGTERM, SIGINT: not ready at once; each part's drain in reverse order of start, all under
 *   drain_timeout_s; then each part's stop in reverse order; exit 0. A second signal exits at once
 *   with 1. SIGHUP: each part's reload, tokens and certificates.
 *
 * service_main blocks the signals in all threads and waits for them on the main thread; SIGPIPE is
 * ignored. The management listener is up before the first part starts and until the last one
 * stopped, so that a slow start can be watched.
 */
#ifndef TICKLINE_SERVICE_H
#define TICKLINE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "error.h"
#include "health.h"
#include "http_server.h"
#include "metrics.h"
#include "settings.h"

struct service; /* made by service_main; outlives every part */

struct service_part {
	const char *name;
	/* May be NULL. Not OK ends the service with exit 1; `why` is logged. Must not wait for
	 * other servers: they may be away, and the service starts all the same. */
	enum error (*start)(struct service *service, void *app, struct text *why);
	void (*drain)(struct service *service, void *app, int64_t deadline_us); /* monotonic */
	void (*stop)(struct service *service, void *app);
	void (*reload)(struct service *service, void *app);
};

struct service_spec {
	const char *name;    /* "gateway" */
	const char *summary; /* one line for --help */
	int default_port;
	const struct config_table
		*tables; /* the service's own; service_settings come by themselves */
	size_t table_count;
	/* May be NULL. Rules over more than one of the service's own settings: a complaint a line,
	 * which names the setting; part of --check. */
	void (*check)(const void *app, struct text *complaints);
	/* May be NULL. Another job than to serve, where the settings ask for one: true, and the
	 * process ends with *code. Nothing was started; logs go to standard error. */
	bool (*instead)(const struct config *config, void *app, int *code);
	const struct service_part *parts;
	size_t part_count;
	const struct http_route *routes; /* public listener; started after the last part */
	size_t route_count;
	const char *openapi;
	void *app;
};

/* Returns the exit code. */
int service_main(const struct service_spec *spec, int argc, char **argv);

const struct config *service_config(const struct service *service);
const struct service_settings *service_settings(const struct service *service);
struct metrics *service_metrics(struct service *service);
struct health *service_health(struct service *service);

#endif
