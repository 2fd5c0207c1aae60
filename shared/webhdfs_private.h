/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of webhdfs.h: the parts that need no connection, so that tests and the fuzzer reach them.
 */
#ifndef TICKLINE_WEBHDFS_PRIVATE_H
#define TICKLINE_WEBHDFS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "hdfs_block.h"
#include "http_client.h"
#include "text.h"
#include "webhdfs.h"

enum { WEBHDFS_MAX_NODES = 8, WEBHDFS_MAX_URL = 16384, WEBHDFS_MAX_HOST = 256 };

struct webhdfs {
	struct http_client *http;
	char *nodes[WEBHDFS_MAX_NODES]; /* "http://host:port", no slash at the end */
	size_t node_count;
	size_t active;                        /* where the last call got an answer from */
	char *urls, *user, *token, *host_map; /* as they were given */
	struct http_limits limits;
	struct metrics *metrics;
	const atomic_bool *cancel;
	struct webhdfs_direct *direct;
	struct hdfs_reader *reader; /* NULL until it is needed */
	/* The DataNode that failed in the last call; the next one asks for another. */
	char suspect[WEBHDFS_MAX_HOST];
	bool no_batch_listing; /* the server does not know LISTSTATUS_BATCH */
	bool one_page;         /* the last listing was OK, and no longer */
};

/* Another client that asks as this one does, for another thread; nothing else may use `like`
 * meanwhile. NO_MEMORY. */
enum error webhdfs_new_like(const struct webhdfs *like, struct webhdfs **client) MUST_USE;

/* --- webhdfs_url.c ------------------------------------------------------------------------------
 */
/* Splits "http://a:1,https://b:2/" into `nodes`; the caller frees each. */
enum error webhdfs_nodes_parse(const char *urls, char *nodes[WEBHDFS_MAX_NODES], size_t *count,
			       struct text *why) MUST_USE;

struct webhdfs_query {
	const char *name;  /* NULL ends the list */
	const char *value; /* encoded here */
};

/* <node>/webhdfs/v1<path>?op=<op>[&user.name=|&delegation=][&…] */
void webhdfs_url(const struct webhdfs *client, const char *node, const char *path, const char *op,
		 const struct webhdfs_query *query, struct text *out);

/* "http://host:port/…" -> "host". "" when there is none or it does not fit. */
void webhdfs_host_of(const char *url, char host[WEBHDFS_MAX_HOST]);

/* Looks a host up in a map as of http_client_map_hosts. False: it is not in it. */
bool webhdfs_map_host(const char *map, const char *host, char address[WEBHDFS_MAX_HOST]);

/* --- webhdfs_answer.c ---------------------------------------------------------------------------
 */
/* What an answer that is not a success means, from its RemoteException or, without one, its status.
 */
enum error webhdfs_answer_error(long status, const char *body, size_t length, struct text *why);

/* PROTOCOL when the body is not {"boolean":…}. */
enum error webhdfs_answer_boolean(const char *body, size_t length, bool *value,
				  struct text *why) MUST_USE;

/* {"Location":"…"} of noredirect=true. */
enum error webhdfs_answer_location(const char *body, size_t length, struct text *location,
				   struct text *why) MUST_USE;

enum error webhdfs_answer_status(const char *body, size_t length, struct webhdfs_status *status,
				 struct text *why) MUST_USE;

typedef enum error webhdfs_each(const char *name, const struct webhdfs_status *status, void *user);

/* A page of LISTSTATUS_BATCH or the whole of LISTSTATUS. `remaining`: entries after this page;
 * `last`: the last name of the page, to go on after it. */
enum error webhdfs_answer_listing(const char *body, size_t length, webhdfs_each *each, void *user,
				  int64_t *remaining, struct text *last, struct text *why) MUST_USE;

/* --- webhdfs_call.c -----------------------------------------------------------------------------
 */
struct webhdfs_request {
	const char *method; /* "GET", "PUT", … */
	const char *op;     /* also the metrics' label */
	const char *path;
	const struct webhdfs_query *query; /* NULL: none */
	size_t reply_limit_bytes;          /* 0: a small answer */
};

/* One attempt on the active NameNode, then once on each other one as webhdfs.h says. OK: a 2xx or
 * a redirect came. The reply is initialised in any case. */
enum error webhdfs_call(struct webhdfs *client, const struct webhdfs_request *request,
			struct http_reply *reply, struct text *why) MUST_USE;

/* Counts one call: the outcome and how long it took. */
void webhdfs_count(struct webhdfs *client, const char *op, enum error outcome, int64_t started_us);

#endif
