/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting what the folders hold, against a scripted HDFS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripted_hdfs.h"
#include "verify_folder.h"

#define NAME(first, last) "part-00003-000000000000000000" first "-000000000000000000" last
#define SIZED(first, last, end, length)     \
	"{\"fileId\":1,\"length\":" #length \
	",\"modificationTime\":1,\"pathSuffix\":\"" NAME(first, last) end "\",\"type\":\"FILE\"}"
#define LIST(path, entries)                                                             \
	{                                                                               \
		.expect = path "?op=LISTSTATUS_BATCH", .status = "200 OK",              \
		.body = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{" \
			"\"FileStatus\":[" entries "]}},\"remainingEntries\":0}}"       \
	}
#define NO_DATES       LIST("/r/data/bitcoin_data", "")
#define ROWS(entries)  NO_DATES, LIST("/r/data/bitcoin_data", entries)
#define DATED(entries) LIST("/r/data/bitcoin_data/dt%3D2025-07-01", entries)
#define DATE                                                                              \
	LIST("/r/data/bitcoin_data", "{\"fileId\":1,\"length\":0,\"modificationTime\":1," \
				     "\"pathSuffix\":\"dt=2025-07-01\",\"type\":\"DIRECTORY\"}")
#define LETTERS(entries) LIST("/r/dead_letters/bitcoin_data", entries)
#define OPEN(name)                                                                      \
	{                                                                               \
		.expect = "/" name "?op=OPEN",                                          \
		.reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n" \
			 "Content-Length: 0\r\nConnection: close\r\n\r\n",              \
		.then = PEER_CLOSE                                                      \
	}
#define BYTES(text)                                                      \
	{                                                                \
		.expect = "GET /data ", .status = "200 OK", .body = text \
	}
#define GONE                                                                              \
	{                                                                                 \
		.expect = "op=OPEN", .status = "404 x",                                   \
		.body = "{\"RemoteException\":{\"exception\":\"FileNotFoundException\"}}" \
	}

static enum error run(const struct peer_step *steps, size_t count,
		      struct verify_partition *partition)
{
	struct scripted_hdfs hdfs;
	scripted_begin(&hdfs, steps, count);
	*partition = (struct verify_partition){ .number = 3, .low = 0, .high = 100 };
	enum error error = verify_folder(&testing_dataset, hdfs.client, partition, &hdfs.why);
	scripted_end(&hdfs, error);
	return error;
}

static void rows_and_letters_are_counted(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		ROWS(SIZED("00", "02", ".csv", 6) "," SIZED(
			"03", "04", ".csv",
			0) ","
			   "{\"fileId\":1,\"length\":1,\"modificationTime\":1,\"pathSuffix\":"
			   "\"part-00003-other\",\"type\":\"FILE\"}"),
		OPEN(NAME("00", "02") ".csv"),
		BYTES("a\nb\nc\n"),
		LETTERS(SIZED("03", "04", ".jsonl", 6)),
		OPEN(NAME("03", "04") ".jsonl"),
		BYTES("{}\n{}\n"),
	};
	struct verify_partition partition;
	assert_int_equal(run(steps, COUNT(steps), &partition), ERROR_OK);
	assert_int_equal(partition.count, 3); /* and what is not published yet */
	assert_int_equal(partition.spans[0].rows, 3);
	assert_int_equal(partition.spans[1].rows, 0);
	assert_int_equal(partition.spans[1].letters, 2);
	assert_int_equal(partition.spans[2].first, 5);
	verify_partition_clean_up(&partition);
}

/* While the first listing went on, a file came to a folder that it had passed, and one to another:
 * the second listing tells what was there before it. */
static void folders_of_dates_are_read_as_of_one_moment(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		DATE,
		LIST("/r/data/bitcoin_data", SIZED("00", "02", ".csv", 6)),
		DATED(SIZED("04", "04", ".csv", 2)),
		DATE,
		LIST("/r/data/bitcoin_data",
		     SIZED("00", "02", ".csv", 6) "," SIZED("03", "03", ".csv", 2)),
		DATED(SIZED("04", "04", ".csv", 2) "," SIZED("06", "06", ".csv", 2)),
		OPEN(NAME("00", "02") ".csv"),
		BYTES("a\nb\nc\n"),
		OPEN("bitcoin_data/" NAME("03", "03") ".csv"),
		BYTES("d\n"),
		OPEN("dt%3D2025-07-01/" NAME("04", "04") ".csv"),
		BYTES("e\n"),
		LETTERS(""),
	};
	struct verify_partition partition;
	assert_int_equal(run(steps, COUNT(steps), &partition), ERROR_OK);
	assert_int_equal(verify_published(&partition), 4);
	assert_int_equal(partition.count, 4);
	assert_int_equal(partition.spans[2].rows, 1);
	verify_partition_clean_up(&partition);
}

static void a_file_joined_away_is_looked_for_again(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		ROWS(SIZED("00", "01", ".csv", 4) "," SIZED("02", "02", ".csv", 2)),
		OPEN(NAME("00", "01") ".csv"),
		BYTES("a\nb\nc\n"), /* longer than it was */
		ROWS(SIZED("00", "02", ".csv", 4) "," SIZED("02", "02", ".csv", 2)),
		OPEN(NAME("00", "02") ".csv"),
		BYTES("a\nb\n"),
		GONE,
		ROWS(SIZED("00", "02", ".csv", 6)),
		OPEN(NAME("00", "02") ".csv"),
		BYTES("a\nb\nc\n"),
		LETTERS(""),
	};
	struct verify_partition partition;
	assert_int_equal(run(steps, COUNT(steps), &partition), ERROR_OK);
	assert_int_equal(partition.spans[0].rows, 3);
	assert_int_equal(partition.spans[0].files, 1);
	verify_partition_clean_up(&partition);
}

static void a_cut_file_is_told(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		ROWS(SIZED("00", "01", ".csv", 3)),
		OPEN(NAME("00", "01") ".csv"),
		BYTES("a\nb"),
		LETTERS(""),
	};
	struct verify_partition partition;
	assert_int_equal(run(steps, COUNT(steps), &partition), ERROR_OK);
	assert_int_equal(partition.cut_files, 1);
	assert_int_equal(partition.spans[0].rows, 1);
	verify_partition_clean_up(&partition);
}

/* Packed ones are counted on real files, in tests/integration/test_formats.py. */
static void what_does_not_unpack_is_cut(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		ROWS(SIZED("00", "01", ".csv.gz", 4)),
		OPEN(NAME("00", "01") ".csv.gz"),
		BYTES("a\nb\n"),
		LETTERS(""),
	};
	struct verify_partition partition;
	assert_int_equal(run(steps, COUNT(steps), &partition), ERROR_OK);
	assert_int_equal(partition.cut_files, 1);
	assert_int_equal(partition.spans[0].rows, 0);
	verify_partition_clean_up(&partition);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_and_letters_are_counted),
		cmocka_unit_test(folders_of_dates_are_read_as_of_one_moment),
		cmocka_unit_test(a_file_joined_away_is_looked_for_again),
		cmocka_unit_test(a_cut_file_is_told),
		cmocka_unit_test(what_does_not_unpack_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
