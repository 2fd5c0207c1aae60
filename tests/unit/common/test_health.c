/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "failing_memory.h"
#include "health.h"
#include "log.h"
#include "timestamp.h"

enum { CHANGES = 2000 };

/* Asks, and holds that the answer and its JSON agree. The caller deletes the JSON. */
static cJSON *ask(struct health *health, bool (*state)(struct health *, struct text *),
		  const char *member, bool expected)
{
	struct text text;
	text_init(&text, 10000);
	assert_int_equal(state(health, &text), expected);
	cJSON *json = cJSON_Parse(text.data);
	assert_non_null(json);
	assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(json, member)), expected);
	text_clean_up(&text);
	return json;
}

static void expect_ready(struct health *health, bool expected)
{
	cJSON_Delete(ask(health, health_ready, "ready", expected));
}

static void expect_alive(struct health *health, bool expected)
{
	cJSON_Delete(ask(health, health_alive, "alive", expected));
}

static void it_is_ready_when_all_conditions_hold(void **state)
{
	(void)state;
	struct health *health = health_new();
	expect_ready(health, true); /* nothing to wait for */
	struct health_condition *kafka = health_condition(health, "kafka");
	struct health_condition *hdfs = health_condition(health, "hdfs");
	expect_ready(health, false);
	health_met(kafka);
	expect_ready(health, false);
	health_met(hdfs);
	expect_ready(health, true);
	health_unmet(kafka, "no broker at %s", "127.0.0.1:9092");
	expect_ready(health, false);
	health_met(kafka);
	expect_ready(health, true);
	health_destroy(&health);
	assert_null(health);
}

static void the_reason_and_the_time_are_told(void **state)
{
	(void)state;
	struct health *health = health_new();
	struct health_condition *kafka = health_condition(health, "kafka");
	cJSON *json = ask(health, health_ready, "ready", false);
	cJSON *told = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "conditions"), "kafka");
	assert_string_equal(cJSON_GetObjectItem(told, "reason")->valuestring, "starting");
	cJSON_Delete(json);
	health_unmet(kafka, "no \"broker\" at %d", 9092);
	json = ask(health, health_ready, "ready", false);
	told = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "conditions"), "kafka");
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(told, "met")));
	assert_string_equal(cJSON_GetObjectItem(told, "reason")->valuestring,
			    "no \"broker\" at 9092");
	int64_t since_us;
	const char *since = cJSON_GetObjectItem(told, "since")->valuestring;
	assert_int_equal(timestamp_read(since, strlen(since), &since_us), ERROR_OK);
	assert_in_range(wall_now_us() - since_us, 0, 60000000);
	cJSON_Delete(json);
	health_destroy(&health);
}

static void what_is_met_may_have_a_note(void **state)
{
	(void)state;
	struct health *health = health_new();
	struct health_condition *kafka = health_condition(health, "kafka");
	health_met_but(kafka, "paused by %s", "somebody");
	cJSON *json = ask(health, health_ready, "ready", true);
	cJSON *told = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "conditions"), "kafka");
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(told, "met")));
	assert_string_equal(cJSON_GetObjectItem(told, "note")->valuestring, "paused by somebody");
	assert_null(cJSON_GetObjectItem(told, "reason"));
	cJSON_Delete(json);
	health_met(kafka);
	json = ask(health, health_ready, "ready", true);
	told = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "conditions"), "kafka");
	assert_null(cJSON_GetObjectItem(told, "note"));
	cJSON_Delete(json);
	health_destroy(&health);
}

static void a_draining_service_is_never_ready_again(void **state)
{
	(void)state;
	struct health *health = health_new();
	health_met(health_condition(health, "kafka"));
	expect_ready(health, true);
	health_drain(health);
	cJSON *json = ask(health, health_ready, "ready", false);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "draining")));
	cJSON_Delete(json);
	expect_alive(health, true);
	health_destroy(&health);
}

/* Waits until the monotonic clock has moved, which is all that time means to a loop of limit 0. */
static void let_a_millisecond_pass(void)
{
	int64_t start = monotonic_now_us();
	while (monotonic_now_us() < start + 1000)
		;
}

static void a_loop_that_stops_beating_is_told(void **state)
{
	(void)state;
	struct health *health = health_new();
	expect_alive(health, true);
	struct health_loop *slow = health_loop(health, "slow", 3600000);
	struct health_loop *stuck = health_loop(health, "stuck", 0);
	let_a_millisecond_pass();
	cJSON *json = ask(health, health_alive, "alive", false);
	cJSON *loops = cJSON_GetObjectItem(json, "loops");
	cJSON *told = cJSON_GetObjectItem(loops, "stuck");
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(told, "alive")));
	assert_true(cJSON_GetObjectItem(told, "age_ms")->valueint >= 1);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(loops, "slow"), "alive")));
	cJSON_Delete(json);
	health_beat(slow);
	health_loop_end(stuck); /* as it should: no more beats are asked for */
	expect_alive(health, true);
	health_destroy(&health);
}

static void *change(void *user)
{
	for (int i = 0; i < CHANGES; i++) {
		health_unmet(user, "try %d", i);
		health_met(user);
	}
	return NULL;
}

static void threads_may_change_and_ask_at_once(void **state)
{
	(void)state;
	struct health *health = health_new();
	struct health_condition *one = health_condition(health, "one");
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, change, one), 0);
	for (int i = 0; i < 200; i++) {
		struct text text;
		text_init(&text, 10000);
		(void)health_ready(health, &text);
		cJSON *json = cJSON_Parse(text.data);
		assert_non_null(json);
		cJSON_Delete(json);
		text_clean_up(&text);
	}
	pthread_join(thread, NULL);
	expect_ready(health, true);
	health_destroy(&health);
}

static void without_memory_it_is_never_ready(void **state)
{
	(void)state;
	memory_fails_at(1);
	assert_null(health_new());
	assert_true(memory_failed());
	struct health *health = health_new();
	memory_fails_at(1);
	struct health_condition *condition = health_condition(health, "kafka");
	assert_true(memory_failed());
	assert_null(condition);
	health_met(condition);
	health_unmet(condition, "x");
	expect_ready(health, false);
	memory_fails_at(1);
	struct health_loop *loop = health_loop(health, "loop", 1000);
	assert_true(memory_failed());
	health_beat(loop);
	health_loop_end(loop);
	expect_ready(health, false);
	health_destroy(&health);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ready_when_all_conditions_hold),
		cmocka_unit_test(the_reason_and_the_time_are_told),
		cmocka_unit_test(what_is_met_may_have_a_note),
		cmocka_unit_test(a_draining_service_is_never_ready_again),
		cmocka_unit_test(a_loop_that_stops_beating_is_told),
		cmocka_unit_test(threads_may_change_and_ask_at_once),
		cmocka_unit_test(without_memory_it_is_never_ready),
	};
	log_init("test", LOG_ERROR, LOG_FORMAT_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
