/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading the head of a reply, for http_client.c only.
 */
#ifndef TICKLINE_HTTP_REPLY_H
#define TICKLINE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "http_client.h"

void http_reply_forget(struct http_reply *reply); /* what the headers said */

/* One line of the head, with its line end. A status line forgets what a 1xx said before it. */
void http_reply_take_line(struct http_reply *reply, const char *line, size_t length);

/* An answer that the server gave before it had read the whole request, and then closed: sending
 * fails, but the answer may lie in the socket. */
struct early_answer {
	char data[8193]; /* terminated */
	size_t length;
};

void early_answer_take(struct early_answer *early, int fd); /* what is there now */

/* True: it is whole, and is the reply now. Without Content-Length it is not known to be whole. */
bool early_answer_read(const struct early_answer *early, struct http_reply *reply);

#endif
