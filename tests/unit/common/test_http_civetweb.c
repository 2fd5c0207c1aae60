/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

/* Uses most of the room that handlers are promised. */
#pragma GCC diagnostic ignored "-Wframe-larger-than="
static void use_stack(struct http_request *request, void *user)
{
	volatile char room[512 * 1024];
	pthread_attr_t attributes;
	size_t size = 0;
	char out[32];

	(void)user;
	for (size_t i = 0; i < sizeof room; i += 1024)
		room[i] = (char)i;
	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstacksize(&attributes, &size);
	pthread_attr_destroy(&attributes);
	snprintf(out, sizeof out, "%zu %d", size, room[1024]);
	http_answer(request, 200, "text/plain", out, strlen(out));
}

static const struct http_route routes[] = { { "GET", "/stack", use_stack, HTTP_SCOPE_NONE, 0 } };

static void test_a_handler_has_a_mebibyte(void **state)
{
	struct http_testing *t = http_testing_new(routes, 1);

	(void)state;
	http_testing_start(t);
	assert_int_equal(http_ask(t, "GET /stack", "", NULL), 200);
	assert_true(strtoul(http_answer_body(t), NULL, 10) >= 2 << 20);
	http_testing_stop(t);
}

static void test_a_larger_wish_is_kept(void **state)
{
	pthread_attr_t attributes;
	size_t size = 0;

	(void)state;
	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstacksize(&attributes, 4 << 20), 0);
	pthread_attr_getstacksize(&attributes, &size);
	assert_int_equal(size, 4 << 20);
	pthread_attr_destroy(&attributes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_handler_has_a_mebibyte),
		cmocka_unit_test(test_a_larger_wish_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
