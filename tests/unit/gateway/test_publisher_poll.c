/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whoever waits may poll: every record is told once, whoever has the turn.
 */
#include "mock_gateway.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "publisher_private.h"

enum { WAIT_MS = 20000, SENDERS = 6, ROUNDS = 60 };

struct fixture {
	struct mock_gateway mock;
	struct publisher *publisher;
	struct record tick;
};

/* One record at a time. */
struct sender {
	struct publish_ticket base;
	struct fixture *fixture;
	bool lends;
	atomic_int sent, told;
	atomic_bool told_here; /* on the sender's own thread */
	pthread_t thread;
};

static void on_told(struct publish_ticket *base, const struct publish_result *result)
{
	struct sender *sender = (struct sender *)base;
	(void)result;
	if (pthread_equal(pthread_self(), sender->thread))
		atomic_store(&sender->told_here, true);
	atomic_fetch_add(&sender->told, 1);
}

static void sender_init(struct sender *sender, struct fixture *f, bool lends)
{
	*sender = (struct sender){ .base = { .done = on_told,
					     .origin = publisher_origin(f->publisher, "test") },
				   .fixture = f,
				   .lends = lends,
				   .thread = pthread_self() };
}

static bool is_told(const void *user)
{
	const struct sender *sender = user;
	return atomic_load(&sender->told) == atomic_load(&sender->sent);
}

static bool send_one(struct sender *sender)
{
	struct publisher *p = sender->fixture->publisher;
	struct record_fault fault;
	enum error error;
	atomic_fetch_add(&sender->sent, 1);
	while ((error = publisher_send(p, &sender->fixture->tick, &sender->base, &fault)) ==
	       ERROR_LIMIT)
		(void)!publisher_wait_room(p, in_ms(100));
	return error == ERROR_OK;
}

static bool wait_told(struct sender *sender)
{
	int64_t deadline_us = in_ms(WAIT_MS);
	if (sender->lends)
		publisher_lend(sender->fixture->publisher, 1, is_told, sender, deadline_us);
	while (!is_told(sender) && monotonic_now_us() < deadline_us)
		usleep(200);
	return is_told(sender);
}

static void *send_again_and_again(void *user)
{
	struct sender *sender = user;
	sender->thread = pthread_self();
	for (int i = 0; i < ROUNDS; i++) {
		if (!send_one(sender) || !wait_told(sender))
			break;
	}
	return NULL;
}

static int set_up(void **state)
{
	static struct fixture f;
	mock_gateway_init(&f.mock);
	f.mock.gateway.settings.delivery_timeout_ms = 20000;
	f.mock.gateway.settings.queue_limit_records = 4;
	mock_gateway_start(&f.mock);
	f.publisher = f.mock.gateway.publisher;
	tick_record(wall_now_us(), &f.tick);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	mock_gateway_clean_up(&f->mock);
	return 0;
}

static void every_record_is_told_once_whoever_polls(void **state)
{
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	for (int i = 0; i < SENDERS; i++) {
		sender_init(&senders[i], *state, i % 3 != 0);
		assert_int_equal(
			0, pthread_create(&threads[i], NULL, send_again_and_again, &senders[i]));
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(ROUNDS, atomic_load(&senders[i].told));
	}
}

static void a_lone_sender_is_told_on_its_own_thread(void **state)
{
	struct sender sender;
	sender_init(&sender, *state, true);
	int64_t give_up_us = in_ms(WAIT_MS);
	while (!atomic_load(&sender.told_here)) {
		assert_true(monotonic_now_us() < give_up_us);
		assert_true(send_one(&sender));
		assert_true(wait_told(&sender));
	}
}

static void a_drain_does_not_wait_for_who_lends(void **state)
{
	struct fixture *f = *state;
	struct sender sender;
	pthread_t thread;
	sender_init(&sender, f, true);
	assert_true(send_one(&sender));
	assert_true(wait_told(&sender)); /* and the turn is free */
	rd_kafka_mock_broker_set_rtt(f->mock.cluster, 1, 10000);
	int64_t begun_us = monotonic_now_us();
	assert_int_equal(0, pthread_create(&thread, NULL, send_again_and_again, &sender));
	while (atomic_load(&sender.sent) < 2)
		usleep(200);
	publisher_drain(f->publisher, in_ms(50));
	pthread_join(thread, NULL);
	assert_true(monotonic_now_us() - begun_us < 15000000); /* before the record's own limit */
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(every_record_is_told_once_whoever_polls),
		WITH_FIXTURE(a_lone_sender_is_told_on_its_own_thread),
		WITH_FIXTURE(a_drain_does_not_wait_for_who_lends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
