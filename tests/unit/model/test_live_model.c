/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "live_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_US INT64_C(60000000)
#define START_US  INT64_C(1751328000000000)

/* close = open + 1, from the same bar; the fit has seen offsets to 1. */
static const char SAME_BAR[] =
	"{\"version\":3,\"created_us\":5,"
	"\"spec\":{\"name\":\"same\",\"records\":\"bars\",\"target\":\"close\","
	"\"features\":[\"open\"]},"
	"\"predictor\":{\"kind\":\"linear\",\"anchor\":null,\"ones\":true,\"features\":[\"open\"],"
	"\"base\":1,\"slope\":[1],\"shift\":[0],\"scale\":[1],\"triangle\":[4,0,0,4],\"low\":[0],"
	"\"high\":[1000],\"freedom\":30,\"rows\":32,\"s\":1},"
	"\"report\":{\"lineage\":{\"partitions\":[{\"partition\":0,\"last_offset\":1}]}}}";

/* The close in two minutes is the close now. */
static const char LATER[] =
	"{\"version\":0,\"created_us\":5,"
	"\"spec\":{\"name\":\"later\",\"records\":\"bars\",\"target\":\"close\","
	"\"features\":[\"close\"],\"horizon_s\":120,\"tolerance_s\":60,\"anchor\":\"close\"},"
	"\"predictor\":{\"kind\":\"last-price\",\"anchor\":\"close\","
	"\"spread\":[1,2,3,4,5,6,7,8]},\"report\":{}}";

struct fixture {
	struct metrics *metrics;
	struct version *version;
	struct live_model *model;
};

static struct version *version_of(const char *text)
{
	char memory[512];
	struct text why;
	struct version *version;
	text_init_fixed(&why, memory, sizeof memory);
	cJSON *json = cJSON_Parse(text);
	if (version_from_json(json, &version, &why) != ERROR_OK)
		fail_msg("%s", why.data);
	cJSON_Delete(json);
	return version;
}

static struct fixture fixture_of(const char *text)
{
	struct fixture f = { .metrics = metrics_new(), .version = version_of(text) };
	f.model = live_model_new(version_spec(f.version), 100, f.metrics);
	assert_non_null(f.model);
	return f;
}

static void fixture_clean_up(struct fixture *f)
{
	live_model_destroy(&f->model);
	version_release(&f->version);
	metrics_destroy(&f->metrics);
}

static void take(struct fixture *f, int minute, double open, double close)
{
	const struct record_table *bar = record_table(RECORD_BAR);
	struct ring_record record = { .timestamp_us = START_US + minute * MINUTE_US,
				      .offset = minute };
	record.values[record_field_index(bar, "open", 4)] = open;
	record.values[record_field_index(bar, "close", 5)] = close;
	live_model_take(f->model, &record, 77);
}

static size_t predictions(struct fixture *f, struct live_prediction out[100])
{
	struct time_ring_query query = { .after_us = INT64_MIN, .limit = 100 };
	struct time_ring_span span;
	bool more;
	return time_ring_read(live_model_predictions(f->model), &query, out, &more, &span);
}

static void without_a_version_nothing_is_predicted(void **state)
{
	(void)state;
	struct fixture f = fixture_of(SAME_BAR);
	struct live_prediction out[100];
	take(&f, 0, 100, 101);
	assert_int_equal(predictions(&f, out), 0);
	assert_int_equal(live_model_version(f.model), -1);
	fixture_clean_up(&f);
}

static void the_same_bar_gives_its_actual_at_once(void **state)
{
	(void)state;
	struct fixture f = fixture_of(SAME_BAR);
	struct live_prediction out[100];
	assert_true(live_model_serve(f.model, version_retain(f.version)));
	take(&f, 1, 100, 103);
	take(&f, 2, 200, 201);
	assert_int_equal(predictions(&f, out), 2);
	assert_int_equal(out[0].version, 3);
	assert_int_equal(out[0].made_us, 77);
	assert_int_equal(out[0].target_us, out[0].timestamp_us);
	assert_true(out[0].value == 101 && out[0].actual == 103);
	assert_true(out[0].low < 101 && out[0].high > 101);
	assert_true(isnan(out[0].last)); /* there was no price before */
	assert_true(out[1].last == 103);
	assert_true(out[0].in_training);
	assert_false(out[1].in_training);
	fixture_clean_up(&f);
}

static void a_later_actual_comes_when_it_is_known(void **state)
{
	(void)state;
	struct fixture f = fixture_of(LATER);
	struct live_prediction out[100];
	live_model_serve(f.model, version_retain(f.version));
	take(&f, 0, 0, 100);
	take(&f, 1, 0, 110);
	assert_int_equal(predictions(&f, out), 2);
	assert_true(out[0].value == 100 && isnan(out[0].actual) && out[0].last == 100);
	assert_int_equal(out[0].target_us, START_US + 2 * MINUTE_US);
	take(&f, 3, 0, 130); /* minute 2 is missing: minute 3 is within the tolerance */
	assert_int_equal(predictions(&f, out), 3);
	assert_true(out[0].actual == 130);
	assert_int_equal(out[0].target_us, START_US + 3 * MINUTE_US);
	assert_true(out[1].actual == 130);
	assert_true(isnan(out[2].actual));
	fixture_clean_up(&f);
}

/* An actual outside widens the intervals that follow, one inside narrows them a little; what the
 * fit has seen teaches nothing; a new version begins anew. */
static void intervals_follow_the_errors(void **state)
{
	(void)state;
	struct fixture f = fixture_of(SAME_BAR);
	struct live_prediction out[100];
	live_model_serve(f.model, version_retain(f.version));
	take(&f, 1, 100, 300);
	assert_true(live_model_factor(f.model) == 1);
	take(&f, 2, 100, 300);
	double wider = exp(0.95 * ADAPTIVE_GAIN);
	assert_true(fabs(live_model_factor(f.model) - wider) < 1e-12);
	take(&f, 3, 100, 101);
	assert_int_equal(predictions(&f, out), 3);
	assert_int_equal(out[2].interval, INTERVAL_ADAPTIVE);
	assert_true(fabs((out[2].high - out[2].value) / (out[1].high - out[1].value) - wider) <
		    1e-9);
	assert_true(fabs(out[2].high + out[2].low - 2 * out[2].value) < 1e-9);
	assert_true(live_model_factor(f.model) < wider);
	live_model_serve(f.model, NULL);
	assert_true(live_model_factor(f.model) == 1);
	fixture_clean_up(&f);
}

static struct prediction asked(struct fixture *f)
{
	struct prediction prediction;
	double x[SPEC_MAX_FEATURES] = { 100 };
	assert_int_equal(version_predict(f->version, x, 0.95, &prediction), ERROR_OK);
	return prediction;
}

/* It begins where the version's calibration ended, and whoever asks the version gets what the live
 * predictions carry; after a new start, and for the next version, all begins anew. */
static void who_asks_gets_the_live_interval(void **state)
{
	(void)state;
	char text[1024];
	static const char spread[] = "\"spread\":", kept[] = "\"log_factor\":0.25,";
	const char *at = strstr(LATER, spread);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - LATER), LATER, kept, at);
	struct fixture f = fixture_of(text);
	struct live_prediction out[100];
	live_model_serve(f.model, version_retain(f.version));
	assert_true(fabs(live_model_factor(f.model) - exp(0.25)) < 1e-12);
	assert_int_equal(asked(&f).interval, INTERVAL_CONFORMAL);
	take(&f, 0, 0, 100);
	take(&f, 1, 0, 100);
	take(&f, 2, 0, 1000);
	size_t made = predictions(&f, out);
	struct prediction answer = asked(&f);
	double wider = exp(0.25 + 0.95 * ADAPTIVE_GAIN);
	assert_int_equal(answer.interval, INTERVAL_ADAPTIVE);
	assert_true(fabs(answer.factor - wider) < 1e-12);
	assert_true(answer.factor == live_model_factor(f.model));
	assert_int_equal(out[made - 1].interval, INTERVAL_ADAPTIVE);
	assert_true(fabs(out[made - 1].high - out[made - 1].low - answer.high + answer.low) < 1e-9);
	live_model_restart(f.model);
	assert_int_equal(asked(&f).interval, INTERVAL_CONFORMAL);
	assert_true(fabs(live_model_factor(f.model) - exp(0.25)) < 1e-12);
	take(&f, 3, 0, 100);
	take(&f, 4, 0, 100);
	take(&f, 5, 0, 1000);
	assert_int_equal(asked(&f).interval, INTERVAL_ADAPTIVE);
	live_model_serve(f.model, NULL);
	assert_int_equal(asked(&f).interval, INTERVAL_CONFORMAL);
	fixture_clean_up(&f);
}

static void a_later_actual_teaches_when_it_comes(void **state)
{
	(void)state;
	struct fixture f = fixture_of(LATER);
	live_model_serve(f.model, version_retain(f.version));
	take(&f, 0, 0, 100);
	take(&f, 1, 0, 1000);
	assert_true(live_model_factor(f.model) == 1);
	take(&f, 2, 0, 1000); /* 900 off, where 5 is claimed */
	assert_true(live_model_factor(f.model) > 1);
	fixture_clean_up(&f);
}

static void only_the_first_version_asks_for_the_past(void **state)
{
	(void)state;
	struct fixture f = fixture_of(SAME_BAR);
	struct live_prediction out[100];
	assert_true(live_model_serve(f.model, version_retain(f.version)));
	assert_false(live_model_serve(f.model, version_retain(f.version)));
	take(&f, 1, 100, 103);
	assert_false(live_model_serve(f.model, NULL));
	assert_int_equal(live_model_version(f.model), -1);
	take(&f, 2, 100, 103);
	assert_int_equal(predictions(&f, out), 1);
	assert_false(live_model_serve(f.model, version_retain(f.version)));
	live_model_restart(f.model);
	assert_int_equal(predictions(&f, out), 0);
	take(&f, 2, 100, 103);
	assert_int_equal(predictions(&f, out), 1);
	fixture_clean_up(&f);
}

static void partitions_have_their_own_history(void **state)
{
	(void)state;
	struct fixture f = fixture_of(SAME_BAR);
	struct live_prediction out[100];
	struct ring_record record = { .timestamp_us = START_US, .partition = 7, .offset = 0 };
	live_model_serve(f.model, version_retain(f.version));
	take(&f, 5, 100, 103);
	live_model_take(f.model, &record, 77); /* older, but of another partition */
	assert_int_equal(predictions(&f, out), 2);
	assert_true(isnan(out[0].last));
	assert_false(out[0].in_training);
	fixture_clean_up(&f);
}

/* A bar that comes again, and one that comes late, are no news to a model that goes by time: they
 * give no second prediction, actual or last price. */
static void repeated_and_late_records_predict_nothing(void **state)
{
	(void)state;
	struct fixture f = fixture_of(LATER);
	struct live_prediction out[100];
	live_model_serve(f.model, version_retain(f.version));
	take(&f, 1, 0, 110);
	take(&f, 2, 0, 120);
	take(&f, 2, 0, 500);
	take(&f, 0, 0, 900);
	assert_int_equal(live_model_reason(f.model), ROW_USED);
	take(&f, 3, 0, 130);
	assert_int_equal(predictions(&f, out), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out[i].timestamp_us, START_US + (i + 1) * MINUTE_US);
		assert_true(out[i].value == 110 + 10 * i && out[i].last == 110 + 10 * i);
	}
	assert_true(out[0].actual == 130 && isnan(out[1].actual));
	struct score score = score_of(out, 3, 0);
	struct drift_report drift;
	drift_read(live_model_drift(f.model), &score, &drift);
	assert_int_equal(drift.rows, 3);
	fixture_clean_up(&f);
}

static void no_finite_prediction_is_none(void **state)
{
	(void)state;
	struct fixture f = fixture_of(SAME_BAR);
	struct live_prediction out[100];
	live_model_serve(f.model, version_retain(f.version));
	take(&f, 0, INFINITY, 1);
	assert_int_equal(predictions(&f, out), 0);
	assert_int_equal(live_model_reason(f.model), ROW_NOT_FINITE);
	take(&f, 1, 100, 103);
	assert_int_equal(live_model_reason(f.model), ROW_USED);
	fixture_clean_up(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_version_nothing_is_predicted),
		cmocka_unit_test(the_same_bar_gives_its_actual_at_once),
		cmocka_unit_test(a_later_actual_comes_when_it_is_known),
		cmocka_unit_test(intervals_follow_the_errors),
		cmocka_unit_test(who_asks_gets_the_live_interval),
		cmocka_unit_test(a_later_actual_teaches_when_it_comes),
		cmocka_unit_test(only_the_first_version_asks_for_the_past),
		cmocka_unit_test(partitions_have_their_own_history),
		cmocka_unit_test(repeated_and_late_records_predict_nothing),
		cmocka_unit_test(no_finite_prediction_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
