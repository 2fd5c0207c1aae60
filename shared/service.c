/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: all of this runs on the main thread, but for the watch for a second signal while the
 * service drains. Signals are blocked before any thread is made here, so that only sigwait gets
 * them. Threads that a library made before main (OpenBLAS does) block nothing: a signal that finds
 * one of them goes on to the thread that waits, `catcher`.
 */
#include "service.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kafka.h"
#include "log.h"
#include "service_internal.h"
#include "timestamp.h"
#include "version.h"

enum {
	EXIT_SETTINGS = 2,
	MAX_TEXT = 1 << 20,
	MANAGEMENT_OFFSET = 1000,
	MAX_PORT = 65535,
};

const struct config *service_config(const struct service *service)
{
	return service->config;
}

const struct service_settings *service_settings(const struct service *service)
{
	return &service->settings;
}

struct metrics *service_metrics(struct service *service)
{
	return service->metrics;
}

struct health *service_health(struct service *service)
{
	return service->health;
}

/* --- settings -------------------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
	       strcmp(address, "localhost") == 0;
}

/* Rules over more than one setting. */
static void check_together(struct service *service, struct text *complaints)
{
	const struct service_settings *settings = &service->settings;
	const char *addresses[] = { settings->http_address, service_management_address(service) };
	int64_t port = settings->management_port;
	if (port < 0)
		port = settings->http_port ? settings->http_port + MANAGEMENT_OFFSET : 0;
	if (port > MAX_PORT)
		text_putf(complaints,
			  "management_port: http_port + %d is above %d; set it explicitly\n",
			  MANAGEMENT_OFFSET, MAX_PORT);
	service->management_port = (int)port;
	if (*settings->token_file || settings->allow_anonymous)
		return;
	for (size_t i = 0; i < 2 && (!i || addresses[0] != addresses[1]); i++)
		if (!is_loopback(addresses[i]))
			text_putf(
				complaints,
				"%s: %s is not a loopback address: without a token_file everybody "
				"could use the service; set token_file, or allow_anonymous=true\n",
				i ? "management_address" : "http_address", addresses[i]);
}

/* What passes through to Kafka's client is known to the client alone. */
static void check_kafka(const struct service *service, struct text *complaints)
{
	char memory[4096];
	struct text why;
	rd_kafka_conf_t *conf = NULL;
	text_init_fixed(&why, memory, sizeof memory);
	if (kafka_conf_new(service->config, "", service->spec->name, NULL, &conf, &why))
		text_putf(complaints, "%s\n", why.data);
	else
		rd_kafka_conf_destroy(conf);
}

static bool make_config(struct service *service)
{
	const struct service_spec *spec = service->spec;
	static char port[8]; /* config keeps the pointer */
	service->tables = calloc(spec->table_count + 1, sizeof *service->tables);
	if (!service->tables)
		return false;
	if (spec->table_count)
		memcpy(service->tables, spec->tables, spec->table_count * sizeof *spec->tables);
	service->tables[spec->table_count] = service_settings_table(&service->settings);
	service->config = config_new(spec->name, service->tables, spec->table_count + 1);
	if (!service->config)
		return false;
	snprintf(port, sizeof port, "%d", spec->default_port);
	config_set_default(service->config, "http_port", port);
	return true;
}

static void print_help(const struct service *service)
{
	struct text help;
	text_init(&help, MAX_TEXT);
	config_write_help(service->config, service->spec->summary, &help);
	fwrite(help.data, 1, help.length, stdout);
	text_clean_up(&help);
}

/* Reads the settings and does what the flags that end at once ask for. True: run; false: exit with
 * *code. */
static bool settle(struct service *service, int argc, char **argv, int *code)
{
	struct text complaints;
	text_init(&complaints, MAX_TEXT);
	enum error error = config_load(service->config, argc, argv, environ, &complaints);
	enum config_action action = config_action(service->config);
	bool prints = action == CONFIG_HELP || action == CONFIG_VERSION;
	*code = EXIT_SUCCESS;
	if (!prints) {
		check_together(service, &complaints);
		check_kafka(service, &complaints);
		if (!error && service->spec->check)
			service->spec->check(service->spec->app, &complaints);
		error = complaints.length ? ERROR_INVALID : error;
	}
	if (action == CONFIG_HELP) {
		print_help(service);
	} else if (action == CONFIG_VERSION) {
		printf("%s %s\n%s\n", service->spec->name, TICKLINE_VERSION, TICKLINE_FLAGS);
	} else if (error) {
		fprintf(stderr, "%s: the settings are not good:\n%s", service->spec->name,
			complaints.data);
		*code = EXIT_SETTINGS;
	} else if (action == CONFIG_CHECK) {
		puts("the settings are good");
	} else if (action == CONFIG_HEALTH) {
		*code = service_ask_health(service);
	}
	text_clean_up(&complaints);
	return !error && action == CONFIG_RUN;
}

/* --- starting -------------------------------------------------------------------------------- */

static _Atomic pthread_t catcher;

static void pass_on(int number)
{
	pthread_kill(atomic_load(&catcher), number);
}

static void block_signals(sigset_t *set)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	const struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	atomic_store(&catcher, pthread_self());
	sigemptyset(set);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(set, numbers[i]);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaction(numbers[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static enum error start_foundation(struct service *service, struct text *why)
{
	service->metrics = metrics_new();
	service->health = health_new();
	if (!service->metrics || !service->health)
		return ERROR_NO_MEMORY;
	service->listening = health_condition(service->health, "listener");
	service_register_process(service);
	if (*service->settings.token_file) {
		enum error error =
			http_auth_load(service->settings.token_file, &service->auth, why);
		if (error)
			return error;
	}
	return service_management_start(service, why);
}

static enum error start_parts(struct service *service, const char **failed, struct text *why)
{
	const struct service_spec *spec = service->spec;
	for (; service->started < spec->part_count; service->started++) {
		const struct service_part *part = &spec->parts[service->started];
		enum error error = part->start ? part->start(service, spec->app, why) : ERROR_OK;
		if (error) {
			*failed = part->name;
			return error;
		}
	}
	return ERROR_OK;
}

static struct http_rate rate_of(const struct service_settings *settings)
{
	int64_t burst = settings->http_rate_limit_burst;
	if (burst == 0)
		burst = (int64_t)settings->http_rate_limit_per_s;
	return (struct http_rate){ settings->http_rate_limit_per_s, burst > 1 ? burst : 1 };
}

static enum error start_server(struct service *service, struct text *why)
{
	const struct service_spec *spec = service->spec;
	const struct service_settings *settings = &service->settings;
	struct http_server_options options = {
		.address = settings->http_address,
		.port = (int)settings->http_port,
		.threads = (int)settings->http_threads,
		.body_limit_bytes = (size_t)settings->http_body_limit_bytes,
		.bodies_limit_bytes = (size_t)settings->http_bodies_limit_bytes,
		.request_timeout_ms = settings->http_request_timeout_ms,
		.body_timeout_ms = settings->http_body_timeout_ms,
		.keep_alive_timeout_ms = settings->http_keep_alive_timeout_ms,
		.tls_certificate = settings->tls_certificate,
		.cors_origins = settings->cors_origins,
		.auth = service->auth,
		.rate = rate_of(settings),
		.openapi = spec->openapi,
		.routes = spec->routes,
		.route_count = spec->route_count,
		.user = spec->app,
		.metrics = service->metrics,
	};
	return http_server_start(&options, &service->server, why);
}

static enum error start(struct service *service)
{
	char memory[1024];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	const char *failed = "management listener";
	enum error error = start_foundation(service, &why);
	if (!error)
		error = start_parts(service, &failed, &why);
	if (!error) {
		failed = "listener";
		error = start_server(service, &why);
	}
	if (error) {
		log_error("cannot start", LOG_STR("part", failed),
			  LOG_STR("error", error_name(error)),
			  LOG_STR("reason", why.length ? why.data : error_text(error)));
		return error;
	}
	health_met(service->listening);
	log_info("listening", LOG_STR("address", service->settings.http_address),
		 LOG_I64("port", http_server_port(service->server)),
		 LOG_I64("management_port", http_server_port(service->management)),
		 LOG_STR("version", TICKLINE_VERSION));
	return ERROR_OK;
}

/* --- running and ending ---------------------------------------------------------------------- */

static void reload(struct service *service)
{
	const struct service_spec *spec = service->spec;
	log_info("reloading");
	char memory[512];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	if (service->auth && http_auth_reload(service->auth, &why))
		log_error("tokens not reloaded, the old ones stay", LOG_STR("reason", why.data));
	text_reset(&why);
	if (http_server_reload(service->server, &why))
		log_error("certificate not reloaded, the old one stays",
			  LOG_STR("reason", why.data));
	for (size_t i = 0; i < spec->part_count; i++)
		if (spec->parts[i].reload)
			spec->parts[i].reload(service, spec->app);
}

/* Returns the signal that asks the service to end. */
static int wait_for_end(struct service *service, const sigset_t *signals)
{
	for (;;) {
		int signal_number = sigwaitinfo(signals, NULL);
		if (signal_number == SIGHUP)
			reload(service);
		else if (signal_number > 0)
			return signal_number;
	}
}

/* The watch for a second signal. It is sent SIGHUP to look at `done`. */
struct watch {
	const sigset_t *signals;
	atomic_bool done;
	pthread_t thread;
	bool started;
};

/* While draining, a second SIGTERM or SIGINT means: now. */
static void *watch_second_signal(void *user)
{
	struct watch *watch = user;
	atomic_store(&catcher, pthread_self());
	while (!atomic_load(&watch->done)) {
		int signal_number = sigwaitinfo(watch->signals, NULL);
		if (signal_number == SIGTERM || signal_number == SIGINT) {
			log_warn("second signal, ending at once");
			_exit(EXIT_FAILURE);
		}
	}
	return NULL;
}

static void watch_start(struct watch *watch, const sigset_t *signals)
{
	watch->signals = signals;
	watch->started = pthread_create(&watch->thread, NULL, watch_second_signal, watch) == 0;
}

static void watch_stop(struct watch *watch)
{
	if (!watch->started)
		return;
	atomic_store(&catcher, pthread_self());
	atomic_store(&watch->done, true);
	pthread_kill(watch->thread, SIGHUP);
	pthread_join(watch->thread, NULL);
}

static void drain(struct service *service)
{
	const struct service_spec *spec = service->spec;
	int64_t deadline_us = monotonic_now_us() + service->settings.drain_timeout_s * 1000000;
	health_drain(service->health);
	if (http_server_drain(service->server, deadline_us))
		log_warn("requests were still in flight when the time to drain was over");
	for (size_t i = service->started; i-- > 0;)
		if (spec->parts[i].drain)
			spec->parts[i].drain(service, spec->app, deadline_us);
}

static void stop(struct service *service)
{
	const struct service_spec *spec = service->spec;
	if (service->server)
		http_server_destroy(&service->server);
	for (; service->started > 0; service->started--) {
		const struct service_part *part = &spec->parts[service->started - 1];
		if (part->stop)
			part->stop(service, spec->app);
	}
	if (service->management)
		http_server_destroy(&service->management);
	if (service->auth)
		http_auth_destroy(&service->auth);
	health_destroy(&service->health);
	metrics_destroy(&service->metrics);
}

static int run(struct service *service)
{
	sigset_t signals;
	block_signals(&signals);
	log_init(service->spec->name, (enum log_level)service->settings.log_level,
		 (enum log_format)service->settings.log_format);
	if (start(service)) {
		stop(service);
		return EXIT_FAILURE;
	}
	int number = wait_for_end(service, &signals);
	log_info("ending", LOG_STR("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
	struct watch watch = { 0 };
	watch_start(&watch, &signals);
	drain(service);
	stop(service);
	watch_stop(&watch);
	log_info("ended");
	return EXIT_SUCCESS;
}

int service_main(const struct service_spec *spec, int argc, char **argv)
{
	struct service service = { .spec = spec };
	int code = EXIT_FAILURE;
	if (!make_config(&service))
		fprintf(stderr, "%s: %s\n", spec->name, error_text(ERROR_NO_MEMORY));
	else if (settle(&service, argc, argv, &code) &&
		 !(spec->instead && spec->instead(service.config, spec->app, &code)))
		code = run(&service);
	config_destroy(&service.config);
	free(service.tables);
	return code;
}
