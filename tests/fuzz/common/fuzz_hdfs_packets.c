/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever a DataNode sends is read without a fault, and no more is delivered than was asked for.
 * The first byte says what that was and how the bytes come.
 */
#include <assert.h>
#include <stdint.h>

#include "hdfs_packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 3000 };

static enum error count(const char *data, size_t length, void *user)
{
	int64_t *got = user;
	assert(data && length > 0);
	*got += (int64_t)length;
	return ERROR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t offsets[] = { 0, 1, 512, 700 };
	static const size_t steps[] = { 1, 7, 100, 100000 };
	struct hdfs_packets *packets = hdfs_packets_new();
	struct text why;
	int64_t got = 0;
	if (!packets || size == 0)
		goto done;
	int64_t offset = offsets[data[0] & 3];
	size_t step = steps[data[0] >> 2 & 3], at = 1, end = 1;
	enum error error = ERROR_OK;
	text_init(&why, 1000);
	hdfs_packets_begin(packets, offset, BLOCK - offset, count, &got);
	while (!error && end < size) {
		size_t used = 0;
		end = size - end < step ? size : end + step;
		error = hdfs_packets_take(packets, (const char *)data + at, end - at, &used, &why);
		assert(used <= end - at && error < ERROR_COUNT);
		at += used;
		assert(error || end - at <= HDFS_MAX_UNTAKEN);
	}
	assert(got == hdfs_packets_delivered(packets) && got <= BLOCK - offset);
	assert(!hdfs_packets_whole(packets) || got == BLOCK - offset);
	assert(!hdfs_packets_sink_failed(packets));
	text_clean_up(&why);
done:
	hdfs_packets_destroy(&packets);
	return 0;
}
