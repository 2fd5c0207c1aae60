/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mock_gateway.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "publisher_private.h"

enum { WAIT_MS = 20000, PRODUCE_REQUEST = 0 };

struct fixture {
	struct mock_gateway mock;
	struct publisher *publisher;
	struct record tick;
	struct record_fault fault;
};

/* Counts what it is told; `last` is valid when `told` was seen. */
struct counting_ticket {
	struct publish_ticket base;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int told[PUBLISH_STATUSES], total;
	int64_t offset;
	int32_t partition;
};

static void count(struct publish_ticket *base, const struct publish_result *result)
{
	struct counting_ticket *ticket = (struct counting_ticket *)base;
	pthread_mutex_lock(&ticket->lock);
	ticket->told[result->status]++;
	ticket->total++;
	ticket->offset = result->offset;
	ticket->partition = result->partition;
	pthread_cond_signal(&ticket->changed);
	pthread_mutex_unlock(&ticket->lock);
}

static struct counting_ticket new_ticket(struct fixture *f)
{
	return (struct counting_ticket){
		.base = { .done = count, .origin = publisher_origin(f->publisher, "test") },
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
}

static int told(struct counting_ticket *ticket)
{
	pthread_mutex_lock(&ticket->lock);
	int total = ticket->total;
	pthread_mutex_unlock(&ticket->lock);
	return total;
}

static void wait_told(struct counting_ticket *ticket, int total)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&ticket->lock);
	while (ticket->total < total)
		assert_int_equal(0,
				 pthread_cond_timedwait(&ticket->changed, &ticket->lock, &until));
	pthread_mutex_unlock(&ticket->lock);
	assert_int_equal(total, ticket->total);
}

static int begin(void **state, int64_t delivery_timeout_ms, int64_t broker_timeout_ms)
{
	static struct fixture f;
	mock_gateway_init(&f.mock);
	f.mock.gateway.settings.delivery_timeout_ms = delivery_timeout_ms;
	f.mock.gateway.settings.broker_timeout_ms = broker_timeout_ms;
	f.mock.gateway.settings.queue_limit_records = 10;
	mock_gateway_start(&f.mock);
	f.publisher = f.mock.gateway.publisher;
	tick_record(wall_now_us(), &f.tick);
	*state = &f;
	return 0;
}

static int set_up(void **state)
{
	return begin(state, 15000, 800); /* the mock cluster answers no question about limits */
}

/* After a pause of the machine the gate may be shut for a moment. */
static enum error send_tick(struct fixture *f, struct counting_ticket *ticket)
{
	const int64_t deadline_us = in_ms(WAIT_MS);
	enum error error;
	do
		error = publisher_send(f->publisher, &f->tick, &ticket->base, &f->fault);
	while (error == ERROR_UNAVAILABLE && monotonic_now_us() < deadline_us &&
	       publisher_wait_open(f->publisher, deadline_us) == ERROR_OK);
	return error;
}

/* Where the broker goes, and its absence is waited for. */
static int set_up_impatient(void **state)
{
	return begin(state, 1500, 300);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	mock_gateway_clean_up(&f->mock);
	return 0;
}

static void stored_records_get_their_offsets(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ERROR_OK, send_tick(f, &ticket));
		wait_told(&ticket, i + 1);
		assert_int_equal(i, ticket.offset);
		assert_int_equal(0, ticket.partition);
	}
	assert_int_equal(3, ticket.told[PUBLISH_STORED]);
	assert_int_equal(3, (int)mock_records(&f->mock, "tick", "test", "accepted"));
	assert_int_equal(0, (int)mock_records(&f->mock, "bar", "test", "accepted"));
	assert_ptr_equal(ticket.base.origin, publisher_origin(f->publisher, "test"));
	assert_int_equal(ERROR_OK, publisher_wait_open(f->publisher, in_ms(WAIT_MS)));
}

static void a_time_out_of_the_window_never_reaches_kafka(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	/* The mock cluster tells no limits: Kafka's own hold, an hour ahead. */
	tick_record(wall_now_us() + INT64_C(7200000000), &f->tick);
	assert_int_equal(ERROR_INVALID,
			 publisher_send(f->publisher, &f->tick, &ticket.base, &f->fault));
	assert_string_equal("bad-timestamp", f->fault.code);
	assert_string_equal("timestamp", f->fault.field);
	assert_int_equal(0, ticket.total);
}

static void what_kafka_never_takes_is_refused(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	rd_kafka_mock_push_request_errors(f->mock.cluster, PRODUCE_REQUEST, 1,
					  RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP);
	assert_int_equal(ERROR_OK, send_tick(f, &ticket));
	wait_told(&ticket, 1);
	assert_int_equal(1, ticket.told[PUBLISH_REFUSED]);
	assert_int_equal(ERROR_OK, send_tick(f, &ticket));
	wait_told(&ticket, 2);
	assert_int_equal(1, ticket.told[PUBLISH_STORED]);
}

/* The try before may have been stored: what the next one is told says nothing about it. */
static void what_is_refused_after_a_retry_is_not_called_refused(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	rd_kafka_mock_push_request_errors(f->mock.cluster, PRODUCE_REQUEST, 2,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP);
	assert_int_equal(ERROR_OK, send_tick(f, &ticket));
	wait_told(&ticket, 1);
	assert_int_equal(1, ticket.told[PUBLISH_UNKNOWN]);
}

static void an_outage_is_told_and_survived(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	char memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	rd_kafka_mock_broker_set_down(f->mock.cluster, 1);
	/* The outage may be noticed before or after; either way nothing is called stored. */
	int sent = 0;
	enum error error = ERROR_OK;
	int64_t give_up_us = in_ms(WAIT_MS);
	while (error != ERROR_UNAVAILABLE && monotonic_now_us() < give_up_us) {
		error = publisher_send(f->publisher, &f->tick, &ticket.base, &f->fault);
		sent += error == ERROR_OK;
		if (error == ERROR_LIMIT)
			(void)!publisher_wait_room(f->publisher, in_ms(50));
	}
	assert_int_equal(ERROR_UNAVAILABLE, error);
	assert_false(publisher_is_open(f->publisher, &why));
	assert_non_null(strstr(why.data, "does not answer"));
	char page[1024];
	struct text json;
	text_init_fixed(&json, page, sizeof(page));
	assert_false(health_ready(f->mock.health, &json));
	assert_non_null(strstr(json.data, "does not answer"));
	assert_true(publisher_retry_after_s(f->publisher) >= 1);
	wait_told(&ticket, sent);
	assert_int_equal(0, ticket.told[PUBLISH_STORED]);
	assert_int_equal(sent, ticket.told[PUBLISH_UNAVAILABLE] + ticket.told[PUBLISH_UNKNOWN]);
	rd_kafka_mock_broker_set_up(f->mock.cluster, 1);
	assert_int_equal(ERROR_OK, publisher_wait_open(f->publisher, in_ms(WAIT_MS)));
	assert_int_equal(ERROR_OK, publisher_send(f->publisher, &f->tick, &ticket.base, &f->fault));
	wait_told(&ticket, sent + 1);
	assert_int_equal(1, ticket.told[PUBLISH_STORED]);
}

/* With acks=all a broker may answer NOT_LEADER after it appended; then it goes, and the retry never
 * leaves. librdkafka calls that record "not persisted". */
static void what_left_once_is_not_called_unavailable(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket left = new_ticket(f), never_left = new_ticket(f);
	rd_kafka_resp_err_t errors[1000];
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		errors[i] = RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
	rd_kafka_mock_push_request_errors_array(f->mock.cluster, PRODUCE_REQUEST,
						sizeof(errors) / sizeof(errors[0]), errors);
	assert_int_equal(ERROR_OK, publisher_send(f->publisher, &f->tick, &left.base, &f->fault));
	int64_t give_up_us = in_ms(WAIT_MS);
	while (atomic_load(&f->publisher->produced_us) == 0)
		assert_true(monotonic_now_us() < give_up_us);
	rd_kafka_mock_broker_set_down(f->mock.cluster, 1);
	int64_t produced_us;
	do { /* until no request leaves any more */
		produced_us = atomic_load(&f->publisher->produced_us);
		usleep(300000);
	} while (produced_us != atomic_load(&f->publisher->produced_us));
	bool taken =
		publisher_send(f->publisher, &f->tick, &never_left.base, &f->fault) == ERROR_OK;
	wait_told(&left, 1);
	assert_int_equal(1, left.told[PUBLISH_UNKNOWN]);
	wait_told(&never_left, taken);
	assert_int_equal(taken, never_left.told[PUBLISH_UNAVAILABLE]);
}

static void a_full_queue_is_a_limit_that_passes(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	rd_kafka_mock_broker_set_rtt(f->mock.cluster, 1, 200);
	int sent = 0;
	enum error error = ERROR_OK;
	while (error == ERROR_OK) {
		error = send_tick(f, &ticket);
		sent += error == ERROR_OK;
		assert_true(sent - told(&ticket) <= 10); /* some may be through by now */
	}
	assert_int_equal(ERROR_LIMIT, error);
	int64_t deadline_us = in_ms(WAIT_MS);
	while (error == ERROR_LIMIT && publisher_wait_room(f->publisher, deadline_us) == ERROR_OK)
		error = send_tick(f, &ticket);
	assert_int_equal(ERROR_OK, error);
	wait_told(&ticket, sent + 1);
	assert_int_equal(sent + 1, ticket.told[PUBLISH_STORED]);
}

static void a_fatal_error_brings_a_new_producer(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	assert_int_equal(RD_KAFKA_RESP_ERR_NO_ERROR,
			 rd_kafka_test_fatal_error(f->publisher->link.handle,
						   RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
						   "a test"));
	struct metric *replaced =
		metrics_counter(f->mock.metrics, "gateway_producers_replaced_total",
				"Producers replaced after a fatal error", NULL);
	int64_t give_up_us = in_ms(WAIT_MS);
	while (metric_value(replaced) < 1)
		assert_true(monotonic_now_us() < give_up_us);
	assert_int_equal(ERROR_OK, publisher_wait_open(f->publisher, in_ms(WAIT_MS)));
	assert_int_equal(ERROR_OK, send_tick(f, &ticket));
	wait_told(&ticket, 1);
	assert_int_equal(1, ticket.told[PUBLISH_STORED]);
}

static void a_drain_settles_everything(void **state)
{
	struct fixture *f = *state;
	struct counting_ticket ticket = new_ticket(f);
	rd_kafka_mock_broker_set_rtt(f->mock.cluster, 1, 1000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ERROR_OK, send_tick(f, &ticket));
	publisher_drain(f->publisher, in_ms(10)); /* too short for what is in flight */
	assert_int_equal(3, ticket.total);
	assert_int_equal(0, ticket.told[PUBLISH_REFUSED]);
	assert_int_equal(ERROR_UNAVAILABLE,
			 publisher_send(f->publisher, &f->tick, &ticket.base, &f->fault));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define IMPATIENT(test)    cmocka_unit_test_setup_teardown(test, set_up_impatient, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(stored_records_get_their_offsets),
		WITH_FIXTURE(a_time_out_of_the_window_never_reaches_kafka),
		WITH_FIXTURE(what_kafka_never_takes_is_refused),
		WITH_FIXTURE(what_is_refused_after_a_retry_is_not_called_refused),
		IMPATIENT(an_outage_is_told_and_survived),
		IMPATIENT(what_left_once_is_not_called_unavailable),
		WITH_FIXTURE(a_full_queue_is_a_limit_that_passes),
		WITH_FIXTURE(a_fatal_error_brings_a_new_producer),
		WITH_FIXTURE(a_drain_settles_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
