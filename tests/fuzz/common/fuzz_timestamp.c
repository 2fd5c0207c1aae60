/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is read as a timestamp must print to a text that reads back to the same instant, agree with
 * the C library's calendar, and an epoch must lie in the years that its digits can mean.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(int64_t us)
{
	char out[TIMESTAMP_MAX_TEXT], expected[64];
	int64_t back;
	size_t length = timestamp_print(us, out);
	assert(length == TIMESTAMP_MAX_TEXT - 1 && strlen(out) == length);
	assert(!timestamp_read(out, length, &back) && back == us);
	int64_t fraction = (us % 1000000 + 1000000) % 1000000;
	time_t seconds = (time_t)((us - fraction) / 1000000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)fraction);
	assert(strcmp(out, expected) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	int64_t us, other;
	if (!timestamp_read(text, size, &us))
		check_print(us);
	if (!timestamp_read_epoch(text, size, &us)) {
		assert(us >= INT64_C(1000000000000000) && us < INT64_C(10000000000000000));
		check_print(us);
	}
	if (size >= sizeof us) {
		memcpy(&us, data, sizeof us);
		if (!timestamp_from_epoch(us, &other))
			check_print(other);
	}
	return 0;
}
