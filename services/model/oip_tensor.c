/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oip_tensor.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum kind { FLOATING, SIGNED, UNSIGNED };

struct oip_type {
	const char *name;
	enum kind kind;
	size_t size;
};

static const struct oip_type types[] = {
	{ "FP64", FLOATING, 8 },   { "FP32", FLOATING, 4 },   { "FP16", FLOATING, 2 },
	{ "INT64", SIGNED, 8 },    { "INT32", SIGNED, 4 },    { "INT16", SIGNED, 2 },
	{ "INT8", SIGNED, 1 },     { "UINT64", UNSIGNED, 8 }, { "UINT32", UNSIGNED, 4 },
	{ "UINT16", UNSIGNED, 2 }, { "UINT8", UNSIGNED, 1 },
};

const struct oip_type *oip_type(const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

size_t oip_type_size(const struct oip_type *type)
{
	return type->size;
}

/* --- binary ---------------------------------------------------------------------------------- */

static double half(uint64_t bits)
{
	double fraction = (double)(bits & 0x3FF);
	int exponent = (int)(bits >> 10 & 0x1F);
	double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024, exponent - 25);
	if (exponent == 0x1F)
		value = fraction > 0 ? NAN : INFINITY;
	return bits >> 15 ? -value : value;
}

static double floating(uint64_t bits, size_t size)
{
	double wide;
	float narrow;
	uint32_t low = (uint32_t)bits;
	if (size == 2)
		return half(bits);
	memcpy(&narrow, &low, sizeof narrow);
	memcpy(&wide, &bits, sizeof wide);
	return size == 4 ? (double)narrow : wide;
}

static double from_bytes(const struct oip_type *type, const unsigned char *bytes)
{
	assert(type->size >= 1 && type->size <= sizeof(uint64_t));
	bool negative = type->kind == SIGNED && bytes[type->size - 1] >> 7;
	uint64_t bits = negative ? UINT64_MAX : 0; /* the sign goes on to the left */
	for (size_t i = type->size; i-- > 0;)
		bits = bits << 8 | bytes[i];
	if (type->kind == FLOATING)
		return floating(bits, type->size);
	return negative ? -(double)(~bits + 1) : (double)bits;
}

/* --- one value ------------------------------------------------------------------------------- */

/* A number, or an array of one, as a shape of [rows,1] may be written. */
static const cJSON *number_in(const cJSON *cell)
{
	while (cJSON_IsArray(cell) && cJSON_GetArraySize(cell) == 1)
		cell = cell->child;
	return cJSON_IsNumber(cell) ? cell : NULL;
}

bool oip_values_next(struct oip_values *values, double *value)
{
	if (values->bytes) {
		*value = from_bytes(values->type, values->bytes);
		values->bytes += values->type->size;
		return isfinite(*value);
	}
	const cJSON *number = number_in(values->cell);
	values->cell = values->cell->next;
	*value = number ? number->valuedouble : NAN;
	return number != NULL;
}
