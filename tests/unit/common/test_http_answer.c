/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

enum { LARGE = 3 << 20 };

static void hello(struct http_request *request, void *user)
{
	(void)user;
	http_answer_header(request, "X-Mine", "1");
	http_answer(request, 200, "text/plain", "hello", 5);
}

/* Another body each time, which means the same. */
static void aging(struct http_request *request, void *user)
{
	static int age;
	char body[16];

	(void)user;
	http_answer_tag_from(request, "same", 4);
	http_answer(request, 200, "text/plain", body, (size_t)sprintf(body, "%d", ++age));
}

static void large(struct http_request *request, void *user)
{
	char *data = malloc(LARGE);

	(void)user;
	memset(data, 'x', LARGE);
	http_answer(request, 200, "text/plain", data, LARGE);
	free(data);
}

static void problem(struct http_request *request, void *user)
{
	cJSON *extra = cJSON_CreateObject();

	(void)user;
	cJSON_AddNumberToObject(extra, "index", 3);
	cJSON_AddStringToObject(extra, "field", "buy_price");
	http_answer_problem(request, 422, "price-not-positive", extra, "%s \"%s\" is not above 0",
			    "buy_price", "-1");
}

static void busy(struct http_request *request, void *user)
{
	(void)user;
	if (http_query(request, "after") != NULL)
		http_answer_retry_after(request, atoi(http_query(request, "after")));
	http_answer_problem(request, 429, "busy", NULL, "try again");
}

static void broken_text(struct http_request *request, void *user)
{
	struct text text;

	(void)user;
	text_init(&text, 3);
	text_puts(&text, "too long");
	http_answer_text(request, 200, "text/plain", &text);
	text_clean_up(&text);
}

static void injection(struct http_request *request, void *user)
{
	(void)user;
	http_answer_header(request, "X-Bad", "a\r\nX-Injected: b");
	http_answer(request, 201, NULL, "", 0);
}

static void twice(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", "first", 5);
	http_answer(request, 500, "text/plain", "second", 6);
}

static void json(struct http_request *request, void *user)
{
	cJSON *object = cJSON_CreateObject();

	(void)user;
	cJSON_AddNumberToObject(object, "price", 107120.55);
	http_answer_json(request, 202, object);
}

static const struct http_route routes[] = {
	{ "GET", "/aging", aging, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/hello", hello, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/hello", hello, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/large", large, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/problem", problem, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/busy", busy, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/broken", broken_text, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/injection", injection, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/twice", twice, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/json", json, HTTP_SCOPE_NONE, 0 },
};

static int setup(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);

	http_testing_start(t);
	log_init("test", LOG_ERROR + 1, LOG_FORMAT_TEXT); /* errors are provoked here */
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	http_testing_stop(*state);
	return 0;
}

static void test_an_ordinary_answer(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "GET /hello", "", NULL), 200);
	assert_true(http_answer_has(t, "HTTP/1.1 200 OK\r\nDate: "));
	assert_true(http_answer_has(t, " GMT\r\n"));
	assert_true(http_answer_has(t, "Content-Length: 5\r\n"));
	assert_true(http_answer_has(t, "Content-Type: text/plain\r\n"));
	assert_true(http_answer_has(t, "X-Content-Type-Options: nosniff\r\n"));
	assert_true(http_answer_has(t, "X-Mine: 1\r\n"));
	assert_true(http_answer_has(t, "Connection: close\r\n"));
	assert_string_equal(http_answer_body(t), "hello");
	assert_int_equal(http_ask(t, "GET /json", "", NULL), 202);
	assert_true(http_answer_has(t, "Content-Type: application/json\r\n"));
	assert_string_equal(http_answer_body(t), "{\"price\":107120.55}");
}

static void test_head_has_the_headers_and_no_body(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "HEAD /hello", "", NULL), 200);
	assert_true(http_answer_has(t, "Content-Length: 5\r\n"));
	assert_true(http_answer_has(t, "ETag: \""));
	assert_string_equal(http_answer_body(t), "");
	assert_int_equal(http_ask(t, "HEAD /nope", "", NULL), 404);
	assert_string_equal(http_answer_body(t), "");
}

static void test_a_large_answer_arrives_whole(void **state)
{
	struct http_testing *t = *state;
	int fd = socket_connect(http_server_port(t->server));
	char *answer = malloc(LARGE + 10000);
	size_t length;

	assert_true(socket_say(fd, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
	length = socket_rest(fd, answer, LARGE + 10000);
	close(fd);
	assert_int_equal(length - (size_t)(strstr(answer, "\r\n\r\n") + 4 - answer), LARGE);
	free(answer);
}

/* --- ETag ------------------------------------------------------------------------------------ */

static void take_tag(struct http_testing *t, char tag[100])
{
	const char *at;

	http_ask(t, "GET /hello", "", NULL);
	at = strstr(t->answer, "ETag: ");
	assert_non_null(at);
	snprintf(tag, 100, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
}

static int ask_none_match(struct http_testing *t, const char *before, const char *tag,
			  const char *after)
{
	char header[320];

	snprintf(header, sizeof header, "If-None-Match: %s%s%s\r\n", before, tag, after);
	return http_ask(t, "GET /hello", header, NULL);
}

static void test_etag(void **state)
{
	struct http_testing *t = *state;
	char tag[100];

	take_tag(t, tag);
	assert_int_equal(ask_none_match(t, "", tag, ""), 304);
	assert_string_equal(http_answer_body(t), "");
	assert_false(http_answer_has(t, "Content-Length"));
	assert_true(http_answer_has(t, "ETag: \""));
	assert_true(http_answer_has(t, "Cache-Control: no-cache\r\n"));
	assert_int_equal(ask_none_match(t, "\"other, thing\" , W/", tag, ""), 304);
	assert_int_equal(ask_none_match(t, "\"a\", junk, ", tag, ", \"b\""), 304);
	assert_int_equal(ask_none_match(t, "\"other\"", "", ""), 200);
	assert_int_equal(ask_none_match(t, "\"unclosed ", tag, ""), 200);
	assert_int_equal(ask_none_match(t, "*", "", ""), 304);
	assert_int_equal(http_ask(t, "HEAD /hello", "If-None-Match: *\r\n", NULL), 304);
	assert_int_equal(http_ask(t, "POST /hello", "If-None-Match: *\r\n", ""), 200);
	assert_false(http_answer_has(t, "ETag"));
}

static void test_a_tag_of_the_handler(void **state)
{
	struct http_testing *t = *state;
	char header[160], first[8];

	assert_int_equal(http_ask(t, "GET /aging", "", NULL), 200);
	snprintf(first, sizeof first, "%s", http_answer_body(t));
	const char *tag = strstr(t->answer, "ETag: W/\"");
	assert_non_null(tag);
	snprintf(header, sizeof header, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"),
		 tag + 6);
	assert_int_equal(http_ask(t, "GET /aging", header, NULL), 304);
	assert_true(http_answer_has(t, "ETag: W/\""));
	assert_true(http_answer_has(t, "Date: "));
	assert_int_equal(http_ask(t, "GET /aging", "If-None-Match: \"other\"\r\n", NULL), 200);
	assert_string_not_equal(http_answer_body(t), first);
	assert_int_equal(http_ask(t, "GET /hello", "", NULL), 200); /* it was for one answer */
	assert_true(http_answer_has(t, "ETag: \""));
}

/* --- problems -------------------------------------------------------------------------------- */

static void test_a_problem(void **state)
{
	struct http_testing *t = *state;
	cJSON *json;

	assert_int_equal(http_ask(t, "GET /problem", "X-Request-Id: abc.123\r\n", NULL), 422);
	json = cJSON_Parse(http_answer_body(t));
	assert_true(http_answer_is_problem(t, "price-not-positive"));
	assert_string_equal(cJSON_GetObjectItem(json, "title")->valuestring, "Price not positive");
	assert_int_equal(cJSON_GetObjectItem(json, "status")->valueint, 422);
	assert_string_equal(cJSON_GetObjectItem(json, "detail")->valuestring,
			    "buy_price \"-1\" is not above 0");
	assert_int_equal(cJSON_GetObjectItem(json, "index")->valueint, 3);
	assert_string_equal(cJSON_GetObjectItem(json, "field")->valuestring, "buy_price");
	assert_string_equal(cJSON_GetObjectItem(json, "request_id")->valuestring, "abc.123");
	cJSON_Delete(json);
}

static void test_a_429_always_says_when(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "GET /busy", "", NULL), 429);
	assert_true(http_answer_has(t, "Retry-After: 1\r\n"));
	http_ask(t, "GET /busy?after=17", "", NULL);
	assert_true(http_answer_has(t, "Retry-After: 17\r\n"));
	assert_false(http_answer_has(t, "Retry-After: 1\r\n"));
	http_ask(t, "GET /busy?after=0", "", NULL);
	assert_true(http_answer_has(t, "Retry-After: 1\r\n"));
}

static void test_handlers_mistakes(void **state)
{
	struct http_testing *t = *state;

	assert_int_equal(http_ask(t, "GET /broken", "", NULL), 500);
	assert_true(http_answer_is_problem(t, "answer-too-large"));
	assert_int_equal(http_ask(t, "GET /injection", "", NULL), 201);
	assert_false(http_answer_has(t, "X-Injected"));
	assert_int_equal(http_ask(t, "GET /twice", "", NULL), 200);
	assert_string_equal(http_answer_body(t), "first");
}

static void test_statuses_of_errors(void **state)
{
	(void)state;
	assert_int_equal(http_status_of(ERROR_OK), 200);
	assert_int_equal(http_status_of(ERROR_NOT_FOUND), 404);
	assert_int_equal(http_status_of(ERROR_CONFLICT), 409);
	assert_int_equal(http_status_of(ERROR_INVALID), 400);
	assert_int_equal(http_status_of(ERROR_UNREACHABLE), 503);
	assert_int_equal(http_status_of(ERROR_UNKNOWN_OUTCOME), 504);
	assert_int_equal(http_status_of(ERROR_CHECKSUM), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_ordinary_answer),
		cmocka_unit_test(test_head_has_the_headers_and_no_body),
		cmocka_unit_test(test_a_large_answer_arrives_whole),
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_a_tag_of_the_handler),
		cmocka_unit_test(test_a_problem),
		cmocka_unit_test(test_a_429_always_says_when),
		cmocka_unit_test(test_handlers_mistakes),
		cmocka_unit_test(test_statuses_of_errors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
