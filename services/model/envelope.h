/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A JSON body with its SHA-256 around it, so that half a file is never taken for a whole one.
 * Reentrant.
 */
#ifndef TICKLINE_MODEL_ENVELOPE_H
#define TICKLINE_MODEL_ENVELOPE_H

#include <stddef.h>

#include "error.h"
#include "text.h"

/* NO_MEMORY when the digest can't be made; `out` has its own sticky error. */
enum error envelope_write(struct text *out, const char *body, size_t length) MUST_USE;

/* Points `body` into `data`. CHECKSUM with `why`: it is not whole, or not an envelope. */
enum error envelope_read(const char *data, size_t length, struct slice *body,
			 struct text *why) MUST_USE;

#endif
