/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking a partition over: the order of the calls is the proof, so the script holds it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../common/fake_hdfs.h"
#include "date_folder.h"
#include "recovery.h"
#include "scripted_hdfs.h"

#define MADE(path)                                                               \
	{                                                                        \
		.expect = path, .status = "200 OK", .body = "{\"boolean\":true}" \
	}
#define ENTRY(name, type)                                                          \
	"{\"fileId\":1,\"length\":1,\"modificationTime\":1,\"pathSuffix\":\"" name \
	"\",\"type\":\"" type "\"}"
#define FILE_ENTRY(name) ENTRY(name, "FILE")
#define LIST(path, entries)                                                             \
	{                                                                               \
		.expect = path, .status = "200 OK",                                     \
		.body = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{" \
			"\"FileStatus\":"                                               \
			"[" entries "]}},\"remainingEntries\":0}}"                      \
	}
#define ROWS(first, last) \
	FILE_ENTRY("part-00003-000000000000000000" first "-000000000000000000" last ".csv")
#define DEAD(first, last) \
	FILE_ENTRY("part-00003-000000000000000000" first "-000000000000000000" last ".jsonl")
#define MAKE_EPOCH           MADE("/r/staging/bitcoin_data/3/")
#define LIST_OTHERS(entries) LIST("/r/staging/bitcoin_data/3?op=LISTSTATUS_BATCH", entries)
#define MAKE_THE_FOLDER      MADE("/r/data/bitcoin_data?op=MKDIRS")
#define LIST_DATES(entries) \
	LIST("/r/data/bitcoin_data?op=LISTSTATUS_BATCH&user.name=u&startAfter=dt%3D ", entries)
/* Not split by date. */
#define MAKE_DATA MAKE_THE_FOLDER, LIST_DATES(FILE_ENTRY("part-00000-0.csv"))
#define LIST_DATE(date, entries)                                                   \
	LIST("/r/data/bitcoin_data/dt%3D" date "?op=LISTSTATUS_BATCH&user.name=u&" \
	     "startAfter=part-00003- ",                                            \
	     entries)
#define LIST_DATE_TAIL(date, first, entries)                                       \
	LIST("/r/data/bitcoin_data/dt%3D" date "?op=LISTSTATUS_BATCH&user.name=u&" \
	     "startAfter=part-00003-000000000000000000" first "- ",                \
	     entries)
#define TWO_DATES                                                 \
	LIST_DATES(ENTRY("dt=2025-07-01", "DIRECTORY") "," ENTRY( \
		"dt=2025-07-02", "DIRECTORY") "," ENTRY("dt=later", "DIRECTORY"))
#define LIST_DATA(entries)                                                                   \
	LIST("/r/data/bitcoin_data?op=LISTSTATUS_BATCH&user.name=u&startAfter=part-00003- ", \
	     entries)
/* The look at the tail, from the last file that is not empty. */
#define LIST_TAIL(first, entries)                                               \
	LIST("/r/data/bitcoin_data?op=LISTSTATUS_BATCH&user.name=u&startAfter=" \
	     "part-00003-000000000000000000" first "- ",                        \
	     entries)
#define EMPTY(first, last)                                                               \
	"{\"fileId\":1,\"length\":0,\"modificationTime\":1,\"pathSuffix\":\"part-00003-" \
	"000000000000000000" first "-000000000000000000" last ".csv\",\"type\":\"FILE\"}"
#define MAKE_DEAD MADE("/r/dead_letters/bitcoin_data?op=MKDIRS")
#define LIST_DEAD(entries)                                                           \
	LIST("/r/dead_letters/"                                                      \
	     "bitcoin_data?op=LISTSTATUS_BATCH&user.name=u&startAfter=part-00003- ", \
	     entries)

static enum error take_over(const struct peer_step *steps, size_t count, struct recovery *recovery)
{
	struct scripted_hdfs hdfs;
	scripted_begin(&hdfs, steps, count);
	struct lease *lease = lease_new(&testing_dataset, 3);
	enum error error = recovery_take_over(lease, hdfs.client, recovery, &hdfs.why);
	lease_drop(&lease);
	scripted_end(&hdfs, error);
	return error;
}

static void fences_first_and_lists_then(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(ENTRY("older", "DIRECTORY") "," ENTRY("x y", "DIRECTORY")),
		MADE("DELETE /webhdfs/v1/r/staging/bitcoin_data/3/older?op=DELETE&user.name=u"
		     "&recursive=true "),
		/* somebody else was faster */
		{ .expect = "/3/x%20y?", .status = "200 OK", .body = "{\"boolean\":false}" },
		MAKE_DATA,
		LIST_DATA(ROWS("00", "09") "," ROWS("10", "24") "," FILE_ENTRY(
			"part-00003-not-ours.csv") "," FILE_ENTRY("part-00004-0.csv")),
		LIST_TAIL("10", ROWS("10", "24")),
		MAKE_DEAD,
		LIST_DEAD(DEAD("00", "09") "," DEAD("25", "30")),
		MADE("DELETE /webhdfs/v1/r/dead_letters/bitcoin_data/part-00003-"
		     "00000000000000000025-00000000000000000030.jsonl?"),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_OK);
	assert_int_equal(recovery.published, 24);
	assert_int_equal(recovery.files, 2);
	assert_int_equal(recovery.gap_count, 0);
	assert_int_equal(recovery.overlaps, 0);
}

static void nothing_is_published(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { MAKE_EPOCH,    LIST_OTHERS(""), MAKE_DATA,
						  LIST_DATA(""), MAKE_DEAD,       LIST_DEAD("") };
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_OK);
	assert_int_equal(recovery.published, -1);
}

static void holes_and_overlaps_are_told(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(""),
		MAKE_DATA,
		LIST_DATA(ROWS("05", "09") "," ROWS("12", "20") "," ROWS("15", "21")),
		/* a hole may be a join that ran between two pages: all of it again */
		LIST_DATA(ROWS("05", "09") "," ROWS("12", "20") "," ROWS("15", "21")),
		MAKE_DEAD,
		LIST_DEAD(""),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_OK);
	assert_int_equal(recovery.published, 21);
	assert_int_equal(recovery.gap_count, 1); /* before the first file is no hole */
	assert_int_equal(recovery.gaps[0].first, 10);
	assert_int_equal(recovery.gaps[0].last, 11);
	assert_int_equal(recovery.overlaps, 1);
}

/* Renamed, not joined yet: the first name covers the others, and they are no overlap. */
static void an_unfinished_join_is_no_overlap(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(""),
		MAKE_DATA,
		LIST_DATA(ROWS("00", "29") "," ROWS("10", "19") "," EMPTY("20", "29")),
		LIST_TAIL("10", ROWS("10", "19") "," EMPTY("20", "29")),
		MAKE_DEAD,
		LIST_DEAD(""),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_OK);
	assert_int_equal(recovery.published, 29);
	assert_int_equal(recovery.files, 3);
	assert_int_equal(recovery.covered, 2);
	assert_int_equal(recovery.overlaps, 0);
	assert_int_equal(recovery.gap_count, 0);
}

/* A sleeper's join between two pages: the first shows the old name, the second nothing. Without
 * the second look, what was joined would be read again. */
static void a_join_between_two_pages_is_noticed(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(""),
		MAKE_DATA,
		LIST_DATA(ROWS("00", "09")),
		LIST_TAIL("00", ROWS("00", "29")),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_RETRIABLE);
}

/* The same for a hole in the middle that was none. */
static void a_hole_that_closes_is_noticed(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(""),
		MAKE_DATA,
		LIST_DATA(ROWS("00", "09") "," ROWS("30", "39")),
		LIST_DATA(ROWS("00", "29") "," ROWS("30", "39")),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_RETRIABLE);
}

/* In the dataset's own folder from before the split; rows of two dates that came mixed. */
static void all_folders_together_have_no_hole(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(""),
		MAKE_THE_FOLDER,
		TWO_DATES,
		LIST_DATA(ROWS("00", "09")),
		LIST_DATE("2025-07-01", ROWS("10", "19") "," ROWS("25", "29")),
		LIST_DATE("2025-07-02",
			  ROWS("20", "24") "," ROWS("30", "39") "," EMPTY("40", "44")),
		LIST_DATE_TAIL("2025-07-02", "30", ROWS("30", "39") "," EMPTY("40", "44")),
		MAKE_DEAD,
		LIST_DEAD(""),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_OK);
	assert_int_equal(recovery.published, 44);
	assert_int_equal(recovery.files, 6);
	assert_int_equal(recovery.gap_count, 0);
	assert_int_equal(recovery.covered + recovery.overlaps, 0);
}

static void holes_between_folders_are_told(void **state)
{
	(void)state;
#define WITH_A_HOLE                                                                    \
	LIST_DATA(""), LIST_DATE("2025-07-01", ROWS("10", "19") "," ROWS("25", "29")), \
		LIST_DATE("2025-07-02", ROWS("22", "24") "," ROWS("28", "39"))
	static const struct peer_step steps[] = {
		MAKE_EPOCH,  LIST_OTHERS(""), MAKE_THE_FOLDER, TWO_DATES,
		WITH_A_HOLE, WITH_A_HOLE,     MAKE_DEAD,       LIST_DEAD(""),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_OK);
	assert_int_equal(recovery.published, 39);
	assert_int_equal(recovery.gap_count, 1);
	assert_int_equal(recovery.gaps[0].first, 20);
	assert_int_equal(recovery.gaps[0].last, 21);
	assert_int_equal(recovery.overlaps, 1);
}

/* What a join took that began behind the last file with rows, in another folder. */
static void a_join_of_empty_files_behind_is_noticed(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(""),
		MAKE_THE_FOLDER,
		TWO_DATES,
		LIST_DATA(EMPTY("40", "44")),
		LIST_DATE("2025-07-01", ROWS("10", "39")),
		LIST_DATE("2025-07-02", ""),
		LIST_TAIL("10", ROWS("40", "49")),
		LIST_DATE_TAIL("2025-07-01", "10", ROWS("10", "39")),
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_RETRIABLE);
}

enum { FIRST_DATE = 20270, DATES = 40, DATE_OFFSETS = 10 };

/* A file for each date, in the order of their offsets, but for the date `without`. */
static enum error take_dates_over(int without, void (*after_listing)(struct fake_hdfs *, int),
				  struct recovery *recovery)
{
	testing_begin();
	struct fake_hdfs *fake = fake_hdfs_start();
	fake_put(fake, "/r/dead_letters/bitcoin_data/other", "", 0);
	fake_put(fake, "/r/staging/bitcoin_data/3/older/x", "", 0);
	for (int i = 0; i < DATES; i++) {
		char folder[100], path[200];
		date_folder_path("/r/data/bitcoin_data", FIRST_DATE + i, folder, sizeof folder);
		snprintf(path, sizeof path, "%s/part-00003-%020d-%020d.csv", folder,
			 DATE_OFFSETS * i, DATE_OFFSETS * (i + 1) - 1);
		if (i != without)
			fake_put(fake, path, "x", 1);
	}
	fake->after_listing = after_listing;
	const struct webhdfs_options options = fake_options(fake);
	struct webhdfs *hdfs;
	assert_int_equal(webhdfs_new(&options, &hdfs, NULL), ERROR_OK);
	struct lease *lease = lease_new(&testing_dataset, 3);
	struct text why;
	text_init(&why, 10000);
	enum error error = recovery_take_over(lease, hdfs, recovery, &why);
	assert_true(error == ERROR_OK || strstr(why.data, "/r/data/bitcoin_data"));
	text_clean_up(&why);
	lease_drop(&lease);
	webhdfs_destroy(&hdfs);
	fake_hdfs_stop(fake);
	testing_end();
	return error;
}

static void many_folders_are_listed_at_a_time(void **state)
{
	(void)state;
	struct recovery recovery;
	assert_int_equal(take_dates_over(-1, NULL, &recovery), ERROR_OK);
	assert_int_equal(recovery.published, DATES * DATE_OFFSETS - 1);
	assert_int_equal(recovery.files, DATES);
	assert_int_equal(recovery.gap_count, 0);
	assert_int_equal(recovery.covered + recovery.overlaps, 0);
	assert_int_equal(take_dates_over(17, NULL, &recovery), ERROR_OK);
	assert_int_equal(recovery.files, DATES - 1);
	assert_int_equal(recovery.gap_count, 1);
	assert_int_equal(recovery.gaps[0].first, 17 * DATE_OFFSETS);
	assert_int_equal(recovery.gaps[0].last, 18 * DATE_OFFSETS - 1);
}

static void fail_in_the_middle(struct fake_hdfs *fake, int listings)
{
	if (listings == DATES / 2)
		atomic_store(&fake->fail_next, 1);
}

static void one_folder_that_is_not_told_is_enough(void **state)
{
	(void)state;
	struct recovery recovery;
	assert_int_equal(take_dates_over(-1, fail_in_the_middle, &recovery), ERROR_UNAVAILABLE);
}

/* An earlier owner's folder that can't be deleted: without the fence nothing may be read. */
static void no_fence_no_recovery(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		MAKE_EPOCH,
		LIST_OTHERS(ENTRY("older", "DIRECTORY")),
		{ .expect = "op=DELETE", .status = "403 x" },
	};
	struct recovery recovery;
	assert_int_equal(take_over(steps, COUNT(steps), &recovery), ERROR_DENIED);
}

static void starts_behind_what_is_published(void **state)
{
	(void)state;
	struct recovery r = { .published = 24 };
	assert_int_equal(recovery_find_start(&r, -1, 0, 100, NULL), ERROR_OK);
	assert_int_equal(r.start, 25);
	/* the group's offset does not matter then */
	assert_int_equal(recovery_find_start(&r, 90, 0, 100, NULL), ERROR_OK);
	assert_int_equal(r.start, 25);
	assert_int_equal(recovery_find_start(&r, -1, 25, 25, NULL), ERROR_OK);
	assert_int_equal(r.start, 25);
	assert_int_equal(r.gap_count, 0);
}

static void starts_at_the_committed_offset_or_the_earliest(void **state)
{
	(void)state;
	struct recovery r = { .published = -1 };
	assert_int_equal(recovery_find_start(&r, 7, 3, 100, NULL), ERROR_OK);
	assert_int_equal(r.start, 7);
	assert_int_equal(recovery_find_start(&r, -1, 3, 100, NULL), ERROR_OK);
	assert_int_equal(r.start, 3);
	assert_int_equal(r.gap_count, 0);
}

static void retention_that_passed_us_is_a_gap(void **state)
{
	(void)state;
	struct recovery r = { .published = 24 };
	assert_int_equal(recovery_find_start(&r, -1, 30, 100, NULL), ERROR_OK);
	assert_int_equal(r.start, 30);
	assert_int_equal(r.gap_count, 1);
	assert_int_equal(r.gaps[0].first, 25);
	assert_int_equal(r.gaps[0].last, 29);
	struct recovery c = { .published = -1 };
	assert_int_equal(recovery_find_start(&c, 5, 30, 100, NULL), ERROR_OK);
	assert_int_equal(c.gaps[0].first, 5);
}

static void a_log_that_ends_before_us_is_another_log(void **state)
{
	(void)state;
	struct text why;
	text_init(&why, 1000);
	struct recovery r = { .published = 24 };
	assert_int_equal(recovery_find_start(&r, -1, 0, 24, &why), ERROR_CONFLICT);
	assert_non_null(strstr(why.data, "24"));
	assert_int_equal(recovery_find_start(&r, -1, 0, 25, NULL), ERROR_OK);
	text_clean_up(&why);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fences_first_and_lists_then),
		cmocka_unit_test(nothing_is_published),
		cmocka_unit_test(holes_and_overlaps_are_told),
		cmocka_unit_test(an_unfinished_join_is_no_overlap),
		cmocka_unit_test(a_join_between_two_pages_is_noticed),
		cmocka_unit_test(a_hole_that_closes_is_noticed),
		cmocka_unit_test(all_folders_together_have_no_hole),
		cmocka_unit_test(holes_between_folders_are_told),
		cmocka_unit_test(a_join_of_empty_files_behind_is_noticed),
		cmocka_unit_test(many_folders_are_listed_at_a_time),
		cmocka_unit_test(one_folder_that_is_not_told_is_enough),
		cmocka_unit_test(no_fence_no_recovery),
		cmocka_unit_test(starts_behind_what_is_published),
		cmocka_unit_test(starts_at_the_committed_offset_or_the_earliest),
		cmocka_unit_test(retention_that_passed_us_is_a_gap),
		cmocka_unit_test(a_log_that_ends_before_us_is_another_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
