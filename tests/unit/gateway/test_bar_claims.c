/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/bar_claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct bar_claims claims;
	char folder[64], file[96];
};

static int set_up(void **state)
{
	static struct fixture f;
	strcpy(f.folder, "/tmp/test-claims-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	snprintf(f.file, sizeof(f.file), "%s/.bars.json", f.folder);
	bar_claims_open(&f.claims, f.folder);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	bar_claims_clean_up(&f->claims);
	unlink(f->file);
	return rmdir(f->folder);
}

static void open_again(struct fixture *f)
{
	bar_claims_clean_up(&f->claims);
	bar_claims_open(&f->claims, f->folder);
}

static void note(struct fixture *f, const char *symbol, double place)
{
	bar_claims_note(&f->claims, symbol, cJSON_CreateNumber(place));
}

static int found(const struct fixture *f, const char *symbol)
{
	const cJSON *position = bar_claims_find(&f->claims, symbol);
	return position ? position->valueint : -1;
}

static void the_last_word_of_each_symbol_counts_and_is_kept(void **state)
{
	struct fixture *f = *state;
	note(f, "BTC-USD", 1);
	note(f, "btc-usd", 2);
	note(f, "BTC-USD", 3);
	bar_claims_note(&f->claims, "BTC-USD", NULL);
	open_again(f);
	assert_int_equal(3, found(f, "BTC-USD"));
	assert_int_equal(2, found(f, "btc-usd"));
	assert_int_equal(-1, found(f, "ETH-USD"));
}

static void too_many_forget_the_first(void **state)
{
	struct fixture *f = *state;
	char symbol[16];
	for (int i = 0; i <= BAR_CLAIMS_LIMIT; i++) {
		snprintf(symbol, sizeof(symbol), "S%d", i);
		note(f, symbol, i);
	}
	open_again(f);
	assert_int_equal(-1, found(f, "S0"));
	assert_int_equal(1, found(f, "S1"));
	assert_int_equal(BAR_CLAIMS_LIMIT, found(f, symbol));
}

static void a_damaged_file_is_as_none(void **state)
{
	struct fixture *f = *state;
	const char *const texts[] = { "", "[1]", "{\"BTC-USD\":" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *file = fopen(f->file, "w");
		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
		open_again(f);
		assert_int_equal(-1, found(f, "BTC-USD"));
		note(f, "BTC-USD", 4);
		assert_int_equal(4, found(f, "BTC-USD"));
	}
}

static void without_a_folder_they_end_with_the_gateway(void **state)
{
	(void)state;
	struct bar_claims claims;
	bar_claims_open(&claims, NULL);
	bar_claims_note(&claims, "BTC-USD", cJSON_CreateNumber(1));
	assert_non_null(bar_claims_find(&claims, "BTC-USD"));
	bar_claims_clean_up(&claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_last_word_of_each_symbol_counts_and_is_kept,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_many_forget_the_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_as_none, set_up, tear_down),
		cmocka_unit_test(without_a_folder_they_end_with_the_gateway),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
