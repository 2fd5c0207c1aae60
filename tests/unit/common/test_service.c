/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each test runs a small service in a child process and reads its standard error: the logs, and
 * what its two parts tell of themselves.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "service.h"

enum { PATIENCE_MS = 20000 };

/* --- the service under test ------------------------------------------------------------------ */

struct app {
	bool fails; /* the second part does not start */
	bool never_ready;
	bool drains_for_ever;
};

static enum error start_first(struct service *service, void *app, struct text *why)
{
	(void)app;
	(void)why;
	health_met(health_condition(service_health(service), "first"));
	dprintf(STDERR_FILENO, "start first\n");
	return ERROR_OK;
}

static enum error start_second(struct service *service, void *user, struct text *why)
{
	const struct app *app = user;
	if (app->fails) {
		why_putf(why, "the disk is %s", "full");
		return ERROR_SYSTEM;
	}
	struct health_condition *condition = health_condition(service_health(service), "second");
	if (!app->never_ready)
		health_met(condition);
	dprintf(STDERR_FILENO, "start second\n");
	return ERROR_OK;
}

static void drain_first(struct service *service, void *app, int64_t deadline_us)
{
	(void)service;
	(void)app;
	(void)deadline_us;
	dprintf(STDERR_FILENO, "drain first\n");
}

static void drain_second(struct service *service, void *user, int64_t deadline_us)
{
	const struct app *app = user;
	(void)service;
	(void)deadline_us;
	dprintf(STDERR_FILENO, "drain second\n");
	while (app->drains_for_ever)
		pause();
}

static void stop_first(struct service *service, void *app)
{
	(void)service;
	(void)app;
	dprintf(STDERR_FILENO, "stop first\n");
}

static void stop_second(struct service *service, void *app)
{
	(void)service;
	(void)app;
	dprintf(STDERR_FILENO, "stop second\n");
}

static void reload_second(struct service *service, void *app)
{
	(void)service;
	(void)app;
	dprintf(STDERR_FILENO, "reload second\n");
}

static void get_hello(struct http_request *request, void *app)
{
	(void)app;
	http_answer(request, 200, "text/plain", "hello", 5);
}

static int serve(struct app *app, int argc, const char **argv)
{
	static const struct service_part parts[] = {
		{ "first", start_first, drain_first, stop_first, NULL },
		{ "second", start_second, drain_second, stop_second, reload_second },
	};
	static const struct http_route routes[] = {
		{ "GET", "/v1/hello", get_hello, HTTP_SCOPE_READ, 0 },
	};
	const struct service_spec spec = { .name = "gateway",
					   .summary = "says hello",
					   .default_port = 5550,
					   .parts = parts,
					   .part_count = 2,
					   .routes = routes,
					   .route_count = 1,
					   .app = app };
	return service_main(&spec, argc, (char **)argv);
}

/* --- the child ------------------------------------------------------------------------------- */

struct child {
	pid_t pid;
	int out; /* its standard output and error */
	char text[65536];
	size_t length, seen;
	int port, management_port;
};

static void spawn(struct child *child, struct app *app, const char **argv)
{
	int ends[2];
	*child = (struct child){ 0 };
	assert_int_equal(pipe(ends), 0);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		int argc = 0;
		while (argv[argc])
			argc++;
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		alarm(PATIENCE_MS / 1000);
		int code = serve(app, argc, argv);
		fflush(NULL);
		_exit(code);
	}
	close(ends[1]);
	child->out = ends[0];
}

static bool read_more(struct child *child)
{
	struct pollfd poller = { .fd = child->out, .events = POLLIN };
	if (poll(&poller, 1, PATIENCE_MS) <= 0)
		return false;
	ssize_t got = read(child->out, child->text + child->length,
			   sizeof child->text - 1 - child->length);
	if (got <= 0)
		return false;
	child->length += (size_t)got;
	child->text[child->length] = '\0';
	return true;
}

/* Reads until `part` came, after everything that was awaited before. */
static void await(struct child *child, const char *part)
{
	char *found;
	while (!(found = strstr(child->text + child->seen, part))) {
		if (!read_more(child)) {
			print_error("\"%s\" never came in:\n%s\n", part, child->text);
			kill(child->pid, SIGKILL);
			fail();
		}
	}
	child->seen = (size_t)(found - child->text) + strlen(part);
}

static int number_after(const struct child *child, const char *key)
{
	const char *found = strstr(child->text, key);
	assert_non_null(found);
	return atoi(found + strlen(key));
}

static void await_ports(struct child *child)
{
	await(child, "event=listening");
	await(child, "version=");
	child->port = number_after(child, " port=");
	child->management_port = number_after(child, " management_port=");
}

static void expect_exit(struct child *child, int code)
{
	int status;
	while (read_more(child))
		;
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		print_error("status %x after:\n%s\n", (unsigned)status, child->text);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	close(child->out);
}

static int connect_to(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* One request on a connection of its own; returns the whole answer. */
static const char *get(int port, const char *path)
{
	static char answer[262144];
	int fd = connect_to(port);
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
	size_t length = 0;
	ssize_t got;
	while ((got = read(fd, answer + length, sizeof answer - 1 - length)) > 0)
		length += (size_t)got;
	answer[length] = '\0';
	close(fd);
	return answer;
}

static void expect_answer(int port, const char *path, const char *status, const char *part)
{
	const char *answer = get(port, path);
	if (strncmp(answer + 9, status, 3) != 0 || !strstr(answer, part))
		print_error("%s: %s\n", path, answer);
	assert_memory_equal(answer + 9, status, 3);
	assert_non_null(strstr(answer, part));
}

#define ARGUMENTS(...) ((const char *[]){ "gateway", __VA_ARGS__, NULL })
#define ANY_PORTS      "--http-port=0", "--management-port=0"

/* --- tests ----------------------------------------------------------------------------------- */

static void parts_start_in_order_and_end_in_reverse(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child child;
	spawn(&child, &app, ARGUMENTS(ANY_PORTS));
	await(&child, "start first\n");
	await(&child, "start second\n");
	await_ports(&child);
	expect_answer(child.port, "/v1/hello", "200", "hello");
	kill(child.pid, SIGTERM);
	await(&child, "signal=SIGTERM");
	await(&child, "drain second\n");
	await(&child, "drain first\n");
	await(&child, "stop second\n");
	await(&child, "stop first\n");
	await(&child, "event=ended");
	expect_exit(&child, 0);
}

static void the_management_listener_tells_state_metrics_and_settings(void **state)
{
	(void)state;
	struct app app = { .never_ready = true };
	struct child child;
	spawn(&child, &app, ARGUMENTS(ANY_PORTS, "--kafka.sasl.password=hush-hush"));
	await_ports(&child);
	expect_answer(child.management_port, "/healthz", "200", "\"alive\":true");
	expect_answer(child.management_port, "/readyz", "503", "\"reason\":\"starting\"");
	expect_answer(child.management_port, "/metrics", "200", "process_open_fds ");
	expect_answer(child.management_port, "/metrics", "200", "tickline_ready 0\n");
	expect_answer(child.management_port, "/metrics", "200",
		      "tickline_build_info{service=\"gateway\",version=\"");
	expect_answer(child.management_port, "/config", "200", "\"drain_timeout_s\"");
	assert_null(strstr(get(child.management_port, "/config"), "hush-hush"));
	expect_answer(child.management_port, "/v1/hello", "404", "");
	expect_answer(child.port, "/healthz", "404", "");
	kill(child.pid, SIGINT);
	expect_exit(&child, 0);
}

static void it_is_ready_when_its_parts_say_so(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child child;
	spawn(&child, &app, ARGUMENTS(ANY_PORTS));
	await_ports(&child);
	expect_answer(child.management_port, "/readyz", "200", "\"ready\":true");
	expect_answer(child.management_port, "/metrics", "200", "tickline_ready 1\n");
	kill(child.pid, SIGTERM);
	expect_exit(&child, 0);
}

static void busy_workers_do_not_delay_a_probe(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child child;
	spawn(&child, &app,
	      ARGUMENTS(ANY_PORTS, "--http-threads=1", "--http-request-timeout-ms=15000"));
	await_ports(&child);
	int busy = connect_to(child.port); /* holds the only worker with half a request */
	dprintf(busy, "GET /v1/hello HTTP/1.1\r\n");
	expect_answer(child.management_port, "/healthz", "200", "\"alive\":true");
	expect_answer(child.management_port, "/readyz", "200", "\"ready\":true");
	expect_answer(child.management_port, "/metrics", "200", "tickline_ready 1\n");
	close(busy);
	kill(child.pid, SIGTERM);
	expect_exit(&child, 0);
}

static void with_tokens_settings_are_for_those_who_may_read(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child child;
	char path[] = "/tmp/tickline-tokens-XXXXXX", flag[64];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	dprintf(fd, "0123456789abcdef0123456789abcdef read reader\n");
	close(fd);
	snprintf(flag, sizeof flag, "--token-file=%s", path);
	spawn(&child, &app, ARGUMENTS(ANY_PORTS, flag));
	await_ports(&child);
	expect_answer(child.management_port, "/config", "401", "");
	expect_answer(child.management_port, "/healthz", "200", "");
	expect_answer(child.management_port, "/readyz", "200", "");
	expect_answer(child.management_port, "/metrics", "200", "");
	expect_answer(child.port, "/v1/hello", "401", "");
	kill(child.pid, SIGTERM);
	expect_exit(&child, 0);
	unlink(path);
}

static void a_hang_up_reloads(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child child;
	spawn(&child, &app, ARGUMENTS(ANY_PORTS));
	await_ports(&child);
	kill(child.pid, SIGHUP);
	await(&child, "reload second\n");
	kill(child.pid, SIGHUP);
	await(&child, "reload second\n");
	expect_answer(child.port, "/v1/hello", "200", "hello");
	kill(child.pid, SIGTERM);
	expect_exit(&child, 0);
}

static void it_is_not_ready_while_it_drains_and_a_second_signal_ends_it(void **state)
{
	(void)state;
	struct app app = { .drains_for_ever = true };
	struct child child;
	spawn(&child, &app, ARGUMENTS(ANY_PORTS));
	await_ports(&child);
	kill(child.pid, SIGTERM);
	await(&child, "drain second\n");
	expect_answer(child.management_port, "/readyz", "503", "\"draining\":true");
	expect_answer(child.management_port, "/healthz", "200", "\"alive\":true");
	kill(child.pid, SIGTERM);
	expect_exit(&child, 1);
}

static void a_part_that_does_not_start_ends_the_service(void **state)
{
	(void)state;
	struct app app = { .fails = true };
	struct child child;
	spawn(&child, &app, ARGUMENTS(ANY_PORTS));
	await(&child, "part=second error=system reason=\"the disk is full\"");
	await(&child, "stop first\n");
	expect_exit(&child, 1);
	assert_null(strstr(child.text, "stop second"));
}

static void a_taken_port_is_told(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child first, second;
	char port[32];
	spawn(&first, &app, ARGUMENTS(ANY_PORTS));
	await_ports(&first);
	snprintf(port, sizeof port, "--http-port=%d", first.port);
	spawn(&second, &app, ARGUMENTS(port, "--management-port=0"));
	await(&second, "event=\"cannot start\" part=listener");
	expect_exit(&second, 1);
	assert_non_null(strstr(second.text, port + strlen("--http-port=")));
	kill(first.pid, SIGTERM);
	expect_exit(&first, 0);
}

static void health_asks_the_running_service(void **state)
{
	(void)state;
	struct app app = { 0 };
	struct child running, asking;
	char port[32];
	spawn(&running, &app, ARGUMENTS(ANY_PORTS));
	await_ports(&running);
	snprintf(port, sizeof port, "--management-port=%d", running.management_port);
	spawn(&asking, &app, ARGUMENTS("--health", port));
	expect_exit(&asking, 0);
	kill(running.pid, SIGTERM);
	expect_exit(&running, 0);
	spawn(&asking, &app, ARGUMENTS("--health", port));
	expect_exit(&asking, 1);
	assert_non_null(strstr(asking.text, "/healthz: "));
	spawn(&asking, &app, ARGUMENTS("--health", "--management-port=0"));
	expect_exit(&asking, 1);
}

static void expect_output(const char **argv, int code, const char *part)
{
	struct app app = { 0 };
	struct child child;
	spawn(&child, &app, argv);
	expect_exit(&child, code);
	if (!strstr(child.text, part))
		print_error("\"%s\" is not in: %s\n", part, child.text);
	assert_non_null(strstr(child.text, part));
	assert_null(strstr(child.text, "start first"));
}

static void flags_that_end_at_once(void **state)
{
	(void)state;
	expect_output(ARGUMENTS("--help"), 0, "gateway: says hello\n");
	expect_output(ARGUMENTS("--help"), 0, "default 5550]");
	expect_output(ARGUMENTS("--version"), 0, "gateway ");
	expect_output(ARGUMENTS("--version"), 0, "-std=c11");
	expect_output(ARGUMENTS("--check"), 0, "the settings are good\n");
	expect_output(ARGUMENTS("--check", "--http-prot=1"), 2, "did you mean --http-port?");
	expect_output(ARGUMENTS("--http-prot=1"), 2, "did you mean --http-port?");
}

static void a_wrong_setting_of_kafkas_client_is_told_in_its_words(void **state)
{
	(void)state;
	expect_output(ARGUMENTS("--check", "--kafka.security.protocol=SASL_SSL"), 0, "good");
	expect_output(ARGUMENTS("--check", "--kafka.no.such.thing=1"), 2, "no.such.thing");
	expect_output(ARGUMENTS("--check", "--kafka.linger.ms=soon", "--http-port=x"), 2,
		      "linger.ms");
	expect_output(ARGUMENTS("--kafka.linger.ms=soon", "--http-port=x"), 2,
		      "--http-port = \"x\"");
}

static void it_does_not_listen_to_everybody_by_accident(void **state)
{
	(void)state;
	expect_output(ARGUMENTS("--check", "--http-address=0.0.0.0"), 2,
		      "http_address: 0.0.0.0 is not a loopback address");
	expect_output(ARGUMENTS("--check", "--management-address=192.0.2.1"), 2,
		      "management_address: 192.0.2.1 is not a loopback address");
	expect_output(ARGUMENTS("--check", "--http-address=0.0.0.0", "--allow-anonymous"), 0,
		      "good");
	expect_output(ARGUMENTS("--check", "--http-address=0.0.0.0", "--token-file=/t"), 0, "good");
	expect_output(ARGUMENTS("--check", "--http-port=65000"), 2,
		      "management_port: http_port + 1000 is above 65535");
	expect_output(ARGUMENTS("--check", "--http-port=65000", "--management-port=1"), 0, "good");
}

static void a_missing_token_file_is_told(void **state)
{
	(void)state;
	expect_output(ARGUMENTS(ANY_PORTS, "--token-file=/no/such/tokens"), 1, "/no/such/tokens");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_start_in_order_and_end_in_reverse),
		cmocka_unit_test(the_management_listener_tells_state_metrics_and_settings),
		cmocka_unit_test(it_is_ready_when_its_parts_say_so),
		cmocka_unit_test(busy_workers_do_not_delay_a_probe),
		cmocka_unit_test(with_tokens_settings_are_for_those_who_may_read),
		cmocka_unit_test(a_hang_up_reloads),
		cmocka_unit_test(it_is_not_ready_while_it_drains_and_a_second_signal_ends_it),
		cmocka_unit_test(a_part_that_does_not_start_ends_the_service),
		cmocka_unit_test(a_taken_port_is_told),
		cmocka_unit_test(health_asks_the_running_service),
		cmocka_unit_test(flags_that_end_at_once),
		cmocka_unit_test(a_wrong_setting_of_kafkas_client_is_told_in_its_words),
		cmocka_unit_test(it_does_not_listen_to_everybody_by_accident),
		cmocka_unit_test(a_missing_token_file_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
