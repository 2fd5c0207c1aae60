/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfactor.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_numbers.h"

/* Rows wait in `block`, column after column, until it is full; then Householder reflections turn
 * R over the block into a new R over zeros, column by column. The block fits the first-level cache.
 */
struct rfactor {
	size_t columns, size;
	bool ones;
	uint64_t rows;
	size_t waiting; /* rows in the block */
	bool placed;    /* shift and scale are set */
	double shift[RFACTOR_MAX_COLUMNS], scale[RFACTOR_MAX_COLUMNS];
	double low[RFACTOR_MAX_COLUMNS], high[RFACTOR_MAX_COLUMNS];
	double *r;       /* size x size, row after row */
	double *block;   /* size columns of RFACTOR_BLOCK_ROWS */
	double memory[]; /* both */
};

static size_t memory_count(size_t size)
{
	return size * (size + RFACTOR_BLOCK_ROWS);
}

/* Pairs of doubles, as every 64-bit machine has them; several sums side by side, so that additions
 * do not wait for one another. */
typedef double pair __attribute__((vector_size(2 * sizeof(double))));

static inline pair load(const double *at)
{
	pair value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static double dot(const double *a, const double *b, size_t count)
{
	pair sums[4] = { { 0 } };
	size_t i = 0;
	for (; i + 8 <= count; i += 8) {
		sums[0] += load(a + i) * load(b + i);
		sums[1] += load(a + i + 2) * load(b + i + 2);
		sums[2] += load(a + i + 4) * load(b + i + 4);
		sums[3] += load(a + i + 6) * load(b + i + 6);
	}
	pair all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
	double sum = all[0] + all[1];
	for (; i < count; i++)
		sum += a[i] * b[i];
	return sum;
}

static inline void store(double *at, pair value)
{
	memcpy(at, &value, sizeof(value));
}

static void subtract_scaled(double *to, const double *from, double factor, size_t count)
{
	size_t i = 0;
	for (; i + 8 <= count; i += 8) {
		store(to + i, load(to + i) - load(from + i) * factor);
		store(to + i + 2, load(to + i + 2) - load(from + i + 2) * factor);
		store(to + i + 4, load(to + i + 4) - load(from + i + 4) * factor);
		store(to + i + 6, load(to + i + 6) - load(from + i + 6) * factor);
	}
	for (; i < count; i++)
		to[i] -= factor * from[i];
}

/* (value - shift) * unit */
static void shift_and_scale(double *values, double shift, double unit, size_t count)
{
	size_t i = 0;
	for (; i + 4 <= count; i += 4) {
		store(values + i, (load(values + i) - shift) * unit);
		store(values + i + 2, (load(values + i + 2) - shift) * unit);
	}
	for (; i < count; i++)
		values[i] = (values[i] - shift) * unit;
}

static inline double smaller(double a, double b)
{
	return a < b ? a : b;
}

static inline double larger(double a, double b)
{
	return a > b ? a : b;
}

struct rfactor *rfactor_new(size_t columns, bool ones)
{
	assert(columns >= 1 && columns <= RFACTOR_MAX_COLUMNS);
	size_t size = columns + (ones ? 1 : 0);
	struct rfactor *factor = calloc(1, sizeof(*factor) + memory_count(size) * sizeof(double));
	if (!factor)
		return NULL;
	factor->r = factor->memory;
	factor->block = factor->memory + size * size;
	factor->columns = columns;
	factor->size = size;
	factor->ones = ones;
	for (size_t j = 0; j < columns; j++) {
		factor->scale[j] = 1;
		factor->low[j] = INFINITY;
		factor->high[j] = -INFINITY;
	}
	return factor;
}

void rfactor_destroy(struct rfactor **factor)
{
	free(*factor);
	*factor = NULL;
}

/* Everything but the pointers; both have the same size. */
static void copy(struct rfactor *to, const struct rfactor *from)
{
	double *r = to->r, *block = to->block;
	*to = *from;
	to->r = r;
	to->block = block;
	memcpy(to->memory, from->memory, memory_count(from->size) * sizeof(double));
}

struct rfactor *rfactor_clone(const struct rfactor *factor)
{
	struct rfactor *made = rfactor_new(factor->columns, factor->ones);
	if (made)
		copy(made, factor);
	return made;
}

/* Reflects column `pivot` of `rows` waiting rows into R's diagonal, and all columns after it. */
static void reflect(struct rfactor *f, double *block, size_t stride, size_t rows, size_t pivot)
{
	double *v = block + pivot * stride;
	double below = dot(v, v, rows);
	double *r = f->r + pivot * f->size;
	if (below == 0)
		return;
	double alpha = r[pivot];
	double beta = -copysign(sqrt(alpha * alpha + below), alpha);
	double tau = (beta - alpha) / beta, unit = 1 / (alpha - beta);
	shift_and_scale(v, 0, unit, rows);
	r[pivot] = beta;
	for (size_t k = pivot + 1; k < f->size; k++) {
		double *column = block + k * stride;
		double along = tau * (r[k] + dot(v, column, rows));
		r[k] -= along;
		subtract_scaled(column, v, along, rows);
	}
}

static void absorb(struct rfactor *f, double *block, size_t stride, size_t rows)
{
	for (size_t pivot = 0; pivot < f->size; pivot++)
		reflect(f, block, stride, rows, pivot);
}

/* The mean of the first rows as the shift (of a constant column exactly the constant, so that it
 * becomes zeros), and the power of two above their spread as the scale. */
static void place(struct rfactor *f, const double *column, size_t rows, size_t j)
{
	double low = column[0], high = column[0], mean = 0;
	for (size_t i = 0; i < rows; i++) {
		low = fmin(low, column[i]);
		high = fmax(high, column[i]);
		mean += column[i] / (double)rows;
	}
	f->shift[j] = !f->ones ? 0 : low == high ? low : mean;
	double spread = fmax(fabs(low - f->shift[j]), fabs(high - f->shift[j]));
	int exponent = 0;
	(void)frexp(spread, &exponent);
	f->scale[j] = spread > 0 ? ldexp(1, exponent) : 1;
}

/* Every second value by itself, since each comparison waits for the one before. */
static void widen(struct rfactor *f, size_t j, const double *column, size_t rows)
{
	double low = f->low[j], high = f->high[j], other_low = low, other_high = high;
	size_t i = 0;
	for (; i + 2 <= rows; i += 2) {
		low = smaller(column[i], low);
		high = larger(column[i], high);
		other_low = smaller(column[i + 1], other_low);
		other_high = larger(column[i + 1], other_high);
	}
	if (i < rows) {
		low = smaller(column[i], low);
		high = larger(column[i], high);
	}
	f->low[j] = smaller(low, other_low);
	f->high[j] = larger(high, other_high);
}

static void flush(struct rfactor *f)
{
	size_t rows = f->waiting, first = f->ones ? 1 : 0;
	if (rows == 0)
		return;
	for (size_t j = 0; j < f->columns; j++) {
		double *column = f->block + (first + j) * RFACTOR_BLOCK_ROWS;
		if (!f->placed)
			place(f, column, rows, j);
		widen(f, j, column, rows);
		shift_and_scale(column, f->shift[j], 1 / f->scale[j], rows);
	}
	for (size_t i = 0; f->ones && i < rows; i++)
		f->block[i] = 1;
	f->placed = true;
	f->waiting = 0;
	absorb(f, f->block, RFACTOR_BLOCK_ROWS, rows);
}

void rfactor_add(struct rfactor *f, const double *row)
{
	double *at = f->block + f->waiting + (f->ones ? RFACTOR_BLOCK_ROWS : 0);
	for (size_t j = 0; j < f->columns; j++)
		at[j * RFACTOR_BLOCK_ROWS] = row[j];
	f->rows++;
	if (++f->waiting == RFACTOR_BLOCK_ROWS)
		flush(f);
}

/* Column j of `from` in the shift and scale of `into`, written to the column-wise `block`. */
static void adopt(const struct rfactor *into, const struct rfactor *from, double *block, size_t j)
{
	size_t size = from->size, first = from->ones ? 1 : 0;
	double scale = from->scale[j] / into->scale[j];
	double shift = (from->shift[j] - into->shift[j]) / into->scale[j];
	for (size_t i = 0; i < size; i++) {
		double ones = from->ones ? from->r[i * size] : 0;
		block[(first + j) * size + i] =
			from->r[i * size + first + j] * scale + ones * shift;
	}
}

void rfactor_merge(struct rfactor *into, struct rfactor *from)
{
	assert(into != from && into->columns == from->columns && into->ones == from->ones);
	flush(into);
	flush(from);
	if (from->rows == 0)
		return;
	size_t size = from->size;
	if (into->rows == 0) {
		copy(into, from);
		return;
	}
	double block[(RFACTOR_MAX_COLUMNS + 1) * (RFACTOR_MAX_COLUMNS + 1)];
	for (size_t i = 0; from->ones && i < size; i++)
		block[i] = from->r[i * size];
	for (size_t j = 0; j < from->columns; j++) {
		adopt(into, from, block, j);
		into->low[j] = fmin(into->low[j], from->low[j]);
		into->high[j] = fmax(into->high[j], from->high[j]);
	}
	into->rows += from->rows;
	absorb(into, block, size, size);
}

uint64_t rfactor_rows(const struct rfactor *f)
{
	return f->rows;
}

size_t rfactor_columns(const struct rfactor *f)
{
	return f->columns;
}

bool rfactor_has_ones(const struct rfactor *f)
{
	return f->ones;
}

double rfactor_min(struct rfactor *f, size_t column)
{
	assert(column < f->columns);
	flush(f);
	return f->rows > 0 ? f->low[column] : NAN;
}

double rfactor_max(struct rfactor *f, size_t column)
{
	assert(column < f->columns);
	flush(f);
	return f->rows > 0 ? f->high[column] : NAN;
}

struct rfactor_view rfactor_view(struct rfactor *f)
{
	flush(f);
	return (struct rfactor_view){
		.r = f->r, .size = f->size, .shift = f->shift, .scale = f->scale
	};
}

double rfactor_norm(struct rfactor *f, double constant, const double *weights)
{
	flush(f);
	double shifted[RFACTOR_MAX_COLUMNS + 1] = { 0 };
	size_t first = f->ones ? 1 : 0;
	assert(f->ones || constant == 0);
	shifted[0] = constant;
	for (size_t j = 0; j < f->columns; j++) {
		if (f->ones)
			shifted[0] += weights[j] * f->shift[j];
		shifted[first + j] = weights[j] * f->scale[j];
	}
	double norm = 0;
	for (size_t i = 0; i < f->size; i++) {
		double sum = 0;
		for (size_t j = i; j < f->size; j++)
			sum += f->r[i * f->size + j] * shifted[j];
		norm = hypot(norm, sum);
	}
	return norm;
}

static void write_array(struct text *out, const char *name, const double *values, size_t count)
{
	text_putf(out, ",\"%s\":", name);
	json_write_doubles(out, values, count);
}

void rfactor_write_json(struct rfactor *f, struct text *out)
{
	flush(f);
	bool empty = f->rows == 0; /* no bounds yet: JSON has no infinity */
	text_putf(out, "{\"columns\":%zu,\"ones\":%s,\"rows\":%llu", f->columns,
		  f->ones ? "true" : "false", (unsigned long long)f->rows);
	write_array(out, "shift", f->shift, f->columns);
	write_array(out, "scale", f->scale, f->columns);
	write_array(out, "low", f->low, empty ? 0 : f->columns);
	write_array(out, "high", f->high, empty ? 0 : f->columns);
	write_array(out, "r", f->r, f->size * f->size);
	text_putc(out, '}');
}

static bool read_array(const cJSON *json, const char *name, double *values, size_t count)
{
	return json_read_doubles(cJSON_GetObjectItemCaseSensitive(json, name), values, count);
}

static bool read_arrays(const cJSON *json, struct rfactor *f)
{
	size_t bounds = f->rows == 0 ? 0 : f->columns;
	return read_array(json, "shift", f->shift, f->columns) &&
	       read_array(json, "scale", f->scale, f->columns) &&
	       read_array(json, "low", f->low, bounds) &&
	       read_array(json, "high", f->high, bounds) &&
	       read_array(json, "r", f->r, f->size * f->size);
}

enum error rfactor_read_json(const cJSON *json, struct rfactor **factor, struct text *why)
{
	const cJSON *columns = cJSON_GetObjectItemCaseSensitive(json, "columns");
	const cJSON *ones = cJSON_GetObjectItemCaseSensitive(json, "ones");
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows");
	*factor = NULL;
	if (!cJSON_IsNumber(columns) || !cJSON_IsBool(ones) || !cJSON_IsNumber(rows) ||
	    !(columns->valuedouble >= 1 && columns->valuedouble <= RFACTOR_MAX_COLUMNS) ||
	    !(rows->valuedouble >= 0 && rows->valuedouble < 0x1p53)) {
		why_putf(why, "a factor needs columns, ones and rows in their ranges");
		return ERROR_INVALID;
	}
	struct rfactor *f = rfactor_new((size_t)columns->valuedouble, cJSON_IsTrue(ones));
	if (!f)
		return ERROR_NO_MEMORY;
	f->rows = (uint64_t)rows->valuedouble;
	f->placed = f->rows > 0;
	if (!read_arrays(json, f)) {
		why_putf(why, "a factor's arrays are missing, too short or not finite");
		rfactor_destroy(&f);
		return ERROR_INVALID;
	}
	*factor = f;
	return ERROR_OK;
}
