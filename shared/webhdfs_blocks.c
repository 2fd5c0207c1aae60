/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "webhdfs_blocks.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "hdfs_token.h"

enum { MAX_NAME = 255, MAX_PORT = 65535 };

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* A whole number between 0 and 2^53, which a double holds exactly. Ids below are of striped blocks,
 * whose bytes lie on several DataNodes, ids beyond of clusters from before 2014. */
static bool whole(const cJSON *object, const char *name, int64_t *value)
{
	const cJSON *item = member(object, name);
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) ||
	    item->valuedouble > 9007199254740992.0)
		return false;
	*value = (int64_t)item->valuedouble;
	return true;
}

static bool string(const cJSON *object, const char *name, const char **value)
{
	*value = cJSON_GetStringValue(member(object, name));
	return *value && (*value)[0] && strlen(*value) <= MAX_NAME;
}

static bool read_replica(const cJSON *json, struct webhdfs_replica *replica)
{
	int64_t port;
	if (!string(json, "ipAddr", &replica->address) ||
	    !string(json, "hostName", &replica->host) || !whole(json, "xferPort", &port) ||
	    port < 1 || port > MAX_PORT)
		return false;
	replica->port = (int)port;
	return true;
}

static bool read_replicas(const cJSON *json, struct webhdfs_block *block)
{
	const cJSON *list = member(json, "locations"), *item;
	cJSON_ArrayForEach(item, list)
	{
		if (block->replica_count == WEBHDFS_MAX_REPLICAS)
			break;
		if (!read_replica(item, &block->replicas[block->replica_count]))
			return false;
		block->replica_count++;
	}
	return cJSON_IsArray(list);
}

static bool read_token(const cJSON *json, struct hdfs_token *token)
{
	char *text = cJSON_GetStringValue(member(member(json, "blockToken"), "urlString"));
	return !text || hdfs_token_decode(text, token);
}

static bool read_block(const cJSON *json, struct webhdfs_block *block)
{
	const cJSON *inner = member(json, "block");
	const char *pool;
	if (!string(inner, "blockPoolId", &pool) || !whole(inner, "blockId", &block->block.id) ||
	    !whole(inner, "generationStamp", &block->block.generation) ||
	    !whole(inner, "numBytes", &block->block.length) ||
	    !whole(json, "startOffset", &block->start))
		return false;
	block->block.pool = (struct slice){ pool, strlen(pool) };
	if (!read_token(json, &block->block.token) || !read_replicas(json, block))
		return false;
	/* Of these the NameNode knows no good replica. */
	if (cJSON_IsTrue(member(json, "isCorrupt")))
		block->replica_count = 0;
	return true;
}

/* Each begins where the one before ends. */
static bool read_list(const cJSON *list, struct webhdfs_blocks *blocks)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, list)
	{
		struct webhdfs_block *block = &blocks->blocks[blocks->count];
		if (!read_block(item, block))
			return false;
		if (blocks->count > 0 && block->start != block[-1].start + block[-1].block.length)
			return false;
		blocks->count++;
	}
	return true;
}

enum error webhdfs_answer_blocks(const char *body, size_t length, struct webhdfs_blocks *blocks,
				 struct text *why)
{
	*blocks = (struct webhdfs_blocks){ .json = cJSON_ParseWithLength(body, length) };
	const cJSON *located = member(blocks->json, "LocatedBlocks");
	const cJSON *list = member(located, "locatedBlocks");
	blocks->being_written = !cJSON_IsFalse(member(located, "isUnderConstruction"));
	if (!whole(located, "fileLength", &blocks->file_length) || !cJSON_IsArray(list)) {
		why_putf(why, "the answer is not LocatedBlocks");
		return ERROR_PROTOCOL;
	}
	blocks->blocks = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *blocks->blocks);
	if (!blocks->blocks)
		return ERROR_NO_MEMORY;
	if (read_list(list, blocks))
		return ERROR_OK;
	why_putf(why, "block %zu of the answer is not a plain LocatedBlock", blocks->count);
	return ERROR_PROTOCOL;
}

void webhdfs_blocks_clean_up(struct webhdfs_blocks *blocks)
{
	cJSON_Delete(blocks->json);
	free(blocks->blocks);
	*blocks = (struct webhdfs_blocks){ 0 };
}
