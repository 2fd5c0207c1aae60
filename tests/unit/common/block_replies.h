/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a DataNode says to READ_BLOCK, made after Hadoop's documents alone: no code of ours that is
 * under test.
 */
#ifndef TICKLINE_TESTS_BLOCK_REPLIES_H
#define TICKLINE_TESTS_BLOCK_REPLIES_H

#include <stdint.h>

#include "text.h"

enum { REPLY_SUM_NONE, REPLY_SUM_CRC32, REPLY_SUM_CRC32C };

struct block_reply {
	const char *data; /* the block */
	size_t length;
	unsigned sum;     /* REPLY_SUM_… */
	size_t chunk;     /* bytes under one checksum */
	size_t packet;    /* chunks in a packet */
	long broken_at;   /* the byte there is another one than its checksum says; -1: none */
	unsigned refusal; /* a status; 0: none */
};

/* Bit by bit, as no implementation does. */
static inline uint32_t reply_sum(unsigned type, const char *data, size_t length)
{
	uint32_t polynomial = type == REPLY_SUM_CRC32C ? 0x82F63B78U : 0xEDB88320U, sum = ~0U;
	for (size_t i = 0; i < length; i++) {
		sum ^= (unsigned char)data[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? polynomial : 0);
	}
	return ~sum;
}

static inline void reply_varint(struct text *out, uint64_t value)
{
	while (value >= 128) {
		text_putc(out, (char)(value % 128 + 128));
		value /= 128;
	}
	text_putc(out, (char)value);
}

static inline void reply_message(struct text *out, struct text *message)
{
	reply_varint(out, message->length);
	text_put(out, message->data, message->length);
	text_clean_up(message);
}

static inline void reply_answer(struct text *out, const struct block_reply *reply, size_t from)
{
	struct text answer, info, sum;
	text_init(&answer, 1000);
	text_init(&info, 1000);
	text_init(&sum, 1000);
	text_putc(&answer, 1 << 3);
	reply_varint(&answer, reply->refusal);
	if (reply->refusal) {
		text_puts(&answer, "\x2a\x0bno such one");
	} else {
		text_putc(&sum, 1 << 3);
		reply_varint(&sum, reply->sum);
		text_putc(&sum, 2 << 3);
		reply_varint(&sum, reply->chunk);
		text_putc(&info, 1 << 3 | 2);
		reply_message(&info, &sum);
		text_putc(&info, 2 << 3);
		reply_varint(&info, from);
		text_putc(&answer, 4 << 3 | 2);
		reply_message(&answer, &info);
	}
	reply_message(out, &answer);
	text_clean_up(&info);
	text_clean_up(&sum);
}

static inline void reply_big(struct text *out, uint32_t value, int bytes)
{
	while (bytes-- > 0)
		text_putc(out, (char)(value >> 8 * bytes & 255));
}

static inline void reply_little(struct text *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		text_putc(out, (char)(value >> 8 * i & 255));
}

static inline void reply_head(struct text *out, size_t sums, size_t at, size_t number, size_t data)
{
	enum { HEADER = 9 + 9 + 2 + 5 };
	reply_big(out, (uint32_t)(4 + sums + data), 4);
	reply_big(out, HEADER, 2);
	text_putc(out, 1 << 3 | 1);
	reply_little(out, at, 8);
	text_putc(out, 2 << 3 | 1);
	reply_little(out, number, 8);
	text_put(out, (const char[]){ 3 << 3, data == 0 }, 2);
	text_putc(out, 4 << 3 | 5);
	reply_little(out, data, 4);
}

static inline void reply_packet(struct text *out, const struct block_reply *reply, size_t at,
				size_t number, size_t length)
{
	size_t chunks = (length + reply->chunk - 1) / reply->chunk;
	reply_head(out, reply->sum ? 4 * chunks : 0, at, number, length);
	for (size_t i = 0; reply->sum && i < chunks; i++) {
		size_t begin = i * reply->chunk, rest = length - begin;
		reply_big(out,
			  reply_sum(reply->sum, reply->data + at + begin,
				    rest < reply->chunk ? rest : reply->chunk),
			  4);
	}
	for (size_t i = at; i < at + length; i++)
		text_putc(out, (char)(reply->data[i] ^ ((long)i == reply->broken_at)));
}

/* All of it, up to the end of the chunk that holds the last byte asked for. */
static inline void reply_build(struct text *out, const struct block_reply *reply, size_t offset,
			       size_t length)
{
	size_t from = offset - offset % reply->chunk, number = 0;
	size_t end = (offset + length + reply->chunk - 1) / reply->chunk * reply->chunk;
	if (end > reply->length)
		end = reply->length;
	reply_answer(out, reply, from);
	if (reply->refusal)
		return;
	while (from < end) {
		size_t data = reply->packet * reply->chunk;
		if (data > end - from)
			data = end - from;
		reply_packet(out, reply, from, number++, data);
		from += data;
	}
	reply_head(out, 0, end, number, 0);
}

#endif
