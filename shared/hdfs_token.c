/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hdfs_token.h"

#include <stdint.h>
#include <string.h>

static int digit_of(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* In its own place, since the bytes are fewer than the characters. */
static bool decode(char *text, size_t *length)
{
	uint32_t bits = 0;
	unsigned have = 0;
	*length = 0;
	for (const char *at = text; *at; at++) {
		int digit = digit_of(*at);
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		text[(*length)++] = (char)(bits >> have & 255);
	}
	return have < 6;
}

/* WritableUtils.writeVInt: one byte from -112 on, else the first one tells how many follow. */
static bool take_length(struct slice *from, uint64_t *value)
{
	if (from->length == 0)
		return false;
	unsigned char byte = (unsigned char)from->data[0];
	int first = byte < 128 ? byte : byte - 256;
	size_t more = first >= -112 ? 0 : (size_t)(-112 - first);
	if ((first < 0 && first >= -112) || more > 8 || from->length < 1 + more)
		return false;
	*value = more == 0 ? (uint64_t)first : 0;
	for (size_t i = 1; i <= more; i++)
		*value = *value << 8 | (unsigned char)from->data[i];
	from->data += 1 + more;
	from->length -= 1 + more;
	return true;
}

static bool take_part(struct slice *from, struct slice *part)
{
	uint64_t length;
	if (!take_length(from, &length) || length > from->length)
		return false;
	*part = (struct slice){ from->data, (size_t)length };
	from->data += length;
	from->length -= (size_t)length;
	return true;
}

bool hdfs_token_decode(char *text, struct hdfs_token *token)
{
	size_t length;
	if (!decode(text, &length))
		return false;
	struct slice from = { text, length };
	return take_part(&from, &token->identifier) && take_part(&from, &token->password) &&
	       take_part(&from, &token->kind) && take_part(&from, &token->service);
}
