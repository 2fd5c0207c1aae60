/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What --verify says of a partition, from names, counts and the offsets that the log delivers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verify_spans.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct given {
	int64_t first, last, rows;
};

static struct verify_partition partition_of(int64_t low, int64_t high, const struct given *files,
					    size_t count)
{
	struct verify_partition p = { .low = low, .high = high };
	for (size_t i = 0; i < count; i++) {
		const struct file_range range = { 0, files[i].first, files[i].last, DATA_CSV };
		assert_int_equal(verify_add_file(&p, &range, files[i].rows), ERROR_OK);
	}
	return p;
}

/* The log delivers every offset in [from, to] but those that divide by `skip`. */
static void deliver(struct verify_partition *p, int64_t from, int64_t to, int64_t skip)
{
	size_t at = 0;
	for (int64_t i = from; i <= to; i++)
		if (skip == 0 || i % skip != 0)
			verify_add_record(p, &at, i);
}

static void check(struct verify_partition *p, int64_t faults, const char *words)
{
	struct text report;
	text_init(&report, 100000);
	int64_t found = verify_judge(p, &report);
	if (found != faults || (words && !strstr(report.data, words)))
		print_message("%s", report.data);
	assert_int_equal(found, faults);
	if (words)
		assert_non_null(strstr(report.data, words));
	else
		assert_int_equal(report.length, 0);
	text_clean_up(&report);
	verify_partition_clean_up(p);
}

static void each_record_in_one_file_agrees(void **state)
{
	(void)state;
	const struct given files[] = { { 0, 9, 9 }, { 10, 19, 10 } };
	struct verify_partition p = partition_of(0, 25, files, COUNT(files));
	verify_add_letters(&p, &(struct file_range){ 0, 0, 9, DATA_CSV }, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 24, 0);
	assert_int_equal(p.spans[p.count - 1].records, 5); /* not published yet */
	check(&p, 0, NULL);
}

static void offsets_without_a_record_are_covered_or_noted(void **state)
{
	(void)state;
	const struct given files[] = { { 0, 9, 8 }, { 11, 19, 8 } }; /* markers at 0, 5, 10, 15 */
	struct verify_partition p = partition_of(0, 20, files, COUNT(files));
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 19, 5);
	check(&p, 0, "note: offsets 10 to 10 are in no file");
}

static void a_missing_file_is_a_fault(void **state)
{
	(void)state;
	const struct given files[] = { { 0, 9, 10 }, { 20, 29, 10 } };
	struct verify_partition p = partition_of(0, 30, files, COUNT(files));
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 29, 0);
	check(&p, 1, "offsets 10 to 19 are in no file, the log holds 10 records of them");
	/* before the first one as well */
	p = partition_of(0, 30, files + 1, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 29, 0);
	check(&p, 1, "offsets 0 to 19");
	/* and where retention has taken the proof */
	p = partition_of(25, 30, files, 2);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 25, 29, 0);
	check(&p, 1, "the log holds them no more");
}

static void rows_are_counted_against_the_log(void **state)
{
	(void)state;
	const struct given few[] = { { 0, 9, 9 } }, many[] = { { 0, 9, 11 } };
	struct verify_partition p = partition_of(0, 10, few, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 9, 0);
	check(&p, 1, "9 rows and 0 dead letters in the files, 10 records in the log");
	p = partition_of(0, 10, many, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 9, 0);
	check(&p, 1, "are 10, their files hold 11 rows");
	p = partition_of(0, 10, few, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 9, 2);
	check(&p, 1, "a compacted topic shows this as well");
}

static void an_unfinished_join_is_no_fault_and_an_overlap_is(void **state)
{
	(void)state;
	const struct given begun[] = { { 0, 29, 10 }, { 10, 19, 10 }, { 20, 29, 10 } };
	struct verify_partition p = partition_of(0, 30, begun, COUNT(begun));
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 29, 0);
	check(&p, 0, "a join of 3 files, offsets 0 to 29, is not ended");
	const struct given crossed[] = { { 0, 19, 20 }, { 10, 29, 10 } };
	p = partition_of(0, 30, crossed, COUNT(crossed));
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 29, 0);
	check(&p, 1, "share offsets");
}

static void what_the_log_holds_no_more_is_told(void **state)
{
	(void)state;
	const struct given files[] = { { 0, 9, 10 }, { 10, 19, 10 } };
	struct verify_partition p = partition_of(15, 20, files, COUNT(files));
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 15, 19, 0);
	check(&p, 0, "the log begins at offset 15");
}

static void another_log_is_a_fault(void **state)
{
	(void)state;
	const struct given files[] = { { 0, 9, 10 } };
	struct verify_partition p = partition_of(0, 5, files, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 4, 0);
	check(&p, 2, "it was made anew");
	p = partition_of(0, -1, files, 1);
	assert_int_equal(verify_close(&p), ERROR_OK);
	check(&p, 1, "no such partition");
}

static void dead_letters_belong_to_files(void **state)
{
	(void)state;
	const struct given files[] = { { 0, 9, 10 }, { 20, 29, 10 } };
	struct verify_partition p = partition_of(0, 30, files, COUNT(files));
	verify_add_letters(&p, &(struct file_range){ 0, 10, 19, DATA_CSV }, 2);
	assert_int_equal(verify_close(&p), ERROR_OK);
	check(&p, 3, "2 dead letters of offsets that are in no file");
	p = partition_of(0, 30, files, 1);
	verify_add_letters(&p, &(struct file_range){ 0, 10, 19, DATA_CSV }, 2);
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 29, 0);
	check(&p, 0, "2 dead letters whose rows are not published");
}

static void many_faults_are_counted(void **state)
{
	(void)state;
	struct verify_partition p = { .low = 0, .high = 1000 };
	for (int64_t i = 0; i < 50; i++) {
		const struct file_range range = { 0, 10 * i, 10 * i + 9, DATA_CSV };
		assert_int_equal(verify_add_file(&p, &range, 9), ERROR_OK);
	}
	assert_int_equal(verify_close(&p), ERROR_OK);
	deliver(&p, 0, 499, 0);
	check(&p, 50, "and 30 more");
}

static void nothing_at_all_agrees(void **state)
{
	(void)state;
	struct verify_partition p = { .low = 0, .high = 0 };
	assert_int_equal(verify_close(&p), ERROR_OK);
	assert_int_equal(verify_published(&p), -1);
	check(&p, 0, NULL);
}

/* Nothing is there of what was published, or not all of it. */
static void what_was_committed_must_be_there(void **state)
{
	(void)state;
	static const struct given files[] = { { 0, 9, 10 } };
	const struct {
		size_t files;
		int64_t committed, faults;
	} cases[] = { { 0, -1, 0 }, { 0, 0, 0 },  { 0, 10, 1 }, { 1, -1, 0 },
		      { 1, 3, 0 },  { 1, 10, 0 }, { 1, 11, 1 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct verify_partition p = partition_of(0, 20, files, cases[i].files);
		struct text report;
		text_init(&report, 10000);
		p.committed = cases[i].committed;
		assert_int_equal(verify_close(&p), ERROR_OK);
		deliver(&p, 0, 19, 0);
		assert_int_equal(verify_judge(&p, &report), cases[i].faults);
		assert_int_equal(strstr(report.data, "files are gone") != NULL, cases[i].faults);
		text_clean_up(&report);
		verify_partition_clean_up(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_committed_must_be_there),
		cmocka_unit_test(each_record_in_one_file_agrees),
		cmocka_unit_test(offsets_without_a_record_are_covered_or_noted),
		cmocka_unit_test(a_missing_file_is_a_fault),
		cmocka_unit_test(rows_are_counted_against_the_log),
		cmocka_unit_test(an_unfinished_join_is_no_fault_and_an_overlap_is),
		cmocka_unit_test(what_the_log_holds_no_more_is_told),
		cmocka_unit_test(another_log_is_a_fault),
		cmocka_unit_test(dead_letters_belong_to_files),
		cmocka_unit_test(many_faults_are_counted),
		cmocka_unit_test(nothing_at_all_agrees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
