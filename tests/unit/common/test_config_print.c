/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_fixture.h"

#include <cjson/cJSON.h>

static void expect_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_error("%s\nis not in:\n%s\n", part, text);
	assert_non_null(strstr(text, part));
}

static void help_tells_flag_variable_range_unit_and_default(void **state)
{
	(void)state;
	struct config *config = fixture_load(NO_ARGUMENTS, NO_ENVIRONMENT, NULL);
	struct text help;
	text_init(&help, 100000);
	config_write_help(config, "takes records", &help);
	assert_true(text_ok(&help));
	assert_memory_equal(help.data, "gateway: takes records\n", 23);
	expect_contains(help.data, "\nListener\n  --http-address TEXT  (GATEWAY_HTTP_ADDRESS)\n"
				   "      Address to bind [default 127.0.0.1]\n"
				   "  --http-port N  (GATEWAY_HTTP_PORT)\n"
				   "      Port to bind [0 to 65535; default 5550]\n"
				   "  --allow-anonymous true|false  (GATEWAY_ALLOW_ANONYMOUS)\n");
	expect_contains(help.data, "\nThe rest\n  --kafka-brokers TEXT");
	expect_contains(help.data, "      Rate [0.1 to 100000 1/s; default 0.5]\n"
				   "  --log-format text|json  (GATEWAY_LOG_FORMAT)\n"
				   "      Form [default text]\n");
	expect_contains(help.data, "      Token [secret; default: none]\n");
	expect_contains(help.data, "(GATEWAY_KAFKA_NAME)");
	text_clean_up(&help);
	config_destroy(&config);
}

static const cJSON *member(const cJSON *json, const char *setting, const char *name)
{
	const cJSON *found = cJSON_GetObjectItem(cJSON_GetObjectItem(json, setting), name);
	assert_non_null(found);
	return found;
}

static void expect_member(const cJSON *json, const char *setting, const char *name,
			  const char *expected)
{
	assert_string_equal(member(json, setting, name)->valuestring, expected);
}

static void json_tells_value_source_and_default(void **state)
{
	(void)state;
	struct config *config = fixture_load(
		ARGUMENTS("--http-port=1", "--log-format=json", "--kafka.debug=\"x\""),
		ENVIRONMENT("GATEWAY_HDFS_TOKEN=hush-hush", "GATEWAY_KAFKA_SASL_PASSWORD=hush-hush",
			    "GATEWAY_KAFKA_SSL_KEY_PEM=hush-hush", "GATEWAY_ALLOW_ANONYMOUS=1"),
		NULL);
	struct text text;
	text_init(&text, 100000);
	config_write_json(config, &text);
	assert_null(strstr(text.data, "hush-hush"));
	cJSON *json = cJSON_Parse(text.data);
	assert_non_null(json);
	assert_int_equal(member(json, "http_port", "value")->valueint, 1);
	expect_member(json, "http_port", "source", "flag");
	expect_member(json, "http_port", "default", "5550");
	expect_member(json, "http_port", "help", "Port to bind");
	expect_member(json, "http_address", "value", "127.0.0.1");
	expect_member(json, "http_address", "source", "default");
	expect_member(json, "log_format", "value", "json");
	expect_member(json, "rate_per_s", "unit", "1/s");
	assert_true(member(json, "rate_per_s", "value")->valuedouble == 0.5);
	assert_true(cJSON_IsTrue(member(json, "allow_anonymous", "value")));
	expect_member(json, "hdfs_token", "value", "********");
	expect_member(json, "hdfs_token", "source", "environment");
	expect_member(json, "kafka.sasl.password", "value", "********");
	expect_member(json, "kafka.ssl.key.pem", "value", "********");
	expect_member(json, "kafka.debug", "value", "\"x\"");
	cJSON_Delete(json);
	text_clean_up(&text);
	config_destroy(&config);
}

static void an_empty_secret_is_seen_to_be_empty(void **state)
{
	(void)state;
	struct config *config = fixture_load(NO_ARGUMENTS, NO_ENVIRONMENT, NULL);
	struct text text;
	text_init(&text, 100000);
	config_write_json(config, &text);
	cJSON *json = cJSON_Parse(text.data);
	expect_member(json, "hdfs_token", "value", "");
	cJSON_Delete(json);
	text_clean_up(&text);
	config_destroy(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_tells_flag_variable_range_unit_and_default),
		cmocka_unit_test(json_tells_value_source_and_default),
		cmocka_unit_test(an_empty_secret_is_seen_to_be_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
