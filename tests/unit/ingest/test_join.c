/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One join step by step against a scripted HDFS: the order of the calls, and what each answer
 * means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join.h"
#include "scripted_hdfs.h"

#define NAME(first, last) "part-00003-000000000000000000" first "-000000000000000000" last ".csv"
#define SIZED(id, first, last, length)                                                         \
	"{\"fileId\":" #id ",\"length\":" #length ",\"modificationTime\":1,\"blockSize\":128," \
	"\"pathSuffix\":\"" NAME(first, last) "\",\"type\":\"FILE\"}"
#define LIST(entries)                                                                             \
	{                                                                                         \
		.expect = "/r/data/bitcoin_data?op=LISTSTATUS_BATCH&user.name=u&startAfter=part-" \
			  "00003-",                                                               \
		.status = "200 OK",                                                               \
		.body = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{"           \
			"\"FileStatus\":[" entries "]}},\"remainingEntries\":0}}"                 \
	}
#define RENAME(first, last, to)                                                                   \
	.expect = "PUT /webhdfs/v1/r/data/bitcoin_data/" NAME(                                    \
		first, last) "?op=RENAME"                                                         \
			     "&user.name=u&destination=%2Fr%2Fdata%2Fbitcoin_data%2F" NAME(first, \
											   to)
#define SOURCE(first, last) "%2Fr%2Fdata%2Fbitcoin_data%2F" NAME(first, last)
#define CONCAT(first, last, sources)                            \
	.expect = "POST /webhdfs/v1/r/data/bitcoin_data/" NAME( \
		first, last) "?op=CONCAT"                       \
			     "&user.name=u&sources=" sources " "
#define STAT(first, last) \
	.expect = "GET /webhdfs/v1/r/data/bitcoin_data/" NAME(first, last) "?op=GET"
#define DELETE(first, last) \
	.expect = "DELETE /webhdfs/v1/r/data/bitcoin_data/" NAME(first, last) "?op=DELETE"
#define DONE .status = "200 OK"
#define TRUE .status = "200 OK", .body = "{\"boolean\":true}"
#define FOUND(id, length)                                                                     \
	.status = "200 OK", .body = "{\"FileStatus\":{\"fileId\":" #id ",\"length\":" #length \
				    ",\"modificationTime\":1,\"type\":\"FILE\"}}"
#define GONE                                                              \
	.status = "404 x", .body = "{\"RemoteException\":{\"exception\":" \
				   "\"FileNotFoundException\"}}"
#define LOST  .status = "503 x", .then = PEER_CLOSE /* done or not: nobody knows */
#define THREE LIST(SIZED(5, "00", "09", 7) "," SIZED(6, "10", "19", 8) "," SIZED(7, "20", "29", 9))

struct outcome {
	enum error error;
	struct join_result result;
	char behind[FILE_NAME_MAX];
};

static struct outcome run(const struct peer_step *steps, size_t count, bool ended)
{
	static const struct join_rules rules = {
		.bytes = 1000, .files = 3, .sources = 64, .published = 99
	};
	struct outcome outcome = { .behind = "" };
	struct scripted_hdfs hdfs;
	scripted_begin(&hdfs, steps, count);
	struct lease *lease = lease_new(&testing_dataset, 3);
	atomic_store(&lease->ended, ended);
	outcome.error = join_run(lease, DATE_NONE, &rules, outcome.behind, hdfs.client,
				 &outcome.result, &hdfs.why);
	lease_drop(&lease);
	scripted_end(&hdfs, outcome.error);
	return outcome;
}

#define RUN(steps) run(steps, COUNT(steps), false)

static void check_joined(const struct outcome *outcome, int64_t before, int64_t after, bool settled)
{
	assert_int_equal(outcome->error, ERROR_OK);
	assert_true(outcome->result.joined);
	assert_int_equal(outcome->result.settled, settled);
	assert_int_equal(outcome->result.before, before);
	assert_int_equal(outcome->result.after, after);
}

static void renames_and_then_appends(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		THREE,
		{ RENAME("00", "09", "29"), DONE },
		{ CONCAT("00", "29", SOURCE("10", "19") "%2C" SOURCE("20", "29")), DONE },
		{ STAT("00", "29"), FOUND(5, 24) },
		{ STAT("10", "19"), GONE },
	};
	struct outcome outcome = RUN(steps);
	check_joined(&outcome, 3, 1, false);
	assert_int_equal(outcome.result.into.first, 0);
	assert_int_equal(outcome.result.into.last, 29);
	assert_string_equal(outcome.behind, "");
}

static void too_few_wait(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(SIZED(4, "00", "09", 1000) "," SIZED(5, "10", "19", 8) "," SIZED(6, "20", "29",
										      9)),
	};
	struct outcome outcome = RUN(steps);
	assert_int_equal(outcome.error, ERROR_OK);
	assert_false(outcome.result.joined);
	assert_int_equal(outcome.result.waiting_files, 2);
	assert_int_equal(outcome.result.waiting_bytes, 17);
	assert_string_equal(outcome.behind, NAME("00", "09"));
}

static void an_unfinished_join_is_ended(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(SIZED(5, "00", "19", 7) "," SIZED(6, "10", "19", 8) "," SIZED(7, "20", "29",
										   9)),
		{ CONCAT("00", "19", SOURCE("10", "19")), DONE },
		{ STAT("00", "19"), FOUND(5, 15) },
		{ STAT("10", "19"), GONE },
	};
	struct outcome outcome = RUN(steps);
	check_joined(&outcome, 2, 1, false);
}

static void empty_files_are_deleted_after_the_rename(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(SIZED(5, "00", "09", 7) "," SIZED(6, "10", "19", 0) "," SIZED(7, "20", "29",
										   0)),
		{ RENAME("00", "09", "29"), DONE },
		{ STAT("10", "19"), FOUND(6, 0) },
		{ DELETE("10", "19"), TRUE },
		{ STAT("20", "29"), GONE }, /* somebody else was faster */
	};
	struct outcome outcome = RUN(steps);
	check_joined(&outcome, 3, 1, false);
	/* one that is no longer empty stays */
	static const struct peer_step filled[] = {
		LIST(SIZED(5, "00", "19", 7) "," SIZED(6, "10", "19", 0)),
		{ STAT("10", "19"), FOUND(6, 5) },
	};
	outcome = RUN(filled);
	assert_int_equal(outcome.error, ERROR_OK);
}

static void another_joiner_was_first(void **state)
{
	(void)state;
	static const struct peer_step renamed[] = { THREE,
						    { RENAME("00", "09", "29"), GONE },
						    { STAT("00", "29"), GONE } };
	struct outcome outcome = RUN(renamed);
	assert_int_equal(outcome.error, ERROR_NOT_FOUND);
	assert_false(outcome.result.joined);
	static const struct peer_step appended[] = {
		THREE,
		{ RENAME("00", "09", "29"), DONE },
		{ CONCAT("00", "29", SOURCE("10", "19") "%2C" SOURCE("20", "29")), GONE },
		{ STAT("00", "29"), FOUND(5, 7) },
	};
	outcome = RUN(appended);
	assert_int_equal(outcome.error, ERROR_NOT_FOUND);
	assert_false(outcome.result.joined);
}

static void lost_answers_are_settled_by_looking(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		THREE,
		{ RENAME("00", "09", "29"), LOST },
		{ STAT("00", "29"), FOUND(5, 7) },
		{ CONCAT("00", "29", SOURCE("10", "19") "%2C" SOURCE("20", "29")), LOST },
		{ STAT("00", "29"), FOUND(5, 24) },
		{ STAT("10", "19"), GONE },
	};
	struct outcome outcome = RUN(steps);
	check_joined(&outcome, 3, 1, true);
}

/* Asked for twice on the way, by a proxy or a client that sends once more: the second answer lies.
 */
static void what_was_done_is_seen_whatever_was_answered(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(SIZED(5, "00", "09", 7) "," SIZED(6, "10", "19", 8) "," SIZED(7, "20", "29",
										   0)),
		{ RENAME("00", "09", "29"), GONE },
		{ STAT("00", "29"), FOUND(5, 7) },
		{ CONCAT("00", "29", SOURCE("10", "19")), GONE },
		{ STAT("00", "29"), FOUND(5, 15) },
		{ STAT("10", "19"), GONE },
		{ STAT("20", "29"), FOUND(7, 0) },
		{ DELETE("20", "29"), LOST },
		{ STAT("20", "29"), GONE },
	};
	struct outcome outcome = RUN(steps);
	check_joined(&outcome, 3, 1, true);
}

static void an_answer_that_lies_is_found_out(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(SIZED(5, "00", "19", 7) "," SIZED(6, "10", "19", 8)),
		{ CONCAT("00", "19", SOURCE("10", "19")), DONE },
		{ STAT("00", "19"), FOUND(5, 7) },
	};
	struct outcome outcome = RUN(steps);
	assert_int_equal(outcome.error, ERROR_PROTOCOL);
	assert_false(outcome.result.joined);
}

static void what_was_not_done_is_tried_again_later(void **state)
{
	(void)state;
	static const struct peer_step rename[] = {
		THREE,
		{ RENAME("00", "09", "29"), LOST },
		{ STAT("00", "29"), GONE },
	};
	struct outcome outcome = RUN(rename);
	assert_int_equal(outcome.error, ERROR_UNAVAILABLE);
	static const struct peer_step other[] = {
		THREE,
		{ RENAME("00", "09", "29"), LOST },
		{ STAT("00", "29"), FOUND(8, 7) },
	};
	outcome = RUN(other);
	assert_int_equal(outcome.error, ERROR_UNAVAILABLE);
	static const struct peer_step concat[] = {
		LIST(SIZED(5, "00", "19", 7) "," SIZED(6, "10", "19", 8)),
		{ CONCAT("00", "19", SOURCE("10", "19")), LOST },
		{ STAT("00", "19"), FOUND(5, 7) },
	};
	outcome = RUN(concat);
	assert_int_equal(outcome.error, ERROR_UNAVAILABLE);
	assert_false(outcome.result.joined);
}

static void a_lease_that_ended_begins_nothing(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { THREE };
	struct outcome outcome = run(steps, COUNT(steps), true);
	assert_int_equal(outcome.error, ERROR_CANCELLED);
	/* but ends what covers others, as anybody may */
	static const struct peer_step begun[] = {
		LIST(SIZED(5, "00", "19", 7) "," SIZED(6, "10", "19", 8)),
		{ CONCAT("00", "19", SOURCE("10", "19")), DONE },
		{ STAT("00", "19"), FOUND(5, 15) },
		{ STAT("10", "19"), GONE },
	};
	outcome = run(begun, COUNT(begun), true);
	check_joined(&outcome, 2, 1, false);
}

static void a_missing_folder_has_nothing_to_join(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { { .expect = "op=LISTSTATUS_BATCH", GONE } };
	struct outcome outcome = RUN(steps);
	assert_int_equal(outcome.error, ERROR_OK);
	static const struct peer_step doubled[] = {
		LIST(SIZED(5, "00", "09", 7) "," SIZED(6, "00", "19", 8)),
	};
	outcome = RUN(doubled);
	assert_int_equal(outcome.error, ERROR_CONFLICT);
}

static void the_url_of_a_concat_stays_short(void **state)
{
	(void)state;
	assert_int_equal(join_sources_max("/r"), JOIN_MAX_SOURCES);
	char folder[900];
	memset(folder, '%', sizeof folder - 1);
	folder[sizeof folder - 1] = '\0';
	assert_int_equal(join_sources_max(folder), 2);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renames_and_then_appends),
		cmocka_unit_test(too_few_wait),
		cmocka_unit_test(an_unfinished_join_is_ended),
		cmocka_unit_test(empty_files_are_deleted_after_the_rename),
		cmocka_unit_test(another_joiner_was_first),
		cmocka_unit_test(lost_answers_are_settled_by_looking),
		cmocka_unit_test(what_was_done_is_seen_whatever_was_answered),
		cmocka_unit_test(an_answer_that_lies_is_found_out),
		cmocka_unit_test(what_was_not_done_is_tried_again_later),
		cmocka_unit_test(a_lease_that_ended_begins_nothing),
		cmocka_unit_test(a_missing_folder_has_nothing_to_join),
		cmocka_unit_test(the_url_of_a_concat_stays_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
