/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP client on libcurl. A client keeps its connections alive; one thread at a time uses it (make
 * one per thread). Redirects are never followed: the caller reads `location` and decides.
 */
#ifndef TICKLINE_HTTP_CLIENT_H
#define TICKLINE_HTTP_CLIENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

struct http_client;

enum error http_client_global_init(void) MUST_USE; /* once, before threads */

struct http_limits {
	int64_t connect_ms; /* until connected */
	int64_t idle_ms;    /* no byte moved for this long */
	int64_t total_ms;   /* the whole call */
};

struct http_call {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const char *body;
	size_t body_length;
	struct http_limits limits;
	size_t reply_limit_bytes; /* more is ERROR_LIMIT */
	/* Instead of collecting the body of a 2xx: called piece by piece; not OK stops the call and
	 * is its result. */
	enum error (*sink)(const char *data, size_t length, void *user);
	void *sink_user;
	const atomic_bool *cancel; /* NULL, or looked at at least once a second -> CANCELLED */
};

struct http_reply {
	long status;
	struct text body; /* of what was not sent to a sink */
	char content_type[128];
	char location[2048];
	char etag[128];
	int64_t retry_after_ms; /* -1: not said */
};

struct http_client *http_client_new(void);
void http_client_destroy(struct http_client **client);

/* A host that is to be reached at another address: "name=address[,…]" (setting hdfs_host_map). */
void http_client_map_hosts(struct http_client *client, const char *map);

/* OK: an answer came whole, whatever its status. UNREACHABLE: not connected; nothing was sent.
 * TIMEOUT, CLOSED (reset or cut body): the request may have been carried out. PROTOCOL, LIMIT,
 * CANCELLED. An answer that the server gave before it had read the body counts. On a kept
 * connection that turns out to be dead, with no byte of an answer, the request is sent once more on
 * a new one: it may have been carried out twice. `reply` is always initialised: free it with
 * http_reply_clean_up. A limit of 0 is none. */
enum error http_client_perform(struct http_client *client, const struct http_call *call,
			       struct http_reply *reply, struct text *why) MUST_USE;
void http_reply_clean_up(struct http_reply *reply);

#endif
