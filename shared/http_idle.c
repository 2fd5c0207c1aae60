/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Room for new connections. A worker serves one connection until it ends, so that as many idle ones
 * as there are workers would keep all others out. Where every worker has a connection, those that
 * have been idle for longest after an answer are closed: they are shut for reading, upon which
 * their worker's wait for a head ends. (One that never sent a head has only the limit for that:
 * civetweb does not tell who it is before.)
 *
 * Invariants: `idle.lock` guards a worker's `idle`; the worker takes it when it begins and ends to
 * wait, the guard thread when it looks and when it shuts. A client that sends its next request in
 * the very moment meets what it may always meet on a kept connection, and sends it anew.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_internal.h"
#include "timestamp.h"

enum {
	IDLE_US = 200000,
	SHARE = 8, /* at most one in so many at a time */
};

void http_idle_begin(struct worker *worker, const struct mg_request_info *info)
{
	struct http_idle *idle = &worker->idle;

	pthread_mutex_lock(&idle->lock);
	idle->since_us = worker->waiting_since_us;
	if (worker->served == 1) { /* it does not change */
		idle->port = info->remote_port;
		snprintf(idle->host, sizeof idle->host, "%s", info->remote_addr);
	}
	pthread_mutex_unlock(&idle->lock);
}

void http_idle_end(struct worker *worker)
{
	pthread_mutex_lock(&worker->idle.lock);
	worker->idle.since_us = 0;
	pthread_mutex_unlock(&worker->idle.lock);
}

bool http_is_full(const struct http_server *server)
{
	return atomic_load_explicit(&server->connections, memory_order_relaxed) >=
	       server->options.threads;
}

/* --- the guard thread ------------------------------------------------------------------------ */

static bool is_idle_for_long(const struct http_idle *idle)
{
	return idle->since_us != 0 && monotonic_now_us() - idle->since_us >= IDLE_US;
}

/* 0: not for long. */
static int64_t idle_since(struct worker *worker)
{
	struct http_idle *idle = &worker->idle;
	int64_t since_us;

	pthread_mutex_lock(&idle->lock);
	since_us = is_idle_for_long(idle) ? idle->since_us : 0;
	pthread_mutex_unlock(&idle->lock);
	return since_us;
}

struct candidates {
	struct http_server *server;
	struct worker **list; /* longest idle first */
	size_t count;
};

/* Keeps the `most` that are idle for longest, in order. */
static void insert(struct candidates *c, struct worker *worker, int64_t since_us, size_t most)
{
	size_t at = c->count;

	while (at > 0 && idle_since(c->list[at - 1]) > since_us)
		at--;
	if (at == most)
		return;
	if (c->count < most)
		c->count++;
	memmove(&c->list[at + 1], &c->list[at], (c->count - 1 - at) * sizeof *c->list);
	c->list[at] = worker;
}

static bool shut_if_idle(int fd, void *user)
{
	struct candidates *c = user;

	for (size_t i = 0; i < c->count; i++) {
		struct http_idle *idle = &c->list[i]->idle;

		/* Its worker may have another one by now, which has only just been answered. */
		pthread_mutex_lock(&idle->lock);
		if (is_idle_for_long(idle) && http_is_remote(fd, idle->host, idle->port)) {
			shutdown(fd, SHUT_RD);
			idle->since_us = 0;
			metric_add(c->server->idle_closed, 1);
		}
		pthread_mutex_unlock(&idle->lock);
	}
	return false;
}

void http_idle_close_some(struct http_server *server)
{
	struct candidates c = { server, server->idlest, 0 };
	int threads = server->options.threads;
	size_t most = threads > SHARE ? (size_t)threads / SHARE : 1;

	if (!http_is_full(server))
		return;
	for (int i = 0; i < threads; i++) {
		int64_t since_us = idle_since(&server->workers[i]);

		if (since_us != 0)
			insert(&c, &server->workers[i], since_us, most);
	}
	if (c.count > 0)
		http_each_socket(server->port, shut_if_idle, &c);
}
