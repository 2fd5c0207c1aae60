/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes unpack to the same text and the same end whether they come at once or one by one; and any
 * text comes back from its own member.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_LIMIT = 1 << 22 };

static enum error keep(const char *data, size_t length, void *user)
{
	text_put(user, data, length);
	return ((struct text *)user)->error;
}

static enum error unpack(const char *data, size_t size, size_t piece, struct text *out, bool *whole)
{
	struct gunzip *gunzip = gunzip_new();
	assert(gunzip);
	enum error error = ERROR_OK;
	text_init(out, TEXT_LIMIT);
	for (size_t at = 0; !error && at < size; at += piece)
		error = gunzip_take(gunzip, data + at, size - at < piece ? size - at : piece, keep,
				    out);
	*whole = gunzip_is_whole(gunzip);
	gunzip_destroy(&gunzip);
	return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct text at_once, in_pieces, packed;
	bool whole, whole_in_pieces;
	enum error error = unpack(bytes, size, size + 1, &at_once, &whole);
	enum error same = unpack(bytes, size, 1, &in_pieces, &whole_in_pieces);
	/* At the limit it matters how much came before it. */
	bool limited = error == ERROR_LIMIT || same == ERROR_LIMIT;
	assert(limited || (error == same && whole == whole_in_pieces));
	if (!error && !limited) {
		assert(at_once.length == in_pieces.length);
		assert(memcmp(at_once.data, in_pieces.data, at_once.length) == 0);
	}
	text_clean_up(&at_once);
	text_init(&packed, TEXT_LIMIT);
	error = gzip_pack(bytes, size, &packed);
	assert(!error);
	error = unpack(packed.data, packed.length, packed.length, &at_once, &whole);
	assert(!error && whole && at_once.length == size);
	assert(memcmp(at_once.data, bytes, size) == 0);
	text_clean_up(&at_once);
	text_clean_up(&in_pieces);
	text_clean_up(&packed);
	return 0;
}
