/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfactor.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS = 4, ROWS = 1000 };

static double rows[ROWS][COLUMNS];

static double uniform(void)
{
	return (double)rand() / RAND_MAX;
}

/* Columns of very different place and width. */
static int make_rows(void **state)
{
	(void)state;
	srand(7);
	for (size_t i = 0; i < ROWS; i++) {
		rows[i][0] = 1.75e15 + 6e7 * (double)i;
		rows[i][1] = 1e-6 * uniform();
		rows[i][2] = 107000 + 500 * uniform();
		rows[i][3] = 3 * rows[i][2] - 1e5 * rows[i][1] + uniform();
	}
	return 0;
}

static struct rfactor *of_rows(size_t from, size_t to, bool ones)
{
	struct rfactor *factor = rfactor_new(COLUMNS, ones);
	assert_non_null(factor);
	for (size_t i = from; i < to; i++)
		rfactor_add(factor, rows[i]);
	return factor;
}

/* The norm that the rows themselves give. */
static double plain_norm(double constant, const double *weights)
{
	long double sum = 0;
	for (size_t i = 0; i < ROWS; i++) {
		long double value = constant;
		for (size_t j = 0; j < COLUMNS; j++)
			value += (long double)weights[j] * rows[i][j];
		sum += value * value;
	}
	return (double)sqrtl(sum);
}

static void assert_near(double a, double b, double relative)
{
	if (fabs(a - b) > relative * fabs(b))
		fail_msg("%.17g is not %.17g", a, b);
}

static const double MANY[][COLUMNS + 1] = {
	{ 0, 0, 0, 0, 1 },
	{ -107250, 0, 0, 1, 0 },
	{ 3, 0, 1e5, -3, 1 },
	{ 1, 0, 0, 0, 0 },
};

static void check_norms(struct rfactor *factor, double relative)
{
	for (size_t i = 0; i < sizeof(MANY) / sizeof(MANY[0]); i++)
		assert_near(rfactor_norm(factor, MANY[i][0], MANY[i] + 1),
			    plain_norm(MANY[i][0], MANY[i] + 1), relative);
}

static void norms_are_those_of_the_rows(void **state)
{
	(void)state;
	struct rfactor *factor = of_rows(0, ROWS, true);
	assert_int_equal(rfactor_rows(factor), ROWS);
	check_norms(factor, 1e-10);
	struct rfactor *plain = of_rows(0, ROWS, false);
	const double weights[COLUMNS] = { 0, 2, 1, -1 };
	assert_near(rfactor_norm(plain, 0, weights), plain_norm(0, weights), 1e-10);
	rfactor_destroy(&factor);
	rfactor_destroy(&plain);
}

static void one_row_and_whole_blocks(void **state)
{
	(void)state;
	const double price[COLUMNS] = { 0, 0, 1, 0 };
	const size_t counts[] = { 1, RFACTOR_BLOCK_ROWS - 1, RFACTOR_BLOCK_ROWS,
				  RFACTOR_BLOCK_ROWS + 1 };
	for (size_t c = 0; c < 4; c++) {
		struct rfactor *factor = of_rows(0, counts[c], true);
		double sum = 0;
		for (size_t i = 0; i < counts[c]; i++)
			sum += rows[i][2] * rows[i][2];
		assert_near(rfactor_norm(factor, 0, price), sqrt(sum), 1e-13);
		rfactor_destroy(&factor);
	}
}

/* R is unique but for the signs of its rows, once the shifts are the same. */
static void assert_same(struct rfactor *a, struct rfactor *b, double relative)
{
	assert_int_equal(rfactor_rows(a), rfactor_rows(b));
	for (size_t j = 0; j < COLUMNS; j++) {
		assert_true(rfactor_min(a, j) == rfactor_min(b, j));
		assert_true(rfactor_max(a, j) == rfactor_max(b, j));
	}
	struct rfactor *other = rfactor_new(COLUMNS, true);
	rfactor_add(other, rows[0]);
	rfactor_merge(other, b); /* takes the shifts of rows[0] */
	struct rfactor *same = rfactor_new(COLUMNS, true);
	rfactor_add(same, rows[0]);
	rfactor_merge(same, a);
	struct rfactor_view x = rfactor_view(same), y = rfactor_view(other);
	for (size_t j = 0; j < x.size; j++) {
		double length = 0, off = 0;
		for (size_t i = 0; i <= j; i++) {
			double sign = x.r[i * x.size + i] * y.r[i * y.size + i] < 0 ? -1 : 1;
			length = hypot(length, x.r[i * x.size + j]);
			off = hypot(off, x.r[i * x.size + j] - sign * y.r[i * y.size + j]);
		}
		if (off > relative * length)
			fail_msg("column %zu is off by %g of its length", j, off / length);
	}
	rfactor_destroy(&same);
	rfactor_destroy(&other);
}

static void merging_is_associative_and_commutes(void **state)
{
	(void)state;
	struct rfactor *whole = of_rows(0, ROWS, true);
	for (unsigned seed = 0; seed < 20; seed++) {
		srand(seed);
		size_t first = 1 + (size_t)rand() % (ROWS / 2);
		size_t second = first + 1 + (size_t)rand() % (ROWS - first - 1);
		struct rfactor *a = of_rows(0, first, true), *b = of_rows(first, second, true);
		struct rfactor *c = of_rows(second, ROWS, true), *d = rfactor_clone(c);
		struct rfactor *e = rfactor_clone(b), *f = rfactor_clone(a);
		rfactor_merge(a, b); /* (a b) c */
		rfactor_merge(a, c);
		rfactor_merge(e, d); /* (b c) a */
		rfactor_merge(e, f);
		assert_same(a, whole, 1e-12);
		assert_same(e, whole, 1e-12);
		check_norms(e, 1e-9);
		rfactor_destroy(&a);
		rfactor_destroy(&b);
		rfactor_destroy(&c);
		rfactor_destroy(&d);
		rfactor_destroy(&e);
		rfactor_destroy(&f);
	}
	rfactor_destroy(&whole);
}

static void merging_with_nothing(void **state)
{
	(void)state;
	struct rfactor *empty = rfactor_new(COLUMNS, true), *some = of_rows(0, 10, true);
	struct rfactor *kept = rfactor_clone(some);
	assert_true(isnan(rfactor_min(empty, 0)));
	rfactor_merge(some, empty);
	assert_same(some, kept, 0);
	rfactor_merge(empty, some);
	assert_same(empty, kept, 0);
	rfactor_destroy(&empty);
	rfactor_destroy(&some);
	rfactor_destroy(&kept);
}

static void a_constant_column_is_exactly_zero(void **state)
{
	(void)state;
	struct rfactor *factor = rfactor_new(2, true), *more = rfactor_new(2, true);
	for (size_t i = 0; i < 300; i++) {
		rfactor_add(factor, (const double[]){ 0.1, (double)i });
		rfactor_add(more, (const double[]){ 0.1, -(double)i });
	}
	rfactor_merge(factor, more);
	struct rfactor_view view = rfactor_view(factor);
	for (size_t i = 0; i < view.size; i++)
		assert_true(view.r[i * view.size + 1] == 0);
	assert_true(rfactor_min(factor, 0) == 0.1 && rfactor_max(factor, 0) == 0.1);
	rfactor_destroy(&factor);
	rfactor_destroy(&more);
}

static struct rfactor *read_back(struct rfactor *factor)
{
	struct text text;
	struct rfactor *read = NULL;
	text_init(&text, 1 << 20);
	rfactor_write_json(factor, &text);
	assert_true(text_ok(&text));
	cJSON *json = cJSON_Parse(text.data);
	assert_non_null(json);
	assert_int_equal(rfactor_read_json(json, &read, NULL), ERROR_OK);
	cJSON_Delete(json);
	text_clean_up(&text);
	return read;
}

static void json_is_exact(void **state)
{
	(void)state;
	const size_t counts[] = { 0, 1, 700 };
	for (size_t c = 0; c < 3; c++) {
		struct rfactor *factor = of_rows(0, counts[c], true);
		struct rfactor *read = read_back(factor);
		struct rfactor_view x = rfactor_view(factor), y = rfactor_view(read);
		assert_int_equal(rfactor_rows(read), counts[c]);
		assert_memory_equal(x.r, y.r, x.size * x.size * sizeof(double));
		assert_memory_equal(x.shift, y.shift, COLUMNS * sizeof(double));
		struct rfactor *rest = of_rows(counts[c], ROWS, true);
		rfactor_merge(read, rest); /* it can go on */
		check_norms(read, 1e-9);
		rfactor_destroy(&factor);
		rfactor_destroy(&read);
		rfactor_destroy(&rest);
	}
}

static void broken_json_is_refused(void **state)
{
	(void)state;
	const char *const texts[] = {
		"{}",
		"[]",
		"{\"columns\":0,\"ones\":true,\"rows\":0}",
		"{\"columns\":41,\"ones\":true,\"rows\":0}",
		"{\"columns\":1,\"ones\":true,\"rows\":-1}",
		"{\"columns\":1,\"ones\":false,\"rows\":1,\"shift\":[0],\"scale\":[1],\"low\":[0],"
		"\"high\":[1],\"r\":[]}",
		"{\"columns\":1,\"ones\":false,\"rows\":1,\"shift\":[0],\"scale\":[1],\"low\":[0],"
		"\"high\":[1],\"r\":[1e999]}",
		"{\"columns\":1,\"ones\":false,\"rows\":1,\"shift\":[0],\"scale\":[1],\"low\":[0],"
		"\"high\":[1],\"r\":[\"1\"]}",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char memory[200];
		struct text why;
		struct rfactor *factor = NULL;
		text_init_fixed(&why, memory, sizeof(memory));
		cJSON *json = cJSON_Parse(texts[i]);
		assert_int_equal(rfactor_read_json(json, &factor, &why), ERROR_INVALID);
		assert_null(factor);
		assert_true(why.length > 0);
		cJSON_Delete(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(norms_are_those_of_the_rows),
		cmocka_unit_test(one_row_and_whole_blocks),
		cmocka_unit_test(merging_is_associative_and_commutes),
		cmocka_unit_test(merging_with_nothing),
		cmocka_unit_test(a_constant_column_is_exactly_zero),
		cmocka_unit_test(json_is_exact),
		cmocka_unit_test(broken_json_is_refused),
	};
	return cmocka_run_group_tests(tests, make_rows, NULL);
}
