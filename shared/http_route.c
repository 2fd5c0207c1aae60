/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a request target to a route: the path is split at its raw slashes, then each segment is
 * percent-decoded exactly once, so that "%2F" is data. Dots have no meaning: nothing here is a
 * file. Routes are tried with literals before parameters before "*".
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http_internal.h"
#include "utf8.h"

static const char *const methods[HTTP_METHODS] = { "GET",     "POST",  "PUT",     "DELETE", "HEAD",
						   "OPTIONS", "PATCH", "CONNECT", NULL };
static const short statuses[HTTP_STATUSES] = { 200, 201, 202, 204, 206, 207, 301, 302,
					       303, 304, 307, 400, 401, 403, 404, 405,
					       406, 408, 409, 410, 411, 412, 413, 414,
					       415, 422, 429, 431, 500, 503, 504, 0 };

int http_method_index(const char *method)
{
	int i = 0;

	while (methods[i] != NULL && strcmp(methods[i], method) != 0)
		i++;
	return i;
}

int http_status_index(int status)
{
	int i = 0;

	while (statuses[i] != 0 && statuses[i] != status)
		i++;
	return i;
}

/* --- compiling ------------------------------------------------------------------------------- */

static void compile_path(struct http_matcher *matcher)
{
	const char *at = matcher->spec->path;
	char *name = matcher->name;

	assert(*at == '/');
	while (*at == '/') {
		struct http_segment *segment = &matcher->segments[matcher->segment_count++];
		size_t length = strcspn(++at, "/");

		assert(matcher->segment_count <= HTTP_SEGMENTS_MAX);
		*segment = (struct http_segment){ at, length, SEGMENT_LITERAL };
		if (length == 1 && *at == '*') {
			assert(at[1] == '\0');
			*segment = (struct http_segment){ "*", 1, SEGMENT_REST };
		} else if (*at == '{') {
			assert(length > 2 && at[length - 1] == '}');
			assert(name + length <= matcher->name + sizeof matcher->name);
			memcpy(name, at + 1, length - 2);
			*segment = (struct http_segment){ name, length - 2, SEGMENT_PARAMETER };
			name += length - 1; /* zeroed memory: terminated */
		}
		at += length;
	}
}

/* Below 0: `a` is to be tried first. */
static int by_preference(const struct http_matcher *a, const struct http_matcher *b)
{
	for (size_t i = 0; i < a->segment_count && i < b->segment_count; i++)
		if (a->segments[i].kind != b->segments[i].kind)
			return (int)a->segments[i].kind - (int)b->segments[i].kind;
	return 0;
}

static struct http_matcher *compile_one(struct http_server *server, const struct http_route *spec,
					struct http_matcher *matcher)
{
	char memory[320];
	struct text labels;

	matcher->spec = spec;
	compile_path(matcher);
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "route", spec->path);
	matcher->seconds =
		metrics_histogram(server->options.metrics, "http_request_seconds",
				  "Time from a request's head to its answer", labels.data, NULL, 0);
	return matcher;
}

static void add_route(struct http_server *server, const struct http_route *spec)
{
	size_t at = server->matcher_count++;
	struct http_matcher *new = compile_one(server, spec, &server->matchers[at]);

	while (at > 0 && by_preference(new, server->order[at - 1]) < 0) {
		server->order[at] = server->order[at - 1];
		at--;
	}
	server->order[at] = new;
}

enum error http_routes_compile(struct http_server *server)
{
	static const struct http_route unmatched = { .method = "", .path = "/none" };
	const struct http_server_options *options = &server->options;
	size_t count = options->route_count + 2;

	server->matchers = calloc(count, sizeof *server->matchers);
	server->order = calloc(count, sizeof *server->order);
	if (server->matchers == NULL || server->order == NULL)
		return ERROR_NO_MEMORY;
	for (size_t i = 0; i < options->route_count; i++)
		add_route(server, &options->routes[i]);
	if (options->openapi != NULL)
		add_route(server, &http_openapi_route);
	server->unmatched = compile_one(server, &unmatched, &server->matchers[count - 1]);
	return ERROR_OK;
}

void http_routes_destroy(struct http_server *server)
{
	free(server->matchers);
	free(server->order);
}

/* --- reading the target ---------------------------------------------------------------------- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One byte at *at, percent-decoded; -1: not two hexadecimal digits, or %00. */
static int decode_byte(const char **at)
{
	const char *s = *at;
	int high, low;

	if (*s != '%') {
		*at += 1;
		return (unsigned char)*s;
	}
	high = hex(s[1]);
	low = high < 0 ? -1 : hex(s[2]);
	*at += 3;
	return low < 0 || (high | low) == 0 ? -1 : high << 4 | low;
}

static char *string_start(struct http_request *request)
{
	return request->strings + request->strings_used;
}

static void string_put(struct http_request *request, int c)
{
	assert(request->strings_used < sizeof request->strings);
	request->strings[request->strings_used++] = (char)c;
}

static void begin_segment(struct http_request *request)
{
	if (request->segment_count < HTTP_SEGMENTS_MAX)
		request->segments[request->segment_count].text = string_start(request);
	if (request->segment_count <= HTTP_SEGMENTS_MAX)
		request->segment_count++;
}

static void end_segment(struct http_request *request)
{
	size_t at = request->segment_count - 1;

	if (at < HTTP_SEGMENTS_MAX)
		request->segments[at].length =
			(size_t)(string_start(request) - request->segments[at].text);
}

static enum error read_path(struct http_request *request, const char *at, const char **reason)
{
	char *path = string_start(request);

	request->path = path;
	string_put(request, *at++); /* the first '/' */
	begin_segment(request);
	while (*at != '\0') {
		bool separator = *at == '/';
		int c = decode_byte(&at);

		if (c < 0) {
			*reason = "the path has a '%' without two hexadecimal digits, or a %00";
			return ERROR_INVALID;
		}
		if (separator)
			end_segment(request);
		string_put(request, c);
		if (separator)
			begin_segment(request);
	}
	end_segment(request);
	if (!utf8_valid(path, (size_t)(string_start(request) - path))) {
		*reason = "the path is not UTF-8";
		return ERROR_INVALID;
	}
	string_put(request, '\0');
	return ERROR_OK;
}

/* A name or a value up to one of `stops`. */
static const char *read_query_part(struct http_request *request, const char **at, const char *stops)
{
	char *start = string_start(request);

	while (strchr(stops, **at) == NULL) { /* finds the end of the string as well */
		int c = decode_byte(at);

		if (c < 0)
			return NULL;
		string_put(request, (*at)[-1] == '+' ? ' ' : c);
	}
	if (!utf8_valid(start, (size_t)(string_start(request) - start)))
		return NULL;
	string_put(request, '\0');
	return start;
}

static enum error read_query(struct http_request *request, const char *at, const char **reason)
{
	while (*at != '\0') {
		struct http_pair *pair = &request->query[request->query_count];

		if (*at == '&') {
			at++;
			continue;
		}
		if (request->query_count == HTTP_QUERY_MAX) {
			*reason = "the query has more than 64 parameters";
			return ERROR_INVALID;
		}
		pair->name = read_query_part(request, &at, "=&");
		if (pair->name != NULL && *at == '=')
			at++;
		pair->value = pair->name == NULL ? NULL : read_query_part(request, &at, "&");
		if (pair->value == NULL) {
			*reason = "the query is not percent-encoded UTF-8 without %00";
			return ERROR_INVALID;
		}
		if (http_query(request, pair->name) != NULL) {
			*reason = "the query names a parameter twice";
			return ERROR_INVALID;
		}
		request->query_count++;
	}
	return ERROR_OK;
}

enum error http_target_read(struct http_request *request, const char **reason)
{
	const char *query = request->info->query_string;
	enum error error = read_path(request, request->info->local_uri_raw, reason);

	if (error == ERROR_OK && query != NULL)
		error = read_query(request, query, reason);
	return error;
}

/* --- matching -------------------------------------------------------------------------------- */

static bool segment_fits(const struct http_segment *want, const char *text, size_t length)
{
	if (want->kind == SEGMENT_PARAMETER)
		return length > 0;
	return length == want->length && memcmp(text, want->text, length) == 0;
}

static bool path_fits(const struct http_matcher *matcher, const struct http_request *request)
{
	size_t count = matcher->segment_count;
	bool rest = matcher->segments[count - 1].kind == SEGMENT_REST;

	if (rest ? request->segment_count < count : request->segment_count != count)
		return false;
	for (size_t i = 0; i < count - rest; i++)
		if (!segment_fits(&matcher->segments[i], request->segments[i].text,
				  request->segments[i].length))
			return false;
	return true;
}

static void take_parameters(struct http_request *request)
{
	const struct http_matcher *matcher = request->matcher;

	for (size_t i = 0; i < matcher->segment_count; i++) {
		const struct http_segment *segment = &matcher->segments[i];
		struct http_pair *pair = &request->parameters[request->parameter_count];

		if (segment->kind == SEGMENT_LITERAL)
			continue;
		request->parameter_count++;
		pair->name = segment->text;
		pair->value = request->segments[i].text; /* the rest ends where the path ends */
		if (segment->kind == SEGMENT_PARAMETER) {
			pair->value = string_start(request);
			for (size_t k = 0; k < request->segments[i].length; k++)
				string_put(request, request->segments[i].text[k]);
			string_put(request, '\0');
		}
	}
}

static void put_allowed(struct text *allow, const char *method)
{
	if (strstr(allow->data, method) == NULL)
		text_putf(allow, "%s%s", allow->length == 0 ? "" : ", ", method);
}

enum http_match http_route_find(struct http_request *request, const char *method,
				struct text *allow)
{
	struct http_server *server = request->server;
	bool known = false;

	for (size_t i = 0; i < server->matcher_count; i++) {
		struct http_matcher *matcher = server->order[i];

		if (!path_fits(matcher, request))
			continue;
		known = true;
		if (strcmp(matcher->spec->method, method) == 0) {
			request->matcher = matcher;
			take_parameters(request);
			return MATCH_OK;
		}
		put_allowed(allow, matcher->spec->method);
		if (strcmp(matcher->spec->method, "GET") == 0)
			put_allowed(allow, "HEAD");
	}
	if (known)
		put_allowed(allow, "OPTIONS");
	return known ? MATCH_NO_METHOD : MATCH_NO_PATH;
}

/* --- what a route counts --------------------------------------------------------------------- */

static struct metric *make_total(struct http_request *request, const struct http_matcher *matcher,
				 const char *method)
{
	char memory[512], status[16];
	struct text labels;

	text_init_fixed(&labels, memory, sizeof memory);
	snprintf(status, sizeof status, "%d", request->status);
	metrics_label(&labels, "route", matcher->spec->path);
	metrics_label(&labels, "method", method != NULL ? method : "other");
	metrics_label(&labels, "status", status);
	return metrics_counter(request->server->options.metrics, "http_requests_total",
			       "Requests by route, method and status", labels.data);
}

void http_observe(struct http_request *request, int64_t now_us)
{
	struct http_matcher *matcher =
		request->matcher != NULL ? request->matcher : request->server->unmatched;
	int method = http_method_index(http_method(request));
	int status = http_status_index(request->status);
	_Atomic(struct metric *) *slot = &matcher->totals[method][status];
	struct metric *total = atomic_load_explicit(slot, memory_order_acquire);

	if (total == NULL) {
		total = make_total(request, matcher, methods[method]);
		if (statuses[status] != 0) /* others share a slot: looked up each time */
			atomic_store_explicit(slot, total, memory_order_release);
	}
	metric_add(total, 1);
	metric_observe(matcher->seconds, (double)(now_us - request->start_us) / 1e6);
}
