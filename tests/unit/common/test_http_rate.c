/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_internal.h"
#include "http_testing.h"

#define SECOND INT64_C(1000000)
#define NOON   (INT64_C(1000000) * SECOND)

static void a_burst_and_then_the_rate(void **state)
{
	struct http_bucket bucket = { 0 };
	const struct http_rate rate = { 10, 5 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct http_verdict verdict = http_bucket_take(&bucket, &rate, NOON);
		assert_true(verdict.limited && !verdict.refused);
		assert_int_equal(4 - i, verdict.left);
		assert_int_equal(1, verdict.full_s);
	}
	struct http_verdict refused = http_bucket_take(&bucket, &rate, NOON + 99000);
	assert_true(refused.refused);
	assert_int_equal(0, refused.left);
	assert_int_equal(1, refused.retry_s);
	/* Being refused costs nothing: a tenth of a second after the burst there is one again. */
	assert_false(http_bucket_take(&bucket, &rate, NOON + 100000).refused);
	assert_true(http_bucket_take(&bucket, &rate, NOON + 100001).refused);
	/* A pause fills it, and no more than that. */
	for (int i = 0; i < 5; i++)
		assert_false(http_bucket_take(&bucket, &rate, NOON + 3600 * SECOND).refused);
	assert_true(http_bucket_take(&bucket, &rate, NOON + 3600 * SECOND).refused);
}

static void a_slow_rate_is_told_in_seconds(void **state)
{
	struct http_bucket bucket = { 0 };
	const struct http_rate rate = { 0.1, 1 };

	(void)state;
	assert_false(http_bucket_take(&bucket, &rate, NOON).refused);
	struct http_verdict refused = http_bucket_take(&bucket, &rate, NOON + SECOND);
	assert_true(refused.refused);
	assert_int_equal(9, refused.retry_s);
	assert_int_equal(9, refused.full_s);
}

static void no_rate_is_no_limit(void **state)
{
	struct http_bucket bucket = { 0 };
	const struct http_rate rate = { 0, 1 };

	(void)state;
	assert_false(http_bucket_take(&bucket, &rate, NOON).limited);
}

/* --- by HTTP --------------------------------------------------------------------------------- */

#define ONE "first-token-0123456789"
#define TWO "second-token-0123456789"

static void hello(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", "hello", 5);
}

static const struct http_route routes[] = {
	{ "GET", "/public", hello, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/read", hello, HTTP_SCOPE_READ, 0 },
};

static int ask(struct http_testing *t, const char *line, const char *token)
{
	char header[100];

	snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", token);
	return http_ask(t, line, header, NULL);
}

/* What a header of the last answer says; -1: there is none. */
static long number_after(const struct http_testing *t, const char *start)
{
	const char *found = strstr(t->answer, start);

	return found != NULL ? strtol(found + strlen(start), NULL, 10) : -1;
}

/* The clock runs: a second less is told for each that passes meanwhile. */
static void each_token_has_its_own_limit(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);
	char path[] = "/tmp/tickline-rate-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(dprintf(fd, "%s read one\n%s read two\n", ONE, TWO) > 0);
	close(fd);
	assert_int_equal(ERROR_OK, http_auth_load(path, &t->options.auth, NULL));
	t->options.rate = (struct http_rate){ 0.01, 2 };
	http_testing_start(t);
	assert_int_equal(200, ask(t, "GET /read", ONE));
	assert_true(http_answer_has(t, "RateLimit-Policy: \"token\";q=2;w=200\r\n"));
	assert_in_range(number_after(t, "RateLimit: \"token\";r=1;t="), 41, 100);
	assert_int_equal(200, ask(t, "GET /read", ONE));
	assert_int_equal(429, ask(t, "GET /read", ONE));
	assert_true(http_answer_is_problem(t, "rate-limited"));
	assert_in_range(number_after(t, "Retry-After: "), 41, 100);
	assert_in_range(number_after(t, "RateLimit: \"token\";r=0;t="), 141, 200);
	assert_true(http_answer_has(t, "\\\"one\\\" may make 0.01 requests a second"));
	assert_int_equal(200, ask(t, "GET /public", ONE));
	assert_int_equal(200, ask(t, "GET /read", TWO));
	/* Reading the tokens again gives nothing back. */
	assert_int_equal(ERROR_OK, http_auth_reload(t->options.auth, NULL));
	assert_int_equal(429, ask(t, "GET /read", ONE));
	assert_int_equal(200, ask(t, "GET /read", TWO));
	struct http_auth *auth = t->options.auth;
	http_testing_stop(t);
	http_auth_destroy(&auth);
	unlink(path);
}

static void without_tokens_all_share_one(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	(void)state;
	t->options.rate = (struct http_rate){ 0.01, 1 };
	http_testing_start(t);
	assert_int_equal(200, http_ask(t, "GET /read", "", NULL));
	assert_int_equal(429, http_ask(t, "GET /read", "", NULL));
	assert_true(http_answer_has(t, "\\\"anonymous\\\" may make"));
	assert_int_equal(200, http_ask(t, "GET /public", "", NULL));
	http_testing_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_the_rate),
		cmocka_unit_test(a_slow_rate_is_told_in_seconds),
		cmocka_unit_test(no_rate_is_no_limit),
		cmocka_unit_test(each_token_has_its_own_limit),
		cmocka_unit_test(without_tokens_all_share_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
