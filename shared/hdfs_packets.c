/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages: Hadoop's datatransfer.proto and hdfs.proto. A packet is
 *
 *   length of what follows but the header, these 4 bytes included (4) | length of the header (2) |
 *   header | a checksum for each chunk (4 each) | data
 *
 * and begins where the one before ended. All but the last chunk of a block are whole; the first
 * packet begins with the chunk that holds the first byte asked for, and the DataNode may go on to
 * the end of the chunk that holds the last one.
 */
#include "hdfs_packets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "crc32c.h"
#include "protobuf.h"

enum { SUM_BYTES = 4, MAX_SUMS = 16384, HEAD_BYTES = 6, MAX_HEADER = 1024, SUMS_AT_ONCE = 256 };
enum { SUM_NONE = 0, SUM_CRC32 = 1, SUM_CRC32C = 2 }; /* ChecksumTypeProto */
enum { STATUS_SUCCESS = 0, STATUS_ERROR_ACCESS_TOKEN = 5, STATUS_ERROR_UNSUPPORTED = 7 };

enum step { STEP_ANSWER, STEP_HEADER, STEP_SUMS, STEP_DATA, STEP_END };

struct hdfs_packets {
	enum step step;
	int64_t begin, end; /* of what was asked for, in the block */
	int64_t at;         /* in the block: what comes next */
	int64_t seqno;      /* of the next packet */
	uint64_t sum_type;
	size_t chunk;      /* bytes under one checksum */
	size_t data_left;  /* of this packet */
	size_t sums;       /* bytes of its checksums */
	size_t sums_have;  /* of them, so far */
	size_t sums_taken; /* of them, whose data were looked at */
	int64_t delivered;
	bool sink_failed;
	hdfs_sink *sink;
	void *user;
	unsigned char sum[MAX_SUMS * SUM_BYTES];
};

/* What came and was not taken yet. */
struct input {
	struct slice rest;
	struct text *why;
	bool wants_more;
};

struct hdfs_packets *hdfs_packets_new(void)
{
	return malloc(sizeof(struct hdfs_packets));
}

void hdfs_packets_destroy(struct hdfs_packets **packets)
{
	free(*packets);
	*packets = NULL;
}

void hdfs_packets_begin(struct hdfs_packets *packets, int64_t offset, int64_t length,
			hdfs_sink *sink, void *user)
{
	/* All but the checksums, most of whose pages are never touched. */
	memset(packets, 0, offsetof(struct hdfs_packets, sum));
	packets->begin = offset;
	packets->end = offset + length;
	packets->sink = sink;
	packets->user = user;
}

static void step_over(struct input *input, size_t length)
{
	input->rest.data += length;
	input->rest.length -= length;
}

static enum error broken(struct input *input, const char *what)
{
	why_putf(input->why, "%s", what);
	return ERROR_PROTOCOL;
}

static enum error more(struct input *input)
{
	input->wants_more = true;
	return ERROR_OK;
}

/* --- the answer ------------------------------------------------------------------------------ */

struct answer {
	uint64_t status, sum_type, chunk, chunk_offset;
	struct slice message;
	bool has_status, has_info, has_sum;
};

/* ChecksumProto */
static void read_sum(struct slice from, struct answer *answer)
{
	struct protobuf_field field;
	while (protobuf_next(&from, &field)) {
		if (field.key == PROTOBUF_VARINT(1))
			answer->sum_type = field.value;
		else if (field.key == PROTOBUF_VARINT(2))
			answer->chunk = field.value;
	}
	answer->has_sum = from.length == 0;
}

/* ReadOpChecksumInfoProto */
static void read_info(struct slice from, struct answer *answer)
{
	struct protobuf_field field;
	while (protobuf_next(&from, &field)) {
		if (field.key == PROTOBUF_BYTES(1))
			read_sum(field.bytes, answer);
		else if (field.key == PROTOBUF_VARINT(2))
			answer->chunk_offset = field.value;
	}
	answer->has_info = from.length == 0;
}

/* BlockOpResponseProto */
static bool read_answer(struct slice from, struct answer *answer)
{
	struct protobuf_field field;
	*answer = (struct answer){ .message = { "", 0 } };
	while (protobuf_next(&from, &field)) {
		if (field.key == PROTOBUF_VARINT(1)) {
			answer->status = field.value;
			answer->has_status = true;
		} else if (field.key == PROTOBUF_BYTES(4)) {
			read_info(field.bytes, answer);
		} else if (field.key == PROTOBUF_BYTES(5)) {
			answer->message = field.bytes;
		}
	}
	return from.length == 0 && answer->has_status;
}

static enum error refused(struct input *input, const struct answer *answer)
{
	enum { MAX_SHOWN = 300 };
	size_t length = answer->message.length > MAX_SHOWN ? MAX_SHOWN : answer->message.length;
	why_putf(input->why, "status %" PRIu64 ", ", answer->status);
	if (input->why)
		text_put_json(input->why, answer->message.data, length);
	if (answer->status == STATUS_ERROR_ACCESS_TOKEN)
		return ERROR_CREDENTIAL;
	return answer->status == STATUS_ERROR_UNSUPPORTED ? ERROR_INVALID : ERROR_UNAVAILABLE;
}

static enum error accept_answer(struct hdfs_packets *packets, struct input *input,
				const struct answer *answer)
{
	uint64_t begin = (uint64_t)packets->begin;
	if (answer->status != STATUS_SUCCESS)
		return refused(input, answer);
	if (!answer->has_info || !answer->has_sum)
		return broken(input, "the answer says nothing about checksums");
	if (answer->sum_type > SUM_CRC32C || answer->chunk < 1 || answer->chunk > HDFS_MAX_CHUNK) {
		why_putf(input->why,
			 "checksums of type %" PRIu64 " over %" PRIu64
			 " bytes are none that we can check",
			 answer->sum_type, answer->chunk);
		return ERROR_PROTOCOL;
	}
	if (answer->chunk_offset > begin || begin - answer->chunk_offset >= answer->chunk)
		return broken(input, "the first chunk does not hold the first byte");
	packets->sum_type = answer->sum_type;
	packets->chunk = (size_t)answer->chunk;
	packets->at = (int64_t)answer->chunk_offset;
	packets->step = STEP_HEADER;
	return ERROR_OK;
}

static enum error take_answer(struct hdfs_packets *packets, struct input *input)
{
	enum { LENGTH_BYTES = 3 }; /* of a varint up to HDFS_MAX_ANSWER */
	struct slice rest = input->rest;
	uint64_t length;
	struct answer answer;
	if (!protobuf_take_varint(&rest, &length))
		return rest.length < LENGTH_BYTES ? more(input)
						  : broken(input, "the answer has no length");
	if (length > HDFS_MAX_ANSWER)
		return broken(input, "the answer is too long");
	if (rest.length < length)
		return more(input);
	if (!read_answer((struct slice){ rest.data, (size_t)length }, &answer))
		return broken(input, "the answer can't be read");
	step_over(input, input->rest.length - rest.length + (size_t)length);
	return accept_answer(packets, input, &answer);
}

/* --- a packet's header ----------------------------------------------------------------------- */

struct header {
	int64_t offset, seqno;
	int32_t data;
	bool last;
};

/* PacketHeaderProto */
static bool read_header(struct slice from, struct header *header)
{
	enum { OFFSET = 1, SEQNO = 2, LAST = 4, DATA = 8, ALL = 15 };
	struct protobuf_field field;
	unsigned has = 0;
	*header = (struct header){ 0 };
	while (protobuf_next(&from, &field)) {
		if (field.key == PROTOBUF_FIXED_64(1)) {
			header->offset = (int64_t)field.value;
			has |= OFFSET;
		} else if (field.key == PROTOBUF_FIXED_64(2)) {
			header->seqno = (int64_t)field.value;
			has |= SEQNO;
		} else if (field.key == PROTOBUF_VARINT(3)) {
			header->last = field.value != 0;
			has |= LAST;
		} else if (field.key == PROTOBUF_FIXED_32(4)) {
			header->data = (int32_t)(uint32_t)field.value;
			has |= DATA;
		}
	}
	return from.length == 0 && has == ALL;
}

static enum error end_packets(struct hdfs_packets *packets, struct input *input)
{
	if (packets->at < packets->end) {
		why_putf(input->why, "the block ends at %" PRId64 ", %" PRId64 " was asked for",
			 packets->at, packets->end);
		return ERROR_PROTOCOL;
	}
	packets->step = STEP_END;
	return ERROR_OK;
}

static enum error accept_header(struct hdfs_packets *packets, struct input *input,
				const struct header *header, size_t payload)
{
	if (header->seqno != packets->seqno || header->offset != packets->at)
		return broken(input, "a packet is not the next one");
	if (header->data < 0 || header->last != (header->data == 0))
		return broken(input, "a packet is empty, or the last one is not");
	size_t data = (size_t)header->data;
	size_t sums = packets->sum_type == SUM_NONE
			      ? 0
			      : (data + packets->chunk - 1) / packets->chunk * SUM_BYTES;
	if (payload != data + sums || sums > sizeof packets->sum)
		return broken(input, "a packet's lengths don't fit");
	if (header->last)
		return end_packets(packets, input);
	if (packets->at >= packets->end)
		return broken(input, "more comes than was asked for");
	packets->seqno++;
	packets->data_left = data;
	packets->sums = sums;
	packets->sums_have = packets->sums_taken = 0;
	packets->step = STEP_SUMS;
	return ERROR_OK;
}

static uint32_t big_endian(const unsigned char *bytes, size_t count)
{
	uint32_t value = 0;
	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static enum error take_header(struct hdfs_packets *packets, struct input *input)
{
	const unsigned char *head = (const unsigned char *)input->rest.data;
	struct header header;
	if (input->rest.length < HEAD_BYTES)
		return more(input);
	uint32_t payload = big_endian(head, 4), length = big_endian(head + 4, 2);
	if (payload < 4 || payload > HDFS_MAX_PACKET || length > MAX_HEADER)
		return broken(input, "a packet's length is out of bounds");
	if (input->rest.length < HEAD_BYTES + length)
		return more(input);
	if (!read_header((struct slice){ input->rest.data + HEAD_BYTES, length }, &header))
		return broken(input, "a packet's header can't be read");
	step_over(input, HEAD_BYTES + length);
	return accept_header(packets, input, &header, payload - 4);
}

/* --- its data -------------------------------------------------------------------------------- */

static enum error take_sums(struct hdfs_packets *packets, struct input *input)
{
	size_t missing = packets->sums - packets->sums_have;
	size_t length = input->rest.length < missing ? input->rest.length : missing;
	memcpy(packets->sum + packets->sums_have, input->rest.data, length);
	packets->sums_have += length;
	step_over(input, length);
	if (packets->sums_have < packets->sums)
		return more(input);
	packets->step = STEP_DATA;
	return ERROR_OK;
}

static void compute(const struct hdfs_packets *packets, const char *data, size_t size, size_t count,
		    uint32_t *sums)
{
	if (packets->sum_type == SUM_CRC32C)
		crc32c_pieces(data, size, count, sums);
	else
		for (size_t i = 0; i < count; i++)
			sums[i] = (uint32_t)crc32_z(0, (const Bytef *)data + i * size, size);
}

/* Of `count` chunks of `size` bytes. */
static bool chunks_are_good(struct hdfs_packets *packets, const char *data, size_t size,
			    size_t count)
{
	uint32_t sums[SUMS_AT_ONCE];
	for (size_t done = 0; done < count;) {
		size_t n = count - done < SUMS_AT_ONCE ? count - done : SUMS_AT_ONCE;
		compute(packets, data + done * size, size, n, sums);
		for (size_t i = 0; i < n; i++, packets->sums_taken += SUM_BYTES)
			if (sums[i] != big_endian(packets->sum + packets->sums_taken, SUM_BYTES))
				return false;
		done += n;
	}
	return true;
}

/* What of the bytes at `at` was asked for. */
static enum error deliver(struct hdfs_packets *packets, const char *data, size_t length)
{
	int64_t begin = packets->at, end = begin + (int64_t)length;
	packets->at = end;
	if (begin < packets->begin) {
		data += packets->begin - begin;
		begin = packets->begin;
	}
	if (end > packets->end)
		end = packets->end;
	if (end <= begin)
		return ERROR_OK;
	enum error error = packets->sink(data, (size_t)(end - begin), packets->user);
	packets->sink_failed = error != ERROR_OK;
	packets->delivered += end - begin;
	return error;
}

/* Whole chunks, as many as there are, or the packet's last one, which may be short. */
static enum error take_data(struct hdfs_packets *packets, struct input *input)
{
	size_t have =
		input->rest.length < packets->data_left ? input->rest.length : packets->data_left;
	size_t size = packets->chunk, count = have / size;
	if (count == 0 && have == packets->data_left) {
		size = have;
		count = 1;
	}
	if (count == 0)
		return more(input);
	if (packets->sum_type != SUM_NONE &&
	    !chunks_are_good(packets, input->rest.data, size, count)) {
		why_putf(input->why, "a checksum at or after %" PRId64 " does not match",
			 packets->at);
		return ERROR_CHECKSUM;
	}
	const char *data = input->rest.data;
	step_over(input, size * count);
	packets->data_left -= size * count;
	if (packets->data_left == 0)
		packets->step = STEP_HEADER;
	return deliver(packets, data, size * count);
}

static enum error take_nothing(struct hdfs_packets *packets, struct input *input)
{
	(void)packets;
	return broken(input, "something comes after the end");
}

enum error hdfs_packets_take(struct hdfs_packets *packets, const char *data, size_t length,
			     size_t *used, struct text *why)
{
	static enum error (*const steps[])(struct hdfs_packets * packets, struct input * input) = {
		[STEP_ANSWER] = take_answer, [STEP_HEADER] = take_header, [STEP_SUMS] = take_sums,
		[STEP_DATA] = take_data,     [STEP_END] = take_nothing,
	};
	struct input input = { .rest = { data, length }, .why = why };
	enum error error = ERROR_OK;
	while (!error && !input.wants_more && input.rest.length > 0)
		error = steps[packets->step](packets, &input);
	*used = length - input.rest.length;
	return error;
}

bool hdfs_packets_answered(const struct hdfs_packets *packets)
{
	return packets->step != STEP_ANSWER;
}

bool hdfs_packets_whole(const struct hdfs_packets *packets)
{
	return packets->step == STEP_END;
}

bool hdfs_packets_checked(const struct hdfs_packets *packets)
{
	return packets->sum_type != SUM_NONE;
}

bool hdfs_packets_sink_failed(const struct hdfs_packets *packets)
{
	return packets->sink_failed;
}

int64_t hdfs_packets_delivered(const struct hdfs_packets *packets)
{
	return packets->delivered;
}
