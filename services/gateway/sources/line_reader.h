/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of an open file, from its start to its end or the other way round, in constant memory.
 * Belongs to one thread.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_LINE_READER_H
#define TICKLINE_GATEWAY_SOURCES_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

enum { LINE_READER_MAX_LINE = 65535 };

struct line_reader;

/* Takes `fd`, also on failure. NULL: no memory, or no regular file. */
struct line_reader *line_reader_new(int fd);
void line_reader_destroy(struct line_reader **reader);

int64_t line_reader_size(const struct line_reader *reader);
/* Bytes between the start and what was read, in either direction. */
int64_t line_reader_done(const struct line_reader *reader);

/* The next line without its end, valid until the next call; `number` is its own, from 1.
 * OK; NOT_FOUND: no more; LIMIT: a line over LINE_READER_MAX_LINE was skipped; SYSTEM: the file
 * cannot be read. A last line without an end counts. */
enum error line_reader_next(struct line_reader *reader, struct slice *line,
			    uint64_t *number) MUST_USE;

/* Back to the start, forwards. */
void line_reader_rewind(struct line_reader *reader);

/* From now on backwards: from the file's end to where the reader is now. SYSTEM as above (it reads
 * the file once, to know the numbers of the lines). */
enum error line_reader_turn(struct line_reader *reader) MUST_USE;

#endif
