/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Any thread.
 */
#ifndef TICKLINE_UTF8_H
#define TICKLINE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* What stands for bytes that are none: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Length of the sequence that starts at `data`; 0: not one, or cut by `length` (at least 1). */
size_t utf8_sequence(const char *data, size_t length);

bool utf8_valid(const char *data, size_t length);

/* The largest length of at most `most` bytes that does not end inside a sequence. */
size_t utf8_cut(const char *data, size_t length, size_t most);

#endif
