/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "webhdfs_private.h"

static void parse_splits_and_trims(void **state)
{
	(void)state;
	char *nodes[WEBHDFS_MAX_NODES];
	size_t count;
	assert_int_equal(
		webhdfs_nodes_parse(" http://a:9870/ ,https://[::1]:9871", nodes, &count, NULL),
		ERROR_OK);
	assert_int_equal(count, 2);
	assert_string_equal(nodes[0], "http://a:9870");
	assert_string_equal(nodes[1], "https://[::1]:9871");
	free(nodes[0]);
	free(nodes[1]);
}

static void parse_refuses_and_says_why(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		" , ",
		"hdfs://a:9000",
		"http://",
		"http://a/webhdfs",
		"http://u@a",
		"http://a,ftp://b",
		"http://a,http://a,http://a,http://a,http://a,http://a,http://a,http://a,http://a",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *nodes[WEBHDFS_MAX_NODES];
		size_t count;
		struct text why;
		text_init(&why, 500);
		assert_int_equal(webhdfs_nodes_parse(bad[i], nodes, &count, &why), ERROR_INVALID);
		assert_int_equal(count, 0);
		assert_non_null(strstr(why.data, "hdfs_urls"));
		text_clean_up(&why);
	}
}

static void check_path_holds_hdfs_rules(void **state)
{
	(void)state;
	static const char *const good[] = { "/", "/a", "/lake/btc ticks/p=100%/a+b/\xc3\xa9",
					    "/..a/.b" };
	static const char *const bad[] = { "",      "a/b",    "/a//b", "/a/",     "/a/./b",
					   "/a/..", "/12:30", "/a\nb", "/a\x7f/b" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(webhdfs_check_path(good[i], NULL), ERROR_OK);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(webhdfs_check_path(bad[i], NULL), ERROR_INVALID);
	char longest[1002] = "/";
	memset(longest + 1, 'x', 1000);
	assert_int_equal(webhdfs_check_path(longest, NULL), ERROR_INVALID);
	longest[1000] = '\0';
	assert_int_equal(webhdfs_check_path(longest, NULL), ERROR_OK);
}

/* Field case I05: each part is encoded once, in the path and in the parameters. */
static void url_encodes_each_part_once(void **state)
{
	(void)state;
	char user[] = "bit coin", token[] = "";
	struct webhdfs client = { .user = user, .token = token };
	const struct webhdfs_query query[] = { { "destination", "/a+b/p=100% \xc3\xa9&c" },
					       { NULL, NULL } };
	struct text url;
	text_init(&url, WEBHDFS_MAX_URL);
	webhdfs_url(&client, "http://h:1", "/lake/btc ticks/p=100%/a+b/\xc3\xa9", "RENAME", query,
		    &url);
	assert_string_equal(url.data,
			    "http://h:1/webhdfs/v1/lake/btc%20ticks/p%3D100%25/a%2Bb/%C3%A9"
			    "?op=RENAME&user.name=bit%20coin"
			    "&destination=%2Fa%2Bb%2Fp%3D100%25%20%C3%A9%26c");
	text_clean_up(&url);
}

static void a_token_takes_the_place_of_the_user(void **state)
{
	(void)state;
	char user[] = "bitcoin", token[] = "T+k";
	struct webhdfs client = { .user = user, .token = token };
	struct text url;
	text_init(&url, WEBHDFS_MAX_URL);
	webhdfs_url(&client, "http://h", "/", "MKDIRS", NULL, &url);
	assert_string_equal(url.data, "http://h/webhdfs/v1/?op=MKDIRS&delegation=T%2Bk");
	text_clean_up(&url);
}

static void host_is_cut_out(void **state)
{
	(void)state;
	static const struct {
		const char *url, *host;
	} cases[] = { { "http://4f1c9e77ab02:9864/x", "4f1c9e77ab02" },
		      { "https://h/x?a=b:c", "h" },
		      { "http://[::1]:9864/", "[::1]" },
		      { "http://h?x", "h" },
		      { "no address", "" } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char host[WEBHDFS_MAX_HOST];
		webhdfs_host_of(cases[i].url, host);
		assert_string_equal(host, cases[i].host);
	}
	char longest[WEBHDFS_MAX_HOST + 16] = "http://", host[WEBHDFS_MAX_HOST];
	memset(longest + 7, 'h', WEBHDFS_MAX_HOST);
	webhdfs_host_of(longest, host);
	assert_string_equal(host, "");
}

static void hosts_are_found_in_a_map(void **state)
{
	(void)state;
	static const struct {
		const char *map, *host, *address;
	} cases[] = { { "a=10.0.0.1, bb=10.0.0.2", "a", "10.0.0.1" },
		      { "a=10.0.0.1, bb=10.0.0.2", "BB", "10.0.0.2" },
		      { "a=10.0.0.1, bb=10.0.0.2", "b", NULL },
		      { "ab=10.0.0.1", "a", NULL },
		      { "a=10.0.0.1", "10.0.0.1", NULL },
		      { "a=", "a", NULL },
		      { "a", "a", NULL },
		      { "", "a", NULL } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char address[WEBHDFS_MAX_HOST] = "";
		assert_int_equal(webhdfs_map_host(cases[i].map, cases[i].host, address),
				 cases[i].address != NULL);
		assert_string_equal(address, cases[i].address ? cases[i].address : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_splits_and_trims),
		cmocka_unit_test(parse_refuses_and_says_why),
		cmocka_unit_test(check_path_holds_hdfs_rules),
		cmocka_unit_test(url_encodes_each_part_once),
		cmocka_unit_test(a_token_takes_the_place_of_the_user),
		cmocka_unit_test(host_is_cut_out),
		cmocka_unit_test(hosts_are_found_in_a_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
