/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * More connections than workers: those that say nothing make room, those that work stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

enum { THREADS = 8, KEEP_ALIVE_MS = 60000, SOON_MS = 20000, IDLE = 60 };

static void hello(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", "hello", 5);
}

static void slow(struct http_request *request, void *user)
{
	const struct timespec pause = { .tv_sec = 2 };

	(void)user;
	nanosleep(&pause, NULL);
	http_answer(request, 200, "text/plain", "slow", 4);
}

static const struct http_route routes[] = {
	{ "GET", "/hello", hello, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/slow", slow, HTTP_SCOPE_NONE, 0 },
};

/* Far longer limits than the tests wait: it is not they that make room. */
static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	t->options.threads = THREADS;
	t->options.request_timeout_ms = KEEP_ALIVE_MS;
	t->options.keep_alive_timeout_ms = KEEP_ALIVE_MS;
	http_testing_start(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static void ask_on(struct http_testing *t, int fd, const char *path)
{
	char request[100];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	assert_true(socket_say(fd, request));
	socket_answer(fd, t->answer, sizeof t->answer, false);
	assert_int_equal(answer_status(t->answer), 200);
}

static int64_t ms_since(int64_t us)
{
	return (monotonic_now_us() - us) / 1000;
}

static double closed(const struct http_testing *t)
{
	char memory[100];
	struct text labels;

	text_init_fixed(&labels, memory, sizeof memory);
	text_putf(&labels, "listener=\"127.0.0.1:%d\"", t->options.port);
	return metric_value(metrics_counter(
		t->options.metrics, "http_idle_closed_total",
		"Connections closed while idle, because every worker had one", labels.data));
}

static void test_kept_connections_make_room(void **state)
{
	struct http_testing *t = *state;
	int64_t begun_us = monotonic_now_us();
	int idle[IDLE];

	for (int i = 0; i < IDLE; i++) {
		idle[i] = socket_connect(http_server_port(t->server));
		ask_on(t, idle[i], "/hello");
	}
	assert_in_range(ms_since(begun_us), 0, SOON_MS);
	assert_true(closed(t) >= IDLE - THREADS);
	/* The first one was closed, in silence; the last one is still good. */
	assert_int_equal(socket_rest(idle[0], t->answer, sizeof t->answer), 0);
	ask_on(t, idle[IDLE - 1], "/hello");
	for (int i = 0; i < IDLE; i++)
		close(idle[i]);
}

/* All workers are busy and nobody is idle: nobody is closed. */
static void test_served_connections_stay(void **state)
{
	struct http_testing *t = *state;
	int busy[THREADS];

	for (int i = 0; i < THREADS; i++) {
		busy[i] = socket_connect(http_server_port(t->server));
		assert_true(socket_say(busy[i], "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
	}
	assert_int_equal(http_ask(t, "GET /hello", "", NULL), 200);
	for (int i = 0; i < THREADS; i++) {
		socket_answer(busy[i], t->answer, sizeof t->answer, false);
		assert_int_equal(answer_status(t->answer), 200);
		close(busy[i]);
	}
}

static void test_fewer_than_workers_stay(void **state)
{
	struct http_testing *t = *state;
	const struct timespec pause = { .tv_sec = 1, .tv_nsec = 500000000 };
	int fd = socket_connect(http_server_port(t->server));

	ask_on(t, fd, "/hello");
	nanosleep(&pause, NULL);
	ask_on(t, fd, "/hello");
	assert_true(closed(t) < 0.5);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept_connections_make_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_served_connections_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fewer_than_workers_stay, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
