/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json_numbers.h"

#include <math.h>

#include "decimal.h"
#include "timestamp.h"

bool json_read_doubles(const cJSON *array, double *out, size_t count)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array) || (size_t)cJSON_GetArraySize(array) != count)
		return false;
	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
			return false;
		*out++ = item->valuedouble;
	}
	return true;
}

bool json_read_integer(const cJSON *item, int64_t *out)
{
	if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= 0x1p53) ||
	    item->valuedouble != floor(item->valuedouble))
		return false;
	*out = (int64_t)item->valuedouble;
	return true;
}

bool json_read_integers(const cJSON *array, int64_t *out, size_t count)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array) || (size_t)cJSON_GetArraySize(array) != count)
		return false;
	cJSON_ArrayForEach(item, array) if (!json_read_integer(item, out++)) return false;
	return true;
}

cJSON *json_exact(double value)
{
	char text[DECIMAL_MAX_TEXT];
	if (!isfinite(value))
		return cJSON_CreateNull();
	(void)decimal_print(value, text);
	return cJSON_CreateRaw(text);
}

cJSON *json_exact_array(const double *values, size_t count)
{
	cJSON *array = cJSON_CreateArray();
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(array, json_exact(values[i]));
	return array;
}

void json_add_time(cJSON *object, const char *name, int64_t us)
{
	char text[TIMESTAMP_MAX_TEXT];
	if (us == 0) {
		cJSON_AddNullToObject(object, name);
		return;
	}
	timestamp_print(us, text);
	cJSON_AddStringToObject(object, name, text);
}

void json_write_doubles(struct text *out, const double *values, size_t count)
{
	text_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_putc(out, ',');
		text_put_double(out, values[i]);
	}
	text_putc(out, ']');
}

void json_write_integers(struct text *out, const int64_t *values, size_t count)
{
	text_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_putc(out, ',');
		text_put_i64(out, values[i]);
	}
	text_putc(out, ']');
}
