/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_testing.h"

#include "registry_internal.h"

static int set_up(void **state)
{
	*state = model_testing_new(NULL, 0);
	return 0;
}

static int tear_down(void **state)
{
	model_testing_destroy(*state);
	return 0;
}

static struct live_status status_of(struct model_testing *t, const char *model, int64_t wall_us)
{
	struct live_status status;
	assert_int_equal(live_models_status(live_models_of(t->app.live), model, wall_us, &status),
			 ERROR_OK);
	return status;
}

static size_t predictions_of(struct model_testing *t, const char *model)
{
	struct time_ring_query query = { .after_us = INT64_MIN, .limit = 100 };
	struct live_prediction out[100];
	struct time_ring_span span;
	size_t count;
	bool more;
	assert_int_equal(live_models_predictions(live_models_of(t->app.live), model, &query, out,
						 &count, &more, &span),
			 ERROR_OK);
	return count;
}

static void before_the_first_sync_there_are_no_models(void **state)
{
	struct model_testing *t = *state;
	struct live_status status;
	assert_int_equal(live_models_status(live_models_of(t->app.live), "ia", 0, &status),
			 ERROR_NOT_FOUND);
	live_models_sync(live_models_of(t->app.live));
	assert_int_equal(status_of(t, "ia", 0).version, -1);
	assert_int_equal(status_of(t, "streamlit", 0).version, 3);
	assert_int_equal(live_models_status(live_models_of(t->app.live), "none", 0, &status),
			 ERROR_NOT_FOUND);
}

static void the_first_version_also_predicts_the_past(void **state)
{
	struct model_testing *t = *state;
	for (int minute = 0; minute < 5; minute++)
		bar_take(t, minute, 100, 101);
	live_models_sync(live_models_of(t->app.live));
	assert_int_equal(predictions_of(t, "streamlit"), 4); /* a return needs two bars */
	bar_take(t, 5, 100, 101);
	live_models_sync(live_models_of(t->app.live));
	assert_int_equal(predictions_of(t, "streamlit"), 5); /* not made twice */
	assert_int_equal(status_of(t, "streamlit", 0).score.count, 4);
	assert_int_equal(status_of(t, "streamlit", 0).score.in_training, 1);
	assert_true(metric_of(t, "model_live_scored_predictions{model=\"streamlit\"}") == 4);
	assert_true(metric_of(t, "model_live_coverage_ratio{model=\"streamlit\"}") == 1);
	assert_true(metric_of(t, "model_live_rmse_dollars{model=\"ia\"}") == 0);
	assert_true(metric_of(t, "model_live_age_seconds{records=\"bars\"}") > 0);
}

static void stale_by_the_records_own_time(void **state)
{
	struct model_testing *t = *state;
	live_models_sync(live_models_of(t->app.live));
	assert_true(status_of(t, "streamlit", START_US).stale); /* there is none */
	bar_take(t, 0, 100, 101);
	int64_t limit_us = t->app.settings.bars_stale_after_s * 1000000;
	assert_false(status_of(t, "streamlit", START_US).stale);
	assert_false(status_of(t, "streamlit", START_US + limit_us).stale);
	assert_true(status_of(t, "streamlit", START_US + limit_us + 1).stale);
	assert_true(status_of(t, "ia", START_US).stale); /* ticks are another matter */
}

static void a_record_that_gives_no_row_says_why(void **state)
{
	struct model_testing *t = *state;
	live_models_sync(live_models_of(t->app.live));
	bar_take(t, 0, 100, 101);
	assert_int_equal(status_of(t, "streamlit", 0).reason, ROW_NO_HISTORY);
	bar_take(t, 1, 100, 101);
	assert_int_equal(status_of(t, "streamlit", 0).reason, ROW_USED);
	assert_true(status_of(t, "streamlit", 0).has_prediction);
}

static void new_models_are_followed(void **state)
{
	struct model_testing *t = *state;
	char memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	const char *spec = "{\"name\":\"mine\",\"records\":\"bars\",\"target\":\"close\","
			   "\"features\":[\"open\"]}";
	live_models_sync(live_models_of(t->app.live));
	assert_int_equal(
		registry_take_file(t->app.registry, "mine", "spec.json", spec, strlen(spec), &why),
		ERROR_OK);
	live_models_sync(live_models_of(t->app.live));
	assert_int_equal(status_of(t, "mine", 0).version, -1);
}

static void memory_is_bounded(void **state)
{
	struct model_testing *t = *state;
	live_models_sync(live_models_of(t->app.live));
	for (int minute = 0; minute < 300; minute++)
		bar_take(t, minute, 100, 101);
	struct time_ring_query query = { .after_us = INT64_MIN, .limit = 1, .newest = true };
	struct time_ring_span span;
	struct ring_record record;
	bool more;
	time_ring_read(live_models_records(live_models_of(t->app.live), RECORD_BAR), &query,
		       &record, &more, &span);
	assert_int_equal(span.held, 100);
	assert_int_equal(record.timestamp_us, START_US + 299 * MINUTE_US);
	assert_int_equal(predictions_of(t, "streamlit"), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(before_the_first_sync_there_are_no_models),
		TEST(the_first_version_also_predicts_the_past),
		TEST(stale_by_the_records_own_time),
		TEST(a_record_that_gives_no_row_says_why),
		TEST(new_models_are_followed),
		TEST(memory_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
