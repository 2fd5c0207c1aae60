/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * However a body is cut into pieces, the records are the same. The first byte chooses the format,
 * the second seeds the cuts.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record_splitter.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD_LIMIT = 48 };

static void note(struct text *out, enum split_event event, const struct split_part *part)
{
	text_putf(out, "%d %llu %llu ", (int)event, (unsigned long long)part->index,
		  (unsigned long long)part->line);
	if (event == SPLIT_RECORD)
		text_put(out, part->data, part->length);
	if (event == SPLIT_BROKEN)
		text_puts(out, part->reason);
	text_putc(out, '\n');
}

/* True: more may follow. */
static bool take(struct splitter *splitter, struct text *out)
{
	struct split_part part;
	enum split_event event;
	while ((event = splitter_next(splitter, &part)) != SPLIT_MORE) {
		note(out, event, &part);
		assert(part.line >= 1 && part.length <= RECORD_LIMIT);
		if (event == SPLIT_BROKEN || event == SPLIT_END)
			return false;
	}
	return true;
}

/* Pieces of 1 to `longest` bytes, each in memory of exactly its size. */
static void split(enum split_format format, const uint8_t *data, size_t size, size_t longest,
		  unsigned seed, struct text *out)
{
	struct splitter *splitter = splitter_new(format, RECORD_LIMIT);
	bool more = true;
	while (size > 0 && more) {
		seed = seed * 1103515245 + 12345;
		size_t length = 1 + (seed >> 8) % longest;
		if (length > size)
			length = size;
		char *piece = malloc(length);
		memcpy(piece, data, length);
		splitter_feed(splitter, piece, length);
		more = take(splitter, out);
		free(piece);
		data += length;
		size -= length;
	}
	if (more) {
		splitter_finish(splitter);
		more = take(splitter, out);
		assert(!more);
	}
	text_putf(out, "%d%d", splitter_is_blank(splitter), splitter_is_lone(splitter));
	splitter_destroy(&splitter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	enum split_format format = data[0] & 1 ? SPLIT_LINES : SPLIT_JSON;
	unsigned seed = data[1];
	struct text whole, bytes, pieces;
	text_init(&whole, 64 << 20);
	text_init(&bytes, 64 << 20);
	text_init(&pieces, 64 << 20);
	split(format, data + 2, size - 2, SIZE_MAX >> 16, 0, &whole);
	split(format, data + 2, size - 2, 1, 0, &bytes);
	split(format, data + 2, size - 2, 13, seed, &pieces);
	assert(text_ok(&whole));
	assert(whole.length == bytes.length && !memcmp(whole.data, bytes.data, whole.length));
	assert(whole.length == pieces.length && !memcmp(whole.data, pieces.data, whole.length));
	text_clean_up(&whole);
	text_clean_up(&bytes);
	text_clean_up(&pieces);
	return 0;
}
