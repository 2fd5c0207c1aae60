/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "definition.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "timestamp.h"

void definition_complain(struct definition *d, const char *field, const char *format, ...)
{
	char memory[384];
	struct text reason;
	va_list arguments;
	text_init_fixed(&reason, memory, sizeof(memory));
	va_start(arguments, format);
	text_putv(&reason, format, arguments);
	va_end(arguments);
	cJSON *complaint = cJSON_CreateObject();
	cJSON_AddStringToObject(complaint, "field", field);
	cJSON_AddStringToObject(complaint, "reason", reason.data);
	cJSON_AddItemToArray(d->complaints, complaint);
}

bool definition_is_good(const struct definition *d)
{
	return cJSON_GetArraySize(d->complaints) == 0;
}

void definition_allow(struct definition *d, const char *const *names, size_t count)
{
	const cJSON *member;
	cJSON_ArrayForEach(member, d->json)
	{
		bool known = false;
		for (size_t i = 0; i < count; i++)
			known = known || strcmp(names[i], member->string) == 0;
		if (!known)
			definition_complain(d, member->string, "it is no member of this source");
	}
}

/* NULL: missing or null. */
static const cJSON *member_of(const struct definition *d, const char *name)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(d->json, name);
	return cJSON_IsNull(member) ? NULL : member;
}

double definition_number(struct definition *d, const char *name, double low, double high,
			 double initial)
{
	const cJSON *member = member_of(d, name);
	if (!member)
		return initial;
	if (cJSON_IsNumber(member) && member->valuedouble >= low && member->valuedouble <= high)
		return member->valuedouble;
	definition_complain(d, name, "it must be a number from %g to %g", low, high);
	return initial;
}

int64_t definition_integer(struct definition *d, const char *name, int64_t low, int64_t high,
			   int64_t initial)
{
	const cJSON *member = member_of(d, name);
	if (!member)
		return initial;
	double value = cJSON_IsNumber(member) ? member->valuedouble : NAN;
	if (value >= (double)low && value <= (double)high && floor(value) >= value)
		return (int64_t)value;
	definition_complain(d, name, "it must be an integer from %" PRId64 " to %" PRId64, low,
			    high);
	return initial;
}

const char *definition_string(struct definition *d, const char *name, const char *initial)
{
	const cJSON *member = member_of(d, name);
	if (!member)
		return initial;
	if (cJSON_IsString(member))
		return member->valuestring;
	definition_complain(d, name, "it must be a string");
	return initial;
}

int64_t definition_timestamp(struct definition *d, const char *name, int64_t initial)
{
	const cJSON *member = member_of(d, name);
	int64_t us = initial;
	enum error error = ERROR_INVALID;
	if (!member)
		return initial;
	if (cJSON_IsString(member))
		error = timestamp_read(member->valuestring, strlen(member->valuestring), &us);
	else if (cJSON_IsNumber(member) && fabs(member->valuedouble) < 9e15)
		error = timestamp_from_epoch((int64_t)member->valuedouble, &us);
	if (error == ERROR_OK && us >= TIMESTAMP_MIN_US)
		return us;
	definition_complain(d, name, "it must be a time since 2009-01-03, as RFC 3339 or epoch");
	return initial;
}
