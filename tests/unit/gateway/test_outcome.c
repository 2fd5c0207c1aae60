/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outcome.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "timestamp.h"

static const struct outcome_options plain = { 0 };

static struct outcome_place at(uint64_t index)
{
	return (struct outcome_place){ index, index + 1 };
}

static void settle(struct publish_ticket *ticket, enum publish_status status, int32_t partition,
		   int64_t offset)
{
	const struct publish_result result = {
		.status = status, .partition = partition, .offset = offset, .reason = "because"
	};
	ticket->done(ticket, &result);
}

static void send_one(struct outcome *o, uint64_t index, enum publish_status status,
		     int32_t partition, int64_t offset)
{
	struct publish_ticket *ticket = outcome_take(o, at(index));
	assert_non_null(ticket);
	settle(ticket, status, partition, offset);
}

static void assert_written(struct outcome *o, const char *expected)
{
	struct text out;
	text_init(&out, 1 << 20);
	outcome_write(o, OUTCOME_WHOLE, &out);
	assert_true(text_ok(&out));
	assert_string_equal(expected, out.data);
	text_clean_up(&out);
}

static void neighbours_become_one_range(void **state)
{
	(void)state;
	struct outcome *o = outcome_new(&plain);
	send_one(o, 0, PUBLISH_STORED, 0, 10);
	send_one(o, 1, PUBLISH_STORED, 1, 7);
	send_one(o, 2, PUBLISH_STORED, 0, 11);
	send_one(o, 3, PUBLISH_STORED, 1, 8);
	send_one(o, 4, PUBLISH_STORED, 0, 13); /* somebody else's record lies between */
	assert_int_equal(ERROR_OK, outcome_wait(o, 0, 0));
	outcome_close(o, OUTCOME_UNKNOWN);
	assert_written(o, "{\"accepted\":5,\"rejected\":0,\"unavailable\":0,\"unknown\":0,"
			  "\"ranges\":[{\"partition\":0,\"first_offset\":10,\"last_offset\":11},"
			  "{\"partition\":1,\"first_offset\":7,\"last_offset\":8},"
			  "{\"partition\":0,\"first_offset\":13,\"last_offset\":13}],"
			  "\"error_count\":0,\"errors\":[]}");
	outcome_release(&o);
	assert_null(o);
}

static void errors_are_told_in_order(void **state)
{
	(void)state;
	struct outcome *o = outcome_new(&plain);
	struct publish_ticket *early = outcome_take(o, at(0));
	outcome_refuse(o, at(1), PUBLISH_REFUSED, "out-of-range", "buy_price", "is \"-5\"");
	settle(early, PUBLISH_REFUSED, 0, -1);
	outcome_note(o, at(2), "broken-body", "it ends within the array");
	outcome_close(o, OUTCOME_UNKNOWN);
	assert_written(o, "{\"accepted\":0,\"rejected\":2,\"unavailable\":0,\"unknown\":0,"
			  "\"ranges\":[],\"error_count\":3,\"errors\":["
			  "{\"index\":0,\"line\":1,\"outcome\":\"rejected\","
			  "\"code\":\"refused-by-kafka\",\"reason\":\"because\"},"
			  "{\"index\":1,\"line\":2,\"outcome\":\"rejected\","
			  "\"code\":\"out-of-range\",\"field\":\"buy_price\","
			  "\"reason\":\"is \\\"-5\\\"\"},"
			  "{\"index\":2,\"line\":3,\"code\":\"broken-body\","
			  "\"reason\":\"it ends within the array\"}]}");
	outcome_release(&o);
}

static void errors_and_ranges_are_bounded(void **state)
{
	(void)state;
	struct outcome *o = outcome_new(&plain);
	for (uint64_t i = 0; i < 5000; i++) {
		outcome_refuse(o, at(2 * i), PUBLISH_REFUSED, "missing", "volume", "is missing");
		send_one(o, 2 * i + 1, PUBLISH_STORED, 0, (int64_t)(2 * i));
	}
	outcome_close(o, OUTCOME_UNKNOWN);
	struct text out;
	text_init(&out, 1 << 20);
	outcome_write(o, OUTCOME_WHOLE, &out);
	cJSON *json = cJSON_Parse(out.data);
	assert_int_equal(OUTCOME_MAX_ERRORS,
			 cJSON_GetArraySize(cJSON_GetObjectItem(json, "errors")));
	assert_int_equal(5000, (int)cJSON_GetObjectItem(json, "error_count")->valuedouble);
	assert_int_equal(OUTCOME_MAX_RANGES,
			 cJSON_GetArraySize(cJSON_GetObjectItem(json, "ranges")));
	assert_int_equal(5000 - OUTCOME_MAX_RANGES,
			 (int)cJSON_GetObjectItem(json, "ranges_omitted")->valuedouble);
	cJSON_Delete(json);
	text_clean_up(&out);
	outcome_release(&o);
}

static void details_tell_each_record(void **state)
{
	(void)state;
	const struct outcome_options options = { .detail_limit = 3 };
	struct outcome *o = outcome_new(&options);
	struct publish_ticket *first = outcome_take(o, at(0)), *second = outcome_take(o, at(1));
	settle(second, PUBLISH_UNAVAILABLE, 0, -1);
	settle(first, PUBLISH_STORED, 3, 99);
	outcome_refuse(o, at(2), PUBLISH_REFUSED, "missing", "volume", "is missing");
	send_one(o, 3, PUBLISH_STORED, 3, 100);
	outcome_close(o, OUTCOME_UNKNOWN);
	struct text out;
	text_init(&out, 1 << 20);
	outcome_write(o, OUTCOME_WHOLE, &out);
	const char *records = strstr(out.data, ",\"records\":");
	assert_non_null(records);
	assert_string_equal(",\"records\":["
			    "{\"index\":0,\"line\":1,\"outcome\":\"accepted\",\"partition\":3,"
			    "\"offset\":99},"
			    "{\"index\":1,\"line\":2,\"outcome\":\"unavailable\","
			    "\"code\":\"kafka-unavailable\",\"reason\":\"because\"},"
			    "{\"index\":2,\"line\":3,\"outcome\":\"rejected\",\"code\":\"missing\","
			    "\"field\":\"volume\",\"reason\":\"is missing\"}],"
			    "\"records_omitted\":1}",
			    records);
	text_clean_up(&out);
	outcome_release(&o);
}

static void what_is_pending_at_the_close_is_unknown(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct metric *late = metrics_counter(metrics, "late_total", "Late", NULL);
	const struct outcome_options options = { .late = late };
	struct outcome *o = outcome_new(&options);
	send_one(o, 0, PUBLISH_STORED, 0, 1);
	struct publish_ticket *pending = outcome_take(o, at(1));
	assert_int_equal(ERROR_TIMEOUT, outcome_wait(o, 0, monotonic_now_us() + 1000));
	assert_int_equal(ERROR_OK, outcome_wait(o, 1, 0));
	assert_int_equal(1, outcome_counts(o).pending);
	outcome_close(o, OUTCOME_UNKNOWN);
	struct outcome_counts counts = outcome_counts(o);
	assert_int_equal(1, counts.of[PUBLISH_UNKNOWN]);
	assert_int_equal(0, counts.pending);
	settle(pending, PUBLISH_STORED, 0, 2); /* too late to change what was said */
	counts = outcome_counts(o);
	assert_int_equal(1, counts.of[PUBLISH_STORED]);
	assert_int_equal(1, counts.of[PUBLISH_UNKNOWN]);
	assert_int_equal(1, (int)metric_value(late));
	outcome_release(&o);
	metrics_destroy(&metrics);
}

static void an_answer_before_the_outcome_says_queued(void **state)
{
	(void)state;
	struct outcome *o = outcome_new(&plain);
	struct publish_ticket *pending = outcome_take(o, at(0));
	outcome_close(o, OUTCOME_QUEUED);
	assert_written(o, "{\"accepted\":0,\"rejected\":0,\"unavailable\":0,\"unknown\":0,"
			  "\"queued\":1,\"ranges\":[],\"error_count\":0,\"errors\":[]}");
	outcome_release(&o); /* goes with the last settlement */
	settle(pending, PUBLISH_STORED, 0, 2);
}

static void a_ticket_given_back_is_no_record(void **state)
{
	(void)state;
	struct outcome *o = outcome_new(&plain);
	outcome_give_back(o, outcome_take(o, at(0)));
	assert_int_equal(ERROR_OK, outcome_wait(o, 0, 0));
	outcome_close(o, OUTCOME_UNKNOWN);
	assert_int_equal(0, outcome_counts(o).errors);
	outcome_release(&o);
}

/* --- with the publisher's thread -------------------------------------------------------------- */

enum { MANY = 20000, QUEUE = 512 };

struct mail {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct publish_ticket *tickets[QUEUE];
	size_t begin, end;
	bool last;
};

static void *settle_mail(void *data)
{
	struct mail *mail = data;
	int64_t offset = 0;
	for (;;) {
		pthread_mutex_lock(&mail->lock);
		while (mail->begin == mail->end && !mail->last)
			pthread_cond_wait(&mail->changed, &mail->lock);
		if (mail->begin == mail->end)
			break;
		struct publish_ticket *ticket = mail->tickets[mail->begin++ % QUEUE];
		pthread_cond_signal(&mail->changed);
		pthread_mutex_unlock(&mail->lock);
		settle(ticket, PUBLISH_STORED, 0, offset++);
	}
	pthread_mutex_unlock(&mail->lock);
	return NULL;
}

static void post(struct mail *mail, struct publish_ticket *ticket)
{
	pthread_mutex_lock(&mail->lock);
	while (mail->end - mail->begin == QUEUE)
		pthread_cond_wait(&mail->changed, &mail->lock);
	if (ticket)
		mail->tickets[mail->end++ % QUEUE] = ticket;
	else
		mail->last = true;
	pthread_cond_signal(&mail->changed);
	pthread_mutex_unlock(&mail->lock);
}

static void two_threads_agree(void **state)
{
	(void)state;
	struct mail mail = { .lock = PTHREAD_MUTEX_INITIALIZER,
			     .changed = PTHREAD_COND_INITIALIZER };
	pthread_t thread;
	assert_int_equal(0, pthread_create(&thread, NULL, settle_mail, &mail));
	struct outcome *o = outcome_new(&plain);
	for (uint64_t i = 0; i < MANY; i++) {
		assert_int_equal(ERROR_OK, outcome_wait(o, 99, monotonic_now_us() + 20000000));
		post(&mail, outcome_take(o, at(i)));
	}
	assert_int_equal(ERROR_OK, outcome_wait(o, 0, monotonic_now_us() + 20000000));
	outcome_close(o, OUTCOME_UNKNOWN);
	assert_int_equal(MANY, outcome_counts(o).of[PUBLISH_STORED]);
	outcome_release(&o);
	/* Released while its last record is on its way: whoever comes last frees it. */
	for (int i = 0; i < 200; i++) {
		o = outcome_new(&plain);
		post(&mail, outcome_take(o, at(0)));
		outcome_close(o, OUTCOME_QUEUED);
		outcome_release(&o);
	}
	post(&mail, NULL);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_become_one_range),
		cmocka_unit_test(errors_are_told_in_order),
		cmocka_unit_test(errors_and_ranges_are_bounded),
		cmocka_unit_test(details_tell_each_record),
		cmocka_unit_test(what_is_pending_at_the_close_is_unknown),
		cmocka_unit_test(an_answer_before_the_outcome_says_queued),
		cmocka_unit_test(a_ticket_given_back_is_no_record),
		cmocka_unit_test(two_threads_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
