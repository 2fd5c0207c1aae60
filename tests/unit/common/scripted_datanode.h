/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A DataNode that holds one block and answers READ_BLOCK, well or in one of the ways in which one
 * fails. One thread; connections are served one after another.
 *
 * Invariants: what the test sets is not changed while the thread runs; what the thread sets is
 * read after datanode_stop, but for `asked`.
 */
#ifndef TICKLINE_TESTS_SCRIPTED_DATANODE_H
#define TICKLINE_TESTS_SCRIPTED_DATANODE_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "block_replies.h"
#include "protobuf.h"

struct datanode {
	struct block_reply reply;
	bool hangs_up;  /* without an answer, as one that wants SASL */
	bool resets;    /* where it ends early */
	long cut;       /* bytes of the reply that are sent; -1: all */
	bool silent;    /* after them; else it closes */
	size_t segment; /* bytes sent at once, with a pause between; 0: all */

	int listener, port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int asked;
	uint64_t offset, length, block; /* of the last request */
	char request[4096];
	size_t request_length;
	char goodbye[3]; /* what came behind the last reply */
};

static inline bool datanode_wait(struct datanode *node, int fd)
{
	while (!atomic_load(&node->stop)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 20) > 0)
			return true;
	}
	return false;
}

static inline struct slice datanode_field(struct slice from, uint64_t number, uint64_t *value)
{
	struct protobuf_field field;
	while (protobuf_next(&from, &field))
		if (field.key >> 3 == number) {
			*value = field.value;
			return field.bytes;
		}
	return (struct slice){ "", 0 };
}

/* Version, operation, length, OpReadBlockProto. */
static inline bool datanode_read(struct datanode *node, int fd)
{
	uint64_t length = 0, none;
	node->request_length = 0;
	for (;;) {
		struct slice rest = { node->request + 3, node->request_length - 3 };
		if (node->request_length > 3 && protobuf_take_varint(&rest, &length) &&
		    rest.length >= length)
			break;
		ssize_t n = -1;
		if (datanode_wait(node, fd))
			n = recv(fd, node->request + node->request_length,
				 sizeof node->request - node->request_length, 0);
		if (n <= 0)
			return false;
		node->request_length += (size_t)n;
	}
	assert(memcmp(node->request, "\0\x1c\x51", 3) == 0);
	struct slice operation = { node->request + node->request_length - length, length };
	datanode_field(operation, 2, &node->offset);
	datanode_field(operation, 3, &node->length);
	struct slice header = datanode_field(operation, 1, &none);
	struct slice base = datanode_field(header, 1, &none);
	datanode_field(datanode_field(base, 1, &none), 2, &node->block);
	return true;
}

static inline void datanode_send(struct datanode *node, int fd, const char *data, size_t length)
{
	size_t step = node->segment ? node->segment : length;
	for (size_t at = 0; at < length && !atomic_load(&node->stop); at += step) {
		size_t n = length - at < step ? length - at : step;
		(void)!send(fd, data + at, n, MSG_NOSIGNAL);
		if (node->segment)
			poll(NULL, 0, 1);
	}
}

static inline void datanode_serve(struct datanode *node, int fd)
{
	struct text reply;
	atomic_fetch_add(&node->asked, 1);
	if (!datanode_read(node, fd) || node->hangs_up)
		return;
	text_init(&reply, 64 << 20);
	reply_build(&reply, &node->reply, node->offset, node->length);
	assert(!reply.error);
	bool whole = node->cut < 0 || (size_t)node->cut >= reply.length;
	datanode_send(node, fd, reply.data, whole ? reply.length : (size_t)node->cut);
	text_clean_up(&reply);
	if (whole) /* until the client has said goodbye, or gone */
		(void)!recv(fd, node->goodbye, sizeof node->goodbye, 0);
	while (node->silent && !atomic_load(&node->stop))
		poll(NULL, 0, 10);
	if (!whole && node->resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			   sizeof(struct linger));
}

static inline void *datanode_run(void *user)
{
	struct datanode *node = user;
	while (datanode_wait(node, node->listener)) {
		int fd = accept(node->listener, NULL, NULL);
		if (fd < 0)
			continue;
		datanode_serve(node, fd);
		close(fd);
	}
	return NULL;
}

/* Of a block with these bytes: CRC-32C over 512 of them, 4 KiB in a packet. */
static inline void datanode_init(struct datanode *node, const char *data, size_t length)
{
	*node = (struct datanode){ .reply = { .data = data,
					      .length = length,
					      .sum = REPLY_SUM_CRC32C,
					      .chunk = 512,
					      .packet = 8,
					      .broken_at = -1 },
				   .cut = -1 };
}

static inline void datanode_start(struct datanode *node)
{
	node->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int bound = bind(node->listener, (struct sockaddr *)&address, size);
	int listening = listen(node->listener, 16);
	int named = getsockname(node->listener, (struct sockaddr *)&address, &size);
	assert(!bound && !listening && !named);
	node->port = ntohs(address.sin_port);
	int started = pthread_create(&node->thread, NULL, datanode_run, node);
	assert(!started);
}

static inline void datanode_stop(struct datanode *node)
{
	atomic_store(&node->stop, true);
	pthread_join(node->thread, NULL);
	close(node->listener);
}

/* Bytes in which no chunk is like another. */
static inline char *block_data(size_t length)
{
	char *data = malloc(length + 1);
	assert(data);
	uint32_t state = 12345;
	for (size_t i = 0; i < length; i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (char)(state >> 24);
	}
	data[length] = '\0';
	return data;
}

#endif
