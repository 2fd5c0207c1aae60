/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tail.h"

#include <assert.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

/* A row is doubles, of which the first three hold the bits of its time, identity and target's time.
 * Rows are appended; at twice TAIL_ROWS, only the latest stay. In a stream ordered by time that is
 * a copy, otherwise a sort, once in TAIL_ROWS rows. */
enum { TIME, IDENTITY, TARGET, LAST, Y, X, CAPACITY = 2 * TAIL_ROWS };

struct tail {
	size_t features, width, count, capacity;
	bool ordered; /* the rows are by time and identity */
	double *rows;
};

struct tail *tail_new(size_t features)
{
	struct tail *tail = calloc(1, sizeof(*tail));
	if (!tail)
		return NULL;
	tail->features = features;
	tail->width = X + features;
	tail->ordered = true;
	return tail;
}

void tail_destroy(struct tail **tail)
{
	if (!*tail)
		return;
	free((*tail)->rows);
	free(*tail);
	*tail = NULL;
}

void tail_reset(struct tail *tail)
{
	tail->count = 0;
	tail->ordered = true;
}

static int compare(const void *a, const void *b)
{
	int64_t time[2];
	uint64_t identity[2];
	memcpy(&time[0], (const double *)a + TIME, sizeof(time[0]));
	memcpy(&time[1], (const double *)b + TIME, sizeof(time[1]));
	if (time[0] != time[1])
		return time[0] < time[1] ? -1 : 1;
	memcpy(&identity[0], (const double *)a + IDENTITY, sizeof(identity[0]));
	memcpy(&identity[1], (const double *)b + IDENTITY, sizeof(identity[1]));
	return identity[0] < identity[1] ? -1 : identity[0] > identity[1];
}

/* Puts the rows in order and lets go of all but the latest. */
static void settle(struct tail *tail)
{
	size_t row_bytes = tail->width * sizeof(double);
	if (!tail->ordered)
		qsort(tail->rows, tail->count, row_bytes, compare);
	tail->ordered = true;
	if (tail->count <= TAIL_ROWS)
		return;
	memmove(tail->rows, tail->rows + (tail->count - TAIL_ROWS) * tail->width,
		TAIL_ROWS * row_bytes);
	tail->count = TAIL_ROWS;
}

/* The place for one more row; NULL: no memory. */
static double *place(struct tail *tail)
{
	if (tail->count == CAPACITY)
		settle(tail);
	double *rows = array_room(tail->rows, tail->count, &tail->capacity, CAPACITY,
				  tail->width * sizeof(*tail->rows));
	if (!rows)
		return NULL;
	tail->rows = rows;
	return rows + tail->count * tail->width;
}

/* The row just written counts from now on. */
static void append(struct tail *tail, const double *row)
{
	if (tail->count > 0 && compare(row - tail->width, row) > 0)
		tail->ordered = false;
	tail->count++;
}

bool tail_add(struct tail *tail, const struct feature_row *row)
{
	double *at = place(tail);
	if (!at)
		return false;
	memcpy(at + TIME, &row->timestamp_us, sizeof(double));
	memcpy(at + IDENTITY, &row->identity, sizeof(double));
	memcpy(at + TARGET, &row->target_us, sizeof(double));
	at[LAST] = row->last;
	at[Y] = row->y;
	memcpy(at + X, row->x, tail->features * sizeof(double));
	append(tail, at);
	return true;
}

bool tail_merge(struct tail *into, const struct tail *from)
{
	assert(into != from && into->width == from->width);
	for (size_t i = 0; i < from->count; i++) {
		double *at = place(into);
		if (!at)
			return false;
		memcpy(at, from->rows + i * from->width, from->width * sizeof(double));
		append(into, at);
	}
	return true;
}

size_t tail_count(struct tail *tail)
{
	settle(tail);
	return tail->count;
}

struct tail_row tail_row(struct tail *tail, size_t index)
{
	settle(tail);
	assert(index < tail->count);
	const double *at = tail->rows + index * tail->width;
	struct tail_row row = { .last = at[LAST], .y = at[Y], .x = at + X };
	memcpy(&row.timestamp_us, at + TIME, sizeof(double));
	memcpy(&row.identity, at + IDENTITY, sizeof(double));
	memcpy(&row.target_us, at + TARGET, sizeof(double));
	return row;
}

/* --- JSON ------------------------------------------------------------------------------------ */

void tail_write_json(struct tail *tail, struct text *out)
{
	settle(tail);
	text_putc(out, '"');
	if (tail->count > 0)
		text_put_base64(out, tail->rows, tail->count * tail->width * sizeof(double));
	text_putc(out, '"');
}

/* Only what tail_add could have got: finite numbers, but for the last price. */
static bool is_sound(const double *row, size_t width)
{
	for (size_t i = Y; i < width; i++)
		if (!isfinite(row[i]))
			return false;
	return !isinf(row[LAST]);
}

static bool take_bytes(struct tail *tail, const unsigned char *bytes, size_t length)
{
	size_t row_bytes = tail->width * sizeof(double);
	if (length % row_bytes != 0 || length / row_bytes > TAIL_ROWS)
		return false;
	for (size_t at = 0; at < length; at += row_bytes) {
		double *row = place(tail);
		if (!row)
			return false;
		memcpy(row, bytes + at, row_bytes);
		if (!is_sound(row, tail->width))
			return false;
		append(tail, row);
	}
	return true;
}

bool tail_read_json(const cJSON *json, struct tail *tail)
{
	const char *text = cJSON_GetStringValue(json);
	size_t length = text ? strlen(text) : 0, most = (TAIL_ROWS * tail->width * 8 + 2) / 3 * 4;
	tail_reset(tail);
	if (!text || length % 4 != 0 || length > most)
		return false;
	if (length == 0)
		return true;
	unsigned char *bytes = malloc(length / 4 * 3);
	if (!bytes)
		return false;
	int got = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
	size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
	bool whole = got >= 0 && (size_t)got >= padding &&
		     take_bytes(tail, bytes, (size_t)got - padding);
	free(bytes);
	return whole;
}
