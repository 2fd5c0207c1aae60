/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading the dead letters back, from a NameNode and a DataNode that follow a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dead_letters.h"
#include "scripted_hdfs.h"

#define FOLDER            "/r/dead_letters/bitcoin_data"
#define DIGITS            "000000000000000000"
#define NAME(first, last) "part-00003-" DIGITS first "-" DIGITS last ".jsonl"
#define ENTRY(name, length)                                                                 \
	"{\"fileId\":1,\"length\":" length ",\"modificationTime\":1,\"pathSuffix\":\"" name \
	"\",\"type\":\"FILE\"}"
#define LIST(entries)                                                                        \
	{                                                                                    \
		.expect = FOLDER "?op=LISTSTATUS_BATCH&user.name=u&startAfter=part-00003- ", \
		.status = "200 OK",                                                          \
		.body = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{"      \
			"\"FileStatus\":[" entries "]}},\"remainingEntries\":0}}"            \
	}
#define WHERE(name)                                                                     \
	{                                                                               \
		.expect = FOLDER "/" name "?op=OPEN",                                   \
		.reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n" \
			 "Content-Length: 0\r\nConnection: close\r\n\r\n",              \
		.then = PEER_CLOSE                                                      \
	}
#define DATA(text)                                                      \
	{                                                               \
		.expect = "GET /data", .status = "200 OK", .body = text \
	}
#define LETTER(offset) "{\"offset\":" offset ",\"raw\":null}"

struct seen {
	int64_t offsets[8];
	size_t count, most;
};

static enum error note(const char *line, size_t length, int64_t offset, void *user)
{
	struct seen *seen = user;
	assert_int_equal(line[0], '{');
	assert_int_equal(line[length - 1], '}');
	if (seen->count == seen->most)
		return ERROR_CANCELLED;
	seen->offsets[seen->count++] = offset;
	return ERROR_OK;
}

static enum error read_from(int64_t from, const struct peer_step *steps, size_t count,
			    struct dead_letters *letters, struct seen *seen)
{
	struct scripted_hdfs hdfs;
	scripted_begin(&hdfs, steps, count);
	*letters = (struct dead_letters){ .dataset = &testing_dataset,
					  .partition = 3,
					  .from = from,
					  .visit = note,
					  .user = seen };
	enum error error = dead_letters_read(letters, hdfs.client, &hdfs.why);
	scripted_end(&hdfs, error);
	return error;
}

static void letters_come_in_order_from_an_offset_on(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(ENTRY(NAME("00", "09"), "54") "," ENTRY(NAME("10", "19"), "50") "," ENTRY(
			"part-00003-_joined", "9") "," ENTRY(NAME("20", "29"), "25")),
		WHERE(NAME("10", "19")),
		DATA(LETTER("11") "\n" LETTER("17") "\n"),
		WHERE(NAME("20", "29")),
		DATA(LETTER("22") "\n"),
	};
	struct dead_letters letters;
	struct seen seen = { .most = 8 };
	assert_int_equal(read_from(12, steps, COUNT(steps), &letters, &seen), ERROR_OK);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.offsets[0], 17);
	assert_int_equal(seen.offsets[1], 22);
	assert_int_equal(letters.next, 30);
	assert_false(letters.more);
}

static void who_has_enough_is_told_where_to_go_on(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		LIST(ENTRY(NAME("10", "19"), "50") "," ENTRY(NAME("20", "29"), "25")),
		WHERE(NAME("10", "19")),
		DATA(LETTER("11") "\n" LETTER("17") "\n"),
	};
	struct dead_letters letters;
	struct seen seen = { .most = 1 };
	assert_int_equal(read_from(0, steps, COUNT(steps), &letters, &seen), ERROR_OK);
	assert_int_equal(seen.count, 1);
	assert_true(letters.more);
	assert_int_equal(letters.next, 12);
}

static void nothing_was_ever_published(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { {
		.expect = FOLDER,
		.status = "404 Not Found",
		.body = "{\"RemoteException\":{\"exception\":\"FileNotFoundException\","
			"\"javaClassName\":\"java.io.FileNotFoundException\",\"message\":\"x\"}}",
	} };
	struct dead_letters letters;
	struct seen seen = { .most = 8 };
	assert_int_equal(read_from(7, steps, COUNT(steps), &letters, &seen), ERROR_OK);
	assert_int_equal(seen.count, 0);
	assert_int_equal(letters.next, 7);
	assert_false(letters.more);
}

static void what_is_no_letter_is_told_and_not_passed_on(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum error error;
		size_t letters; /* before it */
	} cases[] = {
		{ LETTER("11") "\n{\"offset\":12\n", ERROR_PROTOCOL, 1 },
		{ LETTER("11") "\n" LETTER("12"), ERROR_LENGTH, 1 },
		{ LETTER("11") "\n" LETTER("99") "\n", ERROR_PROTOCOL, 1 },
		{ LETTER("10.5") "\n", ERROR_PROTOCOL, 0 },
		{ LETTER("\"11\"") "\n", ERROR_PROTOCOL, 0 },
		{ "\n", ERROR_PROTOCOL, 0 },
		{ "", ERROR_LENGTH, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct peer_step steps[] = {
			LIST(ENTRY(NAME("10", "19"), "50")),
			WHERE(NAME("10", "19")),
			DATA(cases[i].text),
		};
		struct dead_letters letters;
		struct seen seen = { .most = 8 };
		assert_int_equal(read_from(0, steps, COUNT(steps), &letters, &seen),
				 cases[i].error);
		assert_int_equal(seen.count, cases[i].letters);
		assert_int_equal(letters.next, cases[i].letters ? 12 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_come_in_order_from_an_offset_on),
		cmocka_unit_test(who_has_enough_is_told_where_to_go_on),
		cmocka_unit_test(nothing_was_ever_published),
		cmocka_unit_test(what_is_no_letter_is_told_and_not_passed_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
