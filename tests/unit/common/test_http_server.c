/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>

#include <openssl/ssl.h>

#include "http_testing.h"

/* Two gates: a test knows when a request is inside, and lets it go on. */
static sem_t inside, go_on;
static atomic_bool enough;

static void hello(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", "hello", 5);
}

static void wait_inside(struct http_request *request, void *user)
{
	(void)user;
	sem_post(&inside);
	sem_wait(&go_on);
	http_answer(request, 200, "text/plain", "waited", 6);
}

static const struct http_route routes[] = {
	{ "GET", "/hello", hello, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/wait", wait_inside, HTTP_SCOPE_NONE, 0 },
};

static struct http_testing *new_testing(void)
{
	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	return http_testing_new(routes, 2);
}

static int ask_to_wait(struct http_testing *t)
{
	int fd = socket_connect(http_server_port(t->server));

	assert_true(socket_say(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
	sem_wait(&inside);
	return fd;
}

static double in_flight(struct http_testing *t)
{
	return metric_value(metrics_gauge(t->options.metrics, "http_in_flight",
					  "Requests being served now", "listener=\"127.0.0.1:0\""));
}

/* A request is counted out after its answer was sent. */
static void assert_none_in_flight(struct http_testing *t)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 5000 && in_flight(t) != 0; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(in_flight(t), 0);
}

static void test_a_taken_port_is_named(void **state)
{
	struct http_testing *t = new_testing();
	struct http_server *server = NULL;
	char address[64];
	struct text why;
	int taken, fd = socket_listen(&taken);

	(void)state;
	text_init(&why, 1000);
	t->options.port = taken;
	assert_int_equal(http_server_start(&t->options, &server, &why), ERROR_SYSTEM);
	snprintf(address, sizeof address, "127.0.0.1:%d", taken);
	assert_non_null(strstr(why.data, address));
	assert_non_null(strstr(why.data, "Address already in use"));
	assert_null(server);
	close(fd);
	text_clean_up(&why);
	http_testing_stop(t);
}

static void test_drain_waits_for_what_is_in_flight(void **state)
{
	struct http_testing *t = new_testing();
	int fd;

	(void)state;
	http_testing_start(t);
	fd = ask_to_wait(t);
	assert_int_equal(in_flight(t), 1);
	assert_int_equal(http_server_drain(t->server, monotonic_now_us() + 50000), ERROR_TIMEOUT);
	assert_int_equal(http_ask(t, "GET /hello", "", NULL), 503);
	assert_true(http_answer_is_problem(t, "shutting-down"));
	assert_true(http_answer_has(t, "Retry-After: 1\r\n"));
	sem_post(&go_on);
	assert_int_equal(http_server_drain(t->server, monotonic_now_us() + 10000000), ERROR_OK);
	socket_answer(fd, t->answer, sizeof t->answer, false);
	assert_string_equal(http_answer_body(t), "waited");
	assert_none_in_flight(t);
	close(fd);
	http_testing_stop(t);
}

/* How long the stop of a server took that has an idle connection. */
static int64_t stop_beside_an_idle_one_us(void)
{
	struct http_testing *t = new_testing();
	int64_t begun_us, took_us;
	int fd;

	http_testing_start(t);
	fd = socket_connect(http_server_port(t->server));
	assert_true(socket_say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
	socket_answer(fd, t->answer, sizeof t->answer, false);
	begun_us = monotonic_now_us();
	http_server_destroy(&t->server);
	took_us = monotonic_now_us() - begun_us;
	assert_int_equal(socket_rest(fd, t->answer, sizeof t->answer), 0);
	close(fd);
	http_testing_stop(t);
	return took_us;
}

/* One that waits takes its time each time; one that doesn't may meet a pause of the machine. */
static void test_stopping_does_not_wait_for_idle_connections(void **state)
{
	bool at_once = false;

	(void)state;
	for (int tries = 0; tries < 3 && !at_once; tries++)
		at_once = stop_beside_an_idle_one_us() < 1500000;
	assert_true(at_once);
}

static void *ask_often(void *user)
{
	struct http_testing *t = user;
	int fd = socket_connect(http_server_port(t->server));
	char answer[2000];

	for (int i = 0; i < 200; i++) {
		socket_say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
		socket_answer(fd, answer, sizeof answer, false);
		if (answer_status(answer) != 200)
			return user;
	}
	close(fd);
	return NULL;
}

static void test_many_connections_at_once(void **state)
{
	struct http_testing *t = new_testing();
	pthread_t threads[8];

	(void)state;
	t->options.threads = 9; /* one is free: no connection's turn ends */
	http_testing_start(t);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, t), 0);
	for (int i = 0; i < 8; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(
		metric_value(metrics_counter(t->options.metrics, "http_requests_total",
					     "Requests by route, method and status",
					     "route=\"/hello\",method=\"GET\",status=\"200\"")),
		1600);
	assert_none_in_flight(t);
	http_testing_stop(t);
}

static void *ask_for_ever(void *user)
{
	struct http_testing *t = user;
	char answer[2000];

	while (!atomic_load(&enough)) {
		int fd = socket_connect(http_server_port(t->server));

		do {
			socket_say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
			socket_answer(fd, answer, sizeof answer, false);
		} while (strstr(answer, "keep-alive") != NULL && !atomic_load(&enough));
		close(fd);
	}
	return NULL;
}

static void test_busy_connections_do_not_keep_others_out(void **state)
{
	struct http_testing *t = new_testing();
	pthread_t threads[4];
	int64_t begun_us;

	(void)state;
	t->options.threads = 2;
	http_testing_start(t);
	atomic_store(&enough, false);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_for_ever, t), 0);
	begun_us = monotonic_now_us();
	for (int i = 0; i < 5; i++)
		assert_int_equal(http_ask(t, "GET /hello", "", NULL), 200);
	assert_true(monotonic_now_us() - begun_us < 8000000);
	atomic_store(&enough, true);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	http_testing_stop(t);
}

/* --- TLS ------------------------------------------------------------------------------------- */

static void make_certificate(const char *path)
{
	char command[512];

	snprintf(command, sizeof command,
		 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
		 "-days 2 -subj /CN=localhost -keyout %s.key -out %s.crt >/dev/null 2>&1 && "
		 "cat %s.key %s.crt > %s",
		 path, path, path, path, path);
	assert_int_equal(system(command), 0);
}

static void remove_certificate(const char *path)
{
	char name[128];

	unlink(path);
	snprintf(name, sizeof name, "%s.key", path);
	unlink(name);
	snprintf(name, sizeof name, "%s.crt", path);
	unlink(name);
}

static void ask_by_tls(int port, char *answer, int size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	int fd = socket_connect(port), length = 0, n;
	static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	assert_true(SSL_version(ssl) >= TLS1_2_VERSION);
	assert_int_equal(SSL_write(ssl, request, sizeof request - 1), sizeof request - 1);
	while ((n = SSL_read(ssl, answer + length, size - 1 - length)) > 0)
		length += n;
	answer[length] = '\0';
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
}

static void test_tls(void **state)
{
	struct http_testing *t = new_testing();
	char path[64] = "/tmp/tickline-certificate-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	make_certificate(path);
	t->options.tls_certificate = path;
	http_testing_start(t);
	ask_by_tls(http_server_port(t->server), t->answer, sizeof t->answer);
	assert_int_equal(answer_status(t->answer), 200);
	assert_string_equal(http_answer_body(t), "hello");
	http_testing_stop(t);
	remove_certificate(path);
}

static void test_a_bad_certificate_is_told(void **state)
{
	struct http_testing *t = new_testing();
	struct http_server *server = NULL;
	struct text why;

	(void)state;
	text_init(&why, 2000);
	t->options.tls_certificate = "/nonexistent/server.pem";
	assert_int_equal(http_server_start(&t->options, &server, &why), ERROR_SYSTEM);
	assert_non_null(strstr(why.data, "/nonexistent/server.pem"));
	text_clean_up(&why);
	http_testing_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_taken_port_is_named),
		cmocka_unit_test(test_drain_waits_for_what_is_in_flight),
		cmocka_unit_test(test_stopping_does_not_wait_for_idle_connections),
		cmocka_unit_test(test_many_connections_at_once),
		cmocka_unit_test(test_busy_connections_do_not_keep_others_out),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_a_bad_certificate_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
