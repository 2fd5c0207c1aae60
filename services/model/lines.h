/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines out of bytes that come in pieces. One owner at a time.
 */
#ifndef TICKLINE_MODEL_LINES_H
#define TICKLINE_MODEL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

struct lines {
	/* Without its end; `data` NULL: it was longer than the limit, or there was no memory. */
	void (*line)(const char *data, size_t length, void *user);
	void *user;
	struct text carried; /* the beginning of a line whose end has not come yet */
};

/* A line that lies in one piece may be longer than `limit`: whoever takes it knows what it can be.
 */
void lines_init(struct lines *lines, size_t limit,
		void (*line)(const char *data, size_t length, void *user), void *user);
void lines_take(struct lines *lines, const char *data, size_t length);

/* True while a line waits for its end. */
bool lines_waiting(const struct lines *lines);
void lines_clean_up(struct lines *lines);

#endif
