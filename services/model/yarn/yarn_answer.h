/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the ResourceManager answers. Nothing of it is trusted: every string is cut, every type
 * looked at.
 */
#ifndef TICKLINE_MODEL_YARN_ANSWER_H
#define TICKLINE_MODEL_YARN_ANSWER_H

#include <stddef.h>

#include "error.h"
#include "resource_manager.h"
#include "text.h"

/* OK for 2xx; else what resource_manager.h says, with the server's words. */
enum error yarn_answer_error(long status, const char *body, size_t length,
			     struct text *why) MUST_USE;

/* PROTOCOL: it can't be read. */
enum error yarn_answer_new_id(const char *body, size_t length, char id[YARN_ID_SIZE],
			      struct text *why) MUST_USE;
enum error yarn_answer_application(const char *body, size_t length,
				   struct yarn_application *application, struct text *why) MUST_USE;

/* Of a list the one with the largest id. NOT_FOUND: it is empty. */
enum error yarn_answer_newest(const char *body, size_t length, struct yarn_application *application,
			      struct text *why) MUST_USE;

#endif
