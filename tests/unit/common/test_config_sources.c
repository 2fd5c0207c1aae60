/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_fixture.h"

#include <stdio.h>
#include <unistd.h>

static char path[] = "/tmp/tickline-config-XXXXXX";
static char config_flag[64];

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(config_flag, sizeof config_flag, "--config=%s", path);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *data, size_t length)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	fclose(file);
}

/* `complaint` holds %s where the file's name is to stand. */
static void expect_file(const char *data, const char *complaint)
{
	char expected[2000];
	write_file(data, strlen(data));
	if (complaint) {
		struct text text;
		text_init_fixed(&text, expected, sizeof expected);
		for (const char *c = complaint; *c; c++) {
			if (*c == '@')
				text_puts(&text, path);
			else
				text_putc(&text, *c);
		}
	}
	fixture_expect(ARGUMENTS(config_flag), NO_ENVIRONMENT, complaint ? expected : NULL);
}

static void later_sources_win(void **state)
{
	(void)state;
	static const char file[] = "http_port = 1\nrate_per_s = 1\nhttp_address = file\n";
	write_file(file, sizeof file - 1);
	struct config *config =
		fixture_load(ARGUMENTS("--http-port", "3", config_flag),
			     ENVIRONMENT("GATEWAY_HTTP_PORT=2", "GATEWAY_RATE_PER_S=2"), NULL);
	assert_int_equal(fixture_settings.http_port, 3);
	assert_true(fixture_settings.rate_per_s == 2);
	assert_string_equal(fixture_settings.http_address, "file");
	config_destroy(&config);
}

static void the_environment_may_name_the_file_and_the_flag_wins(void **state)
{
	(void)state;
	char variable[64];
	snprintf(variable, sizeof variable, "GATEWAY_CONFIG=%s", path);
	write_file("http_port = 7\n", 14);
	struct config *config = fixture_load(NO_ARGUMENTS, ENVIRONMENT(variable), NULL);
	assert_int_equal(fixture_settings.http_port, 7);
	config_destroy(&config);
	config = fixture_load(ARGUMENTS(config_flag), ENVIRONMENT("GATEWAY_CONFIG=/no/such"), NULL);
	assert_int_equal(fixture_settings.http_port, 7);
	config_destroy(&config);
}

static void a_file_may_have_comments_blanks_quotes_and_crlf(void **state)
{
	(void)state;
	static const char file[] = "\xef\xbb\xbf# all of it\r\n"
				   "\r\n"
				   "  http_port=9   # the port\r\n"
				   "\thttp_address = \" a # b \" # quoted\r\n"
				   "hdfs_token = p#ss=word\r\n"
				   "allow_anonymous = on\r\n"
				   "kafka.sasl.password = x y\r\n"
				   "kafka_brokers =\r\n"
				   "rate_per_s = 2";
	write_file(file, sizeof file - 1);
	struct config *config = fixture_load(ARGUMENTS(config_flag), NO_ENVIRONMENT, NULL);
	assert_int_equal(fixture_settings.http_port, 9);
	assert_string_equal(fixture_settings.http_address, " a # b ");
	assert_string_equal(fixture_settings.hdfs_token, "p#ss=word");
	assert_string_equal(fixture_settings.kafka_brokers, "");
	assert_true(fixture_settings.allow_anonymous);
	assert_true(fixture_settings.rate_per_s == 2);
	config_destroy(&config);
}

static void a_bad_line_is_told_with_its_number(void **state)
{
	(void)state;
	expect_file("\n# x\nhttp_prot = 1\n", "@:3: http_prot is no known setting; did you mean "
					      "http_port?\n");
	expect_file("http_port\n", "@:1: \"http_port\" is not a line of the form name = value\n");
	expect_file("= 5\n", "@:1: \"\" is not followed by one value, or is no name\n");
	expect_file("HTTP_PORT = 5\n",
		    "@:1: \"HTTP_PORT\" is not followed by one value, or is no name\n");
	expect_file("hdfs_token = \"secret\n",
		    "@:1: \"hdfs_token\" is not followed by one value, or is no name\n");
	expect_file("hdfs_token = \"secret\" more\n",
		    "@:1: \"hdfs_token\" is not followed by one value, or is no name\n");
	expect_file("http_port = 5550 x\n", "@:1: http_port = \"5550 x\" is not a whole number\n");
}

static void what_is_given_twice_is_told_with_both_places(void **state)
{
	(void)state;
	expect_file("http_port = 1\n\nhttp_port = 2\nkafka.debug = a\nkafka.debug = a\n",
		    "@:3: http_port is given twice, first on line 1\n"
		    "@:5: kafka.debug is given twice, first on line 4\n");
	fixture_expect(ARGUMENTS("--http-port=1", "--http-port", "1"), NO_ENVIRONMENT,
		       "flag: --http-port is given twice, first as argument 1\n");
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	(void)state;
	fixture_expect(ARGUMENTS("--config", "/no/such/file"), NO_ENVIRONMENT,
		       "/no/such/file: cannot be opened: No such file or directory\n");
	fixture_expect(ARGUMENTS("--config", "/tmp"), NO_ENVIRONMENT,
		       "/tmp: cannot be read: Is a directory\n");
	fixture_expect(ARGUMENTS("--config"), NO_ENVIRONMENT,
		       "flag: --config needs the name of a file\n");
	write_file("http_port = 1\0\n", 15);
	struct config *config = fixture_new();
	struct text complaints;
	text_init(&complaints, 1000);
	assert_int_equal(
		config_load(config, 2, ARGUMENTS(config_flag), NO_ENVIRONMENT, &complaints),
		ERROR_INVALID);
	assert_non_null(strstr(complaints.data, ": holds a zero byte\n"));
	text_clean_up(&complaints);
	config_destroy(&config);
}

static void a_file_without_end_is_refused(void **state)
{
	(void)state;
	fixture_expect(ARGUMENTS("--config=/dev/zero"), NO_ENVIRONMENT,
		       "/dev/zero: is longer than 1048576 bytes\n");
}

static void variables_of_others_are_no_concern(void **state)
{
	(void)state;
	fixture_expect(NO_ARGUMENTS,
		       ENVIRONMENT("GATEWAYHTTP_PORT=x", "INGEST_HTTP_PORT=x", "GATEWAY", "=x",
				   "GATEWAY_SERVICE_HOST=10.0.0.1", "GATEWAY_SERVICE_PORT=5550",
				   "GATEWAY_SERVICE_PORT_HTTP=5550",
				   "GATEWAY_PORT=tcp://10.0.0.1:5550",
				   "GATEWAY_PORT_5550_TCP_ADDR=10.0.0.1"),
		       NULL);
}

static void a_flag_without_a_value_is_told(void **state)
{
	(void)state;
	fixture_expect(ARGUMENTS("--http-port"), NO_ENVIRONMENT,
		       "flag: --http-port needs a value\n");
	fixture_expect(ARGUMENTS("--http-port", "--log-format", "json"), NO_ENVIRONMENT,
		       "flag: --http-port needs a value\n");
	fixture_expect(ARGUMENTS("--"), NO_ENVIRONMENT, "argument 1: \"--\" is not expected\n");
	fixture_expect(ARGUMENTS("-x"), NO_ENVIRONMENT, "argument 1: \"-x\" is not expected\n");
}

static void a_boolean_flag_needs_no_value(void **state)
{
	(void)state;
	struct config *config =
		fixture_load(ARGUMENTS("--allow-anonymous", "--http-port=1"), NO_ENVIRONMENT, NULL);
	assert_true(fixture_settings.allow_anonymous);
	config_destroy(&config);
	config = fixture_load(ARGUMENTS("--allow-anonymous", "off"), NO_ENVIRONMENT, NULL);
	assert_false(fixture_settings.allow_anonymous);
	config_destroy(&config);
	config =
		fixture_load(ARGUMENTS("--http_port=1", "--allow-anonymous"), NO_ENVIRONMENT, NULL);
	assert_true(fixture_settings.allow_anonymous);
	assert_int_equal(fixture_settings.http_port, 1);
	config_destroy(&config);
}

static void actions_are_remembered(void **state)
{
	(void)state;
	static const struct {
		const char *flag;
		enum config_action action;
	} cases[] = { { "--help", CONFIG_HELP },
		      { "-h", CONFIG_HELP },
		      { "--version", CONFIG_VERSION },
		      { "--check", CONFIG_CHECK },
		      { "--health", CONFIG_HEALTH } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct config *config = fixture_load(ARGUMENTS("--http-port=1", cases[i].flag),
						     NO_ENVIRONMENT, NULL);
		assert_int_equal(config_action(config), cases[i].action);
		assert_int_equal(fixture_settings.http_port, 1);
		config_destroy(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_sources_win),
		cmocka_unit_test(the_environment_may_name_the_file_and_the_flag_wins),
		cmocka_unit_test(a_file_may_have_comments_blanks_quotes_and_crlf),
		cmocka_unit_test(a_bad_line_is_told_with_its_number),
		cmocka_unit_test(what_is_given_twice_is_told_with_both_places),
		cmocka_unit_test(a_file_that_cannot_be_read_is_told),
		cmocka_unit_test(a_file_without_end_is_refused),
		cmocka_unit_test(variables_of_others_are_no_concern),
		cmocka_unit_test(a_flag_without_a_value_is_told),
		cmocka_unit_test(a_boolean_flag_needs_no_value),
		cmocka_unit_test(actions_are_remembered),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
