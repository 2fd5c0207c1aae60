/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A dataset with metrics, and Kafka messages, for the tests of ingest.
 */
#ifndef TICKLINE_TESTS_INGEST_TESTING_H
#define TICKLINE_TESTS_INGEST_TESTING_H

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "dataset.h"

static struct metrics *testing_metrics;
static struct dataset testing_dataset;

static inline void testing_begin(void)
{
	testing_metrics = metrics_new();
	enum error error = dataset_init(&testing_dataset, record_table(RECORD_TICK), "t", "/r",
					testing_metrics, NULL);
	assert(!error);
	(void)error;
}

static inline void testing_end(void)
{
	dataset_clean_up(&testing_dataset);
	metrics_destroy(&testing_metrics);
}

/* The value of a series, told as it stands on the page: `name{labels}`. -1: it is not there. */
static inline double testing_metric(const char *series)
{
	struct text page;
	text_init(&page, 1 << 20);
	metrics_write(testing_metrics, &page);
	const char *at = strstr(page.data, series);
	double value = -1;
	if (at && sscanf(at + strlen(series), " %lf", &value) != 1)
		value = -1;
	text_clean_up(&page);
	return value;
}

#define TESTING_TICK                                                                             \
	"{\"timestamp\":\"2025-07-01T00:00:00.000000Z\",\"buy_price\":100.5,\"sell_price\":101," \
	"\"volume\":2000,\"volatility\":1,\"buy_price_normalized\":1,"                           \
	"\"sell_price_normalized\":2,\"volume_normalized\":3}"
#define TESTING_ROW "2025-07-01T00:00:00.000000Z,100.5,101,2000,1,1,2,3\n"

/* `value` NULL: a null value. The message keeps the pointer. */
static inline rd_kafka_message_t testing_message(int64_t offset, const char *value)
{
	return (rd_kafka_message_t){ .offset = offset,
				     .payload = (void *)value,
				     .len = value ? strlen(value) : 0 };
}

#endif
