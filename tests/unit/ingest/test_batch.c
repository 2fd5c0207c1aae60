/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "batch.h"
#include "gzip.h"
#include "ingest_testing.h"

static const struct batch_rules rules = { .rows = 3, .bytes = 1000, .age_us = 100, .idle_us = 40 };

static struct record tick(void)
{
	const struct record_rules record_rules = { .bounds = RECORD_DEFAULT_BOUNDS,
						   .wall_us = 1751328000000000 };
	struct record record;
	struct record_fault fault;
	assert_int_equal(record_read_json(record_table(RECORD_TICK), &record_rules, TESTING_TICK,
					  strlen(TESTING_TICK), &record, &fault),
			 ERROR_OK);
	return record;
}

static void covers_gaps_from_where_the_last_one_ended(void **state)
{
	(void)state;
	struct batch *batch = batch_new(4, 10, 1);
	assert_int_equal(batch->range.first, 10);
	assert_int_equal(batch->range.last, 9);
	assert_int_equal(batch_records(batch), 0);
	const struct record record = tick();
	assert_int_equal(batch_add_row(batch, 12, &record, 2), ERROR_OK);
	const struct dead_letter letter = {
		.topic = "t", .offset = 15, .reason = "null", .field = "", .text = ""
	};
	assert_int_equal(batch_add_dead_letter(batch, &letter, 3), ERROR_OK);
	assert_int_equal(batch->range.partition, 4);
	assert_int_equal(batch->range.first, 10);
	assert_int_equal(batch->range.last, 15);
	assert_int_equal(batch->row_count, 1);
	assert_int_equal(batch->dead_letter_count, 1);
	assert_int_equal(batch_bytes(batch), batch->rows.length + batch->dead_letters.length);
	batch_destroy(&batch);
	assert_null(batch);
}

static void full_by_records_or_bytes(void **state)
{
	(void)state;
	const struct record record = tick();
	struct batch *batch = batch_new(0, 0, 0);
	for (int64_t offset = 0; offset < 3; offset++) {
		assert_false(batch_is_full(batch, &rules));
		assert_int_equal(batch_add_row(batch, offset, &record, 0), ERROR_OK);
	}
	assert_true(batch_is_full(batch, &rules));
	const struct batch_rules small = { .rows = 100, .bytes = (int64_t)batch->rows.length };
	assert_true(batch_is_full(batch, &small));
	const struct batch_rules larger = { .rows = 100, .bytes = small.bytes + 1 };
	assert_false(batch_is_full(batch, &larger));
	batch_destroy(&batch);
}

static void due_by_age_or_idleness_but_not_when_empty(void **state)
{
	(void)state;
	const struct record record = tick();
	struct batch *batch = batch_new(0, 0, 0);
	assert_false(batch_is_due(batch, &rules, 1000000));
	/* the age counts from the first record, not from when the batch was made */
	assert_int_equal(batch_add_row(batch, 0, &record, 500), ERROR_OK);
	assert_false(batch_is_due(batch, &rules, 539));
	assert_true(batch_is_due(batch, &rules, 540));
	for (int64_t now_us = 530; now_us <= 590; now_us += 30)
		assert_int_equal(batch_add_row(batch, now_us, &record, now_us), ERROR_OK);
	assert_false(batch_is_due(batch, &rules, 599));
	assert_true(batch_is_due(batch, &rules, 600));
	batch_destroy(&batch);
}

static void of_another_period_from_the_boundary_on(void **state)
{
	(void)state;
	enum { HOUR = 3600, SECOND = 1000000 };
	static const struct batch_rules hourly = { .clock_us = INT64_C(3600000000) };
	static const struct {
		int64_t opened_us, wall_us;
		bool other;
	} cases[] = {
		{ INT64_C(487000) * HOUR * SECOND, INT64_C(487000) * HOUR * SECOND, false },
		{ INT64_C(487000) * HOUR * SECOND, INT64_C(487001) * HOUR * SECOND - 1, false },
		{ INT64_C(487000) * HOUR * SECOND, INT64_C(487001) * HOUR * SECOND, true },
		{ INT64_C(487001) * HOUR * SECOND - 1, INT64_C(487001) * HOUR * SECOND, true },
		/* the clock was set back: within the period, and over its beginning */
		{ INT64_C(487000) * HOUR * SECOND + 9, INT64_C(487000) * HOUR * SECOND, false },
		{ INT64_C(487000) * HOUR * SECOND + 9, INT64_C(487000) * HOUR * SECOND - 1, true },
	};
	const struct record record = tick();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct batch *batch = batch_new(0, 0, 0);
		batch->opened_wall_us = cases[i].opened_us;
		assert_false(batch_is_of_another_period(batch, &hourly, cases[i].wall_us));
		assert_int_equal(batch_add_row(batch, 0, &record, 0), ERROR_OK);
		assert_int_equal(batch_is_of_another_period(batch, &hourly, cases[i].wall_us),
				 cases[i].other);
		assert_false(batch_is_of_another_period(batch, &rules, cases[i].wall_us));
		batch_destroy(&batch);
	}
}

static void rows_are_in_the_format_of_the_name(void **state)
{
	(void)state;
	const struct record record = tick();
	struct batch *batch = batch_new(0, 0, 0);
	batch->range.format = DATA_JSONL;
	assert_int_equal(batch_add_row(batch, 0, &record, 0), ERROR_OK);
	assert_int_equal(batch_add_row(batch, 1, &record, 0), ERROR_OK);
	assert_string_equal(batch->rows.data, TESTING_TICK "\n" TESTING_TICK "\n");
	assert_int_equal(batch_bytes_to_publish(batch), batch_bytes(batch));
	assert_int_equal(batch_pack(batch), ERROR_OK); /* nothing to pack */
	assert_string_equal(batch->rows.data, TESTING_TICK "\n" TESTING_TICK "\n");
	batch_destroy(&batch);
}

static enum error keep(const char *data, size_t length, void *user)
{
	text_put(user, data, length);
	return ((struct text *)user)->error;
}

static void is_packed_once_and_counts_what_it_holds(void **state)
{
	(void)state;
	const struct record record = tick();
	struct batch *batch = batch_new(0, 0, 0);
	batch->range.format = DATA_CSV_GZ;
	for (int64_t offset = 0; offset < 100; offset++)
		assert_int_equal(batch_add_row(batch, offset, &record, 0), ERROR_OK);
	int64_t before = batch_bytes(batch);
	assert_int_equal(before, 100 * strlen(TESTING_ROW));
	assert_true(batch_bytes_to_publish(batch) > 2 * before);
	assert_int_equal(batch_pack(batch), ERROR_OK);
	assert_true(batch_bytes(batch) < before);
	assert_int_equal(batch_bytes_to_publish(batch), batch_bytes(batch));
	int64_t packed = batch_bytes(batch);
	assert_int_equal(batch_pack(batch), ERROR_OK);
	assert_int_equal(batch_bytes(batch), packed);
	struct gunzip *gunzip = gunzip_new();
	struct text rows;
	text_init(&rows, 1 << 20);
	assert_int_equal(gunzip_take(gunzip, batch->rows.data, batch->rows.length, keep, &rows),
			 ERROR_OK);
	assert_true(gunzip_is_whole(gunzip));
	assert_int_equal(rows.length, before);
	assert_memory_equal(rows.data, TESTING_ROW TESTING_ROW, 2 * strlen(TESTING_ROW));
	text_clean_up(&rows);
	gunzip_destroy(&gunzip);
	batch_destroy(&batch);
	/* a reader of gzip wants a member, also of nothing */
	batch = batch_new(0, 0, 0);
	batch->range.format = DATA_JSONL_GZ;
	assert_int_equal(batch_pack(batch), ERROR_OK);
	assert_true(batch->rows.length > 0);
	batch_destroy(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_gaps_from_where_the_last_one_ended),
		cmocka_unit_test(full_by_records_or_bytes),
		cmocka_unit_test(due_by_age_or_idleness_but_not_when_empty),
		cmocka_unit_test(rows_are_in_the_format_of_the_name),
		cmocka_unit_test(is_packed_once_and_counts_what_it_holds),
		cmocka_unit_test(of_another_period_from_the_boundary_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
