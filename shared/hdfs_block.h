/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a block from a DataNode by HDFS's data transfer protocol, which sends it from the file to
 * the socket: a fraction of the DataNode's work for the same bytes by WebHDFS. Neither SASL nor
 * encryption is spoken here: a DataNode that wants them hangs up, which is DENIED.
 */
#ifndef TICKLINE_HDFS_BLOCK_H
#define TICKLINE_HDFS_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "hdfs_packets.h"
#include "http_client.h"
#include "text.h"

/* The right to read a block, as the NameNode gave it; all empty where there is no security. */
struct hdfs_token {
	struct slice identifier, password, kind, service;
};

struct hdfs_block {
	struct slice pool; /* "BP-…" */
	int64_t id, generation;
	int64_t length; /* bytes */
	struct hdfs_token token;
};

/* Buffers, 260 KiB; one thread at a time. */
struct hdfs_reader;
struct hdfs_reader *hdfs_reader_new(void); /* NULL: no memory */
void hdfs_reader_destroy(struct hdfs_reader **reader);

struct hdfs_block_call {
	const struct hdfs_block *block;
	const char *address; /* numeric, IPv4 or IPv6 */
	int port;
	int64_t offset, length; /* in the block */
	struct http_limits limits;
	const atomic_bool *cancel; /* NULL, or looked at at least once a second -> CANCELLED */
	hdfs_sink *sink;
	void *user;
};

struct hdfs_block_result {
	int64_t delivered; /* bytes that the sink got, also when it failed */
	bool sink_failed;  /* the error is the sink's */
};

/* UNREACHABLE: not connected. DENIED: it hung up instead of answering. TIMEOUT. CLOSED: cut in the
 * middle. CANCELLED. Else the errors of hdfs_packets_take. A limit of 0 is none. */
enum error hdfs_block_read(struct hdfs_reader *reader, const struct hdfs_block_call *call,
			   struct hdfs_block_result *result, struct text *why) MUST_USE;

/* The request as it is sent. */
void hdfs_block_put_request(const struct hdfs_block *block, int64_t offset, int64_t length,
			    struct text *out);

#endif
