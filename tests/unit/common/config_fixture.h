/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small table of settings, one of each type, for the tests of config.
 */
#ifndef TICKLINE_TESTS_CONFIG_FIXTURE_H
#define TICKLINE_TESTS_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

struct fixture_settings {
	char *http_address;
	int64_t http_port;
	char *kafka_brokers;
	double rate_per_s;
	bool allow_anonymous;
	int64_t log_format;
	char *hdfs_token;
};

static struct fixture_settings fixture_settings;

#define FIXTURE_AT(member) .name = #member, .offset = offsetof(struct fixture_settings, member)

static const struct config_option fixture_http[] = {
	{ FIXTURE_AT(http_address), .type = CONFIG_STRING, .initial = "127.0.0.1",
	  .help = "Address to bind" },
	{ FIXTURE_AT(http_port), .type = CONFIG_INT, .initial = "5550", .min = 0, .max = 65535,
	  .help = "Port to bind" },
	{ FIXTURE_AT(allow_anonymous), .type = CONFIG_BOOL, .initial = "false",
	  .help = "Let everybody in" },
};

static const struct config_option fixture_other[] = {
	{ FIXTURE_AT(kafka_brokers), .type = CONFIG_STRING, .initial = "127.0.0.1:9092",
	  .help = "Brokers" },
	{ FIXTURE_AT(rate_per_s), .type = CONFIG_DOUBLE, .initial = "0.5", .min = 0.1,
	  .max = 100000, .unit = "1/s", .help = "Rate" },
	{ FIXTURE_AT(log_format), .type = CONFIG_CHOICE, .initial = "text", .choices = "text|json",
	  .help = "Form" },
	{ FIXTURE_AT(hdfs_token), .type = CONFIG_STRING, .initial = "", .secret = true,
	  .help = "Token" },
};

static const struct config_table fixture_tables[] = {
	{ "Listener", fixture_http, sizeof fixture_http / sizeof *fixture_http, &fixture_settings },
	{ "The rest", fixture_other, sizeof fixture_other / sizeof *fixture_other,
	  &fixture_settings },
};

static inline struct config *fixture_new(void)
{
	memset(&fixture_settings, 0, sizeof fixture_settings);
	return config_new("gateway", fixture_tables, 2);
}

#define ARGUMENTS(...)   ((char **)(const char *[]){ "gateway", __VA_ARGS__, NULL })
#define ENVIRONMENT(...) ((char **)(const char *[]){ "PATH=/bin", __VA_ARGS__, NULL })
#define NO_ARGUMENTS     ((char **)(const char *[]){ "gateway", NULL })
#define NO_ENVIRONMENT   ((char **)(const char *[]){ NULL })

/* Loads; with `complaints` NULL it must go well, else exactly these complaints must come. */
static inline struct config *fixture_load(char **argv, char **environment, const char *complaints)
{
	struct config *config = fixture_new();
	struct text text;
	int argc = 0;
	while (argv[argc])
		argc++;
	text_init(&text, 100000);
	enum error error = config_load(config, argc, argv, environment, &text);
	assert_string_equal(text.data, complaints ? complaints : "");
	assert_int_equal(error, complaints ? ERROR_INVALID : ERROR_OK);
	text_clean_up(&text);
	return config;
}

static inline void fixture_expect(char **argv, char **environment, const char *complaints)
{
	struct config *config = fixture_load(argv, environment, complaints);
	config_destroy(&config);
}

#endif
