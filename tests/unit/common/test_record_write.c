/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

/* A record with the longest texts that can be. */
static struct record widest(enum record_kind kind)
{
	struct record record = { .table = record_table(kind), .timestamp_us = NOW_US };
	for (size_t i = 1; i < record.table->count; i++) {
		memset(record.texts[i], '9', RECORD_MAX_NUMBER);
		record.text_lengths[i] = RECORD_MAX_NUMBER;
	}
	return record;
}

static void keeps_its_bounds(void **state)
{
	(void)state;
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const struct record record = widest((enum record_kind)kind);
		char out[1024];
		written(&record, record_write_json, out);
		assert_true(strlen(out) <= RECORD_MAX_JSON);
		written(&record, record_write_csv, out);
		assert_true(strlen(out) <= RECORD_MAX_CSV);
	}
}

static void writes_all_members_in_order(void **state)
{
	(void)state;
	struct record record;
	struct record_fault fault;
	const double bar[] = { 107120, 107150.5, 107100, 107135.33, 31661563904 };
	assert_int_equal(record_from_values(record_table(RECORD_BAR), &strict,
					    INT64_C(1751328000000000), bar, 5, &record, &fault),
			 ERROR_OK);
	assert_written(
		&record,
		"{\"timestamp\":\"2025-07-01T00:00:00.000000Z\",\"open\":107120,\"high\":107150.5,"
		"\"low\":107100,\"close\":107135.33,\"volume\":31661563904}",
		"2025-07-01T00:00:00.000000Z,107120,107150.5,107100,107135.33,31661563904\n");
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	const struct record_table *tick = record_table(RECORD_TICK);
	struct record record, again;
	struct record_fault fault;
	for (int i = 1; i <= 1000; i++) {
		const double values[] = { 20000 + i / 3.0, 1e-7 * i, i * 1e18, i / 7e9 };
		char json[1024], csv[1024];
		int64_t us;
		double back[RECORD_MAX_FIELDS];
		assert_int_equal(
			record_from_values(tick, &strict, NOW_US - i, values, 4, &record, &fault),
			ERROR_OK);
		written(&record, record_write_json, json);
		written(&record, record_write_csv, csv);
		assert_int_equal(
			record_read_json(tick, &lenient, json, strlen(json), &again, &fault),
			ERROR_OK);
		assert_int_equal(record_read_published(tick, RECORD_ALL_FIELDS, csv,
						       strlen(csv) - 1, &us, back),
				 ERROR_OK);
		assert_true(again.timestamp_us == record.timestamp_us && us == record.timestamp_us);
		for (size_t f = 1; f < tick->count; f++)
			assert_true(again.values[f] == record.values[f] &&
				    back[f] == record.values[f]);
		assert_written(&again, json, csv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_bounds),
		cmocka_unit_test(writes_all_members_in_order),
		cmocka_unit_test(what_is_written_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
