/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server's life.
 *
 * Invariants: options, routes and the list of workers are fixed before civetweb starts. A worker is
 * its civetweb thread's alone, but for its guard (http_socket.c). `draining`, `in_flight` and
 * `id_next` are atomic; nothing else is shared.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "http_internal.h"
#include "log.h"
#include "timestamp.h"

enum { DRAIN_POLL_NS = 5000000 };

/* What civetweb says while it starts explains a failure; only the starting thread sees it. */
static _Thread_local struct text *start_log;

/* --- civetweb's other callbacks -------------------------------------------------------------- */

static int on_log(const struct mg_connection *connection, const char *message)
{
	(void)connection;
	if (start_log != NULL)
		text_putf(start_log, "%s%s", start_log->length == 0 ? "" : "; ", message);
	else
		log_debug("civetweb", LOG_STR("message", message));
	return 1;
}

/* There may be idle ones to close. Under the lock, or it comes between the guard's look at the
 * number of connections and its wait, and the newcomers wait as long as an idle server's guard
 * sleeps. */
static void wake_guard(struct http_server *server)
{
	pthread_mutex_lock(&server->guard_lock);
	pthread_cond_signal(&server->guard_wake);
	pthread_mutex_unlock(&server->guard_lock);
}

static int on_connection(const struct mg_connection *connection, void **data)
{
	struct worker *worker = mg_get_thread_pointer(connection);
	struct http_server *server = worker->server;

	(void)data;
	worker->connected_us = worker->waiting_since_us = monotonic_now_us();
	worker->served = 0;
	worker->connected = true;
	if (atomic_fetch_add(&server->connections, 1) + 1 == server->options.threads)
		wake_guard(server);
	return 0;
}

/* Also comes for a connection that failed in its TLS handshake, which never was one for us. */
static void on_connection_end(const struct mg_connection *connection)
{
	struct worker *worker = mg_get_thread_pointer(connection);

	http_idle_end(worker);
	if (worker->connected)
		atomic_fetch_sub(&worker->server->connections, 1);
	worker->connected = false;
}

static void *on_thread(const struct mg_context *context, int type)
{
	struct http_server *server = mg_get_user_data(context);
	unsigned at;

	if (type != 1)
		return NULL;
	at = atomic_fetch_add(&server->workers_taken, 1);
	assert(at < (unsigned)server->options.threads);
	return &server->workers[at];
}

/* --- life ------------------------------------------------------------------------------------ */

static void answer_openapi(struct http_request *request, void *user)
{
	const char *document = request->server->options.openapi;

	(void)user;
	http_answer(request, 200, "application/json", document, strlen(document));
}

const struct http_route http_openapi_route = { .method = "GET",
					       .path = "/openapi.json",
					       .handle = answer_openapi };

static void init_civetweb(void)
{
	http_civetweb_need();
	mg_init_library(MG_FEATURES_TLS);
}

static enum error make_workers(struct http_server *server)
{
	server->workers = calloc((size_t)server->options.threads, sizeof *server->workers);
	if (server->workers == NULL)
		return ERROR_NO_MEMORY;
	for (int i = 0; i < server->options.threads; i++) {
		server->workers[i].server = server;
		text_init(&server->workers[i].headers, HTTP_HEAD_MAX);
		text_init(&server->workers[i].output, HTTP_HEAD_MAX * 2 + HTTP_SINGLE_WRITE);
	}
	return ERROR_OK;
}

static void destroy_workers(struct http_server *server)
{
	for (int i = 0; server->workers != NULL && i < server->options.threads; i++) {
		text_clean_up(&server->workers[i].headers);
		text_clean_up(&server->workers[i].output);
		free(server->workers[i].input);
	}
	free(server->workers);
}

/* 0: civetweb goes on with its own set-up. */
static int on_ssl(void *ssl_context, void *user)
{
	struct http_server *server = user;

	http_tls_attach(server->tls, ssl_context);
	return 0;
}

static enum error start_civetweb(struct http_server *server, struct text *why)
{
	const struct http_server_options *o = &server->options;
	bool tls = server->tls != NULL;
	char listen[128], threads[16], request_ms[24], keep_alive_ms[24], head[16];
	const char *settings[] = { "listening_ports",
				   listen,
				   "num_threads",
				   threads,
				   "request_timeout_ms",
				   request_ms,
				   "keep_alive_timeout_ms",
				   keep_alive_ms,
				   "max_request_size",
				   head,
				   "tcp_nodelay",
				   "1",
				   "enable_keep_alive",
				   "yes",
				   "decode_url",
				   "no",
				   "enable_auth_domain_check",
				   "no",
				   "connection_queue",
				   "128",
				   "listen_backlog",
				   "1024",
				   tls ? "ssl_certificate" : NULL,
				   o->tls_certificate,
				   NULL };
	const struct mg_callbacks callbacks = { .begin_request = http_on_request,
						.http_error = http_on_error,
						.log_message = on_log,
						.init_ssl = on_ssl,
						.init_connection = on_connection,
						.connection_closed = on_connection_end,
						.init_thread = on_thread };
	struct mg_init_data init = { &callbacks, server, settings };
	char said[512], reason[256] = "";
	struct mg_error_data error = { .text = reason, .text_buffer_size = sizeof reason };
	struct text log;

	snprintf(listen, sizeof listen, "%s:%d%s", o->address, o->port, tls ? "s" : "");
	snprintf(threads, sizeof threads, "%d", o->threads);
	snprintf(request_ms, sizeof request_ms, "%" PRId64, o->request_timeout_ms);
	snprintf(keep_alive_ms, sizeof keep_alive_ms, "%" PRId64, o->keep_alive_timeout_ms);
	snprintf(head, sizeof head, "%d", HTTP_HEAD_ROOM);
	text_init_fixed(&log, said, sizeof said);
	start_log = &log;
	server->context = mg_start2(&init, &error);
	start_log = NULL;
	if (server->context != NULL)
		return ERROR_OK;
	why_putf(why, "cannot serve HTTP on %s: %s", listen, log.length > 0 ? said : reason);
	return ERROR_SYSTEM;
}

static void make_gauge(struct http_server *server)
{
	char listener[96], memory[160];
	struct text labels;

	snprintf(listener, sizeof listener, "%s:%d", server->options.address, server->options.port);
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "listener", listener);
	server->in_flight_gauge = metrics_gauge(server->options.metrics, "http_in_flight",
						"Requests being served now", labels.data);
	server->rate_limited = metrics_counter(
		server->options.metrics, "http_rate_limited_total",
		"Requests refused because their token's limit was reached", labels.data);
	server->idle_closed = metrics_counter(
		server->options.metrics, "http_idle_closed_total",
		"Connections closed while idle, because every worker had one", labels.data);
}

enum error http_server_start(const struct http_server_options *options, struct http_server **server,
			     struct text *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_server *new;
	struct mg_server_port port;
	enum error error = ERROR_OK;

	pthread_once(&once, init_civetweb);
	new = calloc(1, sizeof *new);
	if (new == NULL)
		return ERROR_NO_MEMORY;
	new->options = *options;
	if (getrandom(&new->id_prefix, sizeof new->id_prefix, 0) < 0)
		new->id_prefix = (uint32_t)monotonic_now_us();
	make_gauge(new);
	if (options->tls_certificate != NULL && options->tls_certificate[0] != '\0')
		error = http_tls_load(options->tls_certificate, &new->tls, why);
	if (error != ERROR_OK)
		goto fail_tls;
	error = http_routes_compile(new);
	if (error != ERROR_OK)
		goto fail_routes;
	error = make_workers(new);
	if (error != ERROR_OK)
		goto fail_workers;
	error = http_guard_start(new);
	if (error != ERROR_OK)
		goto fail_workers;
	error = start_civetweb(new, why);
	if (error != ERROR_OK)
		goto fail_civetweb;
	if (mg_get_server_ports(new->context, 1, &port) == 1)
		new->port = port.port;
	*server = new;
	return ERROR_OK;

fail_civetweb:
	http_guard_stop(new);
fail_workers:
	destroy_workers(new);
fail_routes:
	http_routes_destroy(new);
fail_tls:
	http_tls_destroy(&new->tls);
	free(new);
	return error;
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}

enum error http_server_reload(struct http_server *server, struct text *why)
{
	return server->tls != NULL ? http_tls_reload(server->tls, why) : ERROR_OK;
}

enum error http_server_drain(struct http_server *server, int64_t deadline_us)
{
	const struct timespec pause = { .tv_nsec = DRAIN_POLL_NS };

	atomic_store(&server->draining, true);
	while (atomic_load(&server->in_flight) > 0) {
		if (monotonic_now_us() >= deadline_us)
			return ERROR_TIMEOUT;
		nanosleep(&pause, NULL);
	}
	return ERROR_OK;
}

void http_server_destroy(struct http_server **server)
{
	struct http_server *old = *server;

	if (old == NULL)
		return;
	*server = NULL;
	atomic_store(&old->draining, true);
	/* The first round shuts the listening socket, the second what it had let in meanwhile. */
	http_sockets_shut(old);
	http_sockets_shut(old);
	mg_stop(old->context);
	http_guard_stop(old);
	destroy_workers(old);
	http_routes_destroy(old);
	http_tls_destroy(&old->tls);
	free(old);
}
