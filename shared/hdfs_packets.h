/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a DataNode sends for one READ_BLOCK of HDFS's data transfer protocol (version 28): an
 * answer, then packets of data with a checksum for each chunk, then an empty packet. No connection
 * here: the bytes are given as they come. One owner at a time.
 */
#ifndef TICKLINE_HDFS_PACKETS_H
#define TICKLINE_HDFS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

enum {
	HDFS_MAX_PACKET =
		8 * 1024 * 1024,    /* usually 64 KiB, or the DataNode's io.file.buffer.size */
	HDFS_MAX_CHUNK = 64 * 1024, /* bytes under one checksum; usually 512 */
	HDFS_MAX_ANSWER = 64 * 1024,
	/* Whoever keeps what was not taken needs room for this much of it, and some for more. */
	HDFS_MAX_UNTAKEN = 64 * 1024 + 16,
};

/* Not OK stops the reading and is its result. */
typedef enum error hdfs_sink(const char *data, size_t length, void *user);

struct hdfs_packets;

struct hdfs_packets *hdfs_packets_new(void); /* NULL: no memory */
void hdfs_packets_destroy(struct hdfs_packets **packets);

/* Before each block: bytes [offset, offset + length) of it were asked for. */
void hdfs_packets_begin(struct hdfs_packets *packets, int64_t offset, int64_t length,
			hdfs_sink *sink, void *user);

/* Takes from the front of what came, in `used`; what is left is the beginning of something, to be
 * given again with more behind it. `sink` gets the bytes asked for, in order, once their checksums
 * are found good, and nothing else. PROTOCOL; CHECKSUM; the answer's refusal: CREDENTIAL for a
 * block token, INVALID for what the DataNode does not support, UNAVAILABLE else; or the sink's
 * error, and then hdfs_packets_sink_failed. After an error nothing more may be given. */
enum error hdfs_packets_take(struct hdfs_packets *packets, const char *data, size_t length,
			     size_t *used, struct text *why) MUST_USE;

bool hdfs_packets_answered(const struct hdfs_packets *packets); /* the answer came, and was yes */
bool hdfs_packets_whole(const struct hdfs_packets *packets);    /* the empty packet came */
bool hdfs_packets_checked(const struct hdfs_packets *packets);  /* there were checksums */
bool hdfs_packets_sink_failed(const struct hdfs_packets *packets);
int64_t hdfs_packets_delivered(const struct hdfs_packets *packets); /* bytes the sink got */

#endif
