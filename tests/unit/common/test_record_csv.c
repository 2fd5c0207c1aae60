/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

#include "record_csv.h"

static struct record_columns columns_of(enum record_kind kind)
{
	struct record_columns columns;
	record_columns_default(record_table(kind), &columns);
	return columns;
}

static enum error read_line(const struct record_columns *columns, const char *line,
			    struct record *out, struct record_fault *fault)
{
	const size_t n = strlen(line);
	char *copy = malloc(n + 1);
	assert_non_null(copy);
	memcpy(copy + 1, line, n);
	enum error error = record_read_csv(columns, &lenient, copy + 1, n, out, fault);
	free(copy);
	return error;
}

static void cells_by_rfc_4180(void **state)
{
	(void)state;
	static const struct {
		const char *line, *joined, *complaint;
	} cases[] = {
		{ "a,b", "a|b|", NULL },
		{ "", "|", NULL },
		{ ",", "||", NULL },
		{ "a,b,", "a|b||", NULL },
		{ "a\r", "a|", NULL },
		{ "\"a,b\",c", "a,b|c|", NULL },
		{ "\"\",\"x\"\r", "|x|", NULL },
		{ "\"a\"\"b\"", "a\"\"b|", NULL },
		{ "\"a", "", "a quote that is not closed" },
		{ "\"a\"\"", "", "a quote that is not closed" },
		{ "x,\"a\"b", "x|", "text after a closing quote" },
		{ "x\"y,z", "x\"y|z|", NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct record_csv_line in;
		struct slice cell;
		char joined[64] = "";
		record_csv_start(&in, cases[i].line, strlen(cases[i].line));
		while (record_csv_next(&in, &cell)) {
			strncat(joined, cell.data, cell.length);
			strcat(joined, "|");
		}
		assert_string_equal(joined, cases[i].joined);
		assert_int_equal(in.complaint == NULL, cases[i].complaint == NULL);
		if (in.complaint != NULL)
			assert_string_equal(in.complaint, cases[i].complaint);
		assert_false(record_csv_next(&in, &cell));
	}
}

static void lines_in_our_order(void **state)
{
	(void)state;
	const struct record_columns ticks = columns_of(RECORD_TICK), bars = columns_of(RECORD_BAR);
	struct record record;
	struct record_fault fault;
	char out[1024];
	assert_int_equal(
		read_line(&ticks, "2026-11-25T01:00:00Z,1,2,3,4,,0.25,\r", &record, &fault),
		ERROR_OK);
	written(&record, record_write_csv, out);
	assert_string_equal(out, "2026-11-25T01:00:00.000000Z,1,2,3,4,-0.499975,0.25,-0.24925\n");
	assert_int_equal(read_line(&bars,
				   "\"2023-03-01 00:00:00+00:00\",23144.78,23152.48,23133.11,"
				   "23143.72,\"3.912156\"",
				   &record, &fault),
			 ERROR_OK);
	written(&record, record_write_csv, out);
	assert_string_equal(out, "2023-03-01T00:00:00.000000Z,23144.78,23152.48,23133.11,23143.72,"
				 "3.912156\n");
}

static void bad_lines(void **state)
{
	(void)state;
	static const struct {
		const char *line, *code, *reason;
	} cases[] = {
		{ "2026-11-25T01:00:00Z,1,2,3,4,0", "inconsistent", "low is 3" },
		{ "2026-11-25T01:00:00Z,1,2,1,2", "bad-csv", "has 5 columns: 6 are expected" },
		{ "2026-11-25T01:00:00Z,1,2,1,2,0,0", "bad-csv", "has 7 columns: 6 are expected" },
		{ "", "bad-csv", "has 1 columns" },
		{ "2026-11-25T01:00:00Z,1,2,1,,0", "missing", "close is missing" },
		{ ",1,2,1,2,0", "missing", "timestamp is missing" },
		{ "2026-11-25T01:00:00Z,1,2,1,null,0", "wrong-type", "close is \"null\"" },
		{ "2026-11-25T01:00:00Z,1,2,1, 2,0", "wrong-type", "close is \" 2\"" },
		{ "2026-11-25T01:00:00Z,1,2,1,nan,0", "not-finite", "close is \"nan\"" },
		{ "2026-11-25T01:00:00Z,1,2,1,\"2\"\"\",0", "wrong-type", "close" },
		{ "2026-11-25T01:00:00Z,1,2,1,\"2,0", "bad-csv", "not closed" },
		{ "x,1,2,1,2,0", "bad-timestamp", "is \"x\": it is not an RFC 3339 time" },
	};
	const struct record_columns bars = columns_of(RECORD_BAR);
	struct record record;
	struct record_fault fault;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_line(&bars, cases[i].line, &record, &fault), ERROR_INVALID);
		assert_string_equal(fault.code, cases[i].code);
		if (strstr(fault.reason, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].line, fault.reason);
	}
}

static void long_lines_are_refused(void **state)
{
	(void)state;
	static char line[RECORD_MAX_INPUT + 1];
	const struct record_columns bars = columns_of(RECORD_BAR);
	struct record record;
	struct record_fault fault;
	memset(line, '1', sizeof line);
	assert_int_equal(record_read_csv(&bars, &strict, line, sizeof line, &record, &fault),
			 ERROR_INVALID);
	assert_string_equal(fault.code, "too-large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_by_rfc_4180),
		cmocka_unit_test(lines_in_our_order),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(long_lines_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
