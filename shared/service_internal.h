/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What service.c (the life cycle) and service_management.c (the management listener and the
 * process's own metrics) share.
 */
#ifndef TICKLINE_SERVICE_INTERNAL_H
#define TICKLINE_SERVICE_INTERNAL_H

#include "service.h"

struct service {
	const struct service_spec *spec;
	struct config_table *tables; /* the service's own, then the one of `settings` */
	struct config *config;
	struct service_settings settings;
	int management_port; /* resolved; 0: any free one */
	struct metrics *metrics;
	struct health *health;
	struct health_condition *listening;
	struct http_auth *auth; /* NULL without token_file */
	struct http_server *management;
	struct http_server *server;
	size_t started; /* parts */
};

const char *service_management_address(const struct service *service);
enum error service_management_start(struct service *service, struct text *why) MUST_USE;

/* Registers process_… and the build; they are read at each scrape. */
void service_register_process(struct service *service);

/* The --health flag: asks the running service. Returns the exit code. */
int service_ask_health(const struct service *service);

#endif
