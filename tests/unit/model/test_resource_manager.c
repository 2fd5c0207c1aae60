/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/resource_manager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../common/scripted_peer.h"

#define ID "application_1_0001"

static const struct http_limits limits = { .connect_ms = 2000, .idle_ms = 5000, .total_ms = 5000 };

static struct resource_manager *open(const char *urls, struct metrics *metrics)
{
	const struct resource_manager_options options = {
		.urls = urls, .user = "a b", .limits = limits, .metrics = metrics
	};
	struct resource_manager *manager = NULL;
	assert_int_equal(resource_manager_new(&options, &manager, NULL), ERROR_OK);
	return manager;
}

static void a_submission_has_the_servers_form(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ .expect = "POST /ws/v1/cluster/apps/new-application?user.name=a%20b ",
		  .status = "200 OK",
		  .body = "{\"application-id\":\"" ID "\"}" },
		{ .expect = "POST /ws/v1/cluster/apps?user.name=a%20b ", .status = "202 Accepted" },
	};
	struct metrics *metrics = metrics_new();
	struct peer peer;
	char url[100], id[YARN_ID_SIZE];
	peer_start(&peer, steps, 2);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
	struct resource_manager *manager = open(url, metrics);
	assert_int_equal(yarn_new_application(manager, id, NULL), ERROR_OK);
	assert_string_equal(id, ID);
	const struct yarn_launch launch = {
		.name = "n", .queue = "q", .command = "run '*'", .user = "bitcoin", .memory_mb = 512
	};
	assert_int_equal(yarn_submit(manager, id, &launch, NULL), ERROR_OK);
	peer_stop(&peer);
	const char *body = strstr(peer.requests[1], "\r\n\r\n");
	assert_non_null(body);
	assert_string_equal(
		body + 4,
		"{\"application-id\":\"" ID "\",\"application-name\":\"n\",\"application-type\":"
		"\"TICKLINE\",\"queue\":\"q\",\"max-app-attempts\":1,\"resource\":{\"memory\":512,"
		"\"vCores\":1},\"am-container-spec\":{\"commands\":{\"command\":\"run '*'\"},"
		"\"environment\":{\"entry\":[{\"key\":\"HADOOP_USER_NAME\",\"value\":\"bitcoin\"}]}"
		"}"
		"}");
	peer_clean_up(&peer);
	resource_manager_destroy(&manager);
	metrics_destroy(&metrics);
}

static void the_active_one_is_found(void **state)
{
	(void)state;
	static const struct peer_step standby[] = {
		{ .reply = "HTTP/1.1 307 x\r\nLocation: http://elsewhere/\r\nContent-Length: "
			   "0\r\n\r\n" }
	};
	static const struct peer_step active[] = {
		{ .status = "200 OK", .body = "{\"apps\":null}" },
		{ .status = "200 OK", .body = "{\"apps\":null}" },
	};
	struct metrics *metrics = metrics_new();
	struct peer first, second;
	struct yarn_application found;
	char urls[200];
	peer_start(&first, standby, 1);
	peer_start(&second, active, 2);
	snprintf(urls, sizeof(urls), "http://127.0.0.1:%d, http://127.0.0.1:%d", first.port,
		 second.port);
	struct resource_manager *manager = open(urls, metrics);
	assert_int_equal(yarn_find(manager, "t", &found, NULL), ERROR_NOT_FOUND);
	assert_int_equal(yarn_find(manager, "t", &found, NULL), ERROR_NOT_FOUND);
	peer_stop(&first);
	peer_stop(&second);
	assert_true(first.served == 1 && second.served == 2);
	peer_clean_up(&first);
	peer_clean_up(&second);
	resource_manager_destroy(&manager);
	metrics_destroy(&metrics);
}

static void addresses_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = { "", " , ", "ftp://x", "127.0.0.1:8088" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct resource_manager_options options = { .urls = bad[i], .user = "" };
		struct resource_manager *manager;
		char memory[500];
		struct text why;
		text_init_fixed(&why, memory, sizeof(memory));
		assert_int_equal(resource_manager_new(&options, &manager, &why), ERROR_INVALID);
		assert_null(manager);
		assert_non_null(strstr(memory, "yarn_urls"));
	}
}

static void nobody_listens(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct peer peer;
	struct yarn_application found;
	char url[100], memory[500];
	struct text why;
	peer_start(&peer, NULL, 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", peer.port);
	peer_stop(&peer);
	struct resource_manager *manager = open(url, metrics);
	text_init_fixed(&why, memory, sizeof(memory));
	assert_int_equal(yarn_look(manager, ID, &found, &why), ERROR_UNREACHABLE);
	assert_true(yarn_is_transient(ERROR_UNREACHABLE));
	assert_non_null(strstr(memory, "ResourceManager http://127.0.0.1:"));
	resource_manager_destroy(&manager);
	metrics_destroy(&metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_submission_has_the_servers_form),
		cmocka_unit_test(the_active_one_is_found),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(nobody_listens),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
