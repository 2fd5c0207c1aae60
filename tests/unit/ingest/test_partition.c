/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The life of one partition, with jobs that the test itself answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_testing.h"
#include "partition.h"

static const struct partition_policy policy = {
	.rotate = { .rows = 3, .bytes = 1 << 20, .age_us = 1000, .idle_us = 400 },
	.retry_min_us = 100,
	.retry_max_us = 350,
	.blocked_retry_us = 5000,
	.fence_wait_us = 900,
	.record = { .bounds = { 20000, 60000, 1000, 5000 },
		    .wall_us = 1751328000000000,
		    .unknown_ignored = true },
};

/* Answers the job that is due now. */
static enum partition_event answer(struct partition *p, enum error error, int64_t now_us)
{
	struct job *job = partition_next_job(p, now_us);
	assert_non_null(job);
	job->error = error;
	return partition_finish(p, job, &policy, now_us);
}

static struct partition *reading(int64_t start)
{
	struct partition *p = partition_new(&testing_dataset, 2);
	struct job *job = partition_next_job(p, 0);
	assert_int_equal(job->kind, JOB_RECOVER);
	job->recovery = (struct recovery){ .start = start, .published = start - 1 };
	assert_int_equal(partition_finish(p, job, &policy, 0), PARTITION_RECOVERED);
	assert_int_equal(p->state, PARTITION_READY);
	p->state = PARTITION_READING;
	return p;
}

static void take(struct partition *p, int64_t offset, const char *value, int64_t now_us)
{
	const rd_kafka_message_t message = testing_message(offset, value);
	assert_int_equal(partition_take(p, &message, &policy, now_us), ERROR_OK);
}

static void nothing_is_taken_before_the_position_is_known(void **state)
{
	(void)state;
	struct partition *p = partition_new(&testing_dataset, 2);
	assert_string_equal(partition_state_name(p), "recovering");
	take(p, 0, TESTING_TICK, 0);
	assert_null(p->open);
	assert_true(partition_is_idle(p));
	partition_destroy(&p);
}

static void what_was_taken_is_not_taken_again(void **state)
{
	(void)state;
	struct partition *p = reading(10);
	take(p, 9, TESTING_TICK, 0);
	assert_null(p->open);
	take(p, 10, TESTING_TICK, 0);
	take(p, 10, TESTING_TICK, 0);
	take(p, 12, TESTING_TICK, 0);
	take(p, 11, TESTING_TICK, 0);
	assert_int_equal(p->open->row_count, 2);
	assert_string_equal(p->open->rows.data, TESTING_ROW TESTING_ROW);
	assert_true(testing_metric("ingest_skipped_offsets_total{dataset=\"ticks\"}") == 1);
	partition_destroy(&p);
	assert_true(testing_metric("ingest_batches_dropped_total{dataset=\"ticks\","
				   "reason=\"released\"}") == 1);
}

static void batches_follow_without_a_hole(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	const int64_t offsets[] = { 0, 1, 5, 6, 9 };
	for (size_t i = 0; i < 5; i++)
		take(p, offsets[i], TESTING_TICK, 0);
	/* full at three rows; the next begins where it ended */
	assert_int_equal(p->sealed->range.first, 0);
	assert_int_equal(p->sealed->range.last, 5);
	assert_int_equal(p->open->range.first, 6);
	partition_rotate(p, &policy, 0, true);
	assert_int_equal(p->sealed->next->range.last, 9);
	assert_int_equal(p->cover_from, 10);
	assert_int_equal(partition_waiting(p), 2);
	/* in order, one at a time */
	struct job *job = partition_next_job(p, 0);
	assert_int_equal(job->batch->range.first, 0);
	assert_null(partition_next_job(p, 0));
	assert_int_equal(partition_finish(p, job, &policy, 0), PARTITION_PUBLISHED);
	assert_int_equal(p->published, 5);
	assert_int_equal(p->last_file.rows, 3);
	assert_int_equal(answer(p, ERROR_OK, 0), PARTITION_PUBLISHED);
	assert_int_equal(p->published, 9);
	assert_true(partition_is_idle(p));
	partition_destroy(&p);
}

#define NEXT_DAY                                                                          \
	"{\"timestamp\":\"2025-07-02T00:00:00Z\",\"buy_price\":100.5,\"sell_price\":101," \
	"\"volume\":2000,\"volatility\":1}"

/* Each offset is in one range, and each file holds rows of one date; what has no row goes along. */
static void a_file_ends_where_the_date_of_its_rows_does(void **state)
{
	(void)state;
	testing_dataset.by_date = true;
	struct partition *p = reading(0);
	take(p, 0, "dead", 0);
	assert_int_equal(p->open->date, DATE_NONE);
	take(p, 1, TESTING_TICK, 0);
	take(p, 4, NEXT_DAY, 0);
	take(p, 5, "dead", 0);
	take(p, 6, TESTING_TICK, 0);
	const struct batch *first = p->sealed, *second = first->next;
	assert_int_equal(first->date, 20270);
	assert_int_equal(first->dead_letter_count, 1);
	assert_int_equal(first->range.first, 0);
	assert_int_equal(first->range.last, 1);
	assert_int_equal(second->date, 20271);
	assert_int_equal(second->range.first, 2);
	assert_int_equal(second->range.last, 5);
	assert_int_equal(p->open->date, 20270);
	assert_int_equal(p->open->range.first, 6);
	assert_string_equal(p->open->rows.data, TESTING_ROW);
	assert_true(testing_metric("ingest_date_turns_total{dataset=\"ticks\"}") == 2);
	partition_rotate(p, &policy, 0, true);
	take(p, 7, "dead", 0);
	assert_int_equal(p->open->date, 20270); /* beside the rows before it */
	assert_int_equal(answer(p, ERROR_OK, 0), PARTITION_PUBLISHED);
	assert_int_equal(p->last_file.date, 20270);
	assert_int_equal(p->sealed->date, 20271);
	partition_destroy(&p);
	testing_dataset.by_date = false;
}

static void what_is_no_record_is_a_dead_letter(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	take(p, 0, NULL, 0);
	take(p, 1, "", 0);
	take(p, 2, "{\"price\":1}\n{\"price\":1}", 0);
	assert_int_equal(p->sealed->dead_letter_count, 3);
	assert_int_equal(p->sealed->rows.length, 0);
	assert_non_null(strstr(p->sealed->dead_letters.data, "\"reason\":\"null\""));
	assert_non_null(strstr(p->sealed->dead_letters.data, "\"reason\":\"empty\""));
	partition_destroy(&p);
}

static void rotates_when_due_unless_the_way_is_not_free(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	partition_rotate(p, &policy, 5000, true);
	assert_null(p->sealed); /* nothing was read */
	take(p, 0, TESTING_TICK, 100);
	partition_rotate(p, &policy, 499, false);
	assert_null(p->sealed);
	partition_rotate(p, &policy, 500, false);
	assert_non_null(p->sealed);
	/* an earlier one still waits: small ones would pile up behind it */
	take(p, 1, TESTING_TICK, 600);
	partition_rotate(p, &policy, 9000, false);
	assert_non_null(p->open);
	take(p, 2, TESTING_TICK, 9000);
	take(p, 3, TESTING_TICK, 9000);
	assert_null(p->open); /* full all the same */
	partition_destroy(&p);
}

static void files_have_the_format_of_the_dataset(void **state)
{
	(void)state;
	testing_dataset.format = DATA_CSV_GZ;
	struct partition *p = reading(0);
	take(p, 0, TESTING_TICK, 0);
	partition_rotate(p, &policy, 0, true);
	assert_int_equal(p->sealed->range.format, DATA_CSV_GZ);
	int64_t rows = partition_bytes(p);
	struct job *job = partition_next_job(p, 0);
	assert_true(partition_bytes(p) > 2 * rows); /* both are held while it is packed */
	assert_int_equal(batch_pack(job->batch), ERROR_OK);
	partition_finish(p, job, &policy, 0);
	assert_int_equal(p->last_file.range.format, DATA_CSV_GZ);
	assert_int_equal(partition_bytes(p), 0);
	p->gaps[0] = (struct gap){ 5, 9 };
	p->gap_count = 1;
	assert_int_equal(partition_fill_gaps(p, 0), 1);
	assert_int_equal(p->sealed->range.format, DATA_CSV_GZ);
	partition_destroy(&p);
}

static const int64_t HOUR_US = INT64_C(3600000000);

static void take_at(struct partition *p, int64_t offset, struct partition_policy *clock,
		    int64_t wall_us)
{
	const rd_kafka_message_t message = testing_message(offset, TESTING_TICK);
	clock->record.wall_us = wall_us;
	assert_int_equal(partition_take(p, &message, clock, 0), ERROR_OK);
}

static void a_file_ends_at_the_boundary_of_the_clock(void **state)
{
	(void)state;
	const int64_t hour_us = 487000 * HOUR_US;
	struct partition_policy clock = policy;
	clock.rotate = (struct batch_rules){
		.rows = 100, .bytes = 1 << 20, .age_us = 1000, .idle_us = 1000, .clock_us = HOUR_US
	};
	struct partition *p = reading(0);
	take_at(p, 0, &clock, hour_us + 1);
	take_at(p, 1, &clock, hour_us + HOUR_US - 1);
	assert_null(p->sealed);
	/* exactly at the boundary: of the new hour, though nobody asked for a rotation */
	take_at(p, 2, &clock, hour_us + HOUR_US);
	assert_int_equal(p->sealed->range.last, 1);
	assert_int_equal(p->open->range.first, 2);
	/* the clock is set back over it */
	take_at(p, 3, &clock, hour_us + HOUR_US - 5);
	assert_int_equal(p->sealed->next->range.last, 2);
	/* nothing comes any more: the file ends all the same, behind those that still wait */
	partition_rotate(p, &clock, 0, false);
	assert_int_equal(p->open->range.first, 3);
	clock.record.wall_us = hour_us + HOUR_US;
	partition_rotate(p, &clock, 0, false);
	assert_null(p->open);
	assert_int_equal(partition_waiting(p), 3);
	/* a partition without records has nothing to end */
	clock.record.wall_us += HOUR_US;
	partition_rotate(p, &clock, 0, false);
	assert_int_equal(partition_waiting(p), 3);
	partition_destroy(&p);
}

static void transient_errors_back_off_up_to_the_limit(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	take(p, 0, TESTING_TICK, 0);
	partition_rotate(p, &policy, 0, true);
	int64_t now_us = 0;
	static const int64_t waits_us[] = { 100, 200, 350, 350 };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(answer(p, ERROR_CLOSED, now_us), PARTITION_NOTHING);
		int64_t wait_us = p->retry_at_us - now_us;
		assert_in_range(wait_us, waits_us[i] * 3 / 4, waits_us[i]);
		assert_null(partition_next_job(p, p->retry_at_us - 1));
		now_us = p->retry_at_us;
	}
	assert_int_equal(p->failures, 4);
	assert_string_equal(partition_state_name(p), "retrying");
	assert_int_equal(partition_waiting(p), 1); /* nothing is dropped */
	assert_int_equal(answer(p, ERROR_OK, now_us), PARTITION_PUBLISHED);
	assert_int_equal(p->failures, 0);
	assert_string_equal(partition_state_name(p), "reading");
	partition_destroy(&p);
}

static void what_somebody_must_mend_blocks(void **state)
{
	(void)state;
	static const enum error errors[] = { ERROR_DENIED, ERROR_QUOTA, ERROR_CREDENTIAL,
					     ERROR_INVALID, ERROR_CONFLICT };
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct partition *p = reading(0);
		take(p, 0, TESTING_TICK, 0);
		partition_rotate(p, &policy, 0, true);
		answer(p, errors[i], 0);
		assert_string_equal(partition_state_name(p), "blocked");
		assert_in_range(p->retry_at_us, policy.blocked_retry_us * 3 / 4,
				policy.blocked_retry_us);
		assert_int_equal(answer(p, ERROR_OK, p->retry_at_us), PARTITION_PUBLISHED);
		partition_destroy(&p);
	}
}

static void a_fenced_owner_drops_and_takes_over_anew(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	const char *epoch = p->lease->epoch;
	char before[64];
	snprintf(before, sizeof before, "%s", epoch);
	for (int64_t offset = 0; offset < 4; offset++)
		take(p, offset, TESTING_TICK, 0);
	assert_int_equal(answer(p, ERROR_FENCED, 0), PARTITION_FENCED);
	assert_int_equal(p->state, PARTITION_RECOVERING);
	assert_true(partition_is_idle(p));
	assert_null(partition_next_job(p, 0)); /* not at once: the group may have news */
	struct job *job = partition_next_job(p, policy.fence_wait_us);
	assert_int_equal(job->kind, JOB_RECOVER);
	assert_string_not_equal(job->lease->epoch, before);
	assert_true(testing_metric("ingest_fences_total{dataset=\"ticks\"}") == 1);
	partition_finish(p, job, &policy, 0);
	partition_destroy(&p);
}

static void the_oldest_record_is_known_until_it_is_published(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	assert_true(partition_oldest_us(p) == INT64_MAX);
	for (int64_t offset = 0; offset < 7; offset++)
		take(p, offset, TESTING_TICK, 10 + offset);
	assert_int_equal(partition_oldest_us(p), 10);
	assert_int_equal(partition_in_flight(p), 0);
	struct job *job = partition_next_job(p, 20);
	assert_int_equal(partition_oldest_us(p), 10); /* in flight is not on HDFS */
	assert_int_equal(partition_in_flight(p), 1);
	job->batch->attempts = 1;
	job->error = ERROR_CLOSED;
	partition_finish(p, job, &policy, 20);
	assert_int_equal(partition_oldest_us(p), 10);
	assert_int_equal(partition_in_flight(p), 1); /* begun, and to be repeated */
	answer(p, ERROR_OK, p->retry_at_us);
	assert_int_equal(partition_oldest_us(p), 13);
	assert_int_equal(partition_in_flight(p), 0);
	answer(p, ERROR_OK, 100);
	assert_int_equal(partition_oldest_us(p), 16); /* the open batch */
	partition_destroy(&p);
}

static void a_restart_forgets_the_job_under_way(void **state)
{
	(void)state;
	struct partition *p = reading(0);
	for (int64_t offset = 0; offset < 3; offset++)
		take(p, offset, TESTING_TICK, 0);
	struct job *orphan = partition_next_job(p, 0);
	assert_int_equal(partition_bytes(p), strlen(TESTING_ROW) * 3);
	partition_restart(p, "test", 0, 0);
	assert_int_equal(partition_bytes(p), 0);
	assert_ptr_not_equal(p->flying, orphan);
	assert_true(atomic_load(&orphan->lease->ended));
	job_destroy(&orphan);
	partition_destroy(&p);
}

static void lost_offsets_wait_for_somebody_and_are_covered(void **state)
{
	(void)state;
	struct partition *p = partition_new(&testing_dataset, 2);
	struct job *job = partition_next_job(p, 0);
	job->recovery = (struct recovery){ .start = 20, .published = 9, .gap_count = 1 };
	job->recovery.gaps[0] = (struct gap){ 10, 19 };
	partition_finish(p, job, &policy, 0);
	assert_int_equal(p->gap_count, 1);
	assert_true(testing_metric("ingest_lost_offsets_total{dataset=\"ticks\"}") == 10);
	/* the same loss, found again, is not counted again */
	partition_restart(p, "test", 0, 0);
	job = partition_next_job(p, 0);
	job->recovery = (struct recovery){ .start = 20, .published = 9, .gap_count = 1 };
	job->recovery.gaps[0] = (struct gap){ 10, 19 };
	partition_finish(p, job, &policy, 0);
	assert_true(testing_metric("ingest_lost_offsets_total{dataset=\"ticks\"}") == 10);
	assert_int_equal(partition_fill_gaps(p, 0), 1);
	assert_int_equal(p->gap_count, 0);
	job = partition_next_job(p, 0);
	assert_int_equal(job->batch->range.first, 10);
	assert_int_equal(job->batch->range.last, 19);
	assert_int_equal(partition_finish(p, job, &policy, 0), PARTITION_PUBLISHED);
	assert_int_equal(p->published, 19);
	partition_destroy(&p);
}

static int begin(void **state)
{
	(void)state;
	testing_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	testing_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_taken_before_the_position_is_known,
						begin, end),
		cmocka_unit_test_setup_teardown(what_was_taken_is_not_taken_again, begin, end),
		cmocka_unit_test_setup_teardown(batches_follow_without_a_hole, begin, end),
		cmocka_unit_test_setup_teardown(a_file_ends_where_the_date_of_its_rows_does, begin,
						end),
		cmocka_unit_test_setup_teardown(what_is_no_record_is_a_dead_letter, begin, end),
		cmocka_unit_test_setup_teardown(rotates_when_due_unless_the_way_is_not_free, begin,
						end),
		cmocka_unit_test_setup_teardown(files_have_the_format_of_the_dataset, begin, end),
		cmocka_unit_test_setup_teardown(a_file_ends_at_the_boundary_of_the_clock, begin,
						end),
		cmocka_unit_test_setup_teardown(transient_errors_back_off_up_to_the_limit, begin,
						end),
		cmocka_unit_test_setup_teardown(what_somebody_must_mend_blocks, begin, end),
		cmocka_unit_test_setup_teardown(a_fenced_owner_drops_and_takes_over_anew, begin,
						end),
		cmocka_unit_test_setup_teardown(the_oldest_record_is_known_until_it_is_published,
						begin, end),
		cmocka_unit_test_setup_teardown(a_restart_forgets_the_job_under_way, begin, end),
		cmocka_unit_test_setup_teardown(lost_offsets_wait_for_somebody_and_are_covered,
						begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
