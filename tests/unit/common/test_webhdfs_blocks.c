/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webhdfs_blocks.h"

#define BLOCK(id, bytes, start, more)                                                       \
	"{\"block\":{\"blockId\":" id ",\"blockPoolId\":\"BP-1\",\"generationStamp\":1001," \
	"\"numBytes\":" bytes "},\"startOffset\":" start ",\"isCorrupt\":false,"            \
	"\"blockToken\":{\"urlString\":\"AAAAAA\"}," more "}"
#define NODE(address, port) \
	"{\"ipAddr\":\"" address "\",\"hostName\":\"h\",\"xferPort\":" port ",\"infoPort\":9864}"
#define NODES "\"locations\":[" NODE("10.0.0.1", "9866") "," NODE("10.0.0.2", "9867") "]"
#define FILE_OF(list)                                                           \
	"{\"LocatedBlocks\":{\"fileLength\":300,\"isUnderConstruction\":false," \
	"\"lastLocatedBlock\":null,\"locatedBlocks\":[" list "]}}"

static enum error read_json(const char *json, struct webhdfs_blocks *blocks)
{
	return webhdfs_answer_blocks(json, strlen(json), blocks, NULL);
}

static void blocks_and_their_nodes_are_read(void **state)
{
	(void)state;
	struct webhdfs_blocks blocks;
	assert_int_equal(read_json(FILE_OF(BLOCK("1073741825", "200", "0", NODES) "," BLOCK(
					   "1073741830", "100", "200", NODES)),
				   &blocks),
			 ERROR_OK);
	assert_int_equal(blocks.file_length, 300);
	assert_false(blocks.being_written);
	assert_int_equal(blocks.count, 2);
	const struct webhdfs_block *block = &blocks.blocks[1];
	assert_int_equal(block->start, 200);
	assert_int_equal(block->block.id, 1073741830);
	assert_int_equal(block->block.generation, 1001);
	assert_int_equal(block->block.length, 100);
	assert_int_equal(block->block.pool.length, 4);
	assert_int_equal(block->block.token.identifier.length, 0);
	assert_int_equal(block->replica_count, 2);
	assert_string_equal(block->replicas[1].address, "10.0.0.2");
	assert_string_equal(block->replicas[1].host, "h");
	assert_int_equal(block->replicas[1].port, 9867);
	webhdfs_blocks_clean_up(&blocks);
}

static void a_block_may_have_no_good_replica_and_a_file_no_block(void **state)
{
	(void)state;
	struct webhdfs_blocks blocks;
	assert_int_equal(read_json(FILE_OF(BLOCK("1", "300", "0", "\"locations\":[]")), &blocks),
			 ERROR_OK);
	assert_int_equal(blocks.blocks[0].replica_count, 0);
	webhdfs_blocks_clean_up(&blocks);
	assert_int_equal(read_json(FILE_OF(""), &blocks), ERROR_OK);
	assert_int_equal(blocks.count, 0);
	webhdfs_blocks_clean_up(&blocks);
}

static void a_file_that_is_written_is_told(void **state)
{
	(void)state;
	struct webhdfs_blocks blocks;
	assert_int_equal(read_json("{\"LocatedBlocks\":{\"fileLength\":0,"
				   "\"isUnderConstruction\":true,\"locatedBlocks\":[]}}",
				   &blocks),
			 ERROR_OK);
	assert_true(blocks.being_written);
	webhdfs_blocks_clean_up(&blocks);
}

static void what_is_no_plain_block_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{}",
		"{\"LocatedBlocks\":[]}",
		"{\"LocatedBlocks\":{\"fileLength\":-1,\"locatedBlocks\":[]}}",
		"{\"LocatedBlocks\":{\"fileLength\":300}}",
		FILE_OF("7"),
		FILE_OF(BLOCK("-9223372036854775792", "300", "0", NODES)), /* striped */
		FILE_OF(BLOCK("9223372036854775807", "300", "0", NODES)),
		FILE_OF(BLOCK("\"1\"", "300", "0", NODES)),
		FILE_OF(BLOCK("1", "200", "0", NODES) "," BLOCK("2", "100", "100", NODES)),
		FILE_OF(BLOCK("1", "100", "0", NODES) "," BLOCK("2", "100", "200", NODES)),
		FILE_OF(BLOCK("1", "300", "0", "\"locations\":{}")),
		FILE_OF(BLOCK("1", "300", "0", "\"locations\":[" NODE("", "9866") "]")),
		FILE_OF(BLOCK("1", "300", "0", "\"locations\":[" NODE("10.0.0.1", "0") "]")),
		FILE_OF(BLOCK("1", "300", "0", "\"locations\":[" NODE("10.0.0.1", "65536") "]")),
		FILE_OF("{\"block\":{\"blockId\":1,\"blockPoolId\":\"BP\",\"generationStamp\":1,"
			"\"numBytes\":300},\"startOffset\":0,\"blockToken\":{\"urlString\":\"?\"}"
			"," NODES "}"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct webhdfs_blocks blocks;
		if (read_json(bad[i], &blocks) != ERROR_PROTOCOL)
			fail_msg("%s is taken", bad[i]);
		webhdfs_blocks_clean_up(&blocks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_and_their_nodes_are_read),
		cmocka_unit_test(a_block_may_have_no_good_replica_and_a_file_no_block),
		cmocka_unit_test(a_file_that_is_written_is_told),
		cmocka_unit_test(what_is_no_plain_block_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
