/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits on waits that civetweb does not have. Its time-out holds for one system call: a client
 * that sends a byte now and then keeps a worker for ever. It also closes a connection with unread
 * bytes, whose reset can destroy the answer on its way; and stopping waits for the end of a poll.
 * All three need the connection's descriptor, which civetweb does not hand out. It is found by the
 * connection's two addresses, among the process's descriptors, only when one of the three happens.
 *
 * Invariants: a descriptor is looked at through a duplicate, so that what is examined is what is
 * shut. `guard.lock` guards the guard's other members; the worker holds it only to arm and disarm,
 * the guard thread while it shuts, so a worker that has disarmed is never struck in its next
 * request. Only the read side is shut: the worker's read ends at once and it can still answer.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_internal.h"
#include "log.h"
#include "timestamp.h"

enum {
	GUARD_PERIOD_MAX_MS = 1000,
	GUARD_PERIOD_FULL_MS = 50,
	LINGER_BYTES_MAX = 16 << 20,
	LINGER_QUIET_MS = 500,
	LINGER_TOTAL_MS = 3000
};

/* --- finding descriptors --------------------------------------------------------------------- */

static int port_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET
		       ? ntohs(((const struct sockaddr_in *)address)->sin_port)
	       : address->ss_family == AF_INET6
		       ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
		       : -1;
}

static bool is_local(int fd, int port)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof address;

	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
	       port_of(&address) == port;
}

bool http_is_remote(int fd, const char *host, int port)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof address;
	char text[INET6_ADDRSTRLEN] = "";
	const void *binary;

	if (getpeername(fd, (struct sockaddr *)&address, &length) != 0 || port_of(&address) != port)
		return false;
	binary = address.ss_family == AF_INET
			 ? (const void *)&((struct sockaddr_in *)&address)->sin_addr
			 : (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr;
	return inet_ntop(address.ss_family, binary, text, sizeof text) != NULL &&
	       strcmp(text, host) == 0;
}

void http_each_socket(int port, bool (*visit)(int fd, void *user), void *user)
{
	DIR *directory = opendir("/proc/self/fd");
	bool found = false;

	if (directory == NULL) {
		log_warn("cannot look at open descriptors", LOG_STR("reason", strerror(errno)));
		return;
	}
	for (struct dirent *entry = readdir(directory); entry != NULL && !found;
	     entry = readdir(directory)) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (!is_local(fd, port))
			continue;
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			continue;
		found = is_local(fd, port) && visit(fd, user);
		if (!found)
			close(fd);
	}
	closedir(directory);
}

struct wanted {
	const struct mg_request_info *info;
	int fd;
};

static bool take_wanted(int fd, void *user)
{
	struct wanted *wanted = user;

	if (!http_is_remote(fd, wanted->info->remote_addr, wanted->info->remote_port))
		return false;
	wanted->fd = fd;
	return true;
}

/* A duplicate of the connection's descriptor, -1 if it was not found. */
static int connection_socket(struct mg_connection *connection)
{
	struct wanted wanted = { mg_get_request_info(connection), -1 };

	http_each_socket(wanted.info->server_port, take_wanted, &wanted);
	return wanted.fd;
}

static bool shut_reading(int fd, void *user)
{
	(void)user;
	shutdown(fd, SHUT_RD);
	return false;
}

void http_sockets_shut(struct http_server *server)
{
	http_each_socket(server->port, shut_reading, NULL);
}

/* --- the guard ------------------------------------------------------------------------------- */

static void strike_if_late(struct http_guard *guard, int64_t now_us)
{
	pthread_mutex_lock(&guard->lock);
	if (guard->deadline_us != 0 && now_us >= guard->deadline_us && !guard->expired) {
		int fd = connection_socket(guard->connection);

		guard->expired = true;
		if (fd >= 0) {
			shutdown(fd, SHUT_RD);
			close(fd);
		}
	}
	pthread_mutex_unlock(&guard->lock);
}

static int64_t guard_period_ms(const struct http_server *server)
{
	int64_t period_ms = server->options.body_timeout_ms / 8;
	int64_t most_ms = http_is_full(server) ? GUARD_PERIOD_FULL_MS : GUARD_PERIOD_MAX_MS;

	return period_ms < 10 ? 10 : period_ms > most_ms ? most_ms : period_ms;
}

static void *guard_thread(void *user)
{
	struct http_server *server = user;

	pthread_mutex_lock(&server->guard_lock);
	while (!server->guard_stop) {
		int64_t until_us = monotonic_now_us() + guard_period_ms(server) * 1000;
		struct timespec until = { .tv_sec = until_us / 1000000,
					  .tv_nsec = until_us % 1000000 * 1000 };

		pthread_cond_timedwait(&server->guard_wake, &server->guard_lock, &until);
		pthread_mutex_unlock(&server->guard_lock);
		for (int i = 0; i < server->options.threads; i++)
			strike_if_late(&server->workers[i].guard, monotonic_now_us());
		http_idle_close_some(server);
		pthread_mutex_lock(&server->guard_lock);
	}
	pthread_mutex_unlock(&server->guard_lock);
	return NULL;
}

static void destroy_locks(struct http_server *server)
{
	for (int i = 0; i < server->options.threads; i++) {
		pthread_mutex_destroy(&server->workers[i].guard.lock);
		pthread_mutex_destroy(&server->workers[i].idle.lock);
	}
	free(server->idlest);
	pthread_cond_destroy(&server->guard_wake);
	pthread_mutex_destroy(&server->guard_lock);
}

enum error http_guard_start(struct http_server *server)
{
	pthread_condattr_t attributes;

	server->idlest = calloc((size_t)server->options.threads, sizeof(struct worker *));
	if (server->idlest == NULL)
		return ERROR_NO_MEMORY;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&server->guard_wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&server->guard_lock, NULL);
	for (int i = 0; i < server->options.threads; i++) {
		pthread_mutex_init(&server->workers[i].guard.lock, NULL);
		pthread_mutex_init(&server->workers[i].idle.lock, NULL);
	}
	if (pthread_create(&server->guard_thread, NULL, guard_thread, server) == 0)
		return ERROR_OK;
	destroy_locks(server);
	return ERROR_SYSTEM;
}

void http_guard_stop(struct http_server *server)
{
	pthread_mutex_lock(&server->guard_lock);
	server->guard_stop = true;
	pthread_cond_signal(&server->guard_wake);
	pthread_mutex_unlock(&server->guard_lock);
	pthread_join(server->guard_thread, NULL);
	destroy_locks(server);
}

void http_guard_arm(struct http_request *request, int64_t deadline_us)
{
	struct http_guard *guard = &request->worker->guard;

	pthread_mutex_lock(&guard->lock);
	guard->connection = request->connection;
	guard->deadline_us = deadline_us;
	guard->expired = false;
	pthread_mutex_unlock(&guard->lock);
}

bool http_guard_disarm(struct http_request *request)
{
	struct http_guard *guard = &request->worker->guard;
	bool expired;

	pthread_mutex_lock(&guard->lock);
	expired = guard->expired;
	guard->deadline_us = 0;
	guard->expired = false;
	pthread_mutex_unlock(&guard->lock);
	return expired;
}

/* --- lingering ------------------------------------------------------------------------------- */

void http_linger(struct http_request *request)
{
	int64_t end_us = monotonic_now_us() + LINGER_TOTAL_MS * INT64_C(1000);
	int fd = connection_socket(request->connection);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t left = LINGER_BYTES_MAX;
	char waste[4096];

	if (fd < 0)
		return;
	shutdown(fd, SHUT_WR); /* the client sees the answer's end */
	while (left > 0 && monotonic_now_us() < end_us) {
		ssize_t got;

		if (poll(&poll_fd, 1, LINGER_QUIET_MS) <= 0)
			break;
		got = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
		if (got <= 0)
			break;
		left -= (size_t)got < left ? (size_t)got : left;
	}
	close(fd);
}
