/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "timestamp.h"
#include "webhdfs_avoided.h"
#include "webhdfs_blocks.h"
#include "webhdfs_direct.h"
#include "webhdfs_private.h"

enum {
	/* Whose blocks are asked for at once: two or three of the usual size, and of the smallest
	 * that HDFS allows still as many as fit into an answer. */
	WINDOW_BYTES = 256 * 1024 * 1024,
	CONNECT_MS = 1000, /* at most: there is another way */
	WHY_BYTES = 600,
};

/* The name under which all DataNodes are left alone. */
static const char everyone[] = "all";

struct webhdfs_direct {
	struct avoided avoided;
	atomic_bool worked; /* once, with some DataNode */
};

struct stream {
	struct webhdfs *client;
	const char *path;
	int64_t at; /* in the file: what the sink gets next */
	hdfs_sink *sink;
	void *user;
	bool settled; /* the error is the result: no other way would give another */
};

struct webhdfs_direct *webhdfs_direct_new(void)
{
	struct webhdfs_direct *direct = malloc(sizeof *direct);
	if (!direct)
		return NULL;
	avoided_init(&direct->avoided);
	atomic_init(&direct->worked, false);
	return direct;
}

void webhdfs_direct_destroy(struct webhdfs_direct **direct)
{
	if (*direct)
		avoided_clean_up(&(*direct)->avoided);
	free(*direct);
	*direct = NULL;
}

/* --- what is told ---------------------------------------------------------------------------- */

static void count(const struct stream *stream, const char *name, const char *help,
		  const char *label, const char *value)
{
	char memory[128];
	struct text labels;
	if (!stream->client->metrics)
		return;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, label, value);
	metric_add(metrics_counter(stream->client->metrics, name, help, labels.data), 1);
}

static void count_block(const struct stream *stream, enum error outcome)
{
	count(stream, "hdfs_block_reads_total", "Blocks asked of DataNodes directly, by outcome.",
	      "outcome", error_name(outcome));
}

static void count_file(const struct stream *stream, const char *way)
{
	count(stream, "hdfs_file_reads_total",
	      "Files read, by the way: from DataNodes directly, or by WebHDFS to the end.", "way",
	      way);
}

/* Of the node, and not of this block or of this moment. */
static bool is_of_the_node(enum error error)
{
	return error == ERROR_UNREACHABLE || error == ERROR_DENIED || error == ERROR_TIMEOUT ||
	       error == ERROR_PROTOCOL || error == ERROR_INVALID;
}

/* Once for each node in a while; `avoid`: and it is left alone for so long. */
static void note_failure(const struct stream *stream, const char *node, bool avoid,
			 enum error error, const struct text *why)
{
	struct avoided *avoided = &stream->client->direct->avoided;
	if (avoided_note(avoided, node, avoid, monotonic_now_us(), WEBHDFS_AVOID_S * 1000000LL))
		log_warn("not read directly from HDFS's DataNodes", LOG_STR("node", node),
			 LOG_STR("file", stream->path), LOG_STR("error", error_name(error)),
			 LOG_STR("reason", why->data),
			 LOG_I64("left_alone_s", avoid ? WEBHDFS_AVOID_S : 0));
}

/* A firewall is before all of them: as long as none could be read from, the first one's failure
 * speaks for the others, each of which would cost a wait. */
static void note_result(const struct stream *stream, const char *node, enum error error,
			const struct text *why)
{
	struct webhdfs_direct *direct = stream->client->direct;
	if (!error)
		atomic_store(&direct->worked, true);
	else
		note_failure(stream, node, is_of_the_node(error), error, why);
	if (is_of_the_node(error) && !atomic_load(&direct->worked))
		(void)avoided_note(&direct->avoided, everyone, true, monotonic_now_us(),
				   WEBHDFS_AVOID_S * 1000000LL);
}

static bool is_avoided(const struct stream *stream, const char *node)
{
	return avoided_is(&stream->client->direct->avoided, node, monotonic_now_us());
}

/* --- one block ------------------------------------------------------------------------------- */

static void find_address(const struct webhdfs *client, const struct webhdfs_replica *replica,
			 char address[WEBHDFS_MAX_HOST])
{
	if (!webhdfs_map_host(client->host_map, replica->host, address) &&
	    !webhdfs_map_host(client->host_map, replica->address, address))
		snprintf(address, WEBHDFS_MAX_HOST, "%s", replica->address);
}

static struct http_limits limits_of(const struct webhdfs *client)
{
	struct http_limits limits = client->limits;
	if (limits.connect_ms <= 0 || limits.connect_ms > CONNECT_MS)
		limits.connect_ms = CONNECT_MS;
	return limits;
}

/* The rest of a block from one DataNode. */
static enum error ask_node(struct stream *stream, const struct webhdfs_block *block,
			   const char *address, int port, struct text *why)
{
	struct webhdfs *client = stream->client;
	int64_t offset = stream->at - block->start;
	const struct hdfs_block_call call = {
		.block = &block->block,
		.address = address,
		.port = port,
		.offset = offset,
		.length = block->block.length - offset,
		.limits = limits_of(client),
		.cancel = client->cancel,
		.sink = stream->sink,
		.user = stream->user,
	};
	struct hdfs_block_result result;
	enum error error = hdfs_block_read(client->reader, &call, &result, why);
	stream->at += result.delivered;
	stream->settled =
		result.sink_failed || error == ERROR_CANCELLED || error == ERROR_NO_MEMORY;
	return error;
}

static enum error read_replica(struct stream *stream, const struct webhdfs_block *block,
			       const struct webhdfs_replica *replica)
{
	char address[WEBHDFS_MAX_HOST], node[AVOIDED_NAME], memory[WHY_BYTES];
	struct text why;
	find_address(stream->client, replica, address);
	text_init_fixed(&why, node, sizeof node);
	text_putf(&why, "%s:%d", address, replica->port);
	if (is_avoided(stream, node) || is_avoided(stream, everyone))
		return ERROR_UNREACHABLE;
	text_init_fixed(&why, memory, sizeof memory);
	enum error error = ask_node(stream, block, address, replica->port, &why);
	if (error && stream->settled)
		return error;
	count_block(stream, error);
	note_result(stream, node, error, &why);
	return error;
}

/* From the first replica that gives it; another one goes on where one stopped. */
static enum error read_block(struct stream *stream, const struct webhdfs_block *block)
{
	enum error error = ERROR_UNREACHABLE;
	for (size_t i = 0; i < block->replica_count && error && !stream->settled; i++)
		error = read_replica(stream, block, &block->replicas[i]);
	return error;
}

/* --- the file -------------------------------------------------------------------------------- */

/* What the NameNode says of the file holds whichever way it is read; else it, or a gateway in its
 * place, does not tell blocks. */
static bool holds_for_any_way(enum error error)
{
	return error != ERROR_INVALID && error != ERROR_PROTOCOL && error != ERROR_LIMIT &&
	       error != ERROR_UNAVAILABLE;
}

static enum error locate(struct stream *stream, struct webhdfs_blocks *blocks, struct text *why)
{
	char offset[32], length[32];
	snprintf(offset, sizeof offset, "%lld", (long long)stream->at);
	snprintf(length, sizeof length, "%d", WINDOW_BYTES);
	const struct webhdfs_query query[] = { { "offset", offset },
					       { "length", length },
					       { NULL, NULL } };
	const struct webhdfs_request request = {
		.method = "GET", .op = "GET_BLOCK_LOCATIONS", .path = stream->path, .query = query
	};
	struct http_reply reply;
	*blocks = (struct webhdfs_blocks){ 0 };
	enum error error = webhdfs_call(stream->client, &request, &reply, why);
	if (error)
		stream->settled = holds_for_any_way(error);
	else
		error = webhdfs_answer_blocks(reply.body.data, reply.body.length, blocks, why);
	if (!error && blocks->being_written) {
		why_putf(why, "the file is being written");
		error = ERROR_CONFLICT;
	}
	http_reply_clean_up(&reply);
	return error;
}

/* Those blocks that begin at or before where the stream is. PROTOCOL: none does. */
static enum error read_blocks(struct stream *stream, const struct webhdfs_blocks *blocks)
{
	int64_t from = stream->at;
	enum error error = ERROR_OK;
	for (size_t i = 0; i < blocks->count && !error; i++) {
		const struct webhdfs_block *block = &blocks->blocks[i];
		if (block->start + block->block.length <= stream->at)
			continue;
		error = block->start > stream->at ? ERROR_PROTOCOL : read_block(stream, block);
	}
	if (!error && stream->at == from && from < blocks->file_length)
		error = ERROR_PROTOCOL;
	return error;
}

/* A window of the file. */
static enum error read_window(struct stream *stream, bool *whole, struct text *why)
{
	struct webhdfs_blocks blocks;
	char memory[WHY_BYTES];
	struct text detail;
	text_init_fixed(&detail, memory, sizeof memory);
	enum error error = locate(stream, &blocks, &detail);
	if (error && stream->settled)
		why_putf(why, "%s", detail.data);
	else if (error)
		note_failure(stream, everyone, error != ERROR_CONFLICT && error != ERROR_LIMIT,
			     error, &detail);
	else
		error = read_blocks(stream, &blocks);
	*whole = !error && stream->at >= blocks.file_length;
	webhdfs_blocks_clean_up(&blocks);
	return error;
}

/* Where HTTP is encrypted the data are not to cross the net in clear: the DataNode's protocol has
 * an encryption of its own, which is not spoken here. */
static bool may_go_directly(const struct stream *stream)
{
	const struct webhdfs *client = stream->client;
	return client->direct && strncasecmp(client->nodes[client->active], "https", 5) != 0 &&
	       !is_avoided(stream, everyone);
}

static enum error read_directly(struct stream *stream, struct text *why)
{
	struct webhdfs *client = stream->client;
	bool whole = false;
	enum error error = ERROR_OK;
	if (!client->reader)
		client->reader = hdfs_reader_new();
	if (!client->reader)
		return ERROR_NO_MEMORY;
	while (!error && !whole)
		error = read_window(stream, &whole, why);
	return error;
}

enum error webhdfs_stream(struct webhdfs *client, const char *path, int64_t offset, bool plain,
			  hdfs_sink *sink, void *user, struct text *why)
{
	struct stream stream = {
		.client = client, .path = path, .at = offset, .sink = sink, .user = user
	};
	bool direct = plain && may_go_directly(&stream);
	enum error error = direct ? read_directly(&stream, why) : ERROR_UNAVAILABLE;
	if (direct && (!error || stream.settled)) {
		if (!error)
			count_file(&stream, "direct");
		return error;
	}
	error = webhdfs_open(client, path, stream.at, -1, sink, user, why);
	if (!error)
		count_file(&stream, "webhdfs");
	return error;
}
