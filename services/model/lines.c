/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lines.h"

#include <string.h>

void lines_init(struct lines *lines, size_t limit,
		void (*line)(const char *data, size_t length, void *user), void *user)
{
	lines->line = line;
	lines->user = user;
	text_init(&lines->carried, limit);
}

bool lines_waiting(const struct lines *lines)
{
	return lines->carried.length > 0 || !text_ok(&lines->carried);
}

static void finish_carried(struct lines *lines, const char *data, size_t length)
{
	text_put(&lines->carried, data, length);
	if (text_ok(&lines->carried))
		lines->line(lines->carried.data, lines->carried.length, lines->user);
	else
		lines->line(NULL, 0, lines->user);
	text_reset(&lines->carried);
}

void lines_take(struct lines *lines, const char *data, size_t length)
{
	const char *end = data + length, *at = data;
	for (const char *line_end; (line_end = memchr(at, '\n', (size_t)(end - at)));
	     at = line_end + 1) {
		if (lines_waiting(lines))
			finish_carried(lines, at, (size_t)(line_end - at));
		else
			lines->line(at, (size_t)(line_end - at), lines->user);
	}
	if (at < end)
		text_put(&lines->carried, at, (size_t)(end - at));
}

void lines_clean_up(struct lines *lines)
{
	text_clean_up(&lines->carried);
}
