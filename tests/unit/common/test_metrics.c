/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing_memory.h"
#include "metrics.h"

enum { THREADS = 4, UPDATES = 20000 };

static void expect_page(struct metrics *m, const char *expected)
{
	struct text page;
	text_init(&page, 1 << 20);
	metrics_write(m, &page);
	assert_true(text_ok(&page));
	assert_string_equal(page.data, expected);
	text_clean_up(&page);
}

static void help_and_type_come_once_per_name(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct metric *good =
		metrics_counter(m, "gateway_records_total", "Records.", "outcome=\"accepted\"");
	metrics_gauge(m, "queue_records", "Waiting\nnow, \\ too.", NULL);
	struct metric *bad =
		metrics_counter(m, "gateway_records_total", "Records.", "outcome=\"refused\"");
	metric_add(good, 3);
	metric_add(good, UINT64_C(1) << 40);
	metric_add(bad, 1);
	expect_page(m, "# HELP gateway_records_total Records.\n"
		       "# TYPE gateway_records_total counter\n"
		       "gateway_records_total{outcome=\"accepted\"} 1099511627779\n"
		       "gateway_records_total{outcome=\"refused\"} 1\n"
		       "# HELP queue_records Waiting\\nnow, \\\\ too.\n"
		       "# TYPE queue_records gauge\n"
		       "queue_records 0\n");
	metrics_destroy(&m);
	assert_null(m);
}

static void the_same_series_is_registered_once(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct metric *a = metrics_counter(m, "x_total", "X.", "a=\"1\"");
	assert_ptr_equal(a, metrics_counter(m, "x_total", "X.", "a=\"1\""));
	assert_ptr_not_equal(a, metrics_counter(m, "x_total", "X.", "a=\"2\""));
	assert_ptr_not_equal(a, metrics_counter(m, "x_total", "X.", NULL));
	assert_ptr_equal(metrics_gauge(m, "g", "G.", NULL), metrics_gauge(m, "g", "G.", ""));
	metrics_destroy(&m);
}

static void a_gauge_tells_what_it_was_set_to(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct metric *gauge = metrics_gauge(m, "g", "G.", NULL);
	metric_set(gauge, -0.25);
	assert_true(metric_value(gauge) == -0.25);
	metric_set(gauge, INFINITY);
	expect_page(m, "# HELP g G.\n# TYPE g gauge\ng +Inf\n");
	metric_set(gauge, NAN);
	expect_page(m, "# HELP g G.\n# TYPE g gauge\ng NaN\n");
	metrics_destroy(&m);
}

static void buckets_are_cumulative_and_hold_their_bound(void **state)
{
	(void)state;
	static const double bounds[] = { 0.1, 1, 10 };
	struct metrics *m = metrics_new();
	struct metric *h = metrics_histogram(m, "wait_seconds", "Wait.", "k=\"v\"", bounds, 3);
	metric_observe(h, 0.1); /* a bound belongs to its bucket */
	metric_observe(h, 0.2);
	metric_observe(h, 10);
	metric_observe(h, 10.5);
	metric_observe(h, NAN); /* would spoil the sum */
	metric_observe(h, INFINITY);
	assert_true(metric_value(h) == 4);
	expect_page(m, "# HELP wait_seconds Wait.\n"
		       "# TYPE wait_seconds histogram\n"
		       "wait_seconds_bucket{k=\"v\",le=\"0.1\"} 1\n"
		       "wait_seconds_bucket{k=\"v\",le=\"1\"} 2\n"
		       "wait_seconds_bucket{k=\"v\",le=\"10\"} 3\n"
		       "wait_seconds_bucket{k=\"v\",le=\"+Inf\"} 4\n"
		       "wait_seconds_sum{k=\"v\"} 20.8\n"
		       "wait_seconds_count{k=\"v\"} 4\n");
	metrics_destroy(&m);
}

static void a_histogram_without_bounds_is_one_of_latencies(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	metric_observe(metrics_histogram(m, "h_seconds", "H.", NULL, NULL, 0), 0.003);
	struct text page;
	text_init(&page, 1 << 20);
	metrics_write(m, &page);
	assert_non_null(strstr(page.data, "h_seconds_bucket{le=\"0.0025\"} 0\n"));
	assert_non_null(strstr(page.data, "h_seconds_bucket{le=\"0.005\"} 1\n"));
	assert_non_null(strstr(page.data, "h_seconds_sum 0.003\n"));
	text_clean_up(&page);
	metrics_destroy(&m);
}

static void labels_are_escaped(void **state)
{
	(void)state;
	struct text labels;
	text_init(&labels, 1000);
	metrics_label(&labels, "route", "/v1/ticks");
	metrics_label(&labels, "why", "a\\b\"c\nd");
	assert_string_equal(labels.data, "route=\"/v1/ticks\",why=\"a\\\\b\\\"c\\nd\"");
	text_clean_up(&labels);
}

static struct metrics *shared;

static void *update(void *user)
{
	struct metric *counter = metrics_counter(shared, "c_total", "C.", NULL);
	struct metric *histogram = metrics_histogram(shared, "h_seconds", "H.", NULL, NULL, 0);
	for (int i = 0; i < UPDATES; i++) {
		metric_add(counter, 1);
		metric_observe(histogram, 0.5);
		metric_set(user, i);
	}
	return NULL;
}

static void no_update_is_lost_between_threads(void **state)
{
	(void)state;
	shared = metrics_new();
	struct metric *gauge = metrics_gauge(shared, "g", "G.", NULL);
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, update, gauge), 0);
	struct text page;
	text_init(&page, 1 << 20);
	metrics_write(shared, &page); /* while they run */
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	text_reset(&page);
	metrics_write(shared, &page);
	assert_non_null(strstr(page.data, "c_total 80000\n"));
	assert_non_null(strstr(page.data, "h_seconds_count 80000\n"));
	assert_non_null(strstr(page.data, "h_seconds_sum 40000\n"));
	assert_true(metric_value(gauge) == UPDATES - 1);
	text_clean_up(&page);
	metrics_destroy(&shared);
}

static void collect(void *user)
{
	metric_set(metrics_gauge(user, "late", "Registered by a collector.", NULL), 5);
}

static void collectors_run_before_a_scrape_and_may_register(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	metrics_on_scrape(m, collect, m);
	expect_page(m, "# HELP late Registered by a collector.\n# TYPE late gauge\nlate 5\n");
	metrics_destroy(&m);
}

static void without_memory_updates_go_nowhere_but_nothing_breaks(void **state)
{
	(void)state;
	static const double bounds[] = { 1 };
	memory_fails_at(1);
	assert_null(metrics_new());
	assert_true(memory_failed());
	bool failed = true;
	for (long nth = 1; failed; nth++) {
		struct metrics *m = metrics_new();
		memory_fails_at(nth);
		struct metric *counter = metrics_counter(m, "c_total", "C.", NULL);
		struct metric *histogram = metrics_histogram(m, "h", "H.", NULL, bounds, 1);
		struct metric *gauge = metrics_gauge(m, "g", "G.", NULL);
		metrics_on_scrape(m, collect, m);
		failed = memory_failed();
		metric_add(counter, 1);
		metric_observe(histogram, 0.5);
		metric_observe(histogram, 2);
		metric_set(gauge, 1);
		struct text page;
		text_init(&page, 1 << 20);
		metrics_write(m, &page);
		assert_int_equal(strstr(page.data, "c_total 1") && strstr(page.data, "g 1") &&
					 strstr(page.data, "h_count 2") &&
					 strstr(page.data, "late"),
				 !failed);
		text_clean_up(&page);
		metrics_destroy(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_and_type_come_once_per_name),
		cmocka_unit_test(the_same_series_is_registered_once),
		cmocka_unit_test(a_gauge_tells_what_it_was_set_to),
		cmocka_unit_test(buckets_are_cumulative_and_hold_their_bound),
		cmocka_unit_test(a_histogram_without_bounds_is_one_of_latencies),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(no_update_is_lost_between_threads),
		cmocka_unit_test(collectors_run_before_a_scrape_and_may_register),
		cmocka_unit_test(without_memory_updates_go_nowhere_but_nothing_breaks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
