/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plain sockets for tests of HTTP: a client that sends any bytes, and a server that answers any.
 * Every wait ends after SOCKET_LIMIT_MS at the latest.
 */
#ifndef TICKLINE_TEST_SOCKETS_H
#define TICKLINE_TEST_SOCKETS_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET_LIMIT_MS = 20000 };

static inline int socket_connect(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((unsigned short)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static inline int socket_listen(int *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* False when the other side is gone. */
static inline bool socket_send(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, data, length, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

static inline bool socket_say(int fd, const char *text)
{
	return socket_send(fd, text, strlen(text));
}

/* Up to `size` - 1 bytes in one go, terminated; 0 at the end, -1 on an error or a late peer. */
static inline ssize_t socket_some(int fd, char *buffer, size_t size)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&wait, 1, SOCKET_LIMIT_MS) == 1 ? recv(fd, buffer, size - 1, 0) : -1;

	buffer[n > 0 ? n : 0] = '\0';
	return n;
}

/* Everything up to the end of the connection, what fits is kept; returns its length. */
static inline size_t socket_rest(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t n = 1;

	buffer[0] = '\0';
	while (n > 0 && length < size - 1) {
		n = socket_some(fd, buffer + length, size - length);
		length += n > 0 ? (size_t)n : 0;
	}
	return length;
}

/* One whole answer of a connection that stays open: by its Content-Length, or just the head. */
static inline size_t socket_answer(int fd, char *buffer, size_t size, bool head_only)
{
	size_t length = 0, want = 0;

	buffer[0] = '\0';
	while (want == 0 || length < want) {
		ssize_t n = socket_some(fd, buffer + length, size - length);
		const char *end, *field;

		if (n <= 0)
			break;
		length += (size_t)n;
		end = strstr(buffer, "\r\n\r\n");
		if (want > 0 || end == NULL)
			continue;
		field = strcasestr(buffer, "\r\nContent-Length:");
		want = (size_t)(end + 4 - buffer);
		if (!head_only && field != NULL && field < end)
			want += strtoul(field + 17, NULL, 10);
	}
	return length;
}

static inline int answer_status(const char *answer)
{
	return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : -1;
}

#endif
