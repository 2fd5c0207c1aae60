/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "envelope.h"

#include <openssl/evp.h>
#include <string.h>

enum { DIGITS = 64 };
static const char BEFORE[] = "{\"sha256\":\"", BETWEEN[] = "\",\"body\":", AFTER[] = "}\n";

static enum error digest(const char *body, size_t length, char out[DIGITS + 1])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned count = 0;
	if (!EVP_Digest(body, length, bytes, &count, EVP_sha256(), NULL) || count * 2 != DIGITS)
		return ERROR_NO_MEMORY;
	for (unsigned i = 0; i < count; i++) {
		out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[DIGITS] = '\0';
	return ERROR_OK;
}

enum error envelope_write(struct text *out, const char *body, size_t length)
{
	char sum[DIGITS + 1];
	enum error error = digest(body, length, sum);
	if (error != ERROR_OK)
		return error;
	text_puts(out, BEFORE);
	text_puts(out, sum);
	text_puts(out, BETWEEN);
	text_put(out, body, length);
	text_puts(out, AFTER);
	return ERROR_OK;
}

enum error envelope_read(const char *data, size_t length, struct slice *body, struct text *why)
{
	const size_t before = sizeof(BEFORE) - 1, between = sizeof(BETWEEN) - 1;
	const size_t after = sizeof(AFTER) - 1, head = before + DIGITS + between;
	char sum[DIGITS + 1];
	if (length < head + after || memcmp(data, BEFORE, before) != 0 ||
	    memcmp(data + before + DIGITS, BETWEEN, between) != 0 ||
	    memcmp(data + length - after, AFTER, after) != 0) {
		why_putf(why, "the file is cut or of another kind");
		return ERROR_CHECKSUM;
	}
	body->data = data + head;
	body->length = length - head - after;
	enum error error = digest(body->data, body->length, sum);
	if (error != ERROR_OK)
		return error;
	if (memcmp(sum, data + before, DIGITS) == 0)
		return ERROR_OK;
	why_putf(why, "the file's SHA-256 does not match");
	return ERROR_CHECKSUM;
}
