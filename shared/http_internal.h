/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the HTTP server share; nobody else includes this.
 *
 * A `struct worker` belongs to one civetweb thread for the server's whole life, and with it the
 * request that the thread serves. Others touch only its `guard` (see http_socket.c).
 */
#ifndef TICKLINE_HTTP_INTERNAL_H
#define TICKLINE_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <civetweb.h>
#include <zlib.h>

#include "http_server.h"
#include "http_tls.h"

enum {
	HTTP_HEAD_MAX = 16384,     /* request line and headers; 431 beyond */
	HTTP_HEAD_ROOM = 32768,    /* civetweb's buffer: a 400 beyond */
	HTTP_URI_MAX = 8192,       /* 414 beyond */
	HTTP_SEGMENTS_MAX = 16,    /* of a path */
	HTTP_PARAMETERS_MAX = 8,   /* of a route */
	HTTP_QUERY_MAX = 64,       /* pairs; 400 beyond */
	HTTP_METHODS = 9,          /* see http_method_index */
	HTTP_STATUSES = 32,        /* see http_status_index */
	HTTP_JSON_NESTING = 64,    /* of request bodies */
	HTTP_SINGLE_WRITE = 65536, /* an answer up to this size leaves in one write */
	HTTP_ID_MAX = 64,
	HTTP_STACK_BYTES =
		2 << 20 /* of a worker: 1 MiB for handlers, the rest is thread-local storage */
};

struct http_pair {
	const char *name, *value;
};

struct http_segment {
	const char *text; /* the literal, or the parameter's name; not terminated */
	size_t length;
	enum {
		SEGMENT_LITERAL,
		SEGMENT_PARAMETER,
		SEGMENT_REST
	} kind; /* also the order of preference */
};

/* A route as it is matched; `spec` is the caller's. */
struct http_matcher {
	const struct http_route *spec;
	struct http_segment segments[HTTP_SEGMENTS_MAX];
	size_t segment_count;
	char name[256]; /* the parameters' names, terminated */
	struct metric *seconds;
	_Atomic(struct metric *) totals[HTTP_METHODS][HTTP_STATUSES]; /* made at first use */
};

/* The limit on a wait in civetweb, which itself only knows limits for one system call. */
struct http_guard {
	pthread_mutex_t lock;
	int64_t deadline_us; /* monotonic; 0: none. Under `lock`, as `expired` */
	bool expired;        /* the guard thread has shut the connection */
	struct mg_connection *connection;
};

/* The requests of one token under a limit; see http_rate.c. */
struct http_bucket {
	_Atomic int64_t full_us; /* monotonic: when it will be full again */
};

struct http_verdict {
	bool limited; /* there is a limit */
	bool refused;
	int64_t left;    /* requests that are allowed now */
	int64_t full_s;  /* until all are allowed again */
	int64_t retry_s; /* refused: until one is */
};

/* A connection that was answered and waits for its next head, as the guard thread sees it. */
struct http_idle {
	pthread_mutex_t lock;
	int64_t since_us; /* monotonic; 0: there is none. Under `lock`, as all */
	int port;         /* the client's */
	char host[48];
};

enum body_state { BODY_UNREAD, BODY_READING, BODY_DONE, BODY_FAILED };

struct http_body {
	enum body_state state;
	enum error error;
	bool chunked, gzip, expects_continue;
	int64_t length;    /* announced; -1 when chunked or none */
	uint64_t taken;    /* raw bytes read */
	uint64_t unpacked; /* bytes handed out */
	size_t limit;
	size_t held;         /* bytes of memory, of those of the server's bodies_limit_bytes */
	int64_t deadline_us; /* monotonic; set at the first read */
	z_stream z;
	bool z_open, z_ended;
};

struct worker;

struct http_request {
	struct http_server *server;
	struct worker *worker;
	struct mg_connection *connection;
	const struct mg_request_info *info;
	struct http_matcher *matcher; /* NULL: no route */
	int64_t start_us;
	bool head_only; /* HEAD */
	bool keep_alive;
	bool answered;
	int status;
	const char *path; /* decoded */
	struct {
		const char *text;
		size_t length;
	} segments[HTTP_SEGMENTS_MAX];
	size_t segment_count; /* HTTP_SEGMENTS_MAX + 1: too many for any route */
	struct http_pair parameters[HTTP_PARAMETERS_MAX];
	size_t parameter_count;
	struct http_pair query[HTTP_QUERY_MAX];
	size_t query_count;
	char id[HTTP_ID_MAX + 1];
	char principal[64];
	char tag[48]; /* the ETag that the handler gave; "": from the body */
	struct http_body body;
	struct text *headers; /* the worker's: further answer headers, lines with CRLF */
	size_t strings_used;
	char strings[3 *
		     (HTTP_URI_MAX + HTTP_SEGMENTS_MAX + 2)]; /* decoded path, parameters, query */
};

struct worker {
	struct http_server *server;
	struct http_guard guard;
	struct http_idle idle;
	struct http_request request;
	struct text headers, output;
	bool connected;
	int64_t connected_us;     /* since when the connection is served */
	int64_t waiting_since_us; /* for the connection's next head */
	unsigned served;          /* requests of the connection */
	char *input;              /* HTTP_INPUT bytes, made at the first packed body */
	time_t date_second;
	char date[32];
};

struct http_server {
	struct http_server_options options;
	struct http_matcher *matchers;
	struct http_matcher **order; /* most specific first */
	size_t matcher_count;
	struct http_matcher *unmatched; /* counts what found no route */
	struct worker *workers;
	atomic_uint workers_taken;
	struct mg_context *context;
	struct http_tls *tls; /* NULL: plain HTTP */
	int port;
	atomic_bool draining;
	atomic_long in_flight;
	atomic_size_t held;     /* bytes that bodies take which are held whole */
	atomic_int connections; /* that have a worker */
	struct metric *in_flight_gauge, *idle_closed, *rate_limited;
	struct http_bucket anonymous; /* all requests, where there are no tokens */
	uint32_t id_prefix;
	atomic_uint id_next;
	pthread_t guard_thread;
	pthread_mutex_t guard_lock;
	pthread_cond_t guard_wake;
	bool guard_stop;        /* under guard_lock */
	struct worker **idlest; /* the guard thread's: room for all */
};

/* http_dispatch.c: civetweb's callbacks */
int http_on_request(struct mg_connection *connection);
int http_on_error(struct mg_connection *connection, int status, const char *message);

/* http_route.c */
extern const struct http_route http_openapi_route; /* added where there is a document */
enum error http_routes_compile(struct http_server *server) MUST_USE;
void http_routes_destroy(struct http_server *server);

/* Splits and decodes the target; INVALID with a reason. */
enum error http_target_read(struct http_request *request, const char **reason) MUST_USE;

enum http_match { MATCH_OK, MATCH_NO_PATH, MATCH_NO_METHOD };
/* `allow` gets "GET, HEAD, OPTIONS" for MATCH_NO_METHOD. */
enum http_match http_route_find(struct http_request *request, const char *method,
				struct text *allow);
int http_method_index(const char *method);
int http_status_index(int status);
void http_observe(struct http_request *request, int64_t now_us);

/* http_body.c */

/* Before anything is answered, so that an unread body is never taken for a request; what is wrong
 * with its framing, or NULL. */
const char *http_body_announce(struct http_request *request);
enum error http_body_begin(struct http_request *request); /* for the route; answers on failure */
void http_body_end(struct http_request *request);
/* Counts memory that the request holds until its handler is through. UNAVAILABLE: the others leave
 * none. */
enum error http_body_hold(struct http_request *request, size_t bytes) MUST_USE;
void http_body_let_go(struct http_request *request);
bool http_body_left(const struct http_request *request); /* the client may still be sending */

/* What is left is little and on its way: the connection can live on after it was discarded. */
bool http_body_discardable(const struct http_request *request);
void http_body_discard(struct http_request *request);

/* http_auth.c: false: answered 401, 403, or 429 where the token's limit is reached. */
bool http_auth_check(struct http_request *request, enum http_scope scope);

/* http_rate.c */
struct http_verdict http_bucket_take(struct http_bucket *bucket, const struct http_rate *rate,
				     int64_t now_us);
bool http_rate_tell(struct http_request *request,
		    const struct http_verdict *verdict); /* adds headers; false: answered 429 */

/* http_cors.c */
bool http_cors_check(struct http_request *request); /* adds headers; false: answered 403 */
void http_answer_options(struct http_request *request, const char *allow);

/* http_civetweb.c */
void http_civetweb_need(void);

/* http_socket.c */
enum error http_guard_start(struct http_server *server) MUST_USE;
void http_guard_stop(struct http_server *server);
void http_guard_arm(struct http_request *request, int64_t deadline_us);
bool http_guard_disarm(struct http_request *request); /* true: it had struck */
void http_linger(struct http_request *request);       /* lets the client read the answer */
void http_sockets_shut(struct http_server *server);   /* wakes every waiting thread */

/* Calls `visit` with a duplicate of each socket on our port until it returns true: then the
 * duplicate is its to close. */
void http_each_socket(int port, bool (*visit)(int fd, void *user), void *user);
bool http_is_remote(int fd, const char *host, int port);

/* http_idle.c */
void http_idle_begin(struct worker *worker, const struct mg_request_info *info);
void http_idle_end(struct worker *worker);
bool http_is_full(const struct http_server *server); /* every worker has a connection */

/* Makes room where every worker has a connection; the guard thread's. */
void http_idle_close_some(struct http_server *server);

#endif
