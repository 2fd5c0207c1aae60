/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The way of a request: its head is checked, its route found, its sender's scope asked for, its
 * body prepared, its handler called. What civetweb refuses by itself is answered here as well.
 */
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "log.h"
#include "timestamp.h"

enum { TURN_US = 100000 };

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

/* Where every worker has a connection, others may wait for one: a connection that had its turn ends
 * with this answer, so that a busy client can't keep the others out. */
static bool has_had_its_turn(const struct http_request *request)
{
	struct http_server *server = request->server;

	return http_is_full(server) && request->start_us - request->worker->connected_us > TURN_US;
}

/* As civetweb decides, so that the header we send and what it does agree. */
static bool wants_keep_alive(const struct http_request *request)
{
	const char *connection = http_request_header(request, "Connection");

	if (connection != NULL)
		return list_has(connection, "keep-alive");
	return strcmp(request->info->http_version, "1.1") == 0;
}

static char *put_hex(char *out, uint32_t value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		*out++ = "0123456789abcdef"[value >> shift & 15];
	return out;
}

/* The client's own where it is sane, for `given` may end up in logs and shells. */
static void choose_id(struct http_request *request, const char *given)
{
	size_t length = given == NULL ? 0 : strlen(given);

	if (length > 0 && length <= HTTP_ID_MAX &&
	    strspn(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		    length) {
		memcpy(request->id, given, length + 1);
		return;
	}
	char *at = put_hex(request->id, request->server->id_prefix);
	*at++ = '-';
	at = put_hex(at,
		     atomic_fetch_add_explicit(&request->server->id_next, 1, memory_order_relaxed));
	*at = '\0';
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

	http_idle_end(worker);
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
	log_debug("request", LOG_STR("method", http_method(request)),
		  LOG_STR("path", request->path), LOG_I64("status", request->status),
		  LOG_I64("us", now_us - request->start_us), LOG_STR("id", request->id),
		  LOG_STR("principal", http_principal(request)));
	request->worker->waiting_since_us = now_us;
	request->worker->served++;
	http_idle_begin(request->worker, request->info);
	atomic_fetch_sub(&server->in_flight, 1);
	show_in_flight(server);
}

/* Where the last header's line ends; NULL: there are no headers. */
static const char *headers_end(const struct mg_request_info *info)
{
	return info->num_headers == 0
		       ? NULL
		       : strchr(info->http_headers[info->num_headers - 1].value, '\0') + 1;
}

static bool head_is_short(const struct mg_request_info *info)
{
	const char *end = headers_end(info);

	return end == NULL || end - info->request_method <= HTTP_HEAD_MAX;
}

/* civetweb stops reading headers at the 64th, and at a line that is none, and says nothing: a
 * Content-Length behind that would be missed. Then the last header it read, whose CRLF it has
 * overwritten, is not followed by the empty line. (Nor is one that ended with a bare LF.) */
static bool headers_are_whole(const struct mg_request_info *info)
{
	const char *next = headers_end(info);

	return next == NULL || (next[0] == '\0' && next[1] == '\r');
}

static bool refuse_head(struct http_request *request, int status, const char *slug,
			const char *detail)
{
	request->keep_alive = false;
	http_answer_problem(request, status, slug, NULL, "%s", detail);
	return false;
}

static bool head_is_good(struct http_request *request)
{
	const struct mg_request_info *info = request->info;
	const char *query = info->query_string;
	const char *reason = "";

	if (strlen(info->local_uri_raw) + (query == NULL ? 0 : strlen(query)) > HTTP_URI_MAX)
		return refuse_head(request, 414, "uri-too-long", "the target is over 8192 bytes");
	if (!head_is_short(info))
		return refuse_head(request, 431, "head-too-large",
				   "the request line and headers are over 16384 bytes together");
	if (!headers_are_whole(info))
		return refuse_head(request, 431, "bad-headers",
				   "more than 64 headers, or a line that is no header with CRLF");
	if (strcmp(info->http_version, "1.1") == 0 && http_request_header(request, "Host") == NULL)
		return refuse_head(request, 400, "no-host", "HTTP/1.1 requires a Host header");
	if (http_target_read(request, &reason) != ERROR_OK)
		return refuse_head(request, 400, "bad-target", reason);
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
	const char *flaw = http_body_announce(request);
	const struct http_route *route;

	if (!head_is_good(request))
		return;
	if (flaw != NULL) {
		refuse_head(request, 400, "bad-framing", flaw);
		return;
	}
	if (!http_cors_check(request))
		return;
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

/* What the handler did not read of the body must not be taken for the next request. */
static void settle_body(struct http_request *request)
{
	if (!http_body_left(request))
		return;
	if (request->keep_alive && http_body_discardable(request))
		http_body_discard(request);
	if (!http_body_left(request))
		return;
	mg_disable_connection_keep_alive(request->connection);
	http_linger(request);
}

int http_on_request(struct mg_connection *connection)
{
	struct http_request *request = begin(connection);
	int status;

	choose_id(request, http_request_header(request, "X-Request-Id"));
	request->keep_alive = wants_keep_alive(request) && !has_had_its_turn(request);
	handle(request);
	http_body_let_go(request);
	settle_body(request);
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

/* civetweb gives the same 400 for a head that is wrong and for one that did not come in time. */
static bool came_too_late(const struct http_request *request)
{
	const struct http_server_options *options = &request->server->options;
	const struct worker *worker = request->worker;
	int64_t limit_ms =
		worker->served == 0 ? options->request_timeout_ms : options->keep_alive_timeout_ms;

	return request->start_us - worker->waiting_since_us >= limit_ms * 1000;
}

static void answer_refusal(struct http_request *request, int status, const char *message)
{
	if (status == 505)
		refuse_head(request, 505, "bad-http-version",
			    "only HTTP/1.0 and HTTP/1.1 are spoken here");
	else if (status == 411)
		refuse_head(request, 400, "bad-framing", "Content-Length is not a number");
	else if (status != 400 && status != 413)
		refuse_head(request, status, "refused", message);
	else if (came_too_late(request))
		refuse_head(request, 408, "head-too-slow", "the head did not come in time");
	else if (!answer_unknown_method(request))
		refuse_head(request, 400, "bad-request",
			    "the head is malformed, was cut, or is over 32768 bytes");
}

int http_on_error(struct mg_connection *connection, int status, const char *message)
{
	struct http_request *request = begin(connection);

	choose_id(request, NULL);
	request->keep_alive = false;
	answer_refusal(request, status, message);
	http_linger(request);
	end(request);
	return 0;
}
