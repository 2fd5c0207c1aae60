/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gzip.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP = 15 + 16 /* the largest window, in gzip's wrapping */, PIECE_BYTES = 1 << 14 };
/* zlib counts in unsigned int. */
enum { MOST_AT_ONCE = 1 << 30 };

/* --- packing -----------------------------------------------------------------------------------
 */

/* Whatever is in `z`, until nothing more comes of it. */
static int deflate_all(z_stream *z, int flush, struct text *out)
{
	char piece[PIECE_BYTES];
	int result;
	do {
		z->next_out = (unsigned char *)piece;
		z->avail_out = sizeof piece;
		result = deflate(z, flush);
		text_put(out, piece, sizeof piece - z->avail_out);
	} while (result == Z_OK && z->avail_out == 0);
	return result;
}

enum error gzip_pack(const char *data, size_t length, struct text *out)
{
	z_stream z = { 0 };
	/* zlib's default makes ticks a tenth smaller, and takes five times as long. */
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERROR_NO_MEMORY;
	int flush, result;
	do {
		size_t now = length < MOST_AT_ONCE ? length : MOST_AT_ONCE;
		z.next_in = (unsigned char *)data;
		z.avail_in = (unsigned)now;
		data += now;
		length -= now;
		flush = length > 0 ? Z_NO_FLUSH : Z_FINISH;
		result = deflate_all(&z, flush, out);
	} while (flush != Z_FINISH && text_ok(out));
	deflateEnd(&z);
	assert(!text_ok(out) || result == Z_STREAM_END);
	return out->error;
}

/* --- unpacking ---------------------------------------------------------------------------------
 */

struct gunzip {
	z_stream z;
	bool begun; /* a member that has not ended */
	bool broken;
};

struct gunzip *gunzip_new(void)
{
	struct gunzip *gunzip = calloc(1, sizeof *gunzip);
	if (gunzip && inflateInit2(&gunzip->z, GZIP) != Z_OK) {
		free(gunzip);
		gunzip = NULL;
	}
	return gunzip;
}

void gunzip_destroy(struct gunzip **gunzip)
{
	if (!*gunzip)
		return;
	inflateEnd(&(*gunzip)->z);
	free(*gunzip);
	*gunzip = NULL;
}

bool gunzip_is_whole(const struct gunzip *gunzip)
{
	return !gunzip->begun && !gunzip->broken;
}

static enum error inflate_piece(struct gunzip *gunzip, char *piece, size_t *length)
{
	gunzip->z.next_out = (unsigned char *)piece;
	gunzip->z.avail_out = PIECE_BYTES;
	gunzip->begun = true;
	int result = inflate(&gunzip->z, Z_NO_FLUSH);
	*length = PIECE_BYTES - gunzip->z.avail_out;
	if (result == Z_STREAM_END) {
		gunzip->begun = false;
		inflateReset(&gunzip->z);
		return ERROR_OK;
	}
	/* Z_BUF_ERROR: nothing more comes of the bytes that are there. */
	if (result == Z_OK || result == Z_BUF_ERROR)
		return ERROR_OK;
	gunzip->broken = true;
	return result == Z_MEM_ERROR ? ERROR_NO_MEMORY : ERROR_ENCODING;
}

enum error gunzip_take(struct gunzip *gunzip, const char *data, size_t length,
		       enum error (*each)(const char *data, size_t length, void *user), void *user)
{
	char piece[PIECE_BYTES];
	size_t got;
	assert(length <= MOST_AT_ONCE);
	if (gunzip->broken)
		return ERROR_ENCODING;
	gunzip->z.next_in = (unsigned char *)data;
	gunzip->z.avail_in = (unsigned)length;
	do {
		if (gunzip->z.avail_in == 0 && !gunzip->begun)
			break;
		enum error error = inflate_piece(gunzip, piece, &got);
		if (!error && got > 0)
			error = each(piece, got, user);
		if (error)
			return error;
	} while (gunzip->z.avail_in > 0 || got == PIECE_BYTES);
	return ERROR_OK;
}
