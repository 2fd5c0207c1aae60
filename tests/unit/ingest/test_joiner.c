/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The background thread: when it looks, what it counts, that it tries again and ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "../common/scripted_peer.h"
#include "ingest_testing.h"
#include "joiner.h"
#include "timestamp.h"

#define COUNT(steps)      (sizeof(steps) / sizeof((steps)[0]))
#define NAME(first, last) "part-00003-000000000000000000" first "-000000000000000000" last ".csv"
#define SIZED(first, last)                                                           \
	"{\"fileId\":1,\"length\":10,\"modificationTime\":1,\"pathSuffix\":\"" NAME( \
		first, last) "\",\"type\":\"FILE\"}"
#define LIST(entries)                                                                   \
	{                                                                               \
		.expect = "op=LISTSTATUS_BATCH", .status = "200 OK",                    \
		.body = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{" \
			"\"FileStatus\":[" entries "]}},\"remainingEntries\":0}}"       \
	}
#define NO_DATES LIST("")
#define DONE(what)                                 \
	{                                          \
		.expect = what, .status = "200 OK" \
	}
#define FOUND(size)                                                       \
	{                                                                 \
		.expect = "op=GETFILESTATUS", .status = "200 OK",         \
		.body = "{\"FileStatus\":{\"fileId\":1,\"length\":" #size \
			",\"modificationTime\":1,\"type\":\"FILE\"}}"     \
	}
#define GONE                                                                              \
	{                                                                                 \
		.expect = "op=GETFILESTATUS", .status = "404 x",                          \
		.body = "{\"RemoteException\":{\"exception\":\"FileNotFoundException\"}}" \
	}
#define REFUSED                                                                            \
	{                                                                                  \
		.status = "403 x",                                                         \
		.body = "{\"RemoteException\":{\"exception\":\"AccessControlException\"}}" \
	}
#define SAFE_MODE                                                                     \
	{                                                                             \
		.status = "403 x",                                                    \
		.body = "{\"RemoteException\":{\"exception\":\"SafeModeException\"}}" \
	}

enum { LIMIT_US = 20000000 };
static const struct http_limits limits = { .connect_ms = 5000,
					   .idle_ms = 20000,
					   .total_ms = 60000 };

struct fixture {
	struct peer peer;
	struct joiner *joiner;
	struct lease *lease;
};

static void begin(struct fixture *fixture, const struct peer_step *steps, size_t count)
{
	testing_begin();
	peer_start(&fixture->peer, steps, count);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%d", fixture->peer.port);
	const struct joiner_options options = {
		.hdfs = { .urls = url,
			  .user = "u",
			  .token = "",
			  .host_map = "",
			  .limits = limits,
			  .metrics = testing_metrics },
		.bytes = 1000,
		.files = 3,
		.retry_min_us = 1000,
		.retry_max_us = 2000,
		.blocked_retry_us = 5000,
	};
	assert_int_equal(joiner_start(&options, &fixture->joiner, NULL), ERROR_OK);
	fixture->lease = lease_new(&testing_dataset, 3);
}

static void end(struct fixture *fixture)
{
	joiner_destroy(&fixture->joiner);
	assert_null(fixture->joiner);
	peer_stop(&fixture->peer);
	assert_int_equal(fixture->peer.served, fixture->peer.count);
	peer_clean_up(&fixture->peer);
	lease_drop(&fixture->lease);
	testing_end();
}

static void wait_for(const char *series, double value)
{
	const struct timespec step = { .tv_nsec = 2000000 };
	int64_t until_us = monotonic_now_us() + LIMIT_US;
	while (testing_metric(series) < value && monotonic_now_us() < until_us)
		nanosleep(&step, NULL);
	assert_true(testing_metric(series) >= value);
}

#define LISTED         "webhdfs_requests_total{op=\"LISTSTATUS_BATCH\",outcome=\"ok\"}"
#define JOINS(outcome) "ingest_joins_total{dataset=\"ticks\",outcome=\"" outcome "\"}"

static void joins_what_a_new_owner_finds_and_goes_on(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		NO_DATES,
		LIST(SIZED("00", "09") "," SIZED("10", "19") "," SIZED("20", "29")),
		DONE("op=RENAME"),
		DONE("op=CONCAT"),
		FOUND(30),
		GONE,
		LIST(SIZED("00", "29")), /* is there more? */
		/* two more files, and it looks again */
		LIST(SIZED("00", "29") "," SIZED("30", "39") "," SIZED("40", "49")),
		DONE("op=RENAME"),
		DONE("op=CONCAT"),
		FOUND(30),
		GONE,
		LIST(SIZED("00", "49")),
	};
	struct fixture fixture;
	begin(&fixture, steps, COUNT(steps));
	joiner_offer(fixture.joiner, fixture.lease, 29, 0, DATE_NONE);
	wait_for(LISTED, 3);
	joiner_offer(fixture.joiner, fixture.lease, 39, 10, DATE_NONE);
	joiner_offer(fixture.joiner, fixture.lease, 49, 10, DATE_NONE);
	wait_for(LISTED, 5);
	assert_true(testing_metric(JOINS("ok")) == 2);
	assert_int_equal(atomic_load(&fixture.lease->joined_away), 4);
	assert_true(testing_metric("ingest_join_files_before_total{dataset=\"ticks\"}") == 6);
	assert_true(testing_metric("ingest_join_files_after_total{dataset=\"ticks\"}") == 2);
	end(&fixture);
}

/* What is left of a day that is over is joined, however few files it is; of the day that files come
 * to, only what is enough. When they turn to the next day, the one before is looked at once more.
 */
static void folders_of_dates_are_joined_each_by_itself(void **state)
{
	(void)state;
#define IN(date, entries)                                                                       \
	{                                                                                       \
		.expect = "bitcoin_data/dt%3D" date "?op=LISTSTATUS_BATCH", .status = "200 OK", \
		.body = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{"         \
			"\"FileStatus\":[" entries "]}},\"remainingEntries\":0}}"               \
	}
	static const struct peer_step steps[] = {
		LIST("{\"fileId\":1,\"length\":0,\"modificationTime\":1,\"pathSuffix\":"
		     "\"dt=2025-07-01\",\"type\":\"DIRECTORY\"}"),
		IN("2025-07-01", SIZED("00", "09") "," SIZED("10", "19")),
		DONE("/dt%3D2025-07-01/" NAME("00", "09") "?op=RENAME"),
		DONE("sources=%2Fr%2Fdata%2Fbitcoin_data%2Fdt%3D2025-07-01%2F" NAME("10", "19")),
		FOUND(20),
		GONE,
		IN("2025-07-01", SIZED("00", "19")),
		LIST(""),
		/* two files come, the next day begins: the own folder once more, and then the day
		 */
		LIST(""),
		IN("2025-07-02", SIZED("20", "29") "," SIZED("30", "39")),
		DONE("/dt%3D2025-07-02/" NAME("20", "29") "?op=RENAME"),
		DONE("op=CONCAT"),
		FOUND(20),
		GONE,
		IN("2025-07-02", SIZED("20", "39")),
	};
	struct fixture fixture;
	begin(&fixture, steps, COUNT(steps));
	joiner_offer(fixture.joiner, fixture.lease, 19, 0, DATE_NONE);
	wait_for(LISTED, 4);
	const int32_t second = 20271;
	joiner_offer(fixture.joiner, fixture.lease, 29, 10, second);
	wait_for(LISTED, 5);
	joiner_offer(fixture.joiner, fixture.lease, 39, 10, second);
	joiner_offer(fixture.joiner, fixture.lease, 49, 10, second + 1);
	wait_for(LISTED, 7);
	assert_true(testing_metric(JOINS("ok")) == 2);
	end(&fixture);
}

static void failures_are_counted_and_tried_again(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		SAFE_MODE,
		REFUSED,
		NO_DATES,
		LIST(SIZED("00", "19") "," SIZED("10", "19")),
		SAFE_MODE,
		LIST(SIZED("00", "19") "," SIZED("10", "19")),
		DONE("op=CONCAT"),
		FOUND(20),
		GONE,
		LIST(SIZED("00", "19")),
	};
	struct fixture fixture;
	begin(&fixture, steps, COUNT(steps));
	joiner_offer(fixture.joiner, fixture.lease, 19, 0, DATE_NONE);
	wait_for(LISTED, 4);
	assert_true(testing_metric(JOINS("ok")) == 1);
	assert_true(testing_metric(JOINS("safe-mode")) == 2);
	assert_true(testing_metric(JOINS("denied")) == 1);
	end(&fixture);
}

static void a_partition_that_went_is_forgotten(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, NULL, 0);
	atomic_store(&fixture.lease->ended, true);
	joiner_offer(fixture.joiner, fixture.lease, 19, 0, DATE_NONE);
	joiner_offer(NULL, fixture.lease, 19, 0, DATE_NONE); /* nothing is joined at all */
	end(&fixture);
}

int main(void)
{
	if (http_client_global_init())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_what_a_new_owner_finds_and_goes_on),
		cmocka_unit_test(folders_of_dates_are_joined_each_by_itself),
		cmocka_unit_test(failures_are_counted_and_tried_again),
		cmocka_unit_test(a_partition_that_went_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
