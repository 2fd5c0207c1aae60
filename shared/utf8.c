/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "utf8.h"

static size_t length_by_first(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf8_sequence(const char *data, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)data;
	const unsigned char first = bytes[0];
	const size_t needed = length_by_first(first);
	if (needed <= 1)
		return needed;
	if (needed > length)
		return 0;
	/* The second byte keeps out overlong forms, surrogates and what lies past U+10FFFF. */
	const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < needed; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return needed;
}

bool utf8_valid(const char *data, size_t length)
{
	for (size_t at = 0, step; at < length; at += step) {
		step = utf8_sequence(data + at, length - at);
		if (step == 0)
			return false;
	}
	return true;
}

size_t utf8_cut(const char *data, size_t length, size_t most)
{
	if (length <= most)
		return length;
	while (most > 0 && ((unsigned char)data[most] & 0xc0) == 0x80)
		most--;
	return most;
}
