/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The live thread, from Kafka's mock cluster to predictions.
 */
#include "model_testing.h"

enum { LIMIT_MS = 20000 };

static rd_kafka_t *producer; /* of the running test */

static int set_up(void **state)
{
	struct model_testing *t = model_testing_new(NULL, 0);
	char reason[128];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", t->brokers, reason, sizeof reason);
	rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
	producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	rd_kafka_destroy(producer);
	model_testing_destroy(*state);
	return 0;
}

static void produce(const char *topic, int32_t partition, const char *value)
{
	assert_int_equal(rd_kafka_producev(
				 producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
				 RD_KAFKA_V_VALUE((void *)value, value ? strlen(value) : 0),
				 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(producer, LIMIT_MS), 0);
}

static void produce_bar(struct model_testing *t, int32_t partition, int minute, double open)
{
	char value[256], time[TIMESTAMP_MAX_TEXT];
	timestamp_print(START_US + minute * MINUTE_US, time);
	snprintf(value, sizeof value,
		 "{\"timestamp\":\"%s\",\"open\":%g,\"high\":%g,\"low\":%g,\"close\":%g,"
		 "\"volume\":1,\"exchange\":\"elsewhere\"}",
		 time, open, open + 2, open, open + 1);
	produce(t->app.kafka.bars_topic, partition, value);
}

static void start(struct model_testing *t)
{
	char memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	assert_int_equal(live_start(t->app.live, &why), ERROR_OK);
}

/* Waits for the series to have this value. */
static void await(struct model_testing *t, const char *series, double value)
{
	int64_t limit_us = monotonic_now_us() + INT64_C(1000) * LIMIT_MS;
	while (metric_of(t, series) != value) {
		if (monotonic_now_us() > limit_us)
			fail_msg("%s is %g, not %g", series, metric_of(t, series), value);
		usleep(2000);
	}
}

static struct live_status status_of(struct model_testing *t)
{
	struct live_status status;
	assert_int_equal(
		live_models_status(live_models_of(t->app.live), "streamlit", START_US, &status),
		ERROR_OK);
	return status;
}

#define BARS_READ   "model_live_records_total{records=\"bars\"}"
#define BARS_BAD    "model_live_bad_records_total{records=\"bars\"}"
#define PREDICTIONS "model_live_predictions_total{model=\"streamlit\"}"

static void the_past_and_what_comes(void **state)
{
	struct model_testing *t = *state;
	for (int minute = 0; minute < 3; minute++)
		produce_bar(t, 0, minute, 100 + minute);
	start(t);
	await(t, BARS_READ, 3);
	await(t, PREDICTIONS, 2);
	produce_bar(t, 0, 3, 200);
	await(t, PREDICTIONS, 3);
	struct live_status status = status_of(t);
	assert_int_equal(status.record.timestamp_us, START_US + 3 * MINUTE_US);
	assert_int_equal(status.record.offset, 3);
	assert_true(status.prediction.value == 201 && status.prediction.actual == 201);
	await(t, "model_live_lag_records{records=\"bars\"}", 0);
	char json[512];
	struct text ready;
	text_init_fixed(&ready, json, sizeof json);
	assert_true(health_ready(t->health, &ready));
}

static void more_history_than_is_kept_is_not_read(void **state)
{
	struct model_testing *t = *state;
	for (int minute = 0; minute < 120; minute += 2)
		produce_bar(t, 0, minute, 100);
	start(t);
	await(t, BARS_READ, 50); /* 100 are kept, over two partitions */
}

static void partitions_are_merged_by_time(void **state)
{
	struct model_testing *t = *state;
	produce_bar(t, 1, 1, 101);
	produce_bar(t, 0, 2, 102);
	produce_bar(t, 1, 3, 103);
	start(t);
	await(t, BARS_READ, 3);
	struct time_ring_query query = { .after_us = INT64_MIN, .limit = 10 };
	struct time_ring_span span;
	struct ring_record out[10];
	bool more;
	assert_int_equal(
		time_ring_read(live_models_records(live_models_of(t->app.live), RECORD_BAR), &query,
			       out, &more, &span),
		3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(out[i].timestamp_us, START_US + (i + 1) * MINUTE_US);
}

static void bad_values_are_counted_and_passed_over(void **state)
{
	struct model_testing *t = *state;
	static const char *const bad[] = { NULL, "", "{", "[1]", "{\"open\":1}", "\xff\xfe" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		produce(t->app.kafka.bars_topic, 0, bad[i]);
	produce_bar(t, 0, 0, 100);
	start(t);
	await(t, BARS_READ, 1);
	await(t, BARS_BAD, 6);
}

/* The original's producers may leave the normalised values out, or give their own. */
static void derived_values_are_kept_or_computed(void **state)
{
	struct model_testing *t = *state;
	const struct record_table *tick = record_table(RECORD_TICK);
	t->app.settings.bounds.price_high = 40000;
	live_destroy(&t->app.live);
	testing_live(t);
	produce(t->app.kafka.ticks_topic, 0,
		"{\"timestamp\":\"2025-07-01T00:00:00\",\"buy_price\":30000,\"sell_price\":30000,"
		"\"volume\":2000,\"volatility\":0.1,\"sell_price_normalized\":7}");
	start(t);
	await(t, "model_live_records_total{records=\"ticks\"}", 1);
	struct ring_record last;
	assert_true(time_ring_last(live_models_records(live_models_of(t->app.live), RECORD_TICK),
				   &last));
	assert_true(last.values[record_field_index(tick, "buy_price_normalized", 20)] == 0.5);
	assert_true(last.values[record_field_index(tick, "sell_price_normalized", 21)] == 7);
	assert_true(last.values[record_field_index(tick, "volume_normalized", 17)] == 0.25);
}

static void a_broker_that_goes_and_comes_back(void **state)
{
	struct model_testing *t = *state;
	char json[512];
	struct text ready;
	start(t);
	produce_bar(t, 0, 0, 100);
	await(t, BARS_READ, 1);
	rd_kafka_mock_broker_set_down(t->cluster, 1);
	int64_t limit_us = monotonic_now_us() + INT64_C(1000) * LIMIT_MS;
	do {
		assert_true(monotonic_now_us() < limit_us);
		usleep(2000);
		text_init_fixed(&ready, json, sizeof json);
	} while (health_ready(t->health, &ready));
	assert_non_null(strstr(json, "\"kafka\":{\"met\":false"));
	rd_kafka_mock_broker_set_up(t->cluster, 1);
	produce_bar(t, 0, 1, 100);
	await(t, BARS_READ, 2);
	do {
		assert_true(monotonic_now_us() < limit_us);
		usleep(2000);
		text_init_fixed(&ready, json, sizeof json);
	} while (!health_ready(t->health, &ready));
}

static void it_can_be_stopped_before_and_twice(void **state)
{
	struct model_testing *t = *state;
	live_stop(t->app.live);
	start(t);
	live_stop(t->app.live);
	live_stop(t->app.live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_past_and_what_comes),
		TEST(more_history_than_is_kept_is_not_read),
		TEST(partitions_are_merged_by_time),
		TEST(bad_values_are_counted_and_passed_over),
		TEST(derived_values_are_kept_or_computed),
		TEST(a_broker_that_goes_and_comes_back),
		TEST(it_can_be_stopped_before_and_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
