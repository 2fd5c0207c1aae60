/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A server that answers each request with the bytes of a script, so that it can say anything, stop
 * in the middle, hang up or fall silent. One thread; connections are served one after another.
 *
 * Invariants: `steps` is not changed while the thread runs; `requests` and `served` are written by
 * the thread and read by the test after peer_stop, or under `lock`.
 */
#ifndef TICKLINE_TESTS_SCRIPTED_PEER_H
#define TICKLINE_TESTS_SCRIPTED_PEER_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum peer_then { PEER_KEEP, PEER_CLOSE, PEER_RESET, PEER_HANG };
enum { PEER_MAX_STEPS = 24, PEER_MAX_REQUEST = 65536 };

struct peer_step {
	const char *expect;  /* must be in the request's head, else it gets a 599; NULL: anything */
	const char *reply;   /* raw; "%PORT%" becomes the peer's own port; NULL: none */
	const char *status;  /* instead of `reply`: "200 OK", with `body` and its length */
	const char *body;    /* NULL: empty */
	enum peer_then then; /* after the reply */
	long body_bytes;     /* read no more than this of the body; 0: all of it */
};

struct peer {
	int listener, port;
	const struct peer_step *steps;
	size_t count;
	char *requests[PEER_MAX_STEPS]; /* head, blank line, body */
	size_t body_lengths[PEER_MAX_STEPS];
	size_t served;
	atomic_bool stop;
	pthread_t thread;
};

static bool peer_wait(struct peer *peer, int fd)
{
	while (!atomic_load(&peer->stop)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 20) > 0)
			return true;
	}
	return false;
}

static void peer_send(struct peer *peer, int fd, const char *reply)
{
	for (const char *at = reply; *at;) {
		const char *mark = strstr(at, "%PORT%");
		size_t length = mark ? (size_t)(mark - at) : strlen(at);
		(void)!send(fd, at, length, MSG_NOSIGNAL);
		at += length;
		if (mark) {
			char number[16];
			int n = snprintf(number, sizeof number, "%d", peer->port);
			(void)!send(fd, number, (size_t)n, MSG_NOSIGNAL);
			at += strlen("%PORT%");
		}
	}
}

static void peer_send_status(struct peer *peer, int fd, const struct peer_step *step)
{
	const char *body = step->body ? step->body : "";
	char head[256];
	snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", step->status,
		 strlen(body), step->then == PEER_CLOSE ? "Connection: close\r\n" : "");
	peer_send(peer, fd, head);
	peer_send(peer, fd, body);
}

/* Reads a head and its body; the length of what was kept, 0 at the end of the connection. */
static size_t peer_read(struct peer *peer, int fd, char *request, long body_limit, size_t *body)
{
	size_t got = 0, want = 0;
	*body = 0;
	bool told = false;
	while (got < PEER_MAX_REQUEST - 1) {
		char *end = memmem(request, got, "\r\n\r\n", 4);
		if (end) {
			const char *length = strcasestr(request, "\r\nContent-Length:");
			long declared = length && length < end ? atol(length + 17) : 0;
			if (body_limit > 0 && declared > body_limit)
				declared = body_limit;
			want = (size_t)(end + 4 - request) + (size_t)declared;
			*body = (size_t)declared;
			if (!told && strcasestr(request, "100-continue"))
				peer_send(peer, fd, "HTTP/1.1 100 Continue\r\n\r\n");
			told = true;
			if (got >= want)
				return got;
		}
		if (!peer_wait(peer, fd))
			return 0;
		size_t room = PEER_MAX_REQUEST - 1 - got;
		if (want && room > want - got)
			room = want - got;
		ssize_t n = recv(fd, request + got, room, 0);
		if (n <= 0)
			return 0;
		got += (size_t)n;
		request[got] = '\0';
	}
	return got;
}

/* False: the connection is over. */
static bool peer_answer(struct peer *peer, int fd)
{
	const struct peer_step *step =
		peer->served < peer->count ? &peer->steps[peer->served] : NULL;
	char *request = calloc(1, PEER_MAX_REQUEST);
	assert(request);
	size_t body;
	if (peer_read(peer, fd, request, step ? step->body_bytes : 0, &body) == 0) {
		free(request);
		return false;
	}
	if (!step || (step->expect && !strstr(request, step->expect))) {
		fprintf(stderr, "scripted peer: request %zu is not expected: %.200s\n",
			peer->served, request);
		peer_send(peer, fd, "HTTP/1.1 599 Not In The Script\r\nContent-Length: 0\r\n\r\n");
		free(request);
		return true;
	}
	peer->body_lengths[peer->served] = body;
	peer->requests[peer->served++] = request;
	if (step->status)
		peer_send_status(peer, fd, step);
	else if (step->reply)
		peer_send(peer, fd, step->reply);
	if (step->then == PEER_HANG)
		while (!atomic_load(&peer->stop))
			poll(NULL, 0, 10);
	if (step->then == PEER_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			   sizeof(struct linger));
	return step->then == PEER_KEEP;
}

static void *peer_run(void *argument)
{
	struct peer *peer = argument;
	while (peer_wait(peer, peer->listener)) {
		int fd = accept(peer->listener, NULL, NULL);
		if (fd < 0)
			continue;
		while (peer_answer(peer, fd))
			;
		close(fd);
	}
	return NULL;
}

static void peer_start(struct peer *peer, const struct peer_step *steps, size_t count)
{
	*peer = (struct peer){ .steps = steps, .count = count };
	assert(count <= PEER_MAX_STEPS);
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int bound = bind(peer->listener, (struct sockaddr *)&address, size);
	int listening = listen(peer->listener, 16);
	int named = getsockname(peer->listener, (struct sockaddr *)&address, &size);
	assert(!bound && !listening && !named);
	peer->port = ntohs(address.sin_port);
	int started = pthread_create(&peer->thread, NULL, peer_run, peer);
	assert(!started);
}

/* Ends the thread; afterwards `requests` may be read until peer_clean_up. */
static void peer_stop(struct peer *peer)
{
	atomic_store(&peer->stop, true);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
}

static void peer_clean_up(struct peer *peer)
{
	for (size_t i = 0; i < peer->served; i++)
		free(peer->requests[i]);
}

#endif
