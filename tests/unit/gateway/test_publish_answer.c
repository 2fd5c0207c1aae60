/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
	const char *what;
	uint64_t stored, refused, unavailable, unknown, queued, errors;
	struct publish_end end;
	int status;
};

static const struct row rows[] = {
	{ .what = "all taken", .stored = 3, .status = 200 },
	{ .what = "an empty array", .status = 200 },
	{ .what = "some refused", .stored = 3, .refused = 1, .errors = 1, .status = 207 },
	{ .what = "all refused", .refused = 2, .errors = 2, .status = 422 },
	{ .what = "no record at all", .end = { .blank = true }, .status = 400 },
	{ .what = "broken at once", .errors = 1, .end = { .broken = true }, .status = 400 },
	{ .what = "broken after some",
	  .stored = 2,
	  .errors = 1,
	  .end = { .broken = true },
	  .status = 207 },
	{ .what = "broken after refused ones",
	  .refused = 1,
	  .errors = 2,
	  .end = { .broken = true },
	  .status = 400 },
	{ .what = "Kafka away", .unavailable = 2, .errors = 2, .status = 503 },
	{ .what = "Kafka went away", .stored = 1, .unavailable = 2, .errors = 2, .status = 207 },
	{ .what = "queue full",
	  .unavailable = 1,
	  .errors = 2,
	  .end = { .queue_full = true },
	  .status = 429 },
	{ .what = "queue full after some",
	  .stored = 9,
	  .unavailable = 1,
	  .errors = 2,
	  .end = { .queue_full = true },
	  .status = 207 },
	{ .what = "an unknown one", .stored = 9, .unknown = 1, .errors = 1, .status = 504 },
	{ .what = "unknown, and the body too large",
	  .unknown = 1,
	  .errors = 1,
	  .end = { .body = ERROR_LIMIT },
	  .status = 504 },
	{ .what = "too large at once", .end = { .body = ERROR_LIMIT }, .status = 0 },
	{ .what = "too large after some",
	  .stored = 5,
	  .end = { .body = ERROR_LIMIT },
	  .status = 413 },
	{ .what = "too slow after some",
	  .stored = 5,
	  .end = { .body = ERROR_TIMEOUT },
	  .status = 408 },
	{ .what = "bad gzip after some",
	  .stored = 5,
	  .end = { .body = ERROR_ENCODING },
	  .status = 400 },
	{ .what = "not waited for", .queued = 4, .end = { .async = true }, .status = 202 },
	{ .what = "not waited for, some refused",
	  .queued = 4,
	  .refused = 1,
	  .errors = 1,
	  .end = { .async = true },
	  .status = 202 },
	{ .what = "not waited for, all refused",
	  .refused = 1,
	  .errors = 1,
	  .end = { .async = true },
	  .status = 422 },
};

static void each_outcome_has_its_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct outcome_counts counts = {
			.of = { row->stored, row->refused, row->unavailable, row->unknown },
			.queued = row->queued,
			.errors = row->errors,
		};
		int status = publish_status_code(&counts, &row->end);
		if (status != row->status)
			print_error("%s: %d\n", row->what, status);
		assert_int_equal(row->status, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_outcome_has_its_status) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
