/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A CSV text as the gateway reads it: the first line tells the columns, the others are records. A
 * record must come back from the line that is published for it, by both readers.
 */
#include <stdlib.h>
#include <string.h>

#include "record_internal.h"
#include "timestamp.h"

static const struct record_rules rules = {
	.bounds = { 20000, 60000, 1000, 5000 },
	.wall_us = INT64_C(1795568400000000),
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_stable(const struct record *record)
{
	char csv[RECORD_MAX_CSV + 1], again_csv[RECORD_MAX_CSV + 1];
	struct record_columns columns;
	struct record again;
	struct record_fault fault;
	struct text text;
	int64_t us;
	double values[RECORD_MAX_FIELDS];

	text_init_fixed(&text, csv, sizeof csv);
	record_write_csv(record, &text);
	require(text_ok(&text));
	record_columns_default(record->table, &columns);
	require(record_read_csv(&columns, &rules, csv, text.length - 1, &again, &fault) ==
		ERROR_OK);
	require(record_read_published(record->table, RECORD_ALL_FIELDS, csv, text.length - 1, &us,
				      values) == ERROR_OK);
	require(us == record->timestamp_us && again.timestamp_us == us);
	for (size_t i = 1; i < record->table->count; i++)
		require(values[i] == record->values[i] && again.values[i] == record->values[i]);

	text_init_fixed(&text, again_csv, sizeof again_csv);
	record_write_csv(&again, &text);
	require(strcmp(csv, again_csv) == 0);
}

/* Fields that are not wanted change neither the others nor what is refused; `values` NULL: it is.
 */
static void require_same_of_some(const struct record_table *table, const char *line, size_t length,
				 const double *values)
{
	const unsigned wanted = (unsigned)(length * 37); /* all kinds, and the same ones again */
	double some[RECORD_MAX_FIELDS];
	int64_t us;
	const bool taken =
		record_read_published(table, wanted, line, length, &us, some) == ERROR_OK;
	require(taken == (values != NULL));
	for (size_t i = 1; i < table->count && taken; i++)
		require(!(wanted >> i & 1) || memcmp(&some[i], &values[i], sizeof some[i]) == 0);
}

/* The fast reader takes what cell by cell is right, and finds the same. */
static void require_same(const struct record_table *table, const char *line, size_t length)
{
	const char *const end = line + length;
	int64_t us, expected_us;
	double values[RECORD_MAX_FIELDS], expected;
	bool good = true;
	const bool taken = record_read_published(table, RECORD_ALL_FIELDS, line, length, &us,
						 values) == ERROR_OK;
	for (size_t i = 0; i < table->count && good; i++) {
		const char *comma = memchr(line, ',', (size_t)(end - line));
		const size_t n = (size_t)((comma != NULL ? comma : end) - line);
		good = (comma == NULL) == (i + 1 == table->count) &&
		       (i == 0 ? timestamp_read(line, n, &expected_us)
			       : decimal_read(line, n, &expected)) == ERROR_OK;
		if (good && taken)
			require(i == 0 ? us == expected_us
				       : memcmp(&values[i], &expected, sizeof expected) == 0);
		line += n + 1;
	}
	require(taken == good);
	require_same_of_some(table, end - length, length, good ? values : NULL);
}

static void read_line(const struct record_columns *columns, const char *line, size_t length)
{
	static struct record record;
	static struct record_fault fault;
	if (record_read_csv(columns, &rules, line, length, &record, &fault) == ERROR_OK)
		require_stable(&record);
	else
		require(fault.code != NULL && fault.reason[0] != '\0');
	(void)record_columns_continue(line, length);
	require_same(columns->table, line, length);
}

static void read_text(const struct record_table *table, const char *data, size_t length)
{
	struct record_columns columns;
	struct record_fault fault;
	bool header = true;
	for (const char *end = data + length; data < end;) {
		const char *stop = memchr(data, '\n', (size_t)(end - data));
		const size_t n = (size_t)((stop != NULL ? stop : end) - data);
		if (header && record_columns_detect(table, data, n, &columns, &header, &fault))
			return;
		if (!header)
			read_line(&columns, data, n);
		header = false;
		data += n + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		read_text(record_table((enum record_kind)kind), (const char *)bytes, length);
	return 0;
}
