/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading files from the DataNodes themselves, which costs them a fraction of what the same bytes
 * by WebHDFS do. Where that does not work (a firewall, SASL, encryption, a NameNode that does not
 * tell the blocks, the last replica broken) WebHDFS is asked; the bytes are the same.
 */
#ifndef TICKLINE_WEBHDFS_DIRECT_H
#define TICKLINE_WEBHDFS_DIRECT_H

#include <stdbool.h>

#include "error.h"
#include "hdfs_block.h"
#include "text.h"
#include "webhdfs.h"

/* What the clients of a process know of the DataNodes. Any thread. */
struct webhdfs_direct;

/* A DataNode that can't be read from is left alone for so long, and all of them where none could be
 * so far, or where the NameNode does not tell the blocks. */
enum { WEBHDFS_AVOID_S = 60 };

struct webhdfs_direct *webhdfs_direct_new(void); /* NULL: no memory */
void webhdfs_direct_destroy(struct webhdfs_direct **direct);

/* Streams [offset, the end) of a file into `sink`, directly where the client has
 * webhdfs_options.direct, the file's status says that it is `plain`, and the NameNode is asked
 * without TLS. Whatever fails after n bytes, the rest comes another way: the sink gets each byte
 * once. Limits are those of the client, the whole one for each block, but a DataNode is not waited
 * for longer than a second before it is connected. The errors of webhdfs_open. Counts
 * hdfs_block_reads_total{outcome} and hdfs_file_reads_total{way="direct|webhdfs"}, the latter also
 * of what ended by WebHDFS. */
enum error webhdfs_stream(struct webhdfs *client, const char *path, int64_t offset, bool plain,
			  hdfs_sink *sink, void *user, struct text *why) MUST_USE;

#endif
