/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every call against an answer that ends at every byte position, by a reset and by an orderly end:
 * it is never taken for success, and it is always an error after which the caller looks or repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripted_peer.h"
#include "webhdfs.h"

enum { REPLY_BYTES = 512, CUTS_AT_ONCE = PEER_MAX_STEPS / 2 };

static const struct http_limits limits = { .connect_ms = 2000, .idle_ms = 2000, .total_ms = 5000 };

static enum error call_mkdirs(struct webhdfs *client)
{
	return webhdfs_mkdirs(client, "/a", NULL);
}

static enum error call_rename(struct webhdfs *client)
{
	return webhdfs_rename(client, "/a", "/b", NULL);
}

static enum error call_rename_over(struct webhdfs *client)
{
	return webhdfs_rename_over(client, "/a", "/b", NULL);
}

static enum error call_delete(struct webhdfs *client)
{
	return webhdfs_delete(client, "/a", true, NULL);
}

static enum error call_stat(struct webhdfs *client)
{
	struct webhdfs_status status;
	return webhdfs_stat(client, "/a", &status, NULL);
}

static enum error pass(const char *name, const struct webhdfs_status *status, void *user)
{
	(void)name, (void)status, (void)user;
	return ERROR_OK;
}

static enum error call_list(struct webhdfs *client)
{
	return webhdfs_list(client, "/a", pass, NULL, NULL);
}

static enum error call_create(struct webhdfs *client)
{
	return webhdfs_create(client, "/a", "data", 4, true, NULL);
}

static enum error sink(const char *data, size_t length, void *user)
{
	(void)data, (void)length, (void)user;
	return ERROR_OK;
}

static enum error call_open(struct webhdfs *client)
{
	return webhdfs_open(client, "/a", 0, -1, sink, NULL, NULL);
}

#define TO_DATANODE                                                    \
	"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n" \
	"Content-Length: 0\r\nConnection: close\r\n\r\n"
#define BOOLEAN "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"boolean\":true}"

static const struct answer {
	const char *name;
	enum error (*call)(struct webhdfs *client);
	const char *before; /* what the NameNode says first; NULL: it is the one that is cut */
	const char *reply;
} answers[] = {
	{ "MKDIRS", call_mkdirs, NULL, BOOLEAN },
	{ "RENAME", call_rename, NULL, BOOLEAN },
	{ "RENAME, bare", call_rename, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	{ "RENAME, over", call_rename_over, NULL, BOOLEAN },
	{ "DELETE", call_delete, NULL, BOOLEAN },
	{ "GETFILESTATUS", call_stat, NULL,
	  "HTTP/1.1 200 OK\r\nContent-Length: 74\r\n\r\n{\"FileStatus\":{\"fileId\":1,"
	  "\"length\":2,\"modificationTime\":3,\"type\":\"FILE\"} }" },
	{ "LISTSTATUS_BATCH", call_list, NULL,
	  "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"DirectoryListing\":{\"partialListing\":"
	  "{\"FileStatuses\":{\"FileStatus\":[]}},\"remainingEntries\":0}}     " },
	{ "CREATE", call_create, NULL, TO_DATANODE },
	{ "CREATE, the data", call_create, TO_DATANODE,
	  "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n" },
	{ "OPEN, the data", call_open, TO_DATANODE,
	  "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndata" },
};

struct script {
	struct peer_step steps[PEER_MAX_STEPS];
	char replies[CUTS_AT_ONCE][REPLY_BYTES];
	size_t count;
};

/* Cuts at `from` and on, as many as fit; where to go on. */
static size_t write_script(struct script *script, const struct answer *answer, size_t from,
			   enum peer_then then)
{
	size_t length = strlen(answer->reply), cut = from;
	script->count = 0;
	for (size_t i = 0; i < CUTS_AT_ONCE && cut < length; i++, cut++) {
		if (answer->before)
			script->steps[script->count++] =
				(struct peer_step){ .reply = answer->before, .then = PEER_CLOSE };
		memcpy(script->replies[i], answer->reply, cut);
		script->replies[i][cut] = '\0';
		script->steps[script->count++] =
			(struct peer_step){ .reply = script->replies[i], .then = then };
	}
	return cut;
}

static void try_cuts(const struct answer *answer, const struct script *script, size_t from,
		     size_t to)
{
	struct peer peer;
	peer_start(&peer, script->steps, script->count);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%d", peer.port);
	const struct webhdfs_options options = {
		.urls = url, .user = "u", .token = "", .host_map = "", .limits = limits
	};
	struct webhdfs *client;
	assert_int_equal(webhdfs_new(&options, &client, NULL), ERROR_OK);
	for (size_t cut = from; cut < to; cut++) {
		enum error error = answer->call(client);
		if (error == ERROR_OK || !webhdfs_is_transient(error))
			fail_msg("%s cut after %zu bytes gives %s", answer->name, cut,
				 error_name(error));
	}
	peer_stop(&peer);
	assert_int_equal(peer.served, peer.count);
	peer_clean_up(&peer);
	webhdfs_destroy(&client);
}

static void cut_everywhere(enum peer_then then)
{
	static struct script script;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		for (size_t from = 0; from < strlen(answers[i].reply);) {
			size_t to = write_script(&script, &answers[i], from, then);
			try_cuts(&answers[i], &script, from, to);
			from = to;
		}
}

static void a_reset_at_every_byte_is_no_success(void **state)
{
	(void)state;
	cut_everywhere(PEER_RESET);
}

static void an_end_at_every_byte_is_no_success(void **state)
{
	(void)state;
	cut_everywhere(PEER_CLOSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_at_every_byte_is_no_success),
		cmocka_unit_test(an_end_at_every_byte_is_no_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
