/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hdfs_block.h"
#include "scripted_datanode.h"
#include "timestamp.h"

enum { BLOCK = 300000 };

#define SLICE(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct hdfs_block block = {
	.pool = SLICE("BP-1"), .id = 1073741825, .generation = 1001, .length = BLOCK
};

struct fixture {
	struct datanode node;
	struct hdfs_reader *reader;
	struct hdfs_block_result result;
	struct text got, why;
	struct http_limits limits;
	atomic_bool cancel;
	bool cancels; /* when the first bytes have come */
	char *data;
};

static enum error collect(const char *data, size_t length, void *user)
{
	struct fixture *f = user;
	text_put(&f->got, data, length);
	atomic_store(&f->cancel, f->cancels);
	return f->got.error;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->data = block_data(BLOCK);
	f->reader = hdfs_reader_new();
	assert_non_null(f->reader);
	f->limits = (struct http_limits){ 5000, 20000, 60000 };
	text_init(&f->got, BLOCK);
	text_init(&f->why, 1000);
	datanode_init(&f->node, f->data, BLOCK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	hdfs_reader_destroy(&f->reader);
	text_clean_up(&f->got);
	text_clean_up(&f->why);
	free(f->data);
	free(f);
	return 0;
}

static enum error read_from(struct fixture *f, int port, int64_t offset, int64_t length)
{
	const struct hdfs_block_call call = {
		.block = &block,
		.address = "127.0.0.1",
		.port = port,
		.offset = offset,
		.length = length,
		.limits = f->limits,
		.cancel = &f->cancel,
		.sink = collect,
		.user = f,
	};
	return hdfs_block_read(f->reader, &call, &f->result, &f->why);
}

/* One reading, with the node as it was set. */
static enum error read_part(struct fixture *f, int64_t offset, int64_t length)
{
	datanode_start(&f->node);
	enum error error = read_from(f, f->node.port, offset, length);
	datanode_stop(&f->node);
	return error;
}

static void assert_got(const struct fixture *f, size_t offset, size_t length)
{
	assert_int_equal(f->got.length, length);
	assert_int_equal(f->result.delivered, length);
	assert_memory_equal(f->got.data, f->data + offset, length);
}

static void a_block_comes_and_the_node_is_told(void **state)
{
	struct fixture *f = *state;
	f->node.reply.packet = 128; /* as on real ones */
	assert_int_equal(read_part(f, 0, BLOCK), ERROR_OK);
	assert_got(f, 0, BLOCK);
	assert_memory_equal(f->node.goodbye, "\x02\x08\x06", 3);
}

static void without_checksums_it_is_told_so(void **state)
{
	struct fixture *f = *state;
	f->node.reply.sum = REPLY_SUM_NONE;
	assert_int_equal(read_part(f, 1000, BLOCK - 1000), ERROR_OK);
	assert_got(f, 1000, BLOCK - 1000);
	assert_memory_equal(f->node.goodbye, "\x02\x08\x00", 3);
}

static void a_range_in_small_pieces_comes_exactly(void **state)
{
	struct fixture *f = *state;
	f->node.segment = 97;
	f->node.reply.sum = REPLY_SUM_CRC32;
	assert_int_equal(read_part(f, 777, 5000), ERROR_OK);
	assert_got(f, 777, 5000);
	assert_int_equal(f->node.offset, 777);
	assert_int_equal(f->node.length, 5000);
	assert_int_equal(f->node.block, block.id);
}

static void packets_and_chunks_larger_than_a_buffer_come_as_well(void **state)
{
	struct fixture *f = *state;
	f->node.reply.packet = 1000;
	assert_int_equal(read_part(f, 0, BLOCK), ERROR_OK);
	assert_got(f, 0, BLOCK);
	text_reset(&f->got);
	f->node.stop = false;
	f->node.reply.chunk = HDFS_MAX_CHUNK;
	f->node.reply.packet = 3;
	assert_int_equal(read_part(f, 70000, BLOCK - 70000), ERROR_OK);
	assert_got(f, 70000, BLOCK - 70000);
}

static void a_cut_and_a_reset_give_what_came_before(void **state)
{
	struct fixture *f = *state;
	for (int resets = 0; resets < 2; resets++) {
		text_reset(&f->got);
		text_reset(&f->why);
		f->node.stop = false;
		f->node.cut = 20000;
		f->node.resets = resets;
		assert_int_equal(read_part(f, 0, BLOCK), ERROR_CLOSED);
		assert_true(resets || f->got.length >= 16384);
		assert_true(f->got.length < 20000);
		assert_got(f, 0, f->got.length);
	}
}

static void who_hangs_up_does_not_let_us_in(void **state)
{
	struct fixture *f = *state;
	f->node.hangs_up = true;
	assert_int_equal(read_part(f, 0, BLOCK), ERROR_DENIED);
	assert_non_null(strstr(f->why.data, "without an answer"));
	f->node.stop = f->node.hangs_up = false;
	f->node.cut = 5;
	assert_int_equal(read_part(f, 0, BLOCK), ERROR_DENIED);
	assert_got(f, 0, 0);
}

static void silence_has_a_limit(void **state)
{
	struct fixture *f = *state;
	static const long cuts[] = { 0, 3, 20000 };
	f->limits.idle_ms = 150;
	for (size_t i = 0; i < 3; i++) {
		text_reset(&f->got);
		f->node.stop = false;
		f->node.silent = true;
		f->node.cut = cuts[i];
		assert_int_equal(read_part(f, 0, BLOCK), ERROR_TIMEOUT);
		assert_got(f, 0, f->got.length);
	}
	assert_non_null(strstr(f->why.data, "no byte came for 150 ms"));
}

static void bytes_now_and_then_have_a_limit(void **state)
{
	struct fixture *f = *state;
	f->limits.total_ms = 300;
	f->node.segment = 1;
	assert_int_equal(read_part(f, 0, BLOCK), ERROR_TIMEOUT);
	assert_non_null(strstr(f->why.data, "not done within 300 ms"));
}

static void a_cancel_is_seen_in_the_middle_of_a_silence(void **state)
{
	struct fixture *f = *state;
	f->node.silent = true;
	f->node.cut = 20000;
	f->cancels = true;
	assert_int_equal(read_part(f, 0, BLOCK), ERROR_CANCELLED);
	assert_true(f->got.length > 0);
}

static void a_dead_port_is_unreachable(void **state)
{
	struct fixture *f = *state;
	datanode_start(&f->node);
	datanode_stop(&f->node);
	assert_int_equal(read_from(f, f->node.port, 0, BLOCK), ERROR_UNREACHABLE);
	assert_int_equal(f->result.delivered, 0);
}

static void a_name_is_not_looked_up(void **state)
{
	struct fixture *f = *state;
	const struct hdfs_block_call call = { .block = &block,
					      .address = "datanode.example",
					      .port = 9866,
					      .length = BLOCK,
					      .sink = collect,
					      .user = f };
	assert_int_equal(hdfs_block_read(f->reader, &call, &f->result, &f->why), ERROR_UNREACHABLE);
}

/* By hand after datatransfer.proto, with a token. */
static void the_request_is_what_the_protocol_says(void **state)
{
	struct fixture *f = *state;
	static const char expected[] = "\x00\x1c\x51" /* version 28, READ_BLOCK */
				       "\x39"
				       "\x0a\x30" /* header */
				       "\x0a\x24" /* base header */
				       "\x0a\x12" /* block */
				       "\x0a\x04"
				       "BP-1"
				       "\x10\x81\x80\x80\x80\x04"
				       "\x18\xe9\x07"
				       "\x20\xac\x02"
				       "\x12\x0e" /* token */
				       "\x0a\x02"
				       "id"
				       "\x12\x02"
				       "pw"
				       "\x1a\x01"
				       "K"
				       "\x22\x01"
				       "s"
				       "\x12\x08"
				       "tickline"
				       "\x10\x05"
				       "\x18\xa7\x02"
				       "\x20\x01"; /* offset, length, checksums */
	struct hdfs_block with_token = block;
	with_token.length = 300;
	with_token.token = (struct hdfs_token){ SLICE("id"), SLICE("pw"), SLICE("K"), SLICE("s") };
	hdfs_block_put_request(&with_token, 5, 295, &f->got);
	assert_int_equal(f->got.length, sizeof expected - 1);
	assert_memory_equal(f->got.data, expected, sizeof expected - 1);
}

static void a_token_without_end_is_not_sent(void **state)
{
	struct fixture *f = *state;
	struct hdfs_block with_token = block;
	with_token.token.identifier = (struct slice){ f->data, BLOCK };
	text_init(&f->got, 10 * BLOCK);
	hdfs_block_put_request(&with_token, 0, BLOCK, &f->got);
	assert_int_equal(f->got.error, ERROR_LIMIT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_block_comes_and_the_node_is_told),
		TEST(without_checksums_it_is_told_so),
		TEST(a_range_in_small_pieces_comes_exactly),
		TEST(packets_and_chunks_larger_than_a_buffer_come_as_well),
		TEST(a_cut_and_a_reset_give_what_came_before),
		TEST(who_hangs_up_does_not_let_us_in),
		TEST(silence_has_a_limit),
		TEST(bytes_now_and_then_have_a_limit),
		TEST(a_cancel_is_seen_in_the_middle_of_a_silence),
		TEST(a_dead_port_is_unreachable),
		TEST(a_name_is_not_looked_up),
		TEST(the_request_is_what_the_protocol_says),
		TEST(a_token_without_end_is_not_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
