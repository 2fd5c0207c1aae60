/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dashboard/static_files.h"

#include "dashboard/assets.h"
#include "model_testing.h"

static const struct http_route routes[] = {
	STATIC_FILES_ROUTES, { "GET", "/other", static_files_get, HTTP_SCOPE_NONE, 0 }
};

static int set_up(void **state)
{
	struct http_testing *t = http_testing_new(routes, sizeof routes / sizeof *routes);
	http_testing_start(t);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	http_testing_stop(*state);
	return 0;
}

/* A file that was added to the folder needs its route, and the other way round. */
static void every_asset_has_a_route(void **state)
{
	struct http_testing *t = *state;
	assert_int_equal(sizeof routes / sizeof *routes, dashboard_asset_count + 2);
	for (size_t i = 0; i < dashboard_asset_count; i++) {
		char line[128], type[128];
		snprintf(line, sizeof line, "GET %s", dashboard_assets[i].path);
		assert_int_equal(http_ask(t, line, "", NULL), 200);
		snprintf(type, sizeof type, "Content-Type: %s\r\n", dashboard_assets[i].type);
		assert_true(http_answer_has(t, type));
	}
}

static void the_root_is_the_page(void **state)
{
	struct http_testing *t = *state;
	assert_int_equal(http_ask(t, "GET /", "", NULL), 200);
	assert_memory_equal(http_answer_body(t), "<!doctype html>", 15);
	assert_true(http_answer_has(t, "Content-Security-Policy: default-src 'none'; script-src "
				       "'self'; style-src 'self';"));
	assert_false(http_answer_has(t, "unsafe-inline"));
	assert_true(http_answer_has(t, "X-Content-Type-Options: nosniff\r\n"));
	assert_true(http_answer_has(t, "ETag: \""));
	assert_true(http_answer_has(t, "Cache-Control: no-cache\r\n"));
}

static void gzip_where_it_is_accepted(void **state)
{
	struct http_testing *t = *state;
	static const struct {
		const char *header;
		bool packed;
	} cases[] = {
		{ "", false },
		{ "Accept-Encoding: gzip\r\n", true },
		{ "Accept-Encoding: br, GZIP;q=0.5\r\n", true },
		{ "Accept-Encoding: deflate , gzip\r\n", true },
		{ "Accept-Encoding: gzip;q=0\r\n", false },
		{ "Accept-Encoding: gzip; q=0.000, br\r\n", false },
		{ "Accept-Encoding: gzip;q=1.0\r\n", true },
		{ "Accept-Encoding: x-gzip2, gzipped\r\n", false },
		{ "Accept-Encoding: br;q=0, identity\r\n", false },
		{ "Accept-Encoding: ,,\r\n", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(http_ask(t, "GET /dashboard.css", cases[i].header, NULL), 200);
		assert_int_equal(http_answer_has(t, "Content-Encoding: gzip\r\n"), cases[i].packed);
		assert_true(http_answer_has(t, "Vary: Accept-Encoding\r\n"));
	}
}

static void other_paths(void **state)
{
	struct http_testing *t = *state;
	assert_int_equal(http_ask(t, "GET /other", "", NULL), 404);
	assert_int_equal(http_ask(t, "GET /nothing.js", "", NULL), 404);
	assert_int_equal(http_ask(t, "POST /nothing.js", "", ""), 404);
	assert_int_equal(http_ask(t, "POST /dashboard.js", "", ""), 405);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_asset_has_a_route),
		cmocka_unit_test(the_root_is_the_page),
		cmocka_unit_test(gzip_where_it_is_accepted),
		cmocka_unit_test(other_paths),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
