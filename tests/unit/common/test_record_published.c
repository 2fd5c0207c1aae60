/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

#include <math.h>
#include <stdio.h>

#include "timestamp.h"

enum { RANDOM_LINES = 100000 };

#define STAMP "2026-11-25T01:00:00.000001Z"

/* Copied to memory of just its size: looking at what lies around the line is noticed. */
static enum error read_wanted(enum record_kind kind, unsigned wanted, const char *line, int64_t *us,
			      double values[RECORD_MAX_FIELDS])
{
	const size_t n = strlen(line);
	char *copy = malloc(n > 0 ? n : 1);
	assert_non_null(copy);
	memcpy(copy, line, n);
	enum error error = record_read_published(record_table(kind), wanted, copy, n, us, values);
	free(copy);
	return error;
}

static enum error read_published(enum record_kind kind, const char *line, int64_t *us,
				 double values[RECORD_MAX_FIELDS])
{
	return read_wanted(kind, RECORD_ALL_FIELDS, line, us, values);
}

static void published_lines(void **state)
{
	(void)state;
	int64_t us;
	double values[RECORD_MAX_FIELDS];
	assert_int_equal(read_published(RECORD_BAR, STAMP ",1.5,2,1,2,1e-7", &us, values),
			 ERROR_OK);
	assert_true(us == NOW_US + 1);
	assert_true(values[1] == 1.5 && values[2] == 2 && values[3] == 1 && values[4] == 2 &&
		    values[5] == 1e-7);
	static const char *const bad[] = {
		"",
		STAMP,
		STAMP ",1.5,2,1,2",
		STAMP ",1.5,2,1,2,",
		STAMP ",1.5,2,1,2,3,4",
		STAMP ",1.5,2,1,,3",
		STAMP ",1.5,2,1,2,3\r",
		STAMP ",1.5,2,1,nan,3",
		"timestamp,open,high,low,close,volume",
		"2026-11-25T01:0,1.5,2,1,2,3",
	};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(read_published(RECORD_BAR, bad[i], &us, values), ERROR_INVALID);
}

/* What must come out, cell by cell. */
static enum error read_by_cells(enum record_kind kind, const char *line, int64_t *us,
				double values[RECORD_MAX_FIELDS])
{
	const size_t count = record_table(kind)->count;
	for (size_t i = 0; i < count; i++) {
		const size_t n = strcspn(line, ",");
		if (i == 0 ? timestamp_read(line, n, us) : decimal_read(line, n, &values[i]))
			return ERROR_INVALID;
		if ((line[n] == '\0') != (i + 1 == count))
			return ERROR_INVALID;
		line += n + 1;
	}
	return ERROR_OK;
}

static void expect_the_same(enum record_kind kind, const char *line)
{
	int64_t us = 0, expected_us = 0;
	double values[RECORD_MAX_FIELDS] = { 0 }, expected[RECORD_MAX_FIELDS] = { 0 };
	const enum error error = read_published(kind, line, &us, values);
	if (error != read_by_cells(kind, line, &expected_us, expected))
		fail_msg("%s: %s", line, error == ERROR_OK ? "taken" : "refused");
	if (error == ERROR_OK && (us != expected_us || memcmp(&values[1], &expected[1],
							      sizeof(values) - sizeof(values[0]))))
		fail_msg("%s: other values", line);
	/* Fields that are not wanted make no difference to the others, nor to what is refused. */
	static unsigned wanted;
	double some[RECORD_MAX_FIELDS] = { 0 };
	wanted = (wanted + 1) % (RECORD_ALL_FIELDS + 1);
	if (read_wanted(kind, wanted, line, &us, some) != error)
		fail_msg("%s: with %#x %s", line, wanted, error ? "taken" : "refused");
	for (size_t i = 1; i < RECORD_MAX_FIELDS && error == ERROR_OK; i++)
		if (wanted >> i & 1 && memcmp(&some[i], &expected[i], sizeof(some[i])))
			fail_msg("%s: with %#x another value %zu", line, wanted, i);
}

/* Behind a shorter timestamp any cell may end where a printed one would. */
static void shorter_timestamps(void **state)
{
	(void)state;
	static const char *const stamps[] = { "2026-11-25T01:00:00Z", "2026-11-25T01:00:00",
					      "2026-11-25T01:00:00.59", "2026-11-25T01:00:00.5Z",
					      "2026-11-25T01:00:00.1234Z" };
	for (size_t i = 0; i < COUNT(stamps); i++) {
		for (int digits = 1; digits <= 9; digits++) {
			char line[200];
			snprintf(line, sizeof line,
				 "%s,%.*s,2.65,0.64568775,0.39171474999999999,1.3387500000001",
				 stamps[i], digits, "635512345");
			expect_the_same(RECORD_BAR, line);
		}
	}
}

static const char *const cells[] = {
	"0",
	"-0",
	"0.5",
	"7",
	"43210.55",
	"-1.25",
	"12345678",
	"-12345678",
	"123456789",
	"99999999999999999999",
	"123456789012345678901",
	"0.12345678",
	"0.123456789",
	"0.0022792499999999562",
	"-0.19135830000000002",
	"0.1234567890123456789",
	"0.9234567890123456789",
	"0.4611686018427387903",
	"0.4611686018427387904",
	"9.999999999999999999",
	"0.12345678901234567890",
	"12345678.12345678901",
	"12345678.123456789012",
	"1234567890123.12",
	"0.99999999999999999",
	"0.00000000000000000",
	"-0.00000000000000000",
	"0.0000000000000000001",
	"1.",
	".5",
	"-.5",
	"01",
	"-01",
	"00.5",
	"-",
	"--1",
	"",
	"1e5",
	"1.5E5",
	"1e-7",
	"+1",
	"x",
	"1.5.5",
	"1-",
	"1/2",
	"1:2",
	"9007199.254740992",
	"9007199254740993",
	"90071992547409.93",
	"12345678.12345678",
	"99999999.99999999",
	"90071992.54740992",
	"90071992.54740993",
	"1\xb0",
	"\xb0",
	"00000000000000000000000000000000000000000000000000000000000000000000000000000000001",
	"0.00000000000000000000000000000000000000000000000000000000000000000000000000000001",
};

/* Each of them at each place, in lines shorter and longer than what is looked at at once. */
static void every_cell_at_every_place(void **state)
{
	(void)state;
	static const char *const others[] = { "1", "45827.51", "0.0022792499999999562", "1e5" };
	for (size_t c = 0; c < COUNT(cells) * COUNT(others); c++) {
		for (int kind = 0; kind < RECORD_KINDS; kind++) {
			const size_t count = record_table((enum record_kind)kind)->count;
			for (size_t place = 1; place < count + 1; place++) {
				char line[1024] = STAMP;
				for (size_t i = 1; i < count + (place == count); i++) {
					strcat(line, ",");
					strcat(line, i == place ? cells[c / COUNT(others)]
								: others[c % COUNT(others)]);
				}
				expect_the_same((enum record_kind)kind, line);
			}
		}
	}
}

static void random_number(char *out)
{
	const int form = rand() % 8, digits = rand() % 21;
	if (rand() % 4 == 0)
		*out++ = '-';
	out += form == 0 ? 0 : sprintf(out, "%u", ((unsigned)rand() & 0x3ffffff) >> (rand() % 27));
	if (form > 1)
		*out++ = '.';
	for (int i = 0; form > 1 && i < digits; i++)
		*out++ = (char)('0' + rand() % 10);
	*out = '\0';
}

static void random_lines(void **state)
{
	(void)state;
	static const char letters[] = "0123456789,.-eE+ /:\r\xac\xae";
	srand(7);
	for (int i = 0; i < RANDOM_LINES; i++) {
		const enum record_kind kind = (enum record_kind)(i % RECORD_KINDS);
		char line[1024] = STAMP;
		for (size_t j = 1; j < record_table(kind)->count; j++) {
			strcat(line, ",");
			random_number(line + strlen(line));
		}
		expect_the_same(kind, line);
		for (int changes = rand() % 3; changes > 0; changes--)
			line[(size_t)rand() % strlen(line)] =
				letters[(size_t)rand() % (sizeof(letters) - 1)];
		expect_the_same(kind, line);
		line[(size_t)rand() % (strlen(line) + 1)] = '\0';
		expect_the_same(kind, line);
	}
}

/* As the services print them. */
static void random_doubles(void **state)
{
	(void)state;
	srand(8);
	for (int i = 0; i < RANDOM_LINES; i++) {
		char line[1024] = STAMP;
		for (size_t j = 1; j < record_table(RECORD_TICK)->count; j++) {
			const double value =
				(rand() - RAND_MAX / 3) / pow(10, rand() % 12) / (1 + rand() % 9);
			line[strlen(line) + 1] = '\0';
			line[strlen(line)] = ',';
			decimal_print(value, line + strlen(line));
		}
		expect_the_same(RECORD_TICK, line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_lines),
		cmocka_unit_test(shorter_timestamps),
		cmocka_unit_test(every_cell_at_every_place),
		cmocka_unit_test(random_lines),
		cmocka_unit_test(random_doubles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
