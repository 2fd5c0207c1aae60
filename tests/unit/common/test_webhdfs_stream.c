/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A file of two blocks: a scripted NameNode tells where they are, scripted DataNodes give them,
 * and whatever goes wrong, each byte comes once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scripted_datanode.h"
#include "scripted_peer.h"
#include "webhdfs_direct.h"

enum { FIRST = 10000, SECOND = 7000, ALL = FIRST + SECOND, MOST_STEPS = 8, TEXT = 4096 };

#define TO_DATANODE                                                    \
	"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n" \
	"Content-Length: 0\r\nConnection: close\r\n\r\n"

struct fixture {
	char *data;
	struct datanode nodes[2]; /* of the first block, and of the second one */
	int node_count;           /* that run */
	struct peer peer;
	struct peer_step steps[MOST_STEPS];
	size_t count;
	char located[TEXT];
	char offset[MOST_STEPS][64];
	struct webhdfs_direct *direct;
	struct webhdfs *client;
	struct metrics *metrics;
	struct text got, why;
	const char *host_map;
	enum error sink_error;
	atomic_bool cancel;
};

static enum error collect(const char *data, size_t length, void *user)
{
	struct fixture *f = user;
	text_put(&f->got, data, length);
	return f->sink_error;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->data = block_data(ALL);
	datanode_init(&f->nodes[0], f->data, FIRST);
	datanode_init(&f->nodes[1], f->data + FIRST, SECOND);
	f->direct = webhdfs_direct_new();
	assert_non_null(f->direct);
	f->metrics = metrics_new();
	f->host_map = "";
	text_init(&f->got, 1 << 20);
	text_init(&f->why, 2000);
	*state = f;
	return 0;
}

static void put_block(struct text *out, const char *address, int id, int start, int length,
		      const int *ports, size_t count)
{
	text_putf(out,
		  "%s{\"block\":{\"blockId\":%d,\"blockPoolId\":\"BP-1\",\"generationStamp\":1,"
		  "\"numBytes\":%d},\"startOffset\":%d,\"locations\":[",
		  start ? "," : "", id, length, start);
	for (size_t i = 0; i < count; i++)
		text_putf(out, "%s{\"ipAddr\":\"%s\",\"hostName\":\"dn.example\",\"xferPort\":%d}",
			  i ? "," : "", address, ports[i]);
	text_puts(out, "]}");
}

/* Starts the DataNodes; the first block is on both, the second one on the second alone. */
static void locate_at(struct fixture *f, const char *address)
{
	struct text out;
	for (f->node_count = 0; f->node_count < 2; f->node_count++)
		datanode_start(&f->nodes[f->node_count]);
	const int ports[] = { f->nodes[0].port, f->nodes[1].port };
	text_init_fixed(&out, f->located, sizeof f->located);
	text_putf(&out,
		  "{\"LocatedBlocks\":{\"fileLength\":%d,\"isUnderConstruction\":false,"
		  "\"locatedBlocks\":[",
		  ALL);
	put_block(&out, address, 1, 0, FIRST, ports, 1);
	put_block(&out, address, 2, FIRST, SECOND, ports + 1, 1);
	text_puts(&out, "]}}");
	assert_int_equal(out.error, ERROR_OK);
}

static struct peer_step *add(struct fixture *f)
{
	assert_true(f->count < MOST_STEPS);
	return &f->steps[f->count++];
}

static void expect_located(struct fixture *f)
{
	*add(f) = (struct peer_step){ .expect = "op=GET_BLOCK_LOCATIONS",
				      .status = "200 OK",
				      .body = f->located,
				      .then = PEER_CLOSE };
}

/* The rest by WebHDFS. */
static void expect_open(struct fixture *f, int64_t offset)
{
	char *text = f->offset[f->count];
	snprintf(text, sizeof f->offset[0], "op=OPEN&user.name=u&offset=%lld&", (long long)offset);
	*add(f) = (struct peer_step){ .expect = text, .reply = TO_DATANODE, .then = PEER_CLOSE };
	/* The script is text: the fixture's data have a NUL at most by chance. */
	*add(f) = (struct peer_step){
		.expect = "/data", .status = "200 OK", .body = f->data + offset, .then = PEER_CLOSE
	};
}

static void open_client(struct fixture *f)
{
	char url[64];
	peer_start(&f->peer, f->steps, f->count);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", f->peer.port);
	const struct webhdfs_options options = { .urls = url,
						 .user = "u",
						 .token = "",
						 .host_map = f->host_map,
						 .limits = { 2000, 10000, 30000 },
						 .metrics = f->metrics,
						 .cancel = &f->cancel,
						 .direct = f->direct };
	assert_int_equal(webhdfs_new(&options, &f->client, NULL), ERROR_OK);
}

static enum error stream(struct fixture *f, int64_t offset)
{
	text_reset(&f->got);
	text_reset(&f->why);
	return webhdfs_stream(f->client, "/f", offset, true, collect, f, &f->why);
}

static void assert_all_from(const struct fixture *f, size_t offset)
{
	assert_int_equal(f->got.length, ALL - offset);
	assert_memory_equal(f->got.data, f->data + offset, ALL - offset);
}

static double counted(const struct fixture *f, const char *name, const char *labels)
{
	const char *help = strcmp(name, "hdfs_file_reads_total") == 0
				   ? "Files read, by the way: from DataNodes directly, or by "
				     "WebHDFS to the end."
				   : "Blocks asked of DataNodes directly, by outcome.";
	return metric_value(metrics_counter(f->metrics, name, help, labels));
}

static double blocks(const struct fixture *f, const char *outcome)
{
	return counted(f, "hdfs_block_reads_total", outcome);
}

static double files(const struct fixture *f, const char *way)
{
	return counted(f, "hdfs_file_reads_total", way);
}

/* Every step was asked for, and nothing else. */
static int tear_down(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < f->node_count; i++)
		datanode_stop(&f->nodes[i]);
	peer_stop(&f->peer);
	assert_int_equal(f->peer.served, f->count);
	peer_clean_up(&f->peer);
	webhdfs_destroy(&f->client);
	webhdfs_direct_destroy(&f->direct);
	metrics_destroy(&f->metrics);
	text_clean_up(&f->got);
	text_clean_up(&f->why);
	free(f->data);
	free(f);
	return 0;
}

static void without_nul(struct fixture *f)
{
	for (size_t i = 0; i < ALL; i++)
		if (f->data[i] == '\0' || f->data[i] == '%')
			f->data[i] = 'x';
}

static void begin(struct fixture *f)
{
	without_nul(f);
	locate_at(f, "127.0.0.1");
}

static void two_blocks_come_from_two_nodes(void **state)
{
	struct fixture *f = *state;
	begin(f);
	expect_located(f);
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	assert_all_from(f, 0);
	assert_int_equal(blocks(f, "outcome=\"ok\""), 2);
	assert_int_equal(files(f, "way=\"direct\""), 1);
}

static void an_offset_may_lie_in_any_block(void **state)
{
	struct fixture *f = *state;
	static const int offsets[] = { 5000, FIRST - 1, FIRST, FIRST + 777, ALL - 1 };
	begin(f);
	for (size_t i = 0; i < 5; i++)
		expect_located(f);
	open_client(f);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(stream(f, offsets[i]), ERROR_OK);
		assert_all_from(f, (size_t)offsets[i]);
	}
}

static void the_rest_of_a_cut_block_comes_by_webhdfs(void **state)
{
	struct fixture *f = *state;
	f->nodes[0].cut = 6000; /* behind the first packet of 4,096 bytes, and three chunks */
	begin(f);
	expect_located(f);
	expect_open(f, 4096 + 3 * 512);
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	assert_all_from(f, 0);
	assert_int_equal(blocks(f, "outcome=\"closed\""), 1);
	assert_int_equal(files(f, "way=\"webhdfs\""), 1);
}

static void another_replica_goes_on_where_one_was_broken(void **state)
{
	struct fixture *f = *state;
	f->nodes[0].reply.broken_at = 5000;
	begin(f);
	/* The first block's other replica, at the end of what there is to ask. */
	struct datanode other;
	struct text out;
	datanode_init(&other, f->data, FIRST);
	datanode_start(&other);
	const int ports[] = { f->nodes[0].port, other.port };
	text_init_fixed(&out, f->located, sizeof f->located);
	text_putf(&out,
		  "{\"LocatedBlocks\":{\"fileLength\":%d,\"isUnderConstruction\":false,"
		  "\"locatedBlocks\":[",
		  FIRST);
	put_block(&out, "127.0.0.1", 1, 0, FIRST, ports, 2);
	text_puts(&out, "]}}");
	expect_located(f);
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	datanode_stop(&other);
	assert_int_equal(f->got.length, FIRST);
	assert_memory_equal(f->got.data, f->data, FIRST);
	assert_int_equal(other.offset, 4096);
	assert_int_equal(blocks(f, "outcome=\"checksum\""), 1);
	assert_int_equal(blocks(f, "outcome=\"ok\""), 1);
	assert_int_equal(files(f, "way=\"direct\""), 1);
}

static void a_node_that_hangs_up_is_left_alone(void **state)
{
	struct fixture *f = *state;
	f->nodes[1].hangs_up = true;
	begin(f);
	for (int i = 0; i < 2; i++) {
		expect_located(f);
		expect_open(f, FIRST);
	}
	open_client(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stream(f, 0), ERROR_OK);
		assert_all_from(f, 0);
	}
	assert_int_equal(atomic_load(&f->nodes[0].asked), 2);
	assert_int_equal(atomic_load(&f->nodes[1].asked), 1);
	assert_int_equal(blocks(f, "outcome=\"denied\""), 1);
	assert_int_equal(files(f, "way=\"webhdfs\""), 2);
}

static void where_none_ever_answered_one_speaks_for_all(void **state)
{
	struct fixture *f = *state;
	f->nodes[0].hangs_up = true;
	begin(f);
	expect_located(f);
	expect_open(f, 0);
	expect_open(f, FIRST + 1); /* of a block that lies on another one */
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	assert_all_from(f, 0);
	assert_int_equal(stream(f, FIRST + 1), ERROR_OK);
	assert_all_from(f, FIRST + 1);
	assert_int_equal(atomic_load(&f->nodes[0].asked), 1);
	assert_int_equal(atomic_load(&f->nodes[1].asked), 0);
	assert_int_equal(files(f, "way=\"webhdfs\""), 2);
}

static void a_block_that_is_refused_is_asked_for_again_next_time(void **state)
{
	struct fixture *f = *state;
	f->nodes[1].reply.refusal = 1;
	begin(f);
	for (int i = 0; i < 2; i++) {
		expect_located(f);
		expect_open(f, FIRST);
	}
	open_client(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stream(f, 0), ERROR_OK);
		assert_all_from(f, 0);
	}
	assert_int_equal(atomic_load(&f->nodes[1].asked), 2);
	assert_int_equal(blocks(f, "outcome=\"unavailable\""), 2);
}

static void a_node_that_is_not_there_costs_one_try(void **state)
{
	struct fixture *f = *state;
	begin(f);
	datanode_stop(&f->nodes[1]);
	f->node_count = 1;
	for (int i = 0; i < 2; i++) {
		expect_located(f);
		expect_open(f, FIRST);
	}
	open_client(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stream(f, 0), ERROR_OK);
		assert_all_from(f, 0);
	}
	assert_int_equal(blocks(f, "outcome=\"unreachable\""), 1);
	assert_int_equal(blocks(f, "outcome=\"ok\""), 2);
}

static void the_host_map_is_honoured(void **state)
{
	struct fixture *f = *state;
	f->host_map = "other=10.0.0.1, dn.example=127.0.0.1";
	without_nul(f);
	locate_at(f, "192.0.2.1");
	expect_located(f);
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	assert_all_from(f, 0);
	assert_int_equal(files(f, "way=\"direct\""), 1);
}

static void a_namenode_that_tells_no_blocks_is_not_asked_again(void **state)
{
	struct fixture *f = *state;
	begin(f);
	*add(f) = (struct peer_step){ .expect = "op=GET_BLOCK_LOCATIONS",
				      .status = "400 Bad Request",
				      .then = PEER_CLOSE };
	expect_open(f, 0);
	expect_open(f, 100);
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	assert_all_from(f, 0);
	assert_int_equal(stream(f, 100), ERROR_OK);
	assert_all_from(f, 100);
}

static void a_file_that_is_gone_is_gone_any_way(void **state)
{
	struct fixture *f = *state;
	begin(f);
	*add(f) = (struct peer_step){
		.status = "404 Not Found",
		.body = "{\"RemoteException\":{\"exception\":\"FileNotFoundException\","
			"\"message\":\"File does not exist: /f\"}}",
		.then = PEER_CLOSE,
	};
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_NOT_FOUND);
	assert_non_null(strstr(f->why.data, "File does not exist: /f"));
}

static void the_sinks_error_and_a_cancel_end_it(void **state)
{
	struct fixture *f = *state;
	begin(f);
	expect_located(f);
	open_client(f);
	f->sink_error = ERROR_QUOTA;
	assert_int_equal(stream(f, 0), ERROR_QUOTA);
	assert_true(f->got.length > 0);
	atomic_store(&f->cancel, true);
	assert_int_equal(stream(f, 0), ERROR_CANCELLED);
	assert_int_equal(f->got.length, 0);
}

static void a_file_that_is_not_plain_comes_by_webhdfs(void **state)
{
	struct fixture *f = *state;
	begin(f);
	expect_open(f, 0);
	open_client(f);
	assert_int_equal(webhdfs_stream(f->client, "/f", 0, false, collect, f, &f->why), ERROR_OK);
	assert_all_from(f, 0);
	assert_int_equal(files(f, "way=\"webhdfs\""), 1);
}

static void a_file_that_is_written_comes_by_webhdfs(void **state)
{
	struct fixture *f = *state;
	begin(f);
	char *at = strstr(f->located, "false");
	assert_non_null(at);
	memcpy(at, "true ", 5);
	expect_located(f);
	expect_open(f, 0);
	open_client(f);
	assert_int_equal(stream(f, 0), ERROR_OK);
	assert_all_from(f, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(two_blocks_come_from_two_nodes),
		TEST(an_offset_may_lie_in_any_block),
		TEST(the_rest_of_a_cut_block_comes_by_webhdfs),
		TEST(another_replica_goes_on_where_one_was_broken),
		TEST(a_node_that_hangs_up_is_left_alone),
		TEST(where_none_ever_answered_one_speaks_for_all),
		TEST(a_block_that_is_refused_is_asked_for_again_next_time),
		TEST(a_node_that_is_not_there_costs_one_try),
		TEST(the_host_map_is_honoured),
		TEST(a_namenode_that_tells_no_blocks_is_not_asked_again),
		TEST(a_file_that_is_gone_is_gone_any_way),
		TEST(the_sinks_error_and_a_cancel_end_it),
		TEST(a_file_that_is_not_plain_comes_by_webhdfs),
		TEST(a_file_that_is_written_comes_by_webhdfs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
