/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast a record passes, next to cJSON doing the same job in the same run: reading the value of
 * a topic and writing the line of a file (ingest), reading a request and writing the value of a
 * topic (gateway), reading a line of a file (training).
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record_internal.h"
#include "timestamp.h"

enum { ROUNDS = 5, RECORDS = 200000, VARIANTS = 64 };

static const struct record_rules keep = { .bounds = { 20000, 60000, 1000, 5000 },
					  .wall_us = INT64_C(1795568400000000) };
static const struct record_rules replace = { .bounds = { 20000, 60000, 1000, 5000 },
					     .wall_us = INT64_C(1795568400000000),
					     .derived_recomputed = true };

static char values[VARIANTS][RECORD_MAX_JSON], requests[VARIANTS][RECORD_MAX_JSON];
static char lines[VARIANTS][RECORD_MAX_CSV];
static struct text out;
static double checksum; /* keeps the work from being optimised away */

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "bench_record: %s\n", what);
		exit(1);
	}
}

static void prepare_one(int i)
{
	struct record record;
	struct record_fault fault;
	struct text text;
	const double tick[] = { 20000 + rand() % 4000000 / 100.0, 20000 + rand() % 4000000 / 100.0,
				1000 + rand() % 4000, rand() % 500 / 100.0 };
	require(record_from_values(record_table(RECORD_TICK), &replace,
				   INT64_C(1751328000123456) + i * 1000003, tick, 4, &record,
				   &fault) == ERROR_OK,
		"no record");
	text_init_fixed(&text, values[i], sizeof values[i]);
	record_write_json(&record, &text);
	text_init_fixed(&text, lines[i], sizeof lines[i]);
	record_write_csv(&record, &text);
	text_init_fixed(&text, requests[i], sizeof requests[i]);
	text_putf(&text,
		  "{\"buy_price\": %.2f, \"sell_price\": %.2f, \"volume\": %.0f, "
		  "\"volatility\": %.2f, \"timestamp\": \"2026-11-25T01:00:00.%06d\"}",
		  tick[0], tick[1], tick[2], tick[3], i);
}

static void read_and_write(const char *data, const struct record_rules *rules,
			   void (*write)(const struct record *, struct text *))
{
	struct record record;
	struct record_fault fault;
	require(record_read_json(record_table(RECORD_TICK), rules, data, strlen(data), &record,
				 &fault) == ERROR_OK,
		"not read");
	text_reset(&out);
	write(&record, &out);
	checksum += (double)out.length;
}

static void value_to_line(int i)
{
	read_and_write(values[i], &keep, record_write_csv);
}

static void request_to_value(int i)
{
	read_and_write(requests[i], &replace, record_write_json);
}

static void line_to_numbers(int i)
{
	int64_t us;
	double numbers[RECORD_MAX_FIELDS];
	require(record_read_published(record_table(RECORD_TICK), RECORD_ALL_FIELDS, lines[i],
				      strlen(lines[i]) - 1, &us, numbers) == ERROR_OK,
		"not read back");
	checksum += numbers[1] + (double)us;
}

static void numbers_to_value(int i)
{
	static const double tick[] = { 43210.55, 43219.12, 2311, 2.31 };
	struct record record;
	struct record_fault fault;
	require(record_from_values(record_table(RECORD_TICK), &replace,
				   INT64_C(1751328000123456) + i, tick, 4, &record,
				   &fault) == ERROR_OK,
		"not built");
	text_reset(&out);
	record_write_json(&record, &out);
	checksum += (double)out.length;
}

static void cjson_read(int i)
{
	cJSON *tree = cJSON_Parse(values[i]);
	require(tree != NULL, "not parsed");
	checksum += cJSON_GetObjectItemCaseSensitive(tree, "buy_price")->valuedouble;
	cJSON_Delete(tree);
}

static void cjson_print(int i)
{
	static char printed[RECORD_MAX_JSON];
	static cJSON *trees[VARIANTS];
	if (trees[i] == NULL)
		trees[i] = cJSON_Parse(values[i]);
	require(cJSON_PrintPreallocated(trees[i], printed, sizeof printed, false), "not printed");
	checksum += printed[10];
}

static const struct job {
	const char *name;
	void (*one)(int i);
	int peer; /* index of what it is measured against, -1: itself a peer */
} jobs[] = {
	{ "cJSON: parse a value", cjson_read, -1 },
	{ "cJSON: print a value", cjson_print, -1 },
	{ "value -> line (ingest)", value_to_line, 0 },
	{ "request -> value (gateway)", request_to_value, 1 },
	{ "numbers -> value (simulator)", numbers_to_value, 1 },
	{ "line -> numbers (training)", line_to_numbers, 0 },
};
enum { JOBS = sizeof jobs / sizeof *jobs };

static double rate_of(const struct job *job)
{
	const int64_t start_us = monotonic_now_us();
	for (int i = 0; i < RECORDS; i++)
		job->one(i % VARIANTS);
	return RECORDS * 1e6 / (double)(monotonic_now_us() - start_us);
}

int main(void)
{
	double best[JOBS] = { 0 };
	text_init(&out, RECORD_MAX_JSON);
	for (int i = 0; i < VARIANTS; i++)
		prepare_one(i);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t j = 0; j < JOBS; j++) {
			const double rate = rate_of(&jobs[j]);
			best[j] = rate > best[j] ? rate : best[j];
		}
	for (size_t j = 0; j < JOBS; j++) {
		printf("%-30s %10.0f /s", jobs[j].name, best[j]);
		if (jobs[j].peer >= 0)
			printf("  %5.1f x %s", best[j] / best[jobs[j].peer],
			       jobs[jobs[j].peer].name);
		printf("\n");
	}
	text_clean_up(&out);
	return checksum > 0 ? 0 : 1;
}
