/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The fast reader and the slow one must give the same answer for every input, by the rules of the
 * gateway and by those of ingest, for both tables. What was read must read back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "record_internal.h"

#define NOW_US INT64_C(1795568400000000)

static const struct record_rules rules[] = {
	{ .bounds = { 20000, 60000, 1000, 5000 }, .wall_us = NOW_US, .derived_recomputed = true },
	{ .bounds = { 20000, 60000, 1000, 5000 }, .wall_us = NOW_US, .unknown_ignored = true },
};

struct answer {
	enum error error;
	struct record record;
	struct record_fault fault;
	char json[RECORD_MAX_JSON + 1], csv[RECORD_MAX_CSV + 1];
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void print(struct answer *answer)
{
	struct text text;
	text_init_fixed(&text, answer->json, sizeof answer->json);
	record_write_json(&answer->record, &text);
	require(text_ok(&text));
	text_init_fixed(&text, answer->csv, sizeof answer->csv);
	record_write_csv(&answer->record, &text);
	require(text_ok(&text));
}

static void check_fault(const struct record_fault *fault)
{
	require(fault->code != NULL && strlen(fault->field) < sizeof fault->field);
	require(strlen(fault->reason) < sizeof fault->reason && fault->reason[0] != '\0');
	for (const char *p = fault->reason; *p != '\0'; p++)
		require((unsigned char)*p >= 0x20);
}

static void finish(struct answer *answer)
{
	if (answer->error)
		check_fault(&answer->fault);
	else
		print(answer);
}

static void require_same(const struct answer *a, const struct answer *b)
{
	require(a->error == b->error);
	if (a->error) {
		require(strcmp(a->fault.code, b->fault.code) == 0);
		require(strcmp(a->fault.field, b->fault.field) == 0);
		require(strcmp(a->fault.reason, b->fault.reason) == 0);
		return;
	}
	require(strcmp(a->json, b->json) == 0 && strcmp(a->csv, b->csv) == 0);
	require(strcmp(a->record.symbol, b->record.symbol) == 0);
	for (size_t i = 1; i < a->record.table->count; i++)
		require(memcmp(&a->record.values[i], &b->record.values[i], sizeof(double)) == 0);
}

/* Kafka and HDFS give back the record that went in. */
static void require_stable(const struct record_table *table, const struct answer *first)
{
	static struct answer again;
	int64_t us;
	double values[RECORD_MAX_FIELDS];
	again.error = record_read_json(table, &rules[1], first->json, strlen(first->json),
				       &again.record, &again.fault);
	require(again.error == ERROR_OK);
	print(&again);
	require(strcmp(first->json, again.json) == 0);
	require(record_read_published(table, RECORD_ALL_FIELDS, first->csv, strlen(first->csv) - 1,
				      &us, values) == ERROR_OK);
	require(us == first->record.timestamp_us);
	for (size_t i = 1; i < table->count; i++)
		require(values[i] == first->record.values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct answer fast, slow;
	const char *data = (const char *)bytes;
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const struct record_table *table = record_table((enum record_kind)kind);
		for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
			fast.error = record_read_json(table, &rules[i], data, length, &fast.record,
						      &fast.fault);
			slow.error = record_read_json_slow(table, &rules[i], data, length,
							   &slow.record, &slow.fault);
			finish(&fast);
			finish(&slow);
			require_same(&fast, &slow);
			if (!fast.error)
				require_stable(table, &fast);
		}
	}
	return 0;
}
