/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_testing.h"

#define READER "reader-token-0123456789"
#define WRITER "writer-token-0123456789"
#define ADMIN  "admin-token-0123456789"

static void hello(struct http_request *request, void *user)
{
	(void)user;
	http_answer(request, 200, "text/plain", http_principal(request),
		    strlen(http_principal(request)));
}

static const struct http_route routes[] = {
	{ "GET", "/public", hello, HTTP_SCOPE_NONE, 0 },
	{ "GET", "/read", hello, HTTP_SCOPE_READ, 0 },
	{ "POST", "/write", hello, HTTP_SCOPE_WRITE, 0 },
	{ "POST", "/admin", hello, HTTP_SCOPE_ADMIN, 0 },
};

struct fixture {
	struct http_testing *t;
	struct http_auth *auth;
	char path[64];
};

static void write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int fd;

	strcpy(f->path, "/tmp/tickline-tokens-XXXXXX");
	fd = mkstemp(f->path);
	close(fd);
	write_file(f->path, "# who may do what\n\n" READER " read spark\n  " WRITER
			    "\tread,write  python\r\n" ADMIN " admin\n");
	if (http_auth_load(f->path, &f->auth, NULL) != ERROR_OK)
		return -1;
	f->t = http_testing_new(routes, sizeof routes / sizeof *routes);
	f->t->options.auth = f->auth;
	http_testing_start(f->t);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_testing_stop(f->t);
	http_auth_destroy(&f->auth);
	unlink(f->path);
	free(f);
	return 0;
}

static int ask(void **state, const char *line, const char *token)
{
	struct fixture *f = *state;
	char header[200] = "";

	if (token != NULL)
		snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", token);
	return http_ask(f->t, line, header, NULL);
}

static void test_scopes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(state, "GET /public", NULL), 200);
	assert_string_equal(http_answer_body(f->t), "anonymous");
	assert_int_equal(ask(state, "GET /read", READER), 200);
	assert_string_equal(http_answer_body(f->t), "spark");
	assert_int_equal(ask(state, "POST /write", WRITER), 200);
	assert_string_equal(http_answer_body(f->t), "python");
	assert_int_equal(ask(state, "POST /admin", ADMIN), 200);
	assert_string_equal(http_answer_body(f->t), "unnamed");
}

static void test_a_missing_scope_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(state, "POST /write", READER), 403);
	assert_true(http_answer_is_problem(f->t, "forbidden"));
	assert_true(http_answer_has(f->t, "the token \\\"spark\\\" lacks the scope write"));
	assert_true(http_answer_has(f->t, "error=\"insufficient_scope\", scope=\"write\"\r\n"));
	assert_int_equal(ask(state, "GET /read", ADMIN), 403); /* no scope implies another */
}

static void test_no_or_unknown_token_is_401(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(state, "GET /read", NULL), 401);
	assert_true(http_answer_is_problem(f->t, "unauthorized"));
	assert_true(http_answer_has(f->t, "WWW-Authenticate: Bearer realm=\"tickline\"\r\n"));
	assert_int_equal(ask(state, "GET /read", READER "x"), 401);
	assert_true(http_answer_has(f->t, "error=\"invalid_token\"\r\n"));
	assert_false(http_answer_has(f->t, READER));
	assert_int_equal(ask(state, "GET /read", ""), 401);
	assert_int_equal(http_ask(f->t, "GET /read", "Authorization: Basic YTpi\r\n", NULL), 401);
	assert_int_equal(http_ask(f->t, "GET /read", "Authorization: bearer  " READER "\r\n", NULL),
			 200);
}

static void test_reload_takes_effect_or_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct text why;

	text_init(&why, 1000);
	write_file(f->path, "short read\n");
	assert_int_equal(http_auth_reload(f->auth, &why), ERROR_INVALID);
	assert_int_equal(ask(state, "GET /read", READER), 200);
	write_file(f->path, "another-token-0123456789 read\n");
	assert_int_equal(http_auth_reload(f->auth, &why), ERROR_OK);
	assert_int_equal(ask(state, "GET /read", READER), 401);
	assert_int_equal(ask(state, "GET /read", "another-token-0123456789"), 200);
	unlink(f->path);
	assert_int_equal(http_auth_reload(f->auth, &why), ERROR_SYSTEM);
	text_clean_up(&why);
}

static void assert_refused(void **state, const char *content, const char *rule)
{
	struct fixture *f = *state;
	struct http_auth *auth = NULL;
	struct text why;

	text_init(&why, 2000);
	write_file(f->path, content);
	assert_int_equal(http_auth_load(f->path, &auth, &why), ERROR_INVALID);
	assert_null(auth);
	if (strstr(why.data, rule) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", rule, why.data);
	assert_null(strstr(why.data, "0123456789"));
	text_clean_up(&why);
}

static void test_the_file_s_errors_name_their_lines(void **state)
{
	char long_line[1200];

	assert_refused(state, "# nothing\n", "there is no token in it");
	assert_refused(state, READER " read\nshort read\n", ":2: the token is shorter than 16");
	assert_refused(state, READER "\n", ":1: the scopes are missing");
	assert_refused(state, "\n" READER " read,see\n",
		       ":2: scope \"see\" is none of read, write, admin");
	assert_refused(state, READER " read a b\n", ":1: more than a token, scopes and a name");
	assert_refused(state, READER " read autotrain\n",
		       ":1: the name autotrain stands for what no token did: choose another");
	assert_refused(state, READER " read\n\n" READER " write\n",
		       ":3: the token was given before");
	memset(long_line, 'a', sizeof long_line);
	long_line[sizeof long_line - 1] = '\0';
	assert_refused(state, long_line, ":1: the line is too long");
}

static void test_every_error_is_reported(void **state)
{
	assert_refused(state, "a read\nb read\n", ":1: the token");
	assert_refused(state, "a read\nb read\n", ":2: the token");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scopes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_missing_scope_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_or_unknown_token_is_401, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_takes_effect_or_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_file_s_errors_name_their_lines, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_every_error_is_reported, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
