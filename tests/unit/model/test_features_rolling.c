/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "features.h"
#include "features_internal.h"

#define S        INT64_C(1000000)
#define MIDNIGHT INT64_C(1751328000000000)

enum { BARS = 400 };

static const char SPEC[] =
	"{\"name\":\"m\",\"records\":\"bars\",\"target\":\"close\",\"features\":["
	"{\"name\":\"mean\",\"column\":\"close\",\"transform\":\"mean\",\"window_s\":300},"
	"{\"name\":\"wild\",\"column\":\"close\",\"transform\":\"deviation\",\"window_s\":600,"
	"\"lag_s\":120},{\"name\":\"hour\",\"transform\":\"hour_sine\"}],"
	"\"tolerance_s\":30,\"split\":{\"kind\":\"time\"}}";

static int64_t times[BARS]; /* seconds past midnight */
static double closes[BARS];

static struct spec spec_made(void)
{
	struct spec spec;
	cJSON *json = cJSON_Parse(SPEC);
	assert_int_equal(spec_from_json(json, &spec, NULL), ERROR_OK);
	cJSON_Delete(json);
	return spec;
}

/* A bar a minute with some missing, and one gap of half an hour. */
static int set_up(void **state)
{
	(void)state;
	int64_t at = 0;
	srand(8);
	for (int i = 0; i < BARS; i++) {
		at += i == 200 ? 1800 : rand() % 9 == 0 ? 120 : 60;
		times[i] = at;
		closes[i] = 107000 + rand() % 1000 / 8.0;
	}
	return 0;
}

static enum row_reason push(struct features *f, int i, struct feature_row *row)
{
	const double values[RECORD_MAX_FIELDS] = {
		0, closes[i], closes[i], closes[i], closes[i], 1
	};
	features_push(f, MIDNIGHT + times[i] * S, values, NULL, NULL);
	return features_latest(f, row);
}

/* The plain definition, over all bars up to i. False: the records do not reach back. */
static bool expected(int i, int64_t lag, int64_t window, bool deviation, double *out)
{
	int64_t begin = times[i] - lag - window, end = times[i] - lag, before = -1;
	double sum = 0, squares = 0;
	int count = 0;
	for (int k = 0; k <= i; k++) {
		before = times[k] <= begin ? times[k] : before;
		if (times[k] > begin && times[k] <= end) {
			sum += closes[k];
			count++;
		}
	}
	for (int k = 0; k <= i; k++)
		if (times[k] > begin && times[k] <= end)
			squares += pow(closes[k] - sum / count, 2);
	*out = deviation ? sqrt(squares / (count - 1)) : sum / count;
	return before >= 0 && before >= begin - 30 && count >= (deviation ? 2 : 1);
}

static void rolls_by_time(void **state)
{
	(void)state;
	struct spec spec = spec_made();
	struct features *f = features_new(&spec);
	int used = 0;
	for (int i = 0; i < BARS; i++) {
		struct feature_row row;
		double mean, wild;
		bool has = expected(i, 0, 300, false, &mean);
		has = expected(i, 120, 600, true, &wild) && has && i > 0;
		assert_int_equal(push(f, i, &row), has ? ROW_USED : ROW_NO_HISTORY);
		if (!has)
			continue;
		used++;
		assert_true(fabs(row.x[0] / mean - 1) < 1e-14);
		assert_true(fabs(row.x[1] / wild - 1) < 1e-11);
		assert_true(fabs(row.x[2] - sin(2 * M_PI * (double)times[i] / 86400)) < 1e-12);
	}
	assert_true(used > BARS / 2 && used < BARS);
	features_destroy(&f);
}

/* A stream that was stored and read again goes on with the very same bits. */
static void goes_on_exactly(void **state)
{
	(void)state;
	struct spec spec = spec_made();
	struct features *f = features_new(&spec), *again = NULL;
	for (int i = 0; i < BARS; i++) {
		struct feature_row row, same;
		enum row_reason reason = push(f, i, &row);
		if (again)
			assert_int_equal(push(again, i, &same), reason);
		if (again && reason == ROW_USED)
			assert_memory_equal(row.x, same.x, 3 * sizeof(double));
		if (i % 37 != 5)
			continue;
		struct text text;
		text_init(&text, 1 << 20);
		features_write_json(f, &text);
		cJSON *json = cJSON_Parse(text.data);
		features_destroy(&again);
		assert_int_equal(features_read_json(&spec, json, &again, NULL), ERROR_OK);
		cJSON_Delete(json);
		text_clean_up(&text);
	}
	features_destroy(&f);
	features_destroy(&again);
}

static void hours_go_round(void **state)
{
	(void)state;
	assert_true(features_hour(FEATURE_HOUR_SINE, MIDNIGHT) == 0);
	assert_true(features_hour(FEATURE_HOUR_COSINE, MIDNIGHT) == 1);
	assert_true(fabs(features_hour(FEATURE_HOUR_SINE, MIDNIGHT + 6 * 3600 * S) - 1) < 1e-15);
	assert_true(fabs(features_hour(FEATURE_HOUR_COSINE, MIDNIGHT + 12 * 3600 * S) + 1) < 1e-15);
	assert_true(features_hour(FEATURE_HOUR_SINE, MIDNIGHT + 30 * 3600 * S) ==
		    features_hour(FEATURE_HOUR_SINE, MIDNIGHT + 6 * 3600 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rolls_by_time),
		cmocka_unit_test(goes_on_exactly),
		cmocka_unit_test(hours_go_round),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
