/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever a NameNode says of a file's blocks is read without a fault, and what is taken can be
 * asked for.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "webhdfs_blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_block(const struct webhdfs_block *block)
{
	struct text request;
	assert(block->block.id >= 0 && block->block.length >= 0 && block->start >= 0);
	assert(block->replica_count <= WEBHDFS_MAX_REPLICAS);
	for (size_t i = 0; i < block->replica_count; i++) {
		const struct webhdfs_replica *replica = &block->replicas[i];
		assert(replica->address[0] && replica->host[0]);
		assert(replica->port > 0 && replica->port < 65536);
	}
	text_init(&request, 1 << 20);
	hdfs_block_put_request(&block->block, 0, block->block.length, &request);
	assert(request.error || memcmp(request.data, "\0\x1c\x51", 3) == 0);
	text_clean_up(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct webhdfs_blocks blocks;
	struct text why;
	text_init(&why, 1000);
	enum error error = webhdfs_answer_blocks((const char *)data, size, &blocks, &why);
	assert(error == ERROR_OK || error == ERROR_PROTOCOL);
	for (size_t i = 0; !error && i < blocks.count; i++)
		check_block(&blocks.blocks[i]);
	webhdfs_blocks_clean_up(&blocks);
	text_clean_up(&why);
	return 0;
}
