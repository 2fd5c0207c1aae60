/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The client against a scripted server that plays NameNode and DataNode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripted_peer.h"
#include "webhdfs.h"

#define OK_TRUE  .status = "200 OK", .body = "{\"boolean\":true}"
#define OK_FALSE .status = "200 OK", .body = "{\"boolean\":false}"
#define EXCEPTION(name, message) \
	.status = "403 x",       \
	.body = "{\"RemoteException\":{\"exception\":\"" name "\",\"message\":\"" message "\"}}"
#define STANDBY EXCEPTION("StandbyException", "Operation category WRITE")
/* a fresh connection for the next call: libcurl sends again by itself on one that it reuses */
#define REDIRECT(host)                                                                    \
	.reply = "HTTP/1.1 307 x\r\nLocation: http://" host "/data?delegation=SECRET\r\n" \
		 "Content-Length: 0\r\nConnection: close\r\n\r\n",                        \
	.then = PEER_CLOSE
#define TO_DATANODE  REDIRECT("127.0.0.1:%PORT%")
#define COUNT(steps) (sizeof(steps) / sizeof((steps)[0]))

static const struct http_limits limits = { .connect_ms = 5000,
					   .idle_ms = 20000,
					   .total_ms = 60000 };

struct fixture {
	struct peer peer, other;
	struct webhdfs *client;
	struct metrics *metrics;
	struct text why;
	char urls[128];
};

static void open_client(struct fixture *f, const struct http_limits *use, const char *host_map)
{
	f->metrics = metrics_new();
	text_init(&f->why, 10000);
	const struct webhdfs_options options = { .urls = f->urls,
						 .user = "bitcoin",
						 .token = "",
						 .host_map = host_map,
						 .limits = *use,
						 .metrics = f->metrics };
	assert_int_equal(webhdfs_new(&options, &f->client, NULL), ERROR_OK);
}

static void begin(struct fixture *f, const struct peer_step *steps, size_t count)
{
	peer_start(&f->peer, steps, count);
	snprintf(f->urls, sizeof f->urls, "http://127.0.0.1:%d", f->peer.port);
	open_client(f, &limits, "");
}

static void close_client(struct fixture *f)
{
	webhdfs_destroy(&f->client);
	metrics_destroy(&f->metrics);
	text_clean_up(&f->why);
}

/* Every step was asked for, and nothing else. */
static void finish(struct fixture *f)
{
	peer_stop(&f->peer);
	assert_int_equal(f->peer.served, f->peer.count);
	peer_clean_up(&f->peer);
	close_client(f);
}

static double counted(const struct fixture *f, const char *labels)
{
	return metric_value(metrics_counter(f->metrics, "webhdfs_requests_total",
					    "WebHDFS requests by operation and outcome.", labels));
}

static void mkdirs_true_false_and_nothing(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "PUT /webhdfs/v1/a%20b?op=MKDIRS&user.name=bitcoin ", OK_TRUE },
		{ OK_FALSE },
		{ .status = "200 OK", .then = PEER_CLOSE },
		{ .reply = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"boolean\":tr",
		  .then = PEER_CLOSE },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(webhdfs_mkdirs(f.client, "/a b", &f.why), ERROR_OK);
	assert_int_equal(f.why.length, 0);
	assert_int_equal(webhdfs_mkdirs(f.client, "/a", &f.why), ERROR_PROTOCOL);
	assert_non_null(strstr(f.why.data, "answered false"));
	assert_int_equal(webhdfs_mkdirs(f.client, "/a", NULL), ERROR_PROTOCOL);
	assert_int_equal(webhdfs_mkdirs(f.client, "/a", NULL), ERROR_CLOSED);
	assert_true(counted(&f, "op=\"MKDIRS\",outcome=\"closed\"") == 1);
	peer_stop(&f.peer);
	assert_non_null(strstr(f.peer.requests[0], "Content-Type: application/octet-stream"));
	peer_clean_up(&f.peer);
	close_client(&f);
}

/* Field case I01: a rename is done when HDFS says so, and not when it says false or half a word. */
static void rename_believes_only_what_is_said(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "PUT /webhdfs/v1/s/a?op=RENAME&user.name=bitcoin"
			    "&destination=%2Fd%2Fp%3D1&renameoptions=NONE ",
		  .status = "200 OK" },
		{ OK_TRUE },
		{ OK_FALSE },
		{ .status = "200 OK", .body = "{\"b" },
		{ TO_DATANODE },
		{ .then = PEER_CLOSE },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	static const enum error expected[] = { ERROR_OK,       ERROR_OK,       ERROR_PROTOCOL,
					       ERROR_PROTOCOL, ERROR_PROTOCOL, ERROR_CLOSED };
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_int_equal(webhdfs_rename(f.client, "/s/a", "/d/p=1", NULL), expected[i]);
	assert_true(webhdfs_is_unknown(ERROR_PROTOCOL) && webhdfs_is_unknown(ERROR_CLOSED));
	finish(&f);
}

static void renaming_over_a_file_is_asked_for(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "PUT /webhdfs/v1/s/a?op=RENAME&user.name=bitcoin"
			    "&destination=%2Fd%2Fb&renameoptions=OVERWRITE ",
		  .status = "200 OK" },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(webhdfs_rename_over(f.client, "/s/a", "/d/b", NULL), ERROR_OK);
	finish(&f);
}

static void create_asks_then_writes(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "PUT /webhdfs/v1/f?op=CREATE&user.name=bitcoin&overwrite=false"
			    "&createparent=false&noredirect=true ",
		  .reply = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
			   "{\"Location\":\"http://127.0.0.1:%PORT%/data?x\"}",
		  .then = PEER_CLOSE },
		{ .expect = "PUT /data?x ", .status = "201 Created" },
		/* a server that redirects all the same */
		{ .expect = "createparent=true", TO_DATANODE },
		{ .expect = "PUT /data?delegation=SECRET ", .status = "201 Created" },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(webhdfs_create(f.client, "/f", "hello", 5, true, &f.why), ERROR_OK);
	assert_int_equal(webhdfs_create(f.client, "/f", "", 0, false, &f.why), ERROR_OK);
	peer_stop(&f.peer);
	assert_int_equal(f.peer.served, f.peer.count);
	assert_int_equal(f.peer.body_lengths[0], 0);
	assert_int_equal(f.peer.body_lengths[1], 5);
	assert_non_null(strstr(f.peer.requests[1], "\r\n\r\nhello"));
	for (size_t i = 0; i < f.peer.served; i++)
		assert_non_null(
			strstr(f.peer.requests[i], "Content-Type: application/octet-stream"));
	peer_clean_up(&f.peer);
	close_client(&f);
}

/* Field cases I04 (b), (c): no Location, and a 201 where a redirect belongs. */
static void create_without_a_datanode(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .status = "307 x" },
		{ .status = "201 Created" },
		{ .status = "200 OK" },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(webhdfs_create(f.client, "/f", "x", 1, true, &f.why), ERROR_PROTOCOL);
	assert_non_null(strstr(f.why.data, "without a Location"));
	for (int i = 0; i < 2; i++)
		assert_int_equal(webhdfs_create(f.client, "/f", "x", 1, true, NULL),
				 ERROR_PROTOCOL);
	finish(&f);
}

/* Field case I04 (a): bounded tries; the error names the host and the setting, never the token. */
static void create_to_a_host_that_is_not_known(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "noredirect=true ", REDIRECT("4f1c9e77ab02.invalid:9864") },
		{ .expect = "noredirect=true&excludedatanodes=4f1c9e77ab02.invalid ",
		  REDIRECT("4f1c9e77ab02.invalid:9864") },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(webhdfs_create(f.client, "/f", "x", 1, true, &f.why), ERROR_UNREACHABLE);
	assert_non_null(strstr(f.why.data, "4f1c9e77ab02.invalid"));
	assert_non_null(strstr(f.why.data, "hdfs_host_map"));
	assert_null(strstr(f.why.data, "SECRET"));
	finish(&f);
}

static void a_mapped_host_is_reached(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ REDIRECT("4f1c9e77ab02.invalid:%PORT%") },
		{ .expect = "PUT /data", .status = "201 Created" },
	};
	struct fixture f;
	peer_start(&f.peer, steps, COUNT(steps));
	snprintf(f.urls, sizeof f.urls, "http://127.0.0.1:%d", f.peer.port);
	open_client(&f, &limits, "4f1c9e77ab02.invalid=127.0.0.1");
	assert_int_equal(webhdfs_create(f.client, "/f", "x", 1, true, &f.why), ERROR_OK);
	finish(&f);
}

/* A DataNode that hung up is the next call's suspect; where it is the only one, it is asked again.
 */
static void the_next_call_asks_for_another_datanode(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ TO_DATANODE },
		{ .expect = "PUT /data", .body_bytes = 3, .then = PEER_RESET },
		{ .expect = "excludedatanodes=127.0.0.1 ",
		  EXCEPTION("IOException", "Failed to find datanode") },
		{ .expect = "noredirect=true ", TO_DATANODE },
		{ .expect = "PUT /data", .status = "201 Created" },
		{ .expect = "noredirect=true ", TO_DATANODE },
		{ .expect = "PUT /data", .status = "201 Created" },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(webhdfs_create(f.client, "/f.1", "hello", 5, true, &f.why), ERROR_CLOSED);
	assert_int_equal(webhdfs_create(f.client, "/f.2", "hello", 5, true, &f.why), ERROR_OK);
	assert_int_equal(webhdfs_create(f.client, "/f.3", "hello", 5, true, &f.why), ERROR_OK);
	finish(&f);
}

/* Field case I11: a silent DataNode costs no more than the limit. */
static void a_silent_datanode_is_left(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ TO_DATANODE },
		{ .expect = "PUT /data", .then = PEER_HANG },
	};
	static const struct http_limits shorter = { .connect_ms = 5000,
						    .idle_ms = 3000,
						    .total_ms = 6000 };
	struct fixture f;
	peer_start(&f.peer, steps, COUNT(steps));
	snprintf(f.urls, sizeof f.urls, "http://127.0.0.1:%d", f.peer.port);
	open_client(&f, &shorter, "");
	assert_int_equal(webhdfs_create(f.client, "/f", "x", 1, true, &f.why), ERROR_TIMEOUT);
	finish(&f);
}

/* Field case I02: from a standby to the active one, which is remembered. */
static void turns_to_the_active_namenode(void **state)
{
	(void)state;
	static const struct peer_step standby[] = { { STANDBY } };
	static const struct peer_step active[] = { { OK_TRUE }, { OK_TRUE } };
	struct fixture f;
	peer_start(&f.peer, standby, COUNT(standby));
	peer_start(&f.other, active, COUNT(active));
	snprintf(f.urls, sizeof f.urls, "http://127.0.0.1:%d,http://127.0.0.1:%d", f.peer.port,
		 f.other.port);
	open_client(&f, &limits, "");
	assert_int_equal(webhdfs_mkdirs(f.client, "/a", &f.why), ERROR_OK);
	assert_int_equal(webhdfs_mkdirs(f.client, "/a", &f.why), ERROR_OK);
	assert_true(counted(&f, "op=\"MKDIRS\",outcome=\"standby\"") == 1);
	peer_stop(&f.other);
	peer_clean_up(&f.other);
	finish(&f);
}

static void each_namenode_once_and_then_the_error(void **state)
{
	(void)state;
	static const struct peer_step standby[] = { { STANDBY } };
	struct fixture f;
	peer_start(&f.peer, standby, COUNT(standby));
	peer_start(&f.other, NULL, 0);
	int closed_port = f.other.port;
	peer_stop(&f.other);
	snprintf(f.urls, sizeof f.urls, "http://127.0.0.1:%d,http://127.0.0.1:%d", closed_port,
		 f.peer.port);
	open_client(&f, &limits, "");
	assert_int_equal(webhdfs_mkdirs(f.client, "/a", &f.why), ERROR_STANDBY);
	assert_non_null(strstr(f.why.data, "; MKDIRS"));
	finish(&f);
}

static void stat_and_delete(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "GET /webhdfs/v1/f?op=GETFILESTATUS",
		  .status = "200 OK",
		  .body = "{\"FileStatus\":{\"fileId\":7,\"length\":5,\"modificationTime\":9,"
			  "\"type\":\"FILE\"}}" },
		{ EXCEPTION("FileNotFoundException", "File does not exist: /f") },
		{ .expect = "DELETE /webhdfs/v1/f?op=DELETE&user.name=bitcoin&recursive=true ",
		  OK_TRUE },
		{ OK_FALSE },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	struct webhdfs_status status;
	assert_int_equal(webhdfs_stat(f.client, "/f", &status, &f.why), ERROR_OK);
	assert_int_equal(status.file_id, 7);
	assert_int_equal(status.length, 5);
	assert_int_equal(webhdfs_stat(f.client, "/f", &status, NULL), ERROR_NOT_FOUND);
	assert_int_equal(webhdfs_delete(f.client, "/f", true, NULL), ERROR_OK);
	assert_int_equal(webhdfs_delete(f.client, "/f", false, NULL), ERROR_NOT_FOUND);
	finish(&f);
}

#define ENTRY(name)                                                                \
	"{\"fileId\":1,\"length\":1,\"modificationTime\":1,\"pathSuffix\":\"" name \
	"\",\"type\":\"FILE\"}"
#define PAGE(name, rest)                                                      \
	"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"DirectoryListing\":{" \
	"\"partialListing\":{\"FileStatuses\":{\"FileStatus\":[" ENTRY(       \
		name) "]}},\"remainingEntries\":" rest "}}"

static enum error collect(const char *name, const struct webhdfs_status *status, void *user)
{
	(void)status;
	text_putf(user, "%s ", name);
	return ERROR_OK;
}

static enum error to_text(const char *data, size_t length, void *user)
{
	text_put(user, data, length);
	return ((struct text *)user)->error;
}

static void lists_page_by_page(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "op=LISTSTATUS_BATCH&user.name=bitcoin ",
		  .reply = PAGE("a+1", "1"),
		  .then = PEER_CLOSE },
		{ .expect = "startAfter=a%2B1 ", .reply = PAGE("b", "0"), .then = PEER_CLOSE },
		{ .expect = "startAfter=b ", .reply = PAGE("c", "0"), .then = PEER_CLOSE },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	struct text names;
	text_init(&names, 1000);
	assert_int_equal(webhdfs_list(f.client, "/d", collect, &names, &f.why), ERROR_OK);
	assert_false(webhdfs_listed_at_once(f.client));
	assert_int_equal(webhdfs_list_after(f.client, "/d", "b", collect, &names, &f.why),
			 ERROR_OK);
	assert_true(webhdfs_listed_at_once(f.client));
	assert_string_equal(names.data, "a+1 b c ");
	text_clean_up(&names);
	finish(&f);
}

static void lists_where_batches_are_not_known(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "op=LISTSTATUS_BATCH", .status = "400 x" },
		{ .expect = "op=LISTSTATUS&",
		  .reply = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
			   "{\"FileStatuses\":{\"FileStatus\":[" ENTRY("x") "," ENTRY("y") "]}}",
		  .then = PEER_CLOSE },
		{ .expect = "op=LISTSTATUS&",
		  .reply = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
			   "{\"FileStatuses\":{\"FileStatus\":[]}}",
		  .then = PEER_CLOSE },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	struct text names;
	text_init(&names, 1000);
	assert_int_equal(webhdfs_list(f.client, "/d", collect, &names, &f.why), ERROR_OK);
	assert_int_equal(webhdfs_list(f.client, "/d", collect, &names, &f.why), ERROR_OK);
	assert_false(webhdfs_listed_at_once(f.client));
	assert_string_equal(names.data, "x y ");
	text_clean_up(&names);
	finish(&f);
}

static void reads_the_whole_a_range_and_no_more_than_asked(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "op=OPEN&user.name=bitcoin&offset=0&noredirect=true ", TO_DATANODE },
		{ .expect = "GET /data",
		  .reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld" },
		{ .expect = "offset=2&length=3&", TO_DATANODE },
		{ .expect = "GET /data",
		  .reply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nrl",
		  .then = PEER_CLOSE },
		{ TO_DATANODE },
		{ .expect = "GET /data",
		  .reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nworlds" },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	struct text out;
	text_init(&out, 5);
	assert_int_equal(webhdfs_read(f.client, "/f", &out, &f.why), ERROR_OK);
	assert_string_equal(out.data, "world");
	text_reset(&out);
	/* cut: the bytes came, the error says that they are not all */
	assert_int_equal(webhdfs_open(f.client, "/f", 2, 3, to_text, &out, NULL), ERROR_CLOSED);
	text_reset(&out);
	/* the suspect of the cut is asked around first */
	enum error error = webhdfs_read(f.client, "/f", &out, NULL);
	assert_int_equal(error, ERROR_LIMIT);
	text_clean_up(&out);
	finish(&f);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mkdirs_true_false_and_nothing),
		cmocka_unit_test(rename_believes_only_what_is_said),
		cmocka_unit_test(renaming_over_a_file_is_asked_for),
		cmocka_unit_test(create_asks_then_writes),
		cmocka_unit_test(create_without_a_datanode),
		cmocka_unit_test(create_to_a_host_that_is_not_known),
		cmocka_unit_test(a_mapped_host_is_reached),
		cmocka_unit_test(the_next_call_asks_for_another_datanode),
		cmocka_unit_test(a_silent_datanode_is_left),
		cmocka_unit_test(turns_to_the_active_namenode),
		cmocka_unit_test(each_namenode_once_and_then_the_error),
		cmocka_unit_test(stat_and_delete),
		cmocka_unit_test(lists_page_by_page),
		cmocka_unit_test(lists_where_batches_are_not_known),
		cmocka_unit_test(reads_the_whole_a_range_and_no_more_than_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
