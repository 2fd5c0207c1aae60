/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "line_reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = LINE_READER_MAX_LINE + 1 };

struct line_reader {
	int fd;
	int64_t size;
	int64_t begin, end; /* the part that was not read yet */
	int64_t origin;     /* backwards: where `begin` was when it was turned */
	bool backwards;
	uint64_t number;      /* of the next line */
	int64_t window_begin; /* what `window` holds of the file */
	int64_t window_length;
	char window[WINDOW];
};

struct line_reader *line_reader_new(int fd)
{
	struct stat status;
	struct line_reader *r = NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		r = malloc(sizeof(*r));
	if (!r) {
		close(fd);
		return NULL;
	}
	*r = (struct line_reader){
		.fd = fd, .size = status.st_size, .end = status.st_size, .number = 1
	};
	return r;
}

void line_reader_destroy(struct line_reader **reader)
{
	if (!*reader)
		return;
	close((*reader)->fd);
	free(*reader);
	*reader = NULL;
}

void line_reader_rewind(struct line_reader *r)
{
	r->begin = 0;
	r->end = r->size;
	r->number = 1;
	r->backwards = false;
}

int64_t line_reader_size(const struct line_reader *r)
{
	return r->size;
}

int64_t line_reader_done(const struct line_reader *r)
{
	int64_t end = r->end > r->origin ? r->end : r->origin;
	return r->backwards ? r->origin + (r->size - end) : r->begin;
}

/* Makes the window hold [begin, begin + WINDOW) of the file, as far as there is so much. */
static enum error load(struct line_reader *r, int64_t begin)
{
	int64_t length = 0;
	while (length < WINDOW) {
		ssize_t got =
			pread(r->fd, r->window + length, (size_t)(WINDOW - length), begin + length);
		if (got < 0)
			return ERROR_SYSTEM;
		if (got == 0)
			break;
		length += got;
	}
	r->window_begin = begin;
	r->window_length = length;
	return ERROR_OK;
}

static bool holds(const struct line_reader *r, int64_t begin, int64_t end)
{
	return begin >= r->window_begin && end <= r->window_begin + r->window_length;
}

/* --- forwards -------------------------------------------------------------------------------- */

/* Where the line at `begin` ends: its '\n' or the file's end; LIMIT: beyond the window. */
static enum error find_end(struct line_reader *r, int64_t *end)
{
	for (int tries = 0; tries < 2; tries++) {
		if (tries > 0 || !holds(r, r->begin, r->begin + 1)) {
			enum error error = load(r, r->begin);
			if (error != ERROR_OK)
				return error;
		}
		const char *from = r->window + (r->begin - r->window_begin);
		int64_t length = r->window_begin + r->window_length - r->begin;
		if (length > r->end - r->begin)
			length = r->end - r->begin; /* a file that grew ends where it did */
		const char *found = memchr(from, '\n', (size_t)length);
		*end = found ? r->begin + (found - from) : r->begin + length;
		if (found || *end == r->end)
			return ERROR_OK;
		if (length == 0) { /* a file that was cut */
			r->end = r->begin;
			return ERROR_NOT_FOUND;
		}
	}
	return *end - r->begin < WINDOW ? ERROR_SYSTEM : ERROR_LIMIT;
}

static enum error skip_line(struct line_reader *r, int64_t end)
{
	enum error error = ERROR_LIMIT;
	while (error == ERROR_LIMIT) {
		r->begin = end;
		error = r->begin < r->end ? find_end(r, &end) : ERROR_OK;
	}
	if (error != ERROR_OK)
		return error;
	r->begin = end < r->end ? end + 1 : r->end;
	r->number++;
	return ERROR_LIMIT;
}

static enum error next_forwards(struct line_reader *r, struct slice *line, uint64_t *number)
{
	int64_t end = r->begin;
	if (r->begin >= r->end)
		return ERROR_NOT_FOUND;
	*number = r->number;
	enum error error = find_end(r, &end);
	if (error == ERROR_LIMIT)
		return skip_line(r, end);
	if (error != ERROR_OK)
		return error;
	*line = (struct slice){ r->window + (r->begin - r->window_begin),
				(size_t)(end - r->begin) };
	r->begin = end < r->end ? end + 1 : r->end;
	r->number++;
	return ERROR_OK;
}

/* --- backwards ------------------------------------------------------------------------------- */

enum error line_reader_turn(struct line_reader *r)
{
	struct slice line;
	uint64_t number;
	int64_t begin = r->begin;
	enum error error;
	do
		error = next_forwards(r, &line, &number);
	while (error == ERROR_OK || error == ERROR_LIMIT);
	if (error != ERROR_NOT_FOUND)
		return error;
	r->begin = r->origin = begin;
	r->number--;
	r->backwards = true;
	/* The end of the last line is no line of its own. */
	if (r->end > r->begin && load(r, r->end - 1) == ERROR_OK && r->window_length > 0 &&
	    r->window[0] == '\n')
		r->end--;
	r->window_length = 0;
	return ERROR_OK;
}

/* Where the line that ends at `end` begins. LIMIT: before the window. */
static enum error find_begin(struct line_reader *r, int64_t *begin)
{
	for (int tries = 0; tries < 2; tries++) {
		if (tries > 0 || !holds(r, r->end > r->begin ? r->end - 1 : r->begin, r->end)) {
			int64_t from = r->end - WINDOW + 1;
			enum error error = load(r, from > r->begin ? from : r->begin);
			if (error != ERROR_OK)
				return error;
			if (r->window_begin + r->window_length < r->end)
				return ERROR_SYSTEM; /* the file was cut */
		}
		int64_t low = r->window_begin > r->begin ? r->window_begin : r->begin;
		const char *from = r->window + (low - r->window_begin);
		const char *found = memrchr(from, '\n', (size_t)(r->end - low));
		*begin = found ? low + (found - from) + 1 : low;
		if (found || low == r->begin)
			return ERROR_OK;
	}
	return ERROR_LIMIT;
}

static enum error next_backwards(struct line_reader *r, struct slice *line, uint64_t *number)
{
	int64_t begin = r->begin, end = r->end;
	bool whole = true;
	if (r->end < r->begin || r->number == 0 || r->begin == r->size)
		return ERROR_NOT_FOUND;
	*number = r->number;
	enum error error;
	while ((error = find_begin(r, &begin)) == ERROR_LIMIT) {
		whole = false;
		r->end = begin;
	}
	if (error != ERROR_OK)
		return error;
	*line = (struct slice){ r->window + (begin - r->window_begin), (size_t)(end - begin) };
	r->end = begin - 1; /* the end of the line before; below `begin` it is over */
	r->number--;
	return whole ? ERROR_OK : ERROR_LIMIT;
}

enum error line_reader_next(struct line_reader *r, struct slice *line, uint64_t *number)
{
	return r->backwards ? next_backwards(r, line, number) : next_forwards(r, line, number);
}
