/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metric_sums.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char page[] =
	"# HELP records_total outcome=\"stored\" 7\n"
	"# TYPE records_total counter\n"
	"records_total{kind=\"tick\",outcome=\"stored\"} 10\n"
	"records_total{outcome=\"stored\",kind=\"bar\"} 2.5e+1\n"
	"records_total{kind=\"tick\",outcome=\"stored-not\"} 1000\n"
	"records_total{kind=\"a\\\",outcome=\\\"stored\\\",\"} 1000\n"
	"records_total{kind=\"} 1000\",outcome=\"stored\"} 100 1700000000000\n"
	"records_total_more{outcome=\"stored\"} 1000\n"
	"plain 3\n"
	"plain{a=\"b\"} 4\n"
	"odd NaN\nodd +Inf\nodd{ 5\nodd{a=\"b\" 6\nodd 0x7\nodd  8\nodd\nodd{a=\"\\\n"
	"last -1.5";

static double sum_of(const char *name, const char *label)
{
	const struct metric_sum sum = { name, label };
	return metric_sum_read(page, strlen(page), &sum);
}

static void series_are_summed(void **state)
{
	(void)state;
	assert_true(sum_of("records_total", "outcome=\"stored\"") == 135);
	assert_true(sum_of("plain", NULL) == 7);
	assert_true(sum_of("plain", "a=\"b\"") == 4);
	assert_true(sum_of("last", NULL) == -1.5);
}

static void what_is_not_there_is_not_a_number(void **state)
{
	(void)state;
	assert_true(isnan(sum_of("odd", NULL)));
	assert_true(isnan(sum_of("record", NULL)));
	assert_true(isnan(sum_of("plain", "a=\"c\"")));
	assert_true(isnan(sum_of("last", "a=\"b\"")));
	const struct metric_sum sum = { "x", NULL };
	assert_true(isnan(metric_sum_read("", 0, &sum)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_are_summed),
		cmocka_unit_test(what_is_not_there_is_not_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
