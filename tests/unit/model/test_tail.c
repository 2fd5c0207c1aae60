/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tail.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FEATURES = 3, MANY = 3 * TAIL_ROWS + 100 };

/* Two rows a second, told apart by their identity. */
static struct feature_row row_at(int i)
{
	struct feature_row row = { .timestamp_us = i / 2 * INT64_C(1000000),
				   .target_us = i,
				   .identity = (uint64_t)(i % 2) << 63,
				   .last = i % 5 ? (double)i : (double)NAN,
				   .y = i + 0.5 };
	for (int j = 0; j < FEATURES; j++)
		row.x[j] = i * 10 + j;
	return row;
}

static void add(struct tail *tail, int i)
{
	struct feature_row row = row_at(i);
	assert_true(tail_add(tail, &row));
}

static void assert_holds(struct tail *tail, int from, int to)
{
	assert_int_equal(tail_count(tail), to - from);
	for (int i = from; i < to; i++) {
		struct tail_row row = tail_row(tail, (size_t)(i - from));
		struct feature_row wanted = row_at(i);
		assert_int_equal(row.timestamp_us, wanted.timestamp_us);
		assert_int_equal(row.target_us, wanted.target_us);
		assert_int_equal(row.identity, wanted.identity);
		assert_memory_equal(&row.last, &wanted.last, sizeof(row.last));
		assert_true(row.y == wanted.y);
		assert_memory_equal(row.x, wanted.x, FEATURES * sizeof(double));
	}
}

static void the_latest_rows_stay(void **state)
{
	(void)state;
	struct tail *tail = tail_new(FEATURES);
	assert_holds(tail, 0, 0);
	for (int i = 0; i < MANY; i++)
		add(tail, i);
	assert_holds(tail, MANY - TAIL_ROWS, MANY);
	tail_reset(tail);
	add(tail, 7);
	assert_holds(tail, 7, 8);
	tail_destroy(&tail);
}

static void the_order_of_coming_does_not_matter(void **state)
{
	(void)state;
	enum { PARTS = 4 };
	static int order[MANY];
	for (unsigned seed = 1; seed <= 3; seed++) {
		struct tail *parts[PARTS], *all = tail_new(FEATURES);
		srand(seed);
		for (int i = 0; i < MANY; i++)
			order[i] = i;
		for (int i = MANY - 1; i > 0; i--) {
			int other = rand() % (i + 1), kept = order[i];
			order[i] = order[other];
			order[other] = kept;
		}
		for (size_t p = 0; p < PARTS; p++)
			parts[p] = tail_new(FEATURES);
		for (int i = 0; i < MANY; i++)
			add(parts[order[i] % PARTS], order[i]);
		for (size_t p = 0; p < PARTS; p++) {
			assert_true(tail_merge(all, parts[(p + seed) % PARTS]));
			tail_destroy(&parts[(p + seed) % PARTS]);
		}
		assert_holds(all, MANY - TAIL_ROWS, MANY);
		tail_destroy(&all);
	}
}

static cJSON *written(struct tail *tail)
{
	struct text text;
	text_init(&text, 4 << 20);
	tail_write_json(tail, &text);
	assert_true(text_ok(&text));
	cJSON *json = cJSON_Parse(text.data);
	assert_non_null(json);
	text_clean_up(&text);
	return json;
}

static void it_comes_back_from_json(void **state)
{
	(void)state;
	const int counts[] = { 0, 1, 2, 3, TAIL_ROWS + 1 };
	for (size_t c = 0; c < 5; c++) {
		struct tail *tail = tail_new(FEATURES), *read = tail_new(FEATURES);
		for (int i = 0; i < counts[c]; i++)
			add(tail, i);
		cJSON *json = written(tail);
		add(read, 99);
		assert_true(tail_read_json(json, read));
		assert_holds(read, counts[c] > TAIL_ROWS ? 1 : 0, counts[c]);
		cJSON_Delete(json);
		tail_destroy(&tail);
		tail_destroy(&read);
	}
}

static void refuses(cJSON *json)
{
	struct tail *tail = tail_new(FEATURES);
	assert_false(tail_read_json(json, tail));
	cJSON_Delete(json);
	tail_destroy(&tail);
}

static void broken_ones_are_refused(void **state)
{
	(void)state;
	struct tail *other = tail_new(FEATURES + 1), *endless = tail_new(FEATURES);
	add(other, 3);
	refuses(written(other)); /* of another spec */
	struct feature_row row = row_at(3);
	row.x[1] = INFINITY;
	assert_true(tail_add(endless, &row));
	refuses(written(endless));
	refuses(NULL);
	refuses(cJSON_CreateNumber(1));
	refuses(cJSON_CreateString("AAA"));
	refuses(cJSON_CreateString("****"));
	refuses(cJSON_CreateString("===="));
	tail_destroy(&other);
	tail_destroy(&endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_latest_rows_stay),
		cmocka_unit_test(the_order_of_coming_does_not_matter),
		cmocka_unit_test(it_comes_back_from_json),
		cmocka_unit_test(broken_ones_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
