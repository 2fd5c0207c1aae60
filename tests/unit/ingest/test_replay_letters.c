/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which dead letters a replay takes, from a NameNode and a DataNode that follow a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../common/fake_hdfs.h"
#include "../common/scripted_peer.h"
#include "date_folder.h"
#include "ingest_testing.h"
#include "replay_letters.h"
#include "row.h"
#include "timestamp.h"

#define COUNT(steps)       (sizeof(steps) / sizeof((steps)[0]))
#define DIGITS             "000000000000000000"
#define NAME(a, b, suffix) "part-00003-" DIGITS a "-" DIGITS b suffix
#define LETTERS(a, b)      NAME(a, b, ".jsonl")
#define FOLDER(part)       "/r/" part "/bitcoin_data"

enum { BODY_BYTES = 8192, MOST_STEPS = 8 };

/* One file of dead letters, and how far the rows are published. */
struct script {
	char bodies[3][BODY_BYTES];
	struct peer_step steps[MOST_STEPS];
	size_t count;
};

static struct peer_step *add_step(struct script *script, const char *expect)
{
	struct peer_step *step = &script->steps[script->count++];
	*step = (struct peer_step){ .expect = expect, .status = "200 OK" };
	return step;
}

static void add_listing(struct script *script, size_t at, const char *expect, const char *name,
			size_t length)
{
	snprintf(script->bodies[at], BODY_BYTES,
		 "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":["
		 "{\"fileId\":1,\"length\":%zu,\"modificationTime\":1,\"pathSuffix\":\"%s\","
		 "\"type\":\"FILE\"}]}},\"remainingEntries\":0}}",
		 length, name);
	add_step(script, expect)->body = script->bodies[at];
}

static void write_script(struct script *script, const char *rows, const char *letters)
{
	memset(script, 0, sizeof *script);
	snprintf(script->bodies[2], BODY_BYTES, "%s", letters);
	add_step(script, "startAfter=dt%3D ")->body =
		"{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":["
		"]}},\"remainingEntries\":0}}";
	add_listing(script, 0, FOLDER("data") "?op=LISTSTATUS_BATCH", rows, 9);
	add_listing(script, 1, FOLDER("dead_letters") "?op=LISTSTATUS_BATCH", LETTERS("10", "19"),
		    strlen(letters));
	struct peer_step *where =
		add_step(script, FOLDER("dead_letters") "/" LETTERS("10", "19") "?op=OPEN");
	where->status = NULL;
	where->reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
		       "Content-Length: 0\r\nConnection: close\r\n\r\n";
	where->then = PEER_CLOSE;
	add_step(script, "GET /data")->body = script->bodies[2];
}

static enum error find(struct script *script, struct replay_letters *letters)
{
	struct peer peer;
	peer_start(&peer, script->steps, script->count);
	char url[64], memory[1000];
	snprintf(url, sizeof url, "http://127.0.0.1:%d", peer.port);
	const struct webhdfs_options options = {
		.urls = url,
		.user = "u",
		.token = "",
		.host_map = "",
		.limits = { .connect_ms = 5000, .idle_ms = 5000, .total_ms = 10000 }
	};
	struct webhdfs *hdfs;
	assert_int_equal(webhdfs_new(&options, &hdfs, NULL), ERROR_OK);
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	enum error error = replay_letters_find(letters, hdfs, &why);
	assert_true(error == ERROR_OK || why.length > 0);
	peer_stop(&peer);
	peer_clean_up(&peer);
	webhdfs_destroy(&hdfs);
	return error;
}

static struct replay_letters asked(void)
{
	struct replay_letters letters = { .dataset = &testing_dataset,
					  .partition = 3,
					  .until = INT64_MAX,
					  .limit = 100,
					  .rules = row_rules(&RECORD_DEFAULT_BOUNDS),
					  .deadline_us = monotonic_now_us() + 60000000 };
	letters.rules.wall_us = wall_now_us();
	return letters;
}

static void put_letter(struct text *out, const char *topic, int64_t offset, const char *reason,
		       const char *raw)
{
	const struct dead_letter letter = { .topic = topic,
					    .partition = 3,
					    .offset = offset,
					    .timestamp_us = -1,
					    .reason = reason,
					    .field = "",
					    .text = "",
					    .raw = { raw, raw ? strlen(raw) : 0 } };
	dead_letter_write(&letter, out);
}

static const char *five_letters(void)
{
	static char memory[BODY_BYTES];
	struct text out;
	text_init_fixed(&out, memory, sizeof memory);
	put_letter(&out, "t", 11, "not-finite", TESTING_TICK);
	put_letter(&out, "t", 12, "null", NULL);
	put_letter(&out, "other", 13, "not-finite", TESTING_TICK);
	put_letter(&out, "t", 14, "bad-timestamp", TESTING_TICK);
	put_letter(&out, "t", 15, "not-json", "{");
	assert_true(text_ok(&out));
	return memory;
}

static const char *fault_at(const struct replay_letters *letters, size_t i)
{
	return letters->letters[i].fault ? letters->letters[i].fault : "";
}

static void what_would_be_a_row_now_is_due(void **state)
{
	(void)state;
	struct script script;
	struct replay_letters letters = asked();
	write_script(&script, NAME("00", "19", ".csv"), five_letters());
	assert_int_equal(find(&script, &letters), ERROR_OK);
	assert_int_equal(letters.count, 5);
	static const char *const faults[] = { "", "null", "other-topic", "", "not-json" };
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(letters.letters[i].offset, 11 + (int64_t)i);
		assert_string_equal(fault_at(&letters, i), faults[i]);
	}
	assert_int_equal(letters.letters[3].record.raw.length, strlen(TESTING_TICK));
	assert_false(letters.more);
	assert_int_equal(letters.next, 20);

	replay_letters_mark(12, 13, &letters);
	replay_letters_mark(0, 11, &letters);
	replay_letters_mark(16, 99, &letters);
	static const bool due[] = { false, false, false, true, false };
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(replay_letter_is_due(&letters.letters[i]), due[i]);
		assert_int_equal(letters.letters[i].before, i < 3);
	}
	replay_letters_clean_up(&letters);
}

/* Dead letters without the file of rows that commits them are deleted at the next recovery, and
 * their records read again. */
static void what_is_not_committed_is_left(void **state)
{
	(void)state;
	struct script script;
	struct replay_letters letters = asked();
	write_script(&script, NAME("00", "09", ".csv"), five_letters());
	assert_int_equal(find(&script, &letters), ERROR_OK);
	assert_int_equal(letters.count, 0);
	assert_true(letters.more);
	assert_int_equal(letters.next, 0);
	replay_letters_clean_up(&letters);
}

static void only_what_is_asked_for_is_taken(void **state)
{
	(void)state;
	static const struct {
		int64_t since, until, limit;
		const char *reason;
		size_t count;
		int64_t first, next;
		bool more;
	} cases[] = {
		{ 12, 14, 100, NULL, 3, 12, 15, false },
		{ 0, 10, 100, NULL, 0, 0, 0, false },
		{ 0, 99, 2, NULL, 2, 11, 13, true },
		{ 0, 99, 100, "not-finite", 2, 11, 20, false },
		{ 0, 99, 1, "bad-timestamp", 1, 14, 15, true },
		{ 0, 99, 100, "other", 0, 0, 20, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct script script;
		struct replay_letters letters = asked();
		letters.since = cases[i].since;
		letters.until = cases[i].until;
		letters.limit = cases[i].limit;
		letters.reason = cases[i].reason;
		write_script(&script, NAME("00", "19", ".csv"), five_letters());
		assert_int_equal(find(&script, &letters), ERROR_OK);
		assert_int_equal(letters.count, cases[i].count);
		if (letters.count > 0)
			assert_int_equal(letters.letters[0].offset, cases[i].first);
		assert_int_equal(letters.next, cases[i].next);
		assert_int_equal(letters.more, cases[i].more);
		replay_letters_clean_up(&letters);
	}
}

/* HDFS took all of the time; whoever asks again and again gets on all the same. */
static void when_time_is_over_one_is_looked_at(void **state)
{
	(void)state;
	for (int64_t since = 0, offset = 11; offset <= 15; offset++) {
		struct script script;
		struct replay_letters letters = asked();
		letters.since = since;
		letters.deadline_us = 0;
		write_script(&script, NAME("00", "19", ".csv"), five_letters());
		assert_int_equal(find(&script, &letters), ERROR_OK);
		assert_int_equal(letters.count, 1);
		assert_int_equal(letters.letters[0].offset, offset);
		since = letters.next;
		assert_int_equal(letters.more, offset < 15);
		replay_letters_clean_up(&letters);
	}
}

static void what_is_no_letter_stops_it(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"{\"offset\":11}\n",
		"{\"topic\":\"t\",\"partition\":3,\"offset\":11,\"timestamp\":null,\"reason\":"
		"\"r\",\"field\":\"\",\"text\":\"\",\"key\":null,\"raw\":\"?\"}\n",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct script script;
		struct replay_letters letters = asked();
		write_script(&script, NAME("00", "19", ".csv"), cases[i]);
		assert_int_equal(find(&script, &letters), ERROR_INVALID);
		replay_letters_clean_up(&letters);
	}
	char memory[BODY_BYTES];
	struct text twice;
	text_init_fixed(&twice, memory, sizeof memory);
	put_letter(&twice, "t", 11, "r", TESTING_TICK);
	put_letter(&twice, "t", 11, "r", TESTING_TICK);
	struct script script;
	struct replay_letters letters = asked();
	write_script(&script, NAME("00", "19", ".csv"), memory);
	assert_int_equal(find(&script, &letters), ERROR_INVALID);
	replay_letters_clean_up(&letters);
}

/* One row in the folder of each date, of which so many exist. */
static size_t letters_beside_dates(int dates)
{
	struct fake_hdfs *fake = fake_hdfs_start();
	const char *content = five_letters();
	fake_put(fake, FOLDER("dead_letters") "/" LETTERS("10", "19"), content, strlen(content));
	for (int i = 0; i < dates; i++) {
		char folder[100], path[200];
		date_folder_path(FOLDER("data"), 20270 - i, folder, sizeof folder);
		snprintf(path, sizeof path, "%s/part-00003-%020d-%020d.csv", folder, i, i);
		fake_put(fake, path, "x", 1);
	}
	const struct webhdfs_options options = fake_options(fake);
	struct webhdfs *hdfs;
	assert_int_equal(webhdfs_new(&options, &hdfs, NULL), ERROR_OK);
	struct replay_letters letters = asked();
	assert_int_equal(replay_letters_find(&letters, hdfs, NULL), ERROR_OK);
	size_t count = letters.count;
	replay_letters_clean_up(&letters);
	webhdfs_destroy(&hdfs);
	fake_hdfs_stop(fake);
	return count;
}

static void the_largest_offset_of_all_folders_counts(void **state)
{
	(void)state;
	assert_int_equal(letters_beside_dates(40), 5);
	assert_int_equal(letters_beside_dates(10), 0);
}

static int set_up(void **state)
{
	(void)state;
	testing_begin();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	testing_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_would_be_a_row_now_is_due),
		cmocka_unit_test(what_is_not_committed_is_left),
		cmocka_unit_test(only_what_is_asked_for_is_taken),
		cmocka_unit_test(when_time_is_over_one_is_looked_at),
		cmocka_unit_test(what_is_no_letter_stops_it),
		cmocka_unit_test(the_largest_offset_of_all_folders_counts),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
