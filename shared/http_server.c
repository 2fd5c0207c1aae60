/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server's life, and the way of a request through it.
 *
 * Invariants: options, routes and the list of workers are fixed before civetweb starts. A worker is
 * its civetweb thread's alone, but for its guard (http_socket.c). `draining`, `in_flight` and
 * `id_next` are atomic; nothing else is shared.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "http_internal.h"
#include "log.h"
#include "timestamp.h"

enum { DRAIN_POLL_NS = 5000000 };

/* What civetweb says while it starts explains a failure; only the starting thread sees it. */
static _Thread_local struct text *start_log;

/* --- one request ----------------------------------------------------------------------------- */

static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (*list != '\0') {
		size_t item;

		list += strspn(list, ", \t");
		item = strcspn(list, ", \t");
		if (item == length && strncasecmp(list, word, length) == 0)
			return true;
		list += item;
	}
	return false;
}

/* As civetweb decides, so that the header we send and what it does agree. */
static bool wants_keep_alive(const struct http_request *request)
{
	const char *connection = http_request_header(request, "Connection");

	if (connection != NULL)
		return list_has(connection, "keep-alive");
	return strcmp(request->info->http_version, "1.1") == 0;
}

static void choose_id(struct http_request *request)
{
	const char *given = http_request_header(request, "X-Request-Id");
	size_t length = given == NULL ? 0 : strlen(given);

	if (length > 0 && length <= HTTP_ID_MAX &&
	    strspn(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		    length) {
		memcpy(request->id, given, length + 1);
		return;
	}
	snprintf(request->id, sizeof request->id, "%08" PRIx32 "-%08x", request->server->id_prefix,
		 atomic_fetch_add_explicit(&request->server->id_next, 1, memory_order_relaxed));
}

static void show_in_flight(struct http_server *server)
{
	long seen;

	do { /* whoever is last sets what is true */
		seen = atomic_load(&server->in_flight);
		metric_set(server->in_flight_gauge, (double)seen);
	} while (seen != atomic_load(&server->in_flight));
}

static struct http_request *begin(struct mg_connection *connection)
{
	struct worker *worker = mg_get_thread_pointer(connection);
	struct http_request *request = &worker->request;

	memset(request, 0, offsetof(struct http_request, strings));
	request->server = worker->server;
	request->worker = worker;
	request->connection = connection;
	request->info = mg_get_request_info(connection);
	request->start_us = monotonic_now_us();
	request->path = "";
	request->headers = &worker->headers;
	request->body.state = BODY_DONE;
	text_reset(request->headers);
	atomic_fetch_add(&worker->server->in_flight, 1);
	show_in_flight(worker->server);
	return request;
}

static void end(struct http_request *request)
{
	struct http_server *server = request->server;
	int64_t now_us = monotonic_now_us();

	http_body_end(request);
	http_observe(request, now_us);
	log_debug("request", LOG_STR("method", http_method(request)),
		  LOG_STR("path", request->path), LOG_I64("status", request->status),
		  LOG_I64("us", now_us - request->start_us), LOG_STR("id", request->id),
		  LOG_STR("principal", http_principal(request)));
	atomic_fetch_sub(&server->in_flight, 1);
	show_in_flight(server);
}

static bool head_is_good(struct http_request *request)
{
	const char *reason = "";
	const char *query = request->info->query_string;
	size_t length = strlen(request->info->local_uri_raw) + (query == NULL ? 0 : strlen(query));

	if (length > HTTP_URI_MAX) {
		request->keep_alive = false;
		http_answer_problem(request, 414, "uri-too-long", NULL,
				    "the request target is over %d bytes", HTTP_URI_MAX);
		return false;
	}
	if (strcmp(request->info->http_version, "1.1") == 0 &&
	    http_request_header(request, "Host") == NULL) {
		http_answer_problem(request, 400, "no-host", NULL,
				    "HTTP/1.1 requires a Host header");
		return false;
	}
	if (http_target_read(request, &reason) != ERROR_OK) {
		http_answer_problem(request, 400, "bad-target", NULL, "%s", reason);
		return false;
	}
	return true;
}

static bool is_draining(struct http_request *request)
{
	if (!atomic_load(&request->server->draining))
		return false;
	request->keep_alive = false;
	http_answer_retry_after(request, 1);
	http_answer_problem(request, 503, "shutting-down", NULL,
			    "the service is shutting down; another instance may answer");
	return true;
}

/* Finds the route; false: answered. */
static bool find_route(struct http_request *request, const char *method)
{
	char memory[128];
	struct text allow;
	enum http_match match;

	text_init_fixed(&allow, memory, sizeof memory);
	request->head_only = strcmp(method, "HEAD") == 0;
	match = http_route_find(request, request->head_only ? "GET" : method, &allow);
	if (match == MATCH_OK)
		return true;
	if (match == MATCH_NO_PATH) {
		http_answer_problem(request, 404, "no-such-path", NULL,
				    "there is nothing at %.200s", request->path);
	} else if (strcmp(method, "OPTIONS") == 0) {
		text_reset(request->headers); /* a preflight has headers of its own */
		http_answer_options(request, allow.data);
	} else {
		http_answer_header(request, "Allow", allow.data);
		http_answer_problem(request, 405, "method-not-allowed", NULL,
				    "%.20s is not possible at %.200s, only %s", method,
				    request->path, allow.data);
	}
	return false;
}

static void handle(struct http_request *request)
{
	const struct http_route *route;

	if (!head_is_good(request))
		return;
	http_cors_headers(request);
	if (is_draining(request) || !find_route(request, http_method(request)))
		return;
	route = request->matcher->spec;
	if (!http_auth_check(request, route->scope) || http_body_begin(request) != ERROR_OK)
		return;
	route->handle(request, request->server->options.user);
	if (!request->answered) {
		log_error("a handler gave no answer", LOG_STR("route", route->path));
		http_answer_problem(request, 500, "no-answer", NULL, "the handler gave no answer");
	}
}

static int on_request(struct mg_connection *connection)
{
	struct http_request *request = begin(connection);
	int status;

	choose_id(request);
	request->keep_alive = wants_keep_alive(request);
	handle(request);
	if (http_body_left(request))
		http_linger(request);
	status = request->status;
	end(request);
	return status;
}

/* --- what civetweb refuses by itself --------------------------------------------------------- */

/* A method that civetweb does not know: it has read the request line, but no more. */
static bool answer_unknown_method(struct http_request *request)
{
	struct mg_request_info info = *request->info;
	char uri[HTTP_URI_MAX];
	const char *reason;

	if (info.request_method == NULL || info.request_uri == NULL || info.http_version == NULL ||
	    info.num_headers != 0 || info.request_uri[0] != '/' ||
	    http_method_index(info.request_method) < HTTP_METHODS - 1)
		return false;
	snprintf(uri, sizeof uri, "%.*s", (int)strcspn(info.request_uri, "?"), info.request_uri);
	info.local_uri_raw = uri;
	info.query_string = NULL;
	request->info = &info;
	if (http_target_read(request, &reason) == ERROR_OK)
		find_route(request, info.request_method);
	request->info = mg_get_request_info(request->connection);
	return request->answered;
}

static void answer_refusal(struct http_request *request, int status, const char *message)
{
	if (status == 413)
		http_answer_problem(request, 431, "head-too-large", NULL,
				    "the request line and headers are over %d bytes together",
				    HTTP_HEAD_MAX);
	else if (status == 505)
		http_answer_problem(request, 505, "bad-http-version", NULL,
				    "only HTTP/1.0 and HTTP/1.1 are spoken here");
	else if (status == 411)
		http_answer_problem(request, 400, "bad-framing", NULL,
				    "Content-Length is not a number");
	else if (status != 400 || !answer_unknown_method(request))
		http_answer_problem(request, status, status == 400 ? "bad-request" : "refused",
				    NULL, "%s", message);
}

static int on_error(struct mg_connection *connection, int status, const char *message)
{
	struct http_request *request = begin(connection);

	snprintf(request->id, sizeof request->id, "%08" PRIx32 "-%08x", request->server->id_prefix,
		 atomic_fetch_add_explicit(&request->server->id_next, 1, memory_order_relaxed));
	request->keep_alive = false;
	answer_refusal(request, status, message);
	http_linger(request);
	end(request);
	return 0;
}

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

static enum error start_civetweb(struct http_server *server, struct text *why)
{
	const struct http_server_options *o = &server->options;
	bool tls = o->tls_certificate != NULL && o->tls_certificate[0] != '\0';
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
	const struct mg_callbacks callbacks = { .begin_request = on_request,
						.http_error = on_error,
						.log_message = on_log,
						.init_thread = on_thread };
	struct mg_init_data init = { &callbacks, server, settings };
	char said[512], reason[256] = "";
	struct mg_error_data error = { .text = reason, .text_buffer_size = sizeof reason };
	struct text log;

	snprintf(listen, sizeof listen, "%s:%d%s", o->address, o->port, tls ? "s" : "");
	snprintf(threads, sizeof threads, "%d", o->threads);
	snprintf(request_ms, sizeof request_ms, "%" PRId64, o->request_timeout_ms);
	snprintf(keep_alive_ms, sizeof keep_alive_ms, "%" PRId64, o->keep_alive_timeout_ms);
	snprintf(head, sizeof head, "%d", HTTP_HEAD_MAX);
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
}

enum error http_server_start(const struct http_server_options *options, struct http_server **server,
			     struct text *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_server *new = calloc(1, sizeof *new);
	struct mg_server_port port;
	enum error error = ERROR_NO_MEMORY;

	pthread_once(&once, init_civetweb);
	if (new == NULL)
		return error;
	new->options = *options;
	if (getrandom(&new->id_prefix, sizeof new->id_prefix, 0) < 0)
		new->id_prefix = (uint32_t)monotonic_now_us();
	make_gauge(new);
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
	free(new);
	return error;
}

int http_server_port(const struct http_server *server)
{
	return server->port;
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
	free(old);
}
