/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_testing.h"

static void folders_follow_from_the_root(void **state)
{
	(void)state;
	testing_begin();
	assert_string_equal(testing_dataset.folder, "/r/data/bitcoin_data");
	assert_string_equal(testing_dataset.dead_letter_folder, "/r/dead_letters/bitcoin_data");
	assert_string_equal(testing_dataset.staging_folder, "/r/staging/bitcoin_data");
	testing_end();
}

static void the_root_of_all_has_one_slash(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct dataset dataset;
	assert_int_equal(dataset_init(&dataset, record_table(RECORD_BAR), "t", "/", metrics, NULL),
			 ERROR_OK);
	assert_string_equal(dataset.folder, "/data/bitcoin_bars");
	dataset_clean_up(&dataset);
	metrics_destroy(&metrics);
}

/* Field case I05: a colon is refused when the settings are read, and the setting is named. */
static void a_root_that_hdfs_does_not_take(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	static const char *const roots[] = { "/lake/12:30", "lake", "/a//b", "" };
	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		struct dataset dataset;
		struct text why;
		text_init(&why, 1000);
		enum error error = dataset_init(&dataset, record_table(RECORD_BAR), "t", roots[i],
						metrics, &why);
		if (roots[i][0] == '\0') {
			/* nothing stands for the root of all */
			assert_int_equal(error, ERROR_OK);
			dataset_clean_up(&dataset);
		} else {
			assert_int_equal(error, ERROR_INVALID);
			assert_non_null(strstr(why.data, "hdfs_root"));
		}
		text_clean_up(&why);
	}
	metrics_destroy(&metrics);
}

static void each_kind_has_its_own_series(void **state)
{
	(void)state;
	testing_begin();
	dataset_count_retry(&testing_dataset, ERROR_SAFE_MODE);
	dataset_count_retry(&testing_dataset, ERROR_SAFE_MODE);
	dataset_count_settled(&testing_dataset, ERROR_CLOSED);
	dataset_count_drop(&testing_dataset, "fenced");
	dataset_count_refusal(&testing_dataset, "missing");
	assert_true(testing_metric("ingest_retries_total{dataset=\"ticks\",kind=\"safe-mode\"}") ==
		    2);
	assert_true(testing_metric("ingest_settled_total{dataset=\"ticks\",kind=\"closed\"}") == 1);
	assert_true(
		testing_metric("ingest_batches_dropped_total{dataset=\"ticks\",reason=\"fenced\""
			       "}") == 1);
	assert_true(testing_metric("ingest_dead_letters_total{dataset=\"ticks\",reason=\"missing\""
				   "}") == 1);
	testing_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_follow_from_the_root),
		cmocka_unit_test(the_root_of_all_has_one_slash),
		cmocka_unit_test(a_root_that_hdfs_does_not_take),
		cmocka_unit_test(each_kind_has_its_own_series),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
