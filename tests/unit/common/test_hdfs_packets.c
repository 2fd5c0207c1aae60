/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hdfs_packets.h"
#include "scripted_datanode.h"

enum { BLOCK = 3000 };

struct reading {
	struct hdfs_packets *packets;
	struct text got;
	struct text why;
	size_t fails_after; /* bytes; 0: never */
};

static enum error collect(const char *data, size_t length, void *user)
{
	struct reading *reading = user;
	assert_true(length > 0);
	text_put(&reading->got, data, length);
	return reading->fails_after && reading->got.length >= reading->fails_after ? ERROR_QUOTA
										   : ERROR_OK;
}

static void begin(struct reading *reading, size_t offset, size_t length)
{
	text_reset(&reading->got);
	text_reset(&reading->why);
	hdfs_packets_begin(reading->packets, (int64_t)offset, (int64_t)length, collect, reading);
}

/* As a reader does: gives what was not taken again with `step` bytes more. */
static enum error feed(struct reading *reading, const char *data, size_t length, size_t step)
{
	size_t at = 0, end = 0;
	while (end < length) {
		end = length - end < step ? length : end + step;
		size_t used;
		enum error error = hdfs_packets_take(reading->packets, data + at, end - at, &used,
						     &reading->why);
		if (error)
			return error;
		at += used;
		assert_true(end - at <= HDFS_MAX_UNTAKEN);
	}
	return ERROR_OK;
}

static int set_up(void **state)
{
	struct reading *reading = calloc(1, sizeof *reading);
	assert_non_null(reading);
	reading->packets = hdfs_packets_new();
	assert_non_null(reading->packets);
	text_init(&reading->got, 1 << 20);
	text_init(&reading->why, 1000);
	*state = reading;
	return 0;
}

static int tear_down(void **state)
{
	struct reading *reading = *state;
	hdfs_packets_destroy(&reading->packets);
	text_clean_up(&reading->got);
	text_clean_up(&reading->why);
	free(reading);
	return 0;
}

static const struct block_reply usual = {
	.length = BLOCK, .sum = REPLY_SUM_CRC32C, .chunk = 512, .packet = 2, .broken_at = -1
};

static void assert_got(const struct reading *reading, const char *data, size_t offset,
		       size_t length)
{
	assert_int_equal(reading->got.length, length);
	assert_memory_equal(reading->got.data, data + offset, length);
	assert_int_equal(hdfs_packets_delivered(reading->packets), length);
}

static void any_range_comes_exactly_however_it_is_cut(void **state)
{
	struct reading *reading = *state;
	static const size_t ranges[][2] = { { 0, BLOCK },  { 0, 1 },        { 511, 2 },
					    { 700, 2000 }, { 512, 512 },    { 2999, 1 },
					    { 2048, 952 }, { 1, BLOCK - 1 } };
	static const size_t steps[] = { 1, 2, 7, 600, 100000 };
	static const size_t chunks[] = { 1, 7, 512, 4096 };
	char *data = block_data(BLOCK);
	struct block_reply reply = usual;
	reply.data = data;
	for (unsigned sum = REPLY_SUM_NONE; sum <= REPLY_SUM_CRC32C; sum++)
		for (size_t c = 0; c < 4; c++)
			for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
				struct text out;
				text_init(&out, 1 << 20);
				reply.sum = sum;
				reply.chunk = chunks[c];
				reply.packet = c == 0 ? 1000 : 2;
				reply_build(&out, &reply, ranges[r][0], ranges[r][1]);
				for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
					begin(reading, ranges[r][0], ranges[r][1]);
					assert_int_equal(
						feed(reading, out.data, out.length, steps[s]),
						ERROR_OK);
					assert_true(hdfs_packets_whole(reading->packets));
					assert_true(hdfs_packets_checked(reading->packets) ==
						    (sum != REPLY_SUM_NONE));
					assert_got(reading, data, ranges[r][0], ranges[r][1]);
				}
				text_clean_up(&out);
			}
	free(data);
}

static void a_cut_anywhere_is_not_whole(void **state)
{
	struct reading *reading = *state;
	char *data = block_data(BLOCK);
	struct block_reply reply = usual;
	struct text out;
	reply.data = data;
	text_init(&out, 1 << 20);
	reply_build(&out, &reply, 100, 1500);
	for (size_t cut = 0; cut < out.length; cut++) {
		begin(reading, 100, 1500);
		assert_int_equal(feed(reading, out.data, cut, 1000), ERROR_OK);
		assert_false(hdfs_packets_whole(reading->packets));
		assert_got(reading, data, 100, reading->got.length);
	}
	text_clean_up(&out);
	free(data);
}

/* One bit wrong, anywhere: what the sink gets is right all the same. */
static void no_wrong_byte_gets_through(void **state)
{
	struct reading *reading = *state;
	char *data = block_data(BLOCK);
	struct block_reply reply = usual;
	reply.data = data;
	reply.chunk = 64;
	for (unsigned sum = REPLY_SUM_CRC32; sum <= REPLY_SUM_CRC32C; sum++) {
		struct text out;
		size_t refused = 0;
		text_init(&out, 1 << 20);
		reply.sum = sum;
		reply_build(&out, &reply, 100, 400);
		for (size_t bit = 0; bit < 8 * out.length; bit++) {
			out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
			begin(reading, 100, 400);
			enum error error = feed(reading, out.data, out.length, 300);
			refused += error || !hdfs_packets_whole(reading->packets);
			if (reading->got.length > 0)
				assert_memory_equal(reading->got.data, data + 100,
						    reading->got.length);
			assert_true(reading->got.length <= 400);
			out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
		}
		/* All that means the same is a `true` of another value, of the last packet. */
		assert_int_equal(refused + 6, 8 * out.length);
		text_clean_up(&out);
	}
	free(data);
}

static void a_wrong_checksum_is_named_with_its_place(void **state)
{
	struct reading *reading = *state;
	char *data = block_data(BLOCK);
	struct block_reply reply = usual;
	struct text out;
	reply.data = data;
	reply.broken_at = 1700;
	text_init(&out, 1 << 20);
	reply_build(&out, &reply, 0, BLOCK);
	begin(reading, 0, BLOCK);
	assert_int_equal(feed(reading, out.data, out.length, out.length), ERROR_CHECKSUM);
	assert_got(reading, data, 0, 1024);
	assert_non_null(strstr(reading->why.data, "checksum at or after 1024"));
	text_clean_up(&out);
	free(data);
}

static void a_refusal_is_told_by_its_status(void **state)
{
	struct reading *reading = *state;
	static const struct {
		unsigned status;
		enum error error;
	} refusals[] = { { 1, ERROR_UNAVAILABLE }, { 5, ERROR_CREDENTIAL }, { 7, ERROR_INVALID } };
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		struct block_reply reply = usual;
		struct text out;
		reply.refusal = refusals[i].status;
		text_init(&out, 1000);
		reply_build(&out, &reply, 0, 10);
		begin(reading, 0, 10);
		assert_int_equal(feed(reading, out.data, out.length, 1), refusals[i].error);
		assert_non_null(strstr(reading->why.data, "no such one"));
		assert_false(hdfs_packets_answered(reading->packets));
		text_clean_up(&out);
	}
}

static void what_is_no_answer_is_refused(void **state)
{
	struct reading *reading = *state;
	static const struct slice bad[] = {
		{ "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 20000"
		  "\r\n",
		  77 },
		{ "\0", 1 },                                                /* no status */
		{ "\x02\x08\0", 3 },                                        /* no checksums told */
		{ "\xff\xff\xff\x01", 4 },                                  /* longer than any */
		{ "\x0b\x08\0\x22\x07\x0a\x03\x08\x02\x10\0\x10", 12 },     /* broken inside */
		{ "\x0c\x08\0\x22\x08\x0a\x04\x08\x02\x10\0\x10\0", 13 },   /* chunks of no byte */
		{ "\x0c\x08\0\x22\x08\x0a\x04\x08\x03\x10\x40\x10\0", 13 }, /* an unknown sum */
		{ "\x0c\x08\0\x22\x08\x0a\x04\x08\x02\x10\x40\x10\x63", 13 }, /* begins behind */
		{ "\x0c\x08\0\x22\x08\x0a\x04\x08\x02\x10\x02\x10\0", 13 },   /* or far before */
		{ "\x0e\x08\0\x22\x0a\x0a\x06\x08\x02\x10\x81\x80\x04\x10\0", 15 }, /* huge ones */
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		begin(reading, 10, 10);
		if (feed(reading, bad[i].data, bad[i].length, 1) != ERROR_PROTOCOL)
			fail_msg("answer %zu is taken", i);
	}
}

static void the_sinks_error_is_the_result(void **state)
{
	struct reading *reading = *state;
	char *data = block_data(BLOCK);
	struct block_reply reply = usual;
	struct text out;
	reply.data = data;
	text_init(&out, 1 << 20);
	reply_build(&out, &reply, 0, BLOCK);
	begin(reading, 0, BLOCK);
	reading->fails_after = 1;
	assert_int_equal(feed(reading, out.data, out.length, 100000), ERROR_QUOTA);
	assert_true(hdfs_packets_sink_failed(reading->packets));
	assert_int_equal(reading->got.length, 1024);
	text_clean_up(&out);
	free(data);
}

static void a_block_that_ends_early_and_one_that_goes_on_are_refused(void **state)
{
	struct reading *reading = *state;
	char *data = block_data(BLOCK);
	struct block_reply reply = usual;
	struct text out;
	reply.data = data;
	text_init(&out, 1 << 20);
	reply_build(&out, &reply, 0, 1024);
	begin(reading, 0, 1025);
	assert_int_equal(feed(reading, out.data, out.length, 1000), ERROR_PROTOCOL);
	assert_non_null(strstr(reading->why.data, "ends at 1024"));
	begin(reading, 0, 1000);
	assert_int_equal(feed(reading, out.data, out.length, 1000), ERROR_OK);
	text_put(&out, "x", 1);
	begin(reading, 0, 1000);
	assert_int_equal(feed(reading, out.data, out.length, 1000), ERROR_PROTOCOL);
	text_reset(&out);
	reply_build(&out, &reply, 0, BLOCK);
	begin(reading, 0, 1000);
	assert_int_equal(feed(reading, out.data, out.length, 1000), ERROR_PROTOCOL);
	assert_got(reading, data, 0, 1000);
	text_clean_up(&out);
	free(data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(any_range_comes_exactly_however_it_is_cut),
		TEST(a_cut_anywhere_is_not_whole),
		TEST(no_wrong_byte_gets_through),
		TEST(a_wrong_checksum_is_named_with_its_place),
		TEST(a_refusal_is_told_by_its_status),
		TEST(what_is_no_answer_is_refused),
		TEST(the_sinks_error_is_the_result),
		TEST(a_block_that_ends_early_and_one_that_goes_on_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
