/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_name.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTITION_DIGITS = 5, OFFSET_DIGITS = 20 };

static const char dead_letter_ending[] = ".jsonl";

static const char *ending_of(enum file_kind kind, const struct file_range *range)
{
	return kind == FILE_ROWS ? data_format_ending(range->format) : dead_letter_ending;
}

void file_name_print(enum file_kind kind, const struct file_range *range, char out[FILE_NAME_MAX])
{
	assert(range->partition >= 0 && range->partition <= FILE_PARTITION_MAX);
	assert(range->first >= 0 && range->first <= range->last);
	snprintf(out, FILE_NAME_MAX, "part-%0*" PRId32 "-%0*" PRId64 "-%0*" PRId64 "%s",
		 PARTITION_DIGITS, range->partition, OFFSET_DIGITS, range->first, OFFSET_DIGITS,
		 range->last, ending_of(kind, range));
}

void file_name_prefix(int32_t partition, char out[FILE_NAME_MAX])
{
	snprintf(out, FILE_NAME_MAX, "part-%0*" PRId32 "-", PARTITION_DIGITS, partition);
}

void file_name_first_prefix(const struct file_range *range, char out[FILE_NAME_MAX])
{
	snprintf(out, FILE_NAME_MAX, "part-%0*" PRId32 "-%0*" PRId64 "-", PARTITION_DIGITS,
		 range->partition, OFFSET_DIGITS, range->first);
}

/* Exactly `digits` digits and then `end`; moves `*at` behind them. */
static bool read_number(const char **at, int digits, char end, int64_t *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];
		if (c < '0' || c > '9' || *value > (INT64_MAX - (c - '0')) / 10)
			return false;
		*value = *value * 10 + (c - '0');
	}
	*at += digits;
	return *(*at)++ == end;
}

bool file_name_parse(enum file_kind kind, const char *name, struct file_range *range)
{
	static const char prefix[] = "part-";
	int64_t partition;
	if (strncmp(name, prefix, sizeof prefix - 1) != 0)
		return false;
	const char *at = name + sizeof prefix - 1;
	if (!read_number(&at, PARTITION_DIGITS, '-', &partition) ||
	    !read_number(&at, OFFSET_DIGITS, '-', &range->first) ||
	    !read_number(&at, OFFSET_DIGITS, '.', &range->last))
		return false;
	range->partition = (int32_t)partition;
	range->format = DATA_CSV;
	bool ours = kind == FILE_ROWS ? data_format_of_ending(at - 1, &range->format)
				      : strcmp(at - 1, dead_letter_ending) == 0;
	return ours && range->first <= range->last;
}
