/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Publishing step by step against a scripted HDFS: what is done after each answer, and that the
 * work goes on from where it stood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commit.h"
#include "scripted_hdfs.h"

#define CREATE                                                                          \
	{                                                                               \
		.expect = "op=CREATE",                                                  \
		.reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n" \
			 "Content-Length: 0\r\nConnection: close\r\n\r\n",              \
		.then = PEER_CLOSE                                                      \
	}
#define DATA                                                    \
	{                                                       \
		.expect = "PUT /data ", .status = "201 Created" \
	}
#define STATUS(id, length)                                                                    \
	.status = "200 OK", .body = "{\"FileStatus\":{\"fileId\":" #id ",\"length\":" #length \
				    ",\"modificationTime\":1,\"type\":\"FILE\"}}"
#define FOLDER                                                                               \
	{                                                                                    \
		.expect = "op=GETFILESTATUS", .status = "200 OK",                            \
		.body = "{\"FileStatus\":{\"fileId\":1,\"length\":0,\"modificationTime\":1," \
			"\"type\":\"DIRECTORY\"}}"                                           \
	}
#define STAGED(id, length)                                                 \
	{                                                                  \
		.expect = "GET /webhdfs/v1/r/staging/", STATUS(id, length) \
	}
#define IN_PLACE(id, length)                                            \
	{                                                               \
		.expect = "GET /webhdfs/v1/r/data/", STATUS(id, length) \
	}
#define RENAME                                            \
	{                                                 \
		.expect = "op=RENAME", .status = "200 OK" \
	}
#define EXCEPTION(name) \
	.status = "404 x", .body = "{\"RemoteException\":{\"exception\":\"" name "\"}}"
#define GONE                                       \
	{                                          \
		EXCEPTION("FileNotFoundException") \
	}
#define LOST                                          \
	{                                             \
		.status = "503 x", .then = PEER_CLOSE \
	} /* done or not: nobody knows */

struct fixture {
	struct scripted_hdfs hdfs;
	struct lease *lease;
	struct batch *batch;
	enum error error; /* of the last run */
};

static void begin(struct fixture *f, const struct peer_step *steps, size_t count)
{
	*f = (struct fixture){ .error = ERROR_OK };
	scripted_begin(&f->hdfs, steps, count);
	f->lease = lease_new(&testing_dataset, 3);
	f->batch = batch_new(3, 10, 0);
	f->batch->range.last = 19;
	f->batch->row_count = 1;
	text_puts(&f->batch->rows, "hello");
}

static void finish(struct fixture *f)
{
	lease_drop(&f->lease);
	batch_destroy(&f->batch);
	scripted_end(&f->hdfs, f->error);
}

static enum error run(struct fixture *f)
{
	text_reset(&f->hdfs.why);
	f->error = commit_run(f->batch, f->lease, f->hdfs.client, &f->hdfs.why);
	return f->error;
}

static void creates_checks_renames_and_looks(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "createparent=false",
		  .reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
			   "Content-Length: 0\r\nConnection: close\r\n\r\n",
		  .then = PEER_CLOSE },
		DATA,
		{ .expect = "part-00003-00000000000000000010-00000000000000000019.csv.1?op=GETFILE",
		  STATUS(7, 5) },
		{ .expect = "destination=%2Fr%2Fdata%2Fbitcoin_data%2Fpart-00003-"
			    "00000000000000000010-00000000000000000019.csv&renameoptions=NONE",
		  .status = "200 OK" },
		IN_PLACE(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_OK);
	finish(&f);
}

static void dead_letters_go_first(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = ".jsonl.1?op=CREATE",
		  .reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
			   "Content-Length: 0\r\nConnection: close\r\n\r\n",
		  .then = PEER_CLOSE },
		DATA,
		{ .expect = ".jsonl.1?", STATUS(6, 4) },
		{ .expect = "destination=%2Fr%2Fdead_letters%2Fbitcoin_data%2F",
		  .status = "200 OK" },
		{ .expect = "GET /webhdfs/v1/r/dead_letters/", STATUS(6, 4) },
		{ .expect = ".csv.2?op=CREATE",
		  .reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
			   "Content-Length: 0\r\nConnection: close\r\n\r\n",
		  .then = PEER_CLOSE },
		DATA,
		{ .expect = ".csv.2?", STATUS(7, 5) },
		RENAME,
		IN_PLACE(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	f.batch->dead_letter_count = 1;
	text_puts(&f.batch->dead_letters, "dead");
	assert_int_equal(run(&f), ERROR_OK);
	finish(&f);
}

static void is_packed_before_the_first_create_and_then_no_more(void **state)
{
	(void)state;
	struct peer_step steps[] = {
		{ .expect = "19.csv.gz.1?op=CREATE",
		  .reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
			   "Content-Length: 0\r\nConnection: close\r\n\r\n",
		  .then = PEER_CLOSE },
		DATA,
		STAGED(7, 4), /* cut */
		{ .expect = "19.csv.gz.2?op=CREATE",
		  .reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
			   "Content-Length: 0\r\nConnection: close\r\n\r\n",
		  .then = PEER_CLOSE },
		DATA,
		STAGED(8, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	f.batch->range.format = DATA_CSV_GZ;
	assert_int_equal(run(&f), ERROR_LENGTH);
	assert_true(f.batch->packed);
	assert_int_equal(run(&f), ERROR_LENGTH);
	assert_int_equal(f.hdfs.peer.body_lengths[1], f.batch->rows.length);
	assert_int_equal(f.hdfs.peer.body_lengths[4], f.batch->rows.length);
	const char *first = strstr(f.hdfs.peer.requests[1], "\r\n\r\n") + 4;
	const char *second = strstr(f.hdfs.peer.requests[4], "\r\n\r\n") + 4;
	assert_memory_equal(first, f.batch->rows.data, f.batch->rows.length);
	assert_memory_equal(second, f.batch->rows.data, f.batch->rows.length);
	finish(&f);
}

/* The first file of a date: its folder is made, and the rename repeated at once. */
static void the_folder_of_a_date_is_made_when_it_is_missed(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		DATA,
		STAGED(7, 5),
		{ .expect =
			  "destination=%2Fr%2Fdata%2Fbitcoin_data%2Fdt%3D2025-07-01%2Fpart-00003-",
		  EXCEPTION("FileNotFoundException") },
		{ .expect = "/r/data/bitcoin_data/dt%3D2025-07-01/part-00003-",
		  EXCEPTION("FileNotFoundException") },
		FOLDER, /* not fenced */
		STAGED(7, 5),
		{ .expect = "/r/data/bitcoin_data/dt%3D2025-07-01?op=MKDIRS",
		  .status = "200 OK",
		  .body = "{\"boolean\":true}" },
		RENAME,
		IN_PLACE(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	f.batch->date = 20270;
	assert_int_equal(run(&f), ERROR_OK);
	finish(&f);
}

/* A folder that is made and not there has to wait. */
static void a_folder_that_does_not_stay_is_not_made_for_ever(void **state)
{
	(void)state;
#define NO_FOLDER                                                                             \
	{ .expect = "op=RENAME", EXCEPTION("FileNotFoundException") },                        \
		{ .expect = "op=GETFILESTATUS", EXCEPTION("FileNotFoundException") }, FOLDER, \
		STAGED(7, 5),                                                                 \
	{                                                                                     \
		.expect = "op=MKDIRS", .status = "200 OK", .body = "{\"boolean\":true}"       \
	}
	static const struct peer_step steps[] = { CREATE, DATA, STAGED(7, 5), NO_FOLDER,
						  NO_FOLDER };
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	f.batch->date = 20270;
	assert_int_equal(run(&f), ERROR_RETRIABLE);
	finish(&f);
}

/* Field case I09: the answer to the PUT is lost. The next attempt has another name, and what the
 * first one left is removed. */
static void a_lost_create_is_never_trusted(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		{ .expect = "PUT /data ", .body_bytes = 2, .then = PEER_RESET },
		FOLDER, /* is the epoch folder still there? */
		{ .expect = "excludedatanodes", .status = "503 x", .then = PEER_CLOSE },
		{ .expect = ".csv.2?op=CREATE",
		  .reply = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%PORT%/data\r\n"
			   "Content-Length: 0\r\nConnection: close\r\n\r\n",
		  .then = PEER_CLOSE },
		DATA,
		STAGED(8, 5),
		RENAME,
		IN_PLACE(8, 5),
		{ .expect = ".csv.1?op=DELETE", .status = "200 OK", .body = "{\"boolean\":true}" },
		{ .expect = ".csv.2?op=DELETE", .status = "200 OK", .body = "{\"boolean\":false}" },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_CLOSED);
	assert_int_equal(f.batch->files[FILE_ROWS].step, COMMIT_CREATE);
	assert_int_equal(run(&f), ERROR_OK);
	finish(&f);
}

static void a_short_file_is_not_renamed(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { CREATE, DATA, STAGED(7, 4) };
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_LENGTH);
	assert_int_equal(f.batch->files[FILE_ROWS].step, COMMIT_CREATE);
	finish(&f);
}

static void a_lost_folder_is_the_fence(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		{ .expect = "PUT /data ", EXCEPTION("FileNotFoundException") },
		GONE,
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_FENCED);
	finish(&f);
}

/* The DataNode refused and hung up before it was heard. */
static void a_lost_folder_behind_a_reset_is_the_fence(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		{ .expect = "PUT /data ", .body_bytes = 1, .then = PEER_RESET },
		GONE,
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_FENCED);
	finish(&f);
}

/* Field case I01: RENAME says false or nothing readable; the place decides. */
static void a_lost_rename_is_settled_by_looking(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE, DATA, STAGED(7, 5), LOST, IN_PLACE(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_OK);
	assert_true(testing_metric(
			    "ingest_settled_total{dataset=\"ticks\",kind=\"unavailable\"}") == 1);
	finish(&f);
}

static void a_rename_that_said_false_is_repeated(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		DATA,
		STAGED(7, 5),
		{ .expect = "op=RENAME", .status = "200 OK", .body = "{\"boolean\":false}" },
		GONE,         /* in place */
		FOLDER,       /* the epoch folder */
		STAGED(7, 5), /* the source */
		RENAME,       /* the next run */
		IN_PLACE(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_PROTOCOL);
	assert_int_equal(f.batch->files[FILE_ROWS].step, COMMIT_RENAME);
	assert_int_equal(run(&f), ERROR_OK);
	finish(&f);
}

/* A rename that was said to be done, and is not. */
static void success_is_what_is_seen(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE, DATA, STAGED(7, 5), RENAME, GONE, FOLDER, STAGED(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_PROTOCOL);
	finish(&f);
}

static void another_owners_file_in_place_is_the_fence(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,          DATA, STAGED(7, 5), { EXCEPTION("FileAlreadyExistsException") },
		IN_PLACE(99, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_FENCED);
	finish(&f);
}

static void a_missing_data_folder_is_made(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		DATA,
		STAGED(7, 5),
		GONE,
		GONE,
		FOLDER,
		STAGED(7, 5),
		{ .expect = "/r/data/bitcoin_data?op=MKDIRS",
		  .status = "200 OK",
		  .body = "{\"boolean\":true}" },
		RENAME,
		IN_PLACE(7, 5),
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_OK);
	finish(&f);
}

static void neither_here_nor_there_needs_a_recovery(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE, DATA, STAGED(7, 5), GONE, GONE, FOLDER, GONE,
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_FENCED);
	finish(&f);
}

static void a_refused_rename_is_not_looked_after(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		CREATE,
		DATA,
		STAGED(7, 5),
		{ EXCEPTION("AccessControlException") },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(run(&f), ERROR_DENIED);
	finish(&f);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates_checks_renames_and_looks),
		cmocka_unit_test(dead_letters_go_first),
		cmocka_unit_test(is_packed_before_the_first_create_and_then_no_more),
		cmocka_unit_test(the_folder_of_a_date_is_made_when_it_is_missed),
		cmocka_unit_test(a_folder_that_does_not_stay_is_not_made_for_ever),
		cmocka_unit_test(a_lost_create_is_never_trusted),
		cmocka_unit_test(a_short_file_is_not_renamed),
		cmocka_unit_test(a_lost_folder_is_the_fence),
		cmocka_unit_test(a_lost_folder_behind_a_reset_is_the_fence),
		cmocka_unit_test(a_lost_rename_is_settled_by_looking),
		cmocka_unit_test(a_rename_that_said_false_is_repeated),
		cmocka_unit_test(success_is_what_is_seen),
		cmocka_unit_test(another_owners_file_in_place_is_the_fence),
		cmocka_unit_test(a_missing_data_folder_is_made),
		cmocka_unit_test(neither_here_nor_there_needs_a_recovery),
		cmocka_unit_test(a_refused_rename_is_not_looked_after),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
