/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is complained about with that gateway_url. */
static void complaints_about(char *url, struct text *complaints)
{
	char none[] = "";
	const struct pipeline_settings settings = { .gateway_url = url,
						    .gateway_management_url = none,
						    .ingest_url = none,
						    .ingest_management_url = none };
	text_reset(complaints);
	pipeline_settings_check(&settings, complaints);
}

static void addresses(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
		{ "", true },
		{ "http://127.0.0.1:5550", true },
		{ "https://gateway.example", true },
		{ "http://[::1]:5550", true },
		{ "http://", false },
		{ "127.0.0.1:5550", false },
		{ "ftp://gateway", false },
		{ "file:///etc/passwd", false },
		{ "http://gateway/", false },
		{ "http://gateway/path", false },
		{ "http://user@gateway", false },
		{ "http://gateway?x", false },
		{ "http://gate way", false },
	};
	struct text complaints;
	text_init(&complaints, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char url[64];
		strcpy(url, cases[i].url);
		complaints_about(url, &complaints);
		if ((complaints.length == 0) != cases[i].good)
			fail_msg("%s: %s", cases[i].url, complaints.data);
	}
	char bad[] = "nowhere";
	complaints_about(bad, &complaints);
	assert_string_equal(complaints.data,
			    "gateway_url is \"nowhere\": it must be http://host:port or "
			    "https://host:port, without a path, or empty\n");
	text_clean_up(&complaints);
}

static void the_defaults_are_good(void **state)
{
	(void)state;
	struct pipeline_settings settings;
	struct text complaints;
	text_init(&complaints, 4096);
	const struct config_table tables[] = { pipeline_settings_table(&settings) };
	char name[] = "model", *arguments[] = { name, NULL }, *environment[] = { NULL };
	struct config *config = config_new("model", tables, 1);
	assert_int_equal(config_load(config, 1, arguments, environment, &complaints), ERROR_OK);
	pipeline_settings_check(&settings, &complaints);
	assert_int_equal(complaints.length, 0);
	assert_string_equal(settings.gateway_management_url, "http://127.0.0.1:6550");
	config_destroy(&config);
	text_clean_up(&complaints);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(the_defaults_are_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
