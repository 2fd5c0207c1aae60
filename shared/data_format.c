/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data_format.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *ending;
	bool packed, json;
} formats[DATA_FORMATS] = {
	[DATA_CSV] = { ".csv", false, false },
	[DATA_CSV_GZ] = { ".csv.gz", true, false },
	[DATA_JSONL] = { ".jsonl", false, true },
	[DATA_JSONL_GZ] = { ".jsonl.gz", true, true },
};

const char *data_format_ending(enum data_format format)
{
	assert(format < DATA_FORMATS);
	return formats[format].ending;
}

bool data_format_of_ending(const char *ending, enum data_format *format)
{
	for (enum data_format i = 0; i < DATA_FORMATS; i++) {
		if (strcmp(ending, formats[i].ending) != 0)
			continue;
		*format = i;
		return true;
	}
	return false;
}

bool data_format_is_packed(enum data_format format)
{
	assert(format < DATA_FORMATS);
	return formats[format].packed;
}

bool data_format_is_json(enum data_format format)
{
	assert(format < DATA_FORMATS);
	return formats[format].json;
}
