/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data_format.h"
#include "ingest_settings.h"

static enum error load(struct ingest_settings *settings, char *flag, char *value,
		       struct text *complaints)
{
	const struct config_table table = ingest_settings_table(settings);
	struct config *config = config_new("ingest", &table, 1);
	char name[] = "ingest";
	char *argv[] = { name, flag, value, NULL };
	char *environment[] = { NULL };
	enum error error = config_load(config, flag ? 3 : 1, argv, environment, complaints);
	config_destroy(&config);
	return error;
}

static void the_defaults_are_good_and_early(void **state)
{
	(void)state;
	struct ingest_settings settings;
	struct text complaints;
	text_init(&complaints, 10000);
	assert_int_equal(load(&settings, NULL, NULL, &complaints), ERROR_OK);
	assert_true(settings.rotate_age_ms <= 10000);
	assert_int_equal(settings.format, DATA_CSV);
	assert_int_equal(settings.rotate_clock_s, 0);
	/* a full batch and the one that is published meanwhile fit below the cap */
	assert_true(2 * settings.rotate_bytes < settings.memory_limit_bytes);
	assert_true(memcmp(&settings.bounds, &RECORD_DEFAULT_BOUNDS, sizeof settings.bounds) == 0);
	text_clean_up(&complaints);
}

static void limits_are_held(void **state)
{
	(void)state;
	static const struct {
		char flag[32], value[16];
	} bad[] = { { "--format", "csv.zst" },      { "--rotate-rows", "0" },
		    { "--rotate-bytes", "1023" },   { "--rotate-clock-s", "86401" },
		    { "--writers", "0" },           { "--retry-max-ms", "x" },
		    { "--memory-limit-bytes", "1" } };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct ingest_settings settings;
		struct text complaints;
		text_init(&complaints, 10000);
		char flag[32], value[16];
		memcpy(flag, bad[i].flag, sizeof flag);
		memcpy(value, bad[i].value, sizeof value);
		assert_int_equal(load(&settings, flag, value, &complaints), ERROR_INVALID);
		assert_non_null(strstr(complaints.data, value));
		text_clean_up(&complaints);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_good_and_early),
		cmocka_unit_test(limits_are_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
