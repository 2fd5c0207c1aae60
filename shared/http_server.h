/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP/1.1 server on civetweb: routes with path parameters, streamed bodies under a limit that is
 * counted after unpacking, problem+json errors (RFC 9457), ETag, CORS, bearer scopes, drain.
 *
 * Every URI is answered by a handler (civetweb's document_root is never set). A handler runs on a
 * worker thread that serves one connection; a request belongs to that thread until the handler
 * returns; its stack has 1 MiB. Each handler answers exactly once, by one of
 * the http_answer_* functions or by a function that says that it answered on failure; a handler
 * that did not answer gives a logged 500.
 *
 * Done by the server itself: 404, 405 with Allow, HEAD (the GET handler runs, the body is dropped),
 * OPTIONS and CORS preflight, 401/403 by scope, 403 for a write from a page of another origin where
 * there are no tokens, 408, 413, 414, 415 (unknown Content-Encoding), 431, 503 with Retry-After
 * while draining, Connection: close then, X-Request-Id, access log at debug level, metrics
 * http_requests_total{route,method,status}, http_request_seconds{route}, http_in_flight{listener}.
 * A request without Content-Length and chunks has an empty body (RFC 9112), never a 411.
 */
#ifndef TICKLINE_HTTP_SERVER_H
#define TICKLINE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "error.h"
#include "metrics.h"
#include "text.h"

struct http_server;
struct http_request;
struct http_auth;

enum http_scope {
	HTTP_SCOPE_NONE /* public */,
	HTTP_SCOPE_READ,
	HTTP_SCOPE_WRITE,
	HTTP_SCOPE_ADMIN
};

typedef void http_handler(struct http_request *request, void *user);

struct http_route {
	const char *method; /* "GET", … */
	const char *path;   /* "/v1/models/{m}/versions/{v}"; a last "*" matches the rest */
	http_handler *handle;
	enum http_scope scope;
	size_t body_limit_bytes; /* 0: the server's */
};

/* How many requests a token may make; without tokens, all clients together. */
struct http_rate {
	double per_s;  /* 0: no limit */
	int64_t burst; /* at once, after a pause; at least 1 */
};

struct http_server_options {
	const char *address; /* "127.0.0.1" */
	int port;            /* 0: any free one, see http_server_port */
	int threads;
	size_t body_limit_bytes;
	size_t bodies_limit_bytes;     /* memory of all that are held whole; 0: no limit */
	int64_t request_timeout_ms;    /* headers, and each wait for a piece of the body */
	int64_t body_timeout_ms;       /* the whole body */
	int64_t keep_alive_timeout_ms; /* idle between requests */
	const char *tls_certificate;   /* PEM with key; "" for none */
	const char *cors_origins;      /* "*", "" or "https://a,https://b" */
	struct http_auth *auth;        /* NULL: everything is allowed */
	struct http_rate rate;         /* of routes with a scope */
	const char *openapi;           /* document served at /openapi.json; NULL: none */
	const struct http_route *routes;
	size_t route_count;
	void *user; /* for every handler */
	struct metrics *metrics;
};

/* Binds and serves. SYSTEM with `why` when the port is taken (named), the certificate is bad. All
 * strings and routes must outlive the server. */
enum error http_server_start(const struct http_server_options *options, struct http_server **server,
			     struct text *why) MUST_USE;
int http_server_port(const struct http_server *server);

/* Reads the certificate again, for handshakes from now on. SYSTEM with `why`: it is no good, and
 * the old one goes on serving. Any thread. */
enum error http_server_reload(struct http_server *server, struct text *why) MUST_USE;

/* From now on new requests get 503; those in flight finish. Returns when none is left or at the
 * monotonic deadline: OK or TIMEOUT. */
enum error http_server_drain(struct http_server *server, int64_t deadline_us);
void http_server_destroy(struct http_server **server);

/* --- bearer tokens: a file of lines "token scope[,scope…] [name]", '#' comments ------------------
 */
enum error http_auth_load(const char *path, struct http_auth **auth, struct text *why) MUST_USE;
enum error http_auth_reload(struct http_auth *auth, struct text *why) MUST_USE; /* any thread */
void http_auth_destroy(struct http_auth **auth);

/* --- the request -------------------------------------------------------------------------------
 */
const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request); /* decoded, without the query */
const char *http_path_parameter(const struct http_request *request,
				const char *name);                            /* "" if none */
const char *http_query(const struct http_request *request, const char *name); /* decoded or NULL */
const char *http_request_header(const struct http_request *request, const char *name); /* or NULL */
const char *http_request_id(const struct http_request *request);
const char *http_principal(const struct http_request *request); /* token's name, "anonymous" */

/* INVALID: answered 400 that names the parameter, its value and the rule. Missing: `initial`. */
enum error http_query_i64(struct http_request *request, const char *name, int64_t low, int64_t high,
			  int64_t initial, int64_t *value) MUST_USE;

/* A timestamp (RFC 3339 or epoch, as in records), in us. INVALID: answered 400. */
enum error http_query_timestamp(struct http_request *request, const char *name, int64_t initial,
				int64_t *us) MUST_USE;

/* "application/json": compared without case and parameters. "" when the request has none. */
bool http_content_type_is(const struct http_request *request, const char *type);
bool http_accepts(const struct http_request *request, const char *type);

/* Index of the type to which Accept gives the most weight, the first among equals; -1: it takes
 * none of them. */
int http_preferred(const struct http_request *request, const char *const *types, size_t count);

/* Reads unpacked body bytes: OK with *got = 0 at the end. LIMIT (413), TIMEOUT (408), ENCODING
 * (400), CLOSED (the client left). Nothing is answered; see http_answer_body_error. */
enum error http_body_read(struct http_request *request, char *buffer, size_t size,
			  size_t *got) MUST_USE;
void http_answer_body_error(struct http_request *request, enum error error);

/* The whole body; on failure it has been answered: where the bodies that others hold leave no
 * memory for it (bodies_limit_bytes, until their requests end), with 503. */
enum error http_body_read_all(struct http_request *request, struct text *body) MUST_USE;

/* The whole body as JSON; on failure (400, 413, 415…) it has been answered. Refused: nesting over
 * 64, a member given twice, numbers beyond a double, whatever RFC 8259 does not allow, and a
 * Content-Type that is given and is not JSON. The caller frees with cJSON_Delete. `required` false:
 * an empty body gives NULL. */
enum error http_body_read_json(struct http_request *request, bool required, cJSON **json) MUST_USE;

/* The same for bodies of many numbers: up to `values` scalars, arrays and objects, where the other
 * one takes 10,000 (413). Each takes some 100 bytes of memory, whatever it takes of the body. */
enum error http_body_read_json_values(struct http_request *request, bool required, size_t values,
				      cJSON **json) MUST_USE;

/* The same for a part of a body that was read whole; its Content-Type is the caller's to look at.
 */
enum error http_json_parse(struct http_request *request, const char *data, size_t length,
			   size_t values, cJSON **json) MUST_USE;

/* --- the answer ---------------------------------------------------------------------------------
 */
void http_answer_header(struct http_request *request, const char *name, const char *value);
void http_answer_retry_after(struct http_request *request, int64_t seconds); /* at least 1 */

/* The answer's ETag comes from these bytes instead of its own, and is weak: for a body in which
 * something changes all the time that is no news, as an age. Before the answer. */
void http_answer_tag_from(struct http_request *request, const char *data, size_t length);

/* A 200 to GET gets an ETag from its bytes and becomes 304 where If-None-Match has it. */
void http_answer(struct http_request *request, int status, const char *type, const char *data,
		 size_t length);
void http_answer_text(struct http_request *request, int status, const char *type,
		      const struct text *body); /* 500 when the text has an error */
void http_answer_json(struct http_request *request, int status, cJSON *json); /* takes `json` */

/* problem+json. `slug` is the stable last part of `type` ("body-too-large" ->
 * "urn:tickline:problem:body-too-large"); `extra` (may be NULL, taken) adds members. */
void http_answer_problem(struct http_request *request, int status, const char *slug, cJSON *extra,
			 const char *format, ...) PRINTF_LIKE(5, 6);

/* The HTTP status that fits an error of our own list (NOT_FOUND 404, CONFLICT 409, …, else 500). */
int http_status_of(enum error error);

#endif
