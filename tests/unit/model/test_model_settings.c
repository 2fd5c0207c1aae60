/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Loads with one environment variable; gives what was complained about. */
static enum error load(char *variable, struct model_settings *settings, struct text *complaints)
{
	const struct config_table tables[] = { model_settings_table(settings) };
	char name[] = "model", *arguments[] = { name, NULL }, *environment[] = { variable, NULL };
	struct config *config = config_new("model", tables, 1);
	enum error error = config_load(config, 1, arguments, environment, complaints);
	if (error == ERROR_OK)
		settings->state_dir = NULL; /* the config frees it */
	config_destroy(&config);
	return error;
}

static void defaults_hold_a_day_of_ticks_and_two_weeks_of_bars(void **state)
{
	(void)state;
	struct model_settings settings;
	struct text complaints;
	text_init(&complaints, 4096);
	assert_int_equal(load(NULL, &settings, &complaints), ERROR_OK);
	assert_int_equal(settings.live_ticks, 24 * 60 * 60);
	assert_int_equal(settings.live_bars, 14 * 24 * 60);
	assert_true(settings.require_version);
	assert_true(settings.hdfs_direct_reads);
	text_clean_up(&complaints);
}

static void values_out_of_range_are_named(void **state)
{
	(void)state;
	static const char *const bad[] = { "MODEL_LIVE_BARS=0", "MODEL_ROWS_LIMIT=100",
					   "MODEL_SCORE_WINDOW=100001",
					   "MODEL_TICKS_STALE_AFTER_S=0" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct model_settings settings;
		struct text complaints;
		char variable[64];
		strcpy(variable, bad[i]);
		text_init(&complaints, 4096);
		assert_int_equal(load(variable, &settings, &complaints), ERROR_INVALID);
		*strchr(variable, '=') = '\0';
		assert_non_null(strstr(complaints.data, variable));
		text_clean_up(&complaints);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_a_day_of_ticks_and_two_weeks_of_bars),
		cmocka_unit_test(values_out_of_range_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
