/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the blocks of a file are: the answer to GET_BLOCK_LOCATIONS.
 */
#ifndef TICKLINE_WEBHDFS_BLOCKS_H
#define TICKLINE_WEBHDFS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "hdfs_block.h"
#include "text.h"

enum { WEBHDFS_MAX_REPLICAS = 4 }; /* that are looked at */

struct webhdfs_replica {
	const char *address, *host; /* numeric, and its name */
	int port;
};

struct webhdfs_block {
	struct hdfs_block block;
	int64_t start; /* in the file */
	struct webhdfs_replica replicas[WEBHDFS_MAX_REPLICAS];
	size_t replica_count;
};

struct webhdfs_blocks {
	int64_t file_length;
	bool being_written; /* then its last block is not told for good */
	struct webhdfs_block *blocks;
	size_t count;
	void *json; /* owns the strings */
};

/* PROTOCOL: it can't be read, or the blocks are none that hold the file's bytes one after the
 * other. NO_MEMORY. Free with webhdfs_blocks_clean_up in any case. */
enum error webhdfs_answer_blocks(const char *body, size_t length, struct webhdfs_blocks *blocks,
				 struct text *why) MUST_USE;
void webhdfs_blocks_clean_up(struct webhdfs_blocks *blocks);

#endif
