/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_fixture.h"

#include "failing_memory.h"

static void defaults_hold_without_any_source(void **state)
{
	(void)state;
	struct config *config = fixture_load(NO_ARGUMENTS, NO_ENVIRONMENT, NULL);
	assert_string_equal(fixture_settings.http_address, "127.0.0.1");
	assert_int_equal(fixture_settings.http_port, 5550);
	assert_false(fixture_settings.allow_anonymous);
	assert_true(fixture_settings.rate_per_s == 0.5);
	assert_int_equal(fixture_settings.log_format, 0);
	assert_string_equal(fixture_settings.hdfs_token, "");
	assert_int_equal(config_action(config), CONFIG_RUN);
	config_destroy(&config);
	assert_null(config);
}

static void a_default_can_be_replaced_before_loading(void **state)
{
	(void)state;
	struct config *config = fixture_new();
	struct text complaints;
	text_init(&complaints, 1000);
	config_set_default(config, "http_port", "5551");
	assert_int_equal(config_load(config, 1, NO_ARGUMENTS, NO_ENVIRONMENT, &complaints),
			 ERROR_OK);
	assert_int_equal(fixture_settings.http_port, 5551);
	config_destroy(&config);
	text_clean_up(&complaints);
}

static void every_type_is_read(void **state)
{
	(void)state;
	struct config *config = fixture_load(
		ARGUMENTS("--http-address", "0.0.0.0", "--http-port=0", "--allow-anonymous", "Yes",
			  "--rate-per-s", "1e5", "--log-format", "json", "--hdfs-token="),
		NO_ENVIRONMENT, NULL);
	assert_string_equal(fixture_settings.http_address, "0.0.0.0");
	assert_int_equal(fixture_settings.http_port, 0);
	assert_true(fixture_settings.allow_anonymous);
	assert_true(fixture_settings.rate_per_s == 100000);
	assert_int_equal(fixture_settings.log_format, 1);
	config_destroy(&config);
}

static void a_value_that_breaks_its_rule_is_told_with_the_rule(void **state)
{
	(void)state;
	static const struct {
		const char *flag, *complaint;
	} cases[] = {
		{ "--http-port=65536",
		  "flag: --http-port = \"65536\" is not between 0 and 65535\n" },
		{ "--http-port=-1", "flag: --http-port = \"-1\" is not between 0 and 65535\n" },
		{ "--http-port=99999999999999999999",
		  "flag: --http-port = \"99999999999999999999\" is not between 0 and 65535\n" },
		{ "--http-port=80x", "flag: --http-port = \"80x\" is not a whole number\n" },
		{ "--http-port=", "flag: --http-port = \"\" is not a whole number\n" },
		{ "--http-port=1e3", "flag: --http-port = \"1e3\" is not a whole number\n" },
		{ "--rate-per-s=0.09",
		  "flag: --rate-per-s = \"0.09\" is not between 0.1 and 100000 1/s\n" },
		{ "--rate-per-s=1e999",
		  "flag: --rate-per-s = \"1e999\" is not between 0.1 and 100000 1/s\n" },
		{ "--rate-per-s=NaN", "flag: --rate-per-s = \"NaN\" is not a number\n" },
		{ "--rate-per-s=0,5", "flag: --rate-per-s = \"0,5\" is not a number\n" },
		{ "--allow-anonymous=maybe",
		  "flag: --allow-anonymous = \"maybe\" is not true or false\n" },
		{ "--log-format=xml", "flag: --log-format = \"xml\" is none of text|json\n" },
		{ "--log-format=tex", "flag: --log-format = \"tex\" is none of text|json\n" },
		{ "--http-address=a\nb",
		  "flag: --http-address = \"a\\nb\" holds a control character\n" },
		{ "--hdfs-token=\x01",
		  "flag: --hdfs-token = (secret) holds a control character\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		fixture_expect(ARGUMENTS((char *)cases[i].flag), NO_ENVIRONMENT,
			       cases[i].complaint);
}

static void all_complaints_come_at_once(void **state)
{
	(void)state;
	fixture_expect(
		ARGUMENTS("--http-port=x", "--nonsense-of-mine=1", "stray"),
		ENVIRONMENT("GATEWAY_RATE_PER_S=-1", "GATEWAY_LOG_FORMAT=xml"),
		"environment: GATEWAY_RATE_PER_S = \"-1\" is not between 0.1 and 100000 1/s\n"
		"environment: GATEWAY_LOG_FORMAT = \"xml\" is none of text|json\n"
		"flag: --http-port = \"x\" is not a whole number\n"
		"flag: --nonsense-of-mine is no known setting\n"
		"argument 3: \"stray\" is not expected\n");
}

static void the_nearest_name_is_told_as_its_source_spells_it(void **state)
{
	(void)state;
	fixture_expect(NO_ARGUMENTS, ENVIRONMENT("GATEWAY_HTTP_PROT=1"),
		       "environment: GATEWAY_HTTP_PROT is no known setting; did you mean "
		       "GATEWAY_HTTP_PORT?\n");
	fixture_expect(ARGUMENTS("--htp-adress=x"), NO_ENVIRONMENT,
		       "flag: --htp-adress is no known setting; did you mean --http-address?\n");
	fixture_expect(ARGUMENTS("--port=1"), NO_ENVIRONMENT, "flag: --port is no known setting\n");
	fixture_expect(NO_ARGUMENTS, ENVIRONMENT("GATEWAY_=1"),
		       "environment: GATEWAY_ is no known setting\n");
}

static void a_name_of_any_length_is_only_unknown(void **state)
{
	(void)state;
	char flag[2000];
	memset(flag, 'x', sizeof flag);
	memcpy(flag, "--", 2);
	strcpy(flag + sizeof flag - 3, "=1");
	struct config *config = fixture_new();
	struct text complaints;
	text_init(&complaints, 100000);
	assert_int_equal(config_load(config, 2, ARGUMENTS(flag), NO_ENVIRONMENT, &complaints),
			 ERROR_INVALID);
	assert_non_null(strstr(complaints.data, "xxx is no known setting\n"));
	text_clean_up(&complaints);
	config_destroy(&config);
}

static void collect(const char *name, const char *value, void *user)
{
	text_putf(user, "%s=%s;", name, value);
}

static void expect_kafka(const struct config *config, const char *expected)
{
	struct text text;
	text_init(&text, 10000);
	config_each_kafka(config, collect, &text);
	assert_string_equal(text.data, expected);
	text_clean_up(&text);
}

static void kafka_settings_pass_through_and_own_names_win(void **state)
{
	(void)state;
	struct config *config = fixture_load(
		ARGUMENTS("--kafka.ssl.ca.location", "/ca.pem", "--kafka.debug=broker"),
		ENVIRONMENT("GATEWAY_KAFKA_SASL_USERNAME=u", "GATEWAY_KAFKA_DEBUG=all",
			    "GATEWAY_KAFKA_BROKERS=b:1"),
		NULL);
	assert_string_equal(fixture_settings.kafka_brokers, "b:1");
	expect_kafka(config, "sasl.username=u;debug=broker;ssl.ca.location=/ca.pem;");
	config_destroy(&config);
}

static void a_slip_in_an_own_kafka_name_is_caught(void **state)
{
	(void)state;
	fixture_expect(NO_ARGUMENTS, ENVIRONMENT("GATEWAY_KAFKA_BROKER=b:1"),
		       "environment: GATEWAY_KAFKA_BROKER is no known setting; did you mean "
		       "GATEWAY_KAFKA_BROKERS?\n");
	fixture_expect(ARGUMENTS("--kafka.=1"), NO_ENVIRONMENT,
		       "flag: --kafka. is no known setting\n");
}

static void running_out_of_memory_is_a_complaint_and_no_crash(void **state)
{
	(void)state;
	bool failed = true;
	for (long nth = 1; failed; nth++) {
		struct text complaints;
		text_init(&complaints, 10000);
		memory_fails_at(nth);
		struct config *config = fixture_new();
		/* Defaults are set first and have no error to give: begin after them. */
		if (!config) {
			assert_true(memory_failed());
			text_clean_up(&complaints);
			continue;
		}
		failed = memory_failed();
		config_destroy(&config);
		text_clean_up(&complaints);
	}
	failed = true;
	enum { DEFAULT_STRINGS = 3 };
	for (long nth = DEFAULT_STRINGS + 1; failed; nth++) {
		struct config *config = fixture_new();
		struct text complaints;
		text_init(&complaints, 10000);
		memory_fails_at(nth);
		enum error error =
			config_load(config, 3, ARGUMENTS("--http-address=x", "--kafka.debug=a"),
				    ENVIRONMENT("GATEWAY_KAFKA_SASL_USERNAME=u"), &complaints);
		failed = memory_failed();
		assert_int_equal(error, failed ? ERROR_INVALID : ERROR_OK);
		text_clean_up(&complaints);
		config_destroy(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_without_any_source),
		cmocka_unit_test(a_default_can_be_replaced_before_loading),
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(a_value_that_breaks_its_rule_is_told_with_the_rule),
		cmocka_unit_test(all_complaints_come_at_once),
		cmocka_unit_test(the_nearest_name_is_told_as_its_source_spells_it),
		cmocka_unit_test(a_name_of_any_length_is_only_unknown),
		cmocka_unit_test(kafka_settings_pass_through_and_own_names_win),
		cmocka_unit_test(a_slip_in_an_own_kafka_name_is_caught),
		cmocka_unit_test(running_out_of_memory_is_a_complaint_and_no_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
