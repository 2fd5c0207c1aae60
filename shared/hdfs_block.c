/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hdfs_block.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protobuf.h"
#include "timestamp.h"

enum {
	LOOK_EVERY_MS = 100,
	RECEIVE_BYTES = 128 * 1024, /* at a time: two of the usual packets */
	REQUEST_BYTES = 64 * 1024,  /* most of it the token, usually some 200 bytes */
	VERSION = 28,
	READ_BLOCK = 81,
	CHECKSUM_OK = 6,
};

struct hdfs_reader {
	struct hdfs_packets *packets;
	size_t have; /* bytes in the buffer that were not taken yet */
	char buffer[HDFS_MAX_UNTAKEN + RECEIVE_BYTES];
};

struct hdfs_reader *hdfs_reader_new(void)
{
	struct hdfs_reader *reader = malloc(sizeof *reader);
	if (!reader)
		return NULL;
	reader->packets = hdfs_packets_new();
	if (!reader->packets)
		hdfs_reader_destroy(&reader);
	return reader;
}

void hdfs_reader_destroy(struct hdfs_reader **reader)
{
	if (!*reader)
		return;
	hdfs_packets_destroy(&(*reader)->packets);
	free(*reader);
	*reader = NULL;
}

/* --- the request ----------------------------------------------------------------------------- */

static void put_message(struct text *out, unsigned field, const struct text *message)
{
	protobuf_put_bytes(out, field, message->data, message->length);
}

static void put_slice(struct text *out, unsigned field, const struct slice *bytes)
{
	protobuf_put_bytes(out, field, bytes->length ? bytes->data : "", bytes->length);
}

/* TokenProto */
static void put_token(const struct hdfs_token *token, struct text *out)
{
	put_slice(out, 1, &token->identifier);
	put_slice(out, 2, &token->password);
	put_slice(out, 3, &token->kind);
	put_slice(out, 4, &token->service);
}

/* ExtendedBlockProto */
static void put_block(const struct hdfs_block *block, struct text *out)
{
	put_slice(out, 1, &block->pool);
	protobuf_put_number(out, 2, (uint64_t)block->id);
	protobuf_put_number(out, 3, (uint64_t)block->generation);
	protobuf_put_number(out, 4, (uint64_t)block->length);
}

void hdfs_block_put_request(const struct hdfs_block *block, int64_t offset, int64_t length,
			    struct text *out)
{
	static const char client[] = "tickline";
	enum { INNER, BASE, HEADER, OPERATION, LEVELS };
	struct text level[LEVELS];
	for (int i = 0; i < LEVELS; i++)
		text_init(&level[i], REQUEST_BYTES);
	put_block(block, &level[INNER]);
	put_message(&level[BASE], 1, &level[INNER]); /* BaseHeaderProto */
	text_reset(&level[INNER]);
	put_token(&block->token, &level[INNER]);
	put_message(&level[BASE], 2, &level[INNER]);
	put_message(&level[HEADER], 1, &level[BASE]); /* ClientOperationHeaderProto */
	protobuf_put_bytes(&level[HEADER], 2, client, sizeof client - 1);
	put_message(&level[OPERATION], 1, &level[HEADER]); /* OpReadBlockProto */
	protobuf_put_number(&level[OPERATION], 2, (uint64_t)offset);
	protobuf_put_number(&level[OPERATION], 3, (uint64_t)length);
	protobuf_put_number(&level[OPERATION], 4, true); /* with checksums */
	text_put(out, (const char[]){ 0, VERSION, READ_BLOCK }, 3);
	protobuf_put_varint(out, level[OPERATION].length);
	text_put(out, level[OPERATION].data, level[OPERATION].length);
	for (int i = 0; i < LEVELS; i++) {
		if (level[i].error)
			out->error = level[i].error;
		text_clean_up(&level[i]);
	}
}

/* --- waiting --------------------------------------------------------------------------------- */

struct connection {
	int fd;
	const struct hdfs_block_call *call;
	int64_t started_us; /* monotonic */
	struct text *why;
};

static enum error check_limits(const struct connection *connection)
{
	const struct hdfs_block_call *call = connection->call;
	if (call->cancel && atomic_load(call->cancel))
		return ERROR_CANCELLED;
	if (call->limits.total_ms <= 0 ||
	    monotonic_now_us() - connection->started_us < call->limits.total_ms * 1000)
		return ERROR_OK;
	why_putf(connection->why, "not done within %" PRId64 " ms", call->limits.total_ms);
	return ERROR_TIMEOUT;
}

/* Until the descriptor is ready; `limit_ms` from now. */
static enum error wait_for(const struct connection *connection, short events, int64_t limit_ms,
			   const char *what)
{
	int64_t since_us = monotonic_now_us();
	for (;;) {
		enum error error = check_limits(connection);
		if (error)
			return error;
		struct pollfd wait = { .fd = connection->fd, .events = events };
		int ready = poll(&wait, 1, LOOK_EVERY_MS);
		if (ready > 0)
			return ERROR_OK;
		if (ready < 0 && errno != EINTR)
			return ERROR_SYSTEM;
		if (limit_ms > 0 && monotonic_now_us() - since_us >= limit_ms * 1000) {
			why_putf(connection->why, "%s for %" PRId64 " ms", what, limit_ms);
			return ERROR_TIMEOUT;
		}
	}
}

/* --- the connection -------------------------------------------------------------------------- */

static enum error no_connection(const struct connection *connection, const char *reason)
{
	why_putf(connection->why, "no connection: %s", reason);
	return ERROR_UNREACHABLE;
}

static enum error find_address(const struct connection *connection, struct addrinfo **found)
{
	char port[16];
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	snprintf(port, sizeof port, "%d", connection->call->port);
	/* Numeric only: this never waits for a name server. */
	int code = getaddrinfo(connection->call->address, port, &hints, found);
	return code == 0 ? ERROR_OK : no_connection(connection, gai_strerror(code));
}

static enum error finish_connect(const struct connection *connection)
{
	int failure = 0;
	socklen_t size = sizeof failure;
	enum error error =
		wait_for(connection, POLLOUT, connection->call->limits.connect_ms, "not connected");
	if (error == ERROR_TIMEOUT)
		return ERROR_UNREACHABLE;
	if (error)
		return error;
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
	return failure == 0 ? ERROR_OK : no_connection(connection, strerror(failure));
}

static enum error open_connection(struct connection *connection)
{
	struct addrinfo *to = NULL;
	enum error error = find_address(connection, &to);
	if (error)
		return error;
	connection->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection->fd < 0)
		error = ERROR_SYSTEM;
	else if (connect(connection->fd, to->ai_addr, to->ai_addrlen) < 0)
		error = errno == EINPROGRESS ? finish_connect(connection)
					     : no_connection(connection, strerror(errno));
	freeaddrinfo(to);
	return error;
}

static enum error send_all(const struct connection *connection, const char *data, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = send(connection->fd, data + done, length - done, MSG_NOSIGNAL);
		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return ERROR_CLOSED;
		enum error error = wait_for(connection, POLLOUT, connection->call->limits.idle_ms,
					    "nothing could be sent");
		if (error)
			return error;
	}
	return ERROR_OK;
}

static enum error send_request(const struct connection *connection)
{
	const struct hdfs_block_call *call = connection->call;
	struct text request;
	text_init(&request, REQUEST_BYTES);
	hdfs_block_put_request(call->block, call->offset, call->length, &request);
	enum error error = request.error;
	if (!error)
		error = send_all(connection, request.data, request.length);
	text_clean_up(&request);
	return error;
}

/* --- what comes ------------------------------------------------------------------------------ */

static enum error closed(const struct hdfs_reader *reader, const struct connection *connection)
{
	if (hdfs_packets_answered(reader->packets)) {
		why_putf(connection->why, "closed after %" PRId64 " bytes of %" PRId64,
			 hdfs_packets_delivered(reader->packets), connection->call->length);
		return ERROR_CLOSED;
	}
	why_putf(connection->why, "closed without an answer, as by one that wants SASL");
	return ERROR_DENIED;
}

/* Adds what has come to the buffer, after a wait if there is nothing. */
static enum error receive(struct hdfs_reader *reader, const struct connection *connection)
{
	size_t room = sizeof reader->buffer - reader->have;
	if (room > RECEIVE_BYTES)
		room = RECEIVE_BYTES;
	for (;;) {
		ssize_t n = recv(connection->fd, reader->buffer + reader->have, room, 0);
		if (n > 0) {
			reader->have += (size_t)n;
			return ERROR_OK;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return closed(reader, connection);
		enum error error = wait_for(connection, POLLIN, connection->call->limits.idle_ms,
					    "no byte came");
		if (error)
			return error;
	}
}

static enum error take(struct hdfs_reader *reader, const struct connection *connection)
{
	size_t used;
	enum error error = hdfs_packets_take(reader->packets, reader->buffer, reader->have, &used,
					     connection->why);
	reader->have -= used;
	memmove(reader->buffer, reader->buffer + used, reader->have);
	return error;
}

/* The DataNode takes note and waits for another request; without it the end looks like a loss. */
static void say_goodbye(const struct hdfs_reader *reader, const struct connection *connection)
{
	static const char good[] = { 2, 1 << 3, CHECKSUM_OK }; /* ClientReadStatusProto */
	static const char unchecked[] = { 2, 1 << 3, 0 /* SUCCESS */ };
	bool checked = hdfs_packets_checked(reader->packets);
	(void)!send(connection->fd, checked ? good : unchecked, sizeof good, MSG_NOSIGNAL);
}

static enum error exchange(struct hdfs_reader *reader, struct connection *connection)
{
	enum error error = open_connection(connection);
	if (!error)
		error = send_request(connection);
	while (!error && !hdfs_packets_whole(reader->packets)) {
		error = check_limits(connection);
		if (!error)
			error = receive(reader, connection);
		if (!error)
			error = take(reader, connection);
	}
	if (!error)
		say_goodbye(reader, connection);
	return error;
}

enum error hdfs_block_read(struct hdfs_reader *reader, const struct hdfs_block_call *call,
			   struct hdfs_block_result *result, struct text *why)
{
	struct connection connection = {
		.fd = -1, .call = call, .started_us = monotonic_now_us(), .why = why
	};
	reader->have = 0;
	hdfs_packets_begin(reader->packets, call->offset, call->length, call->sink, call->user);
	enum error error = exchange(reader, &connection);
	if (connection.fd >= 0)
		close(connection.fd);
	result->delivered = hdfs_packets_delivered(reader->packets);
	result->sink_failed = hdfs_packets_sink_failed(reader->packets);
	return error;
}
