/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: handlers run on the management listener's own workers, so that busy workers of the
 * public one never delay a probe. They only read what was complete before the listener started.
 */
#include "service_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_client.h"
#include "timestamp.h"
#include "version.h"

enum {
	MAX_PAGE = 16 << 20,
	WORKERS = 4,
	TIMEOUT_MS = 5000,
	BODY_LIMIT = 1024,
};

/* --- handlers -------------------------------------------------------------------------------- */

static void answer_state(struct http_request *request, struct health *health,
			 bool (*state)(struct health *health, struct text *json))
{
	struct text json;
	text_init(&json, MAX_PAGE);
	int status = state(health, &json) ? 200 : 503;
	http_answer_header(request, "Cache-Control", "no-store");
	http_answer_text(request, status, "application/json", &json);
	text_clean_up(&json);
}

static void get_healthz(struct http_request *request, void *user)
{
	const struct service *service = user;
	answer_state(request, service->health, health_alive);
}

static void get_readyz(struct http_request *request, void *user)
{
	const struct service *service = user;
	answer_state(request, service->health, health_ready);
}

static void get_metrics(struct http_request *request, void *user)
{
	const struct service *service = user;
	struct text page;
	text_init(&page, MAX_PAGE);
	metrics_write(service->metrics, &page);
	http_answer_text(request, 200, "text/plain; version=0.0.4; charset=utf-8", &page);
	text_clean_up(&page);
}

static void get_config(struct http_request *request, void *user)
{
	const struct service *service = user;
	struct text json;
	text_init(&json, MAX_PAGE);
	config_write_json(service->config, &json);
	http_answer_text(request, 200, "application/json", &json);
	text_clean_up(&json);
}

static const struct http_route routes[] = {
	{ "GET", "/healthz", get_healthz, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/readyz", get_readyz, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/metrics", get_metrics, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/config", get_config, HTTP_SCOPE_READ, 0 },
};

const char *service_management_address(const struct service *service)
{
	const struct service_settings *settings = &service->settings;
	return *settings->management_address ? settings->management_address
					     : settings->http_address;
}

enum error service_management_start(struct service *service, struct text *why)
{
	struct http_server_options options = {
		.address = service_management_address(service),
		.port = service->management_port,
		.threads = WORKERS,
		.body_limit_bytes = BODY_LIMIT,
		.request_timeout_ms = TIMEOUT_MS,
		.body_timeout_ms = TIMEOUT_MS,
		.keep_alive_timeout_ms = TIMEOUT_MS,
		.tls_certificate = "",
		.cors_origins = "",
		.auth = service->auth,
		.routes = routes,
		.route_count = sizeof routes / sizeof *routes,
		.user = service,
		.metrics = service->metrics,
	};
	return http_server_start(&options, &service->management, why);
}

/* --- the process ----------------------------------------------------------------------------- */

static double resident_bytes(void)
{
	long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*s %lld", &pages) != 1)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		return 0;
	int count = -3; /* ".", ".." and the descriptor of the folder itself */
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static double descriptor_limit(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : (double)limit.rlim_cur;
}

static void collect_process(void *user)
{
	static const struct {
		const char *name, *help;
		double (*read)(void);
	} gauges[] = {
		{ "process_resident_memory_bytes", "Memory that is in RAM.", resident_bytes },
		{ "process_open_fds", "Open file descriptors.", open_descriptors },
		{ "process_max_fds", "Most file descriptors that may be open.", descriptor_limit },
	};
	struct service *service = user;
	for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
		metric_set(metrics_gauge(service->metrics, gauges[i].name, gauges[i].help, NULL),
			   gauges[i].read());
	struct text ignored;
	text_init(&ignored, MAX_PAGE);
	metric_set(metrics_gauge(service->metrics, "tickline_ready", "Whether /readyz answers 200.",
				 NULL),
		   health_ready(service->health, &ignored));
	text_clean_up(&ignored);
}

void service_register_process(struct service *service)
{
	char memory[256];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "service", service->spec->name);
	metrics_label(&labels, "version", TICKLINE_VERSION);
	metric_set(metrics_gauge(service->metrics, "tickline_build_info",
				 "The build that is running; always 1.", labels.data),
		   1);
	metric_set(metrics_gauge(service->metrics, "process_start_time_seconds",
				 "When the process started, since 1970.", NULL),
		   (double)wall_now_us() / 1e6);
	metrics_on_scrape(service->metrics, collect_process, service);
}

/* --- the --health flag ----------------------------------------------------------------------- */

/* An address that stands for all of this machine's is reached by loopback. */
static const char *reachable(const char *address)
{
	return !*address || strcmp(address, "0.0.0.0") == 0 ? "127.0.0.1"
	       : strcmp(address, "::") == 0                 ? "::1"
							    : address;
}

static enum error ask(const char *url, long *status, struct text *why)
{
	struct http_call call = { .method = "GET",
				  .url = url,
				  .limits = { TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS },
				  .reply_limit_bytes = MAX_PAGE };
	struct http_reply reply;
	struct http_client *client = http_client_new();
	if (!client)
		return ERROR_NO_MEMORY;
	enum error error = http_client_perform(client, &call, &reply, why);
	*status = reply.status;
	http_reply_clean_up(&reply);
	http_client_destroy(&client);
	return error;
}

int service_ask_health(const struct service *service)
{
	const char *address = reachable(service_management_address(service));
	bool is_v6 = strchr(address, ':') != NULL;
	char url[512], reason[512];
	struct text why;
	text_init_fixed(&why, reason, sizeof reason);
	snprintf(url, sizeof url, "http://%s%s%s:%d/healthz", is_v6 ? "[" : "", address,
		 is_v6 ? "]" : "", service->management_port);
	if (!service->management_port) {
		fprintf(stderr, "%s: --health needs a management_port that is not 0\n",
			service->spec->name);
		return 1;
	}
	long status = 0;
	enum error error = http_client_global_init();
	if (!error)
		error = ask(url, &status, &why);
	if (!error && status == 200)
		return 0;
	fprintf(stderr, "%s: %s: %s\n", service->spec->name, url,
		!error       ? "not healthy"
		: why.length ? why.data
			     : error_text(error));
	return 1;
}
