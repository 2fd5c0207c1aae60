/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gateway_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct gateway_settings settings;
	struct config *config;
	struct text complaints;
};

/* `flag` may be NULL. */
static enum error load(struct fixture *f, const char *flag)
{
	char name[] = "gateway", copy[128] = "";
	char *arguments[] = { name, copy, NULL }, *environment[] = { NULL };
	const struct config_table table = gateway_settings_table(&f->settings);
	if (flag)
		strncpy(copy, flag, sizeof(copy) - 1);
	f->config = config_new("gateway", &table, 1);
	text_init(&f->complaints, 4096);
	enum error error =
		config_load(f->config, flag ? 2 : 1, arguments, environment, &f->complaints);
	if (error == ERROR_OK)
		gateway_settings_check(&f->settings, &f->complaints);
	return error;
}

static void unload(struct fixture *f)
{
	config_destroy(&f->config);
	text_clean_up(&f->complaints);
}

static void the_defaults_are_good(void **state)
{
	(void)state;
	struct fixture f;
	assert_int_equal(ERROR_OK, load(&f, NULL));
	assert_int_equal(0, f.complaints.length);
	assert_int_equal(KEY_NONE, f.settings.tick_key);
	assert_int_equal(KEY_SYMBOL, f.settings.bar_key);
	assert_string_equal("BTC-USD", f.settings.default_symbol);
	struct record_rules rules = gateway_rules(&f.settings);
	assert_memory_equal(&RECORD_DEFAULT_BOUNDS, &rules.bounds, sizeof(rules.bounds));
	assert_false(rules.unknown_ignored);
	assert_true(rules.derived_recomputed);
	unload(&f);
}

static void unknown_members_may_be_ignored(void **state)
{
	(void)state;
	struct fixture f;
	assert_int_equal(ERROR_OK, load(&f, "--unknown-members=ignore"));
	assert_true(gateway_rules(&f.settings).unknown_ignored);
	unload(&f);
}

static void settings_that_contradict_each_other_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *flag, *name;
	} rows[] = { { "--price-low=60000", "price_low" },
		     { "--volume-high=999.5", "volume_low" },
		     { "--default-symbol=btc usd", "default_symbol" },
		     { "--default-symbol=", "default_symbol" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;
		assert_int_equal(ERROR_OK, load(&f, rows[i].flag));
		assert_ptr_equal(f.complaints.data,
				 strstr(f.complaints.data, rows[i].name)); /* the first word */
		unload(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_good),
		cmocka_unit_test(unknown_members_may_be_ignored),
		cmocka_unit_test(settings_that_contradict_each_other_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
