/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lines of published files, read back. Where the cells of a line end is found 64 bytes at a
 * time and before any of them is read, so that the processor converts numbers side by side. What is
 * not plain digits with a point, and lines of another layout, are read cell by cell.
 */
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "decimal_digits.h"
#include "record_internal.h"
#include "timestamp.h"

/* The number that the whole of a cell is; where the cell ends, NULL: it is none. */
static const char *read_cell(const char *at, const char *end, bool last, double *value)
{
	const char *stop = last ? end : memchr(at, ',', (size_t)(end - at));
	return stop == NULL || decimal_read(at, (size_t)(stop - at), value) ? NULL : stop;
}

static enum error read_cells(const struct record_table *table, const char *line, size_t length,
			     int64_t *timestamp_us, double values[RECORD_MAX_FIELDS])
{
	const char *const end = line + length;
	const char *stop = table->count > 1 ? memchr(line, ',', length) : end;
	if (stop == NULL || timestamp_read(line, (size_t)(stop - line), timestamp_us))
		return ERROR_INVALID;
	for (size_t i = 1; i < table->count; i++) {
		stop = read_cell(stop + 1, end, i + 1 == table->count, &values[i]);
		if (stop == NULL)
			return ERROR_INVALID;
	}
	return ERROR_OK;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum {
	STAMP = TIMESTAMP_MAX_TEXT - 1, /* bytes of a timestamp as it is printed */
	WINDOW = 64,
	REACH = WINDOW / 2, /* numbers that begin here end in the window, or are not plain */
};

/* A bit for each of 16 bytes that is no digit. */
#ifdef __SSE2__
static inline uint64_t others_of_16(const char *at)
{
	__m128i bytes;
	memcpy(&bytes, at, sizeof bytes);
	bytes = _mm_add_epi8(bytes, _mm_set1_epi8(128 - '0')); /* comparing has signs */
	return (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(-128 + 9)));
}
#else
static inline uint64_t others_of_8(const char *at)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t bytes = decimal_load(at) ^ UINT64_C(0x3030303030303030);
	bytes = (((bytes & low) + UINT64_C(0x7676767676767676)) | bytes) & ~low;
	return (bytes >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline uint64_t others_of_16(const char *at)
{
	return others_of_8(at) | others_of_8(at + 8) << 8;
}
#endif

/* Bytes of the line from one place on. The cells before `at` are taken. */
struct window {
	const char *from, *end; /* of the line */
	size_t left;            /* from `from` to `end` */
	size_t at;
	uint64_t others; /* the places from `at` on that hold no digit; `left` and the last, too */
};

/* The line has at least WINDOW bytes: none beyond it is looked at. */
static inline void look_from(struct window *window, const char *from)
{
	const char *const last = window->end - WINDOW;
	const char *const at = from < last ? from : last;
	const uint64_t others = others_of_16(at) | others_of_16(at + 16) << 16 |
				others_of_16(at + 32) << 32 | others_of_16(at + 48) << 48;
	window->left = (size_t)(window->end - from);
	window->from = from;
	window->at = 0;
	window->others = others >> (from - at) | UINT64_C(1) << (WINDOW - 1) |
			 (uint64_t)(window->left < WINDOW) << (window->left % WINDOW);
}

/* The places of a plain number; `fraction` 0: it has no point. */
struct plain {
	size_t first, stop, whole, fraction;
};

/* The lowest place of `others`, and out of it. */
static inline size_t take_place(uint64_t *others)
{
	const unsigned place = (unsigned)__builtin_ctzll(*others);
	*others &= *others - 1;
	return place;
}

/* The number that begins at `first`, as far as other bytes than digits tell. Of the places that lie
 * beyond DECIMAL_DIGITS_MOST digits, one always stays in `others`. */
static inline bool find_plain(const struct window *window, uint64_t *others, struct plain *plain)
{
	plain->stop = take_place(others);
	plain->whole = plain->stop - plain->first;
	plain->fraction = 0;
	if (plain->whole - 1 >= DECIMAL_DIGITS_MOST)
		return false;
	if (plain->stop == window->left || window->from[plain->stop] != '.')
		return true;
	const size_t point = plain->stop;
	plain->stop = take_place(others);
	plain->fraction = plain->stop - point - 1;
	return plain->fraction > 0 && plain->whole + plain->fraction <= DECIMAL_DIGITS_MOST;
}

/* The number at `at`, when it is a plain one and ends in the window: then the cell is taken. A
 * plain number is one, whatever its digits: where it is not wanted it is not converted. */
static inline bool take_plain(struct window *window, bool last, bool wanted, double *value)
{
	static const double signs[] = { 1, -1 };
	const char *const from = window->from;
	const bool negative = from[window->at] == '-';
	uint64_t others = window->others & (window->others - negative);
	struct plain plain = { .first = window->at + negative };
	if (!find_plain(window, &others, &plain) ||
	    (plain.stop == window->left ? !last : from[plain.stop] != ',') ||
	    (plain.whole > 1 && from[plain.first] == '0'))
		return false;
	if (wanted) {
		if (!decimal_from_digits(from + plain.stop, plain.whole, plain.fraction, value))
			return false;
		*value *= signs[negative];
	}
	window->others = others;
	window->at = plain.stop + 1;
	return true;
}

/* The line has at least WINDOW bytes, of which the last is no comma. */
static bool read_windows(const struct record_table *table, unsigned wanted, const char *line,
			 size_t length, double values[RECORD_MAX_FIELDS])
{
	struct window window = { .end = line + length };
	look_from(&window, line + STAMP + 1);
	for (size_t i = 1; i < table->count; i++) {
		const bool last = i + 1 == table->count;
		if (window.at >= REACH)
			look_from(&window, window.from + window.at);
		if (take_plain(&window, last, wanted >> i & 1, &values[i]))
			continue;
		const char *at = window.from + window.at;
		const char *stop = read_cell(at, window.end, last, &values[i]);
		if (stop == NULL)
			return false;
		if (last)
			return true;
		look_from(&window, stop + 1);
	}
	return window.from + window.at == window.end + 1;
}

static bool is_printed(const char *line, size_t length)
{
	return length >= WINDOW && line[STAMP] == ',' && line[length - 1] != ',';
}
#else
static bool is_printed(const char *line, size_t length)
{
	(void)line;
	(void)length;
	return false;
}
#endif

enum error record_read_published(const struct record_table *table, unsigned wanted,
				 const char *line, size_t length, int64_t *timestamp_us,
				 double values[RECORD_MAX_FIELDS])
{
	/* A shorter timestamp and the cells behind it can be as long as a printed one. */
	if (!is_printed(line, length) || timestamp_read(line, STAMP, timestamp_us))
		return read_cells(table, line, length, timestamp_us, values);
	return read_windows(table, wanted, line, length, values) ? ERROR_OK : ERROR_INVALID;
}
