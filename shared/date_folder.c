/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "date_folder.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "timestamp.h"

enum { DATE_LENGTH = 10 };

static const int64_t DAY_US = INT64_C(86400000000);

int32_t date_of_us(int64_t us)
{
	int64_t days = us / DAY_US;
	return (int32_t)(us % DAY_US < 0 ? days - 1 : days);
}

void date_folder_print(int32_t date, char out[DATE_FOLDER_SIZE])
{
	char text[TIMESTAMP_MAX_TEXT];
	assert(date > DATE_NONE);
	timestamp_print(date * DAY_US, text);
	snprintf(out, DATE_FOLDER_SIZE, DATE_FOLDER_PREFIX "%.*s", DATE_LENGTH, text);
}

bool date_folder_parse(const char *name, int32_t *date)
{
	char text[TIMESTAMP_MAX_TEXT], printed[DATE_FOLDER_SIZE];
	int64_t us;
	if (strlen(name) != DATE_FOLDER_SIZE - 1 ||
	    strncmp(name, DATE_FOLDER_PREFIX, strlen(DATE_FOLDER_PREFIX)) != 0)
		return false;
	int length = snprintf(text, sizeof text, "%sT00:00:00Z", name + strlen(DATE_FOLDER_PREFIX));
	if (timestamp_read(text, (size_t)length, &us) || us < DAY_US)
		return false;
	*date = date_of_us(us);
	date_folder_print(*date, printed);
	return strcmp(printed, name) == 0;
}

void date_folder_path(const char *folder, int32_t date, char *out, size_t size)
{
	char name[DATE_FOLDER_SIZE] = "";
	if (date != DATE_NONE)
		date_folder_print(date, name);
	snprintf(out, size, "%s%s%s", folder, name[0] ? "/" : "", name);
}
