/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gzip (RFC 1952): packing a text into one member, and unpacking members in a row out of bytes that
 * come in pieces. One owner at a time.
 */
#ifndef TICKLINE_GZIP_H
#define TICKLINE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "text.h"

/* Appends one member; the same bytes give the same member. An empty text gives one as well.
 * NO_MEMORY, LIMIT. */
enum error gzip_pack(const char *data, size_t length, struct text *out) MUST_USE;

struct gunzip;

/* NULL: no memory. */
struct gunzip *gunzip_new(void);
void gunzip_destroy(struct gunzip **gunzip);

/* Hands on what the next bytes unpack to, in pieces. ENCODING: they are no gzip or broken, and so
 * is everything after; NO_MEMORY; else the error of `each`, which ends it. */
enum error gunzip_take(struct gunzip *gunzip, const char *data, size_t length,
		       enum error (*each)(const char *data, size_t length, void *user),
		       void *user) MUST_USE;

/* Every member that was begun came to its end. */
bool gunzip_is_whole(const struct gunzip *gunzip);

#endif
