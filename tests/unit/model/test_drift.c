/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drift.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fitted on four rows whose open was 1, 2, 3, 4: mean 2.5, deviation sqrt(5/3); high was dropped.
 */
static const char FITTED[] =
	"{\"version\":3,\"created_us\":5,\"spec\":{\"name\":\"m\",\"records\":\"bars\",\"target\":"
	"\"close\",\"features\":[\"high\",\"open\"]},\"predictor\":{\"kind\":\"linear\",\"anchor\":"
	"null,\"ones\":true,\"features\":[\"open\"],\"base\":1,\"slope\":[1],\"shift\":[0],"
	"\"scale\":[1],\"triangle\":[2,5,0,2.23606797749979],\"low\":[0,1],\"high\":[0,4],"
	"\"freedom\":2,\"rows\":4,\"s\":0.5},\"report\":{%s}}";

struct fixture {
	struct metrics *metrics;
	struct version *version;
	struct drift *drift;
	struct score score;
};

static struct fixture fixture_of(const char *report)
{
	struct fixture f = { .metrics = metrics_new(), .score = score_of(NULL, 0, -1) };
	char text[1000];
	snprintf(text, sizeof text, FITTED, report);
	cJSON *json = cJSON_Parse(text);
	assert_int_equal(version_from_json(json, &f.version, NULL), ERROR_OK);
	cJSON_Delete(json);
	f.drift = drift_new(version_spec(f.version), f.metrics);
	assert_non_null(f.drift);
	drift_restart(f.drift, f.version);
	return f;
}

static void clean_up(struct fixture *f)
{
	drift_destroy(&f->drift);
	version_release(&f->version);
	metrics_destroy(&f->metrics);
}

static struct drift_report report_of(struct fixture *f)
{
	struct drift_report report;
	drift_read(f->drift, &f->score, &report);
	return report;
}

static void take(struct fixture *f, double open)
{
	const double x[] = { 7, open };
	drift_take(f->drift, x);
}

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) < 1e-12))
		fail_msg("%.17g is not %.17g", value, expected);
}

static void a_moved_feature_shows(void **state)
{
	(void)state;
	struct fixture f = fixture_of("");
	take(&f, 1);
	assert_true(isnan(report_of(&f).features[0].drift.shift)); /* one row has no deviation */
	take(&f, 2);
	take(&f, 3);
	take(&f, 4);
	struct drift_report same = report_of(&f);
	assert_int_equal(same.rows, 4);
	assert_int_equal(same.count, 1); /* high has no reference */
	assert_int_equal(same.features[0].feature, 1);
	assert_near(same.features[0].drift.shift, 0);
	assert_near(same.features[0].drift.spread, 1);
	drift_restart(f.drift, f.version);
	for (int i = 0; i < 4; i++)
		take(&f, 10 + 2 * i); /* mean 13, twice as wide */
	struct drift_report moved = report_of(&f);
	assert_near(moved.features[0].drift.shift, 10.5 / sqrt(5.0 / 3));
	assert_near(moved.features[0].drift.spread, 2);
	clean_up(&f);
}

static void only_the_newest_rows_count(void **state)
{
	(void)state;
	struct fixture f = fixture_of("");
	for (int i = 0; i < DRIFT_WINDOW; i++)
		take(&f, 1e9);
	for (int i = 0; i < DRIFT_WINDOW; i++)
		take(&f, i % 2 == 0 ? 2 : 3);
	struct drift_report report = report_of(&f);
	assert_int_equal(report.rows, DRIFT_WINDOW);
	assert_near(report.features[0].drift.shift, 0);
	clean_up(&f);
}

static void residuals_are_told_in_promised_errors(void **state)
{
	(void)state;
	struct fixture plain = fixture_of(""), held_out = fixture_of("\"held_out\":{\"rmse\":2}");
	assert_true(isnan(report_of(&plain).residuals.shift));
	plain.score = held_out.score = (struct score){ .count = 5, .bias = 1, .rmse = 4 };
	assert_near(report_of(&plain).residuals.shift, 2); /* s is 0.5 */
	assert_near(report_of(&held_out).residuals.shift, 0.5);
	assert_near(report_of(&held_out).residuals.spread, 2);
	clean_up(&plain);
	clean_up(&held_out);
}

static double gauge(struct fixture *f, const char *series)
{
	double value = NAN;
	struct text page;
	text_init(&page, 1 << 20);
	metrics_write(f->metrics, &page);
	const char *at = strstr(page.data, series);
	if (at)
		value = strtod(at + strlen(series), NULL);
	text_clean_up(&page);
	return value;
}

/* Half of training's opens were at most 2, half of the errors at most 0. */
static const char REFERENCE[] =
	"},\"reference\":{\"features\":{\"open\":{\"edges\":[2],\"shares\":[0.5,0.5]},\"high\":"
	"{\"edges\":[2],\"shares\":[0.5,0.5]}},\"residuals\":{\"edges\":[0],\"shares\":[0.5,0.5]}";

static void the_index_sees_what_mean_and_deviation_do_not(void **state)
{
	(void)state;
	struct fixture f = fixture_of(REFERENCE), none = fixture_of("");
	for (int i = 0; i < 200; i++) {
		take(&f, i < 50 ? 1 : 3);
		take(&none, 1);
		drift_take_error(f.drift, i % 2 ? 1 : -1);
	}
	struct drift_report report = report_of(&f);
	double q = 50.5 / 201, p = 150.5 / 201;
	assert_int_equal(report.count, 1); /* high is not used */
	assert_near(report.features[0].drift.psi,
		    (q - 0.5) * log(q / 0.5) + (p - 0.5) * log(p / 0.5));
	assert_near(report.residuals.psi, 0);
	for (int i = 0; i < DRIFT_WINDOW; i++)
		drift_take_error(f.drift, 1);
	assert_true(report_of(&f).residuals.psi > 1); /* the newest alone count */
	assert_true(isnan(report_of(&none).features[0].drift.psi));
	assert_true(isnan(report_of(&none).residuals.psi));
	drift_tell(f.drift, &f.score);
	assert_true(gauge(&f, "model_live_residual_psi{model=\"m\"} ") > 1);
	assert_true(gauge(&f, "model_live_feature_psi{model=\"m\",feature=\"open\"} ") > 0.1);
	drift_restart(f.drift, f.version);
	assert_true(isnan(report_of(&f).residuals.psi));
	clean_up(&f);
	clean_up(&none);
}

static void the_gauges_follow(void **state)
{
	(void)state;
	static const char open[] = "model_live_feature_spread{model=\"m\",feature=\"open\"} ",
			  high[] = "model_live_feature_spread{model=\"m\",feature=\"high\"} ",
			  residual[] = "model_live_residual_spread{model=\"m\"} ";
	struct fixture f = fixture_of("");
	for (int i = 0; i < 4; i++)
		take(&f, 10 + 2 * i);
	f.score = (struct score){ .count = 5, .bias = 1, .rmse = 4 };
	drift_tell(f.drift, &f.score);
	assert_near(gauge(&f, open), 2);
	assert_near(gauge(&f, high), 0);
	assert_near(gauge(&f, residual), 8);
	drift_restart(f.drift, NULL);
	f.score = score_of(NULL, 0, -1);
	drift_tell(f.drift, &f.score);
	assert_near(gauge(&f, open), 0);
	assert_near(gauge(&f, residual), 0);
	clean_up(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moved_feature_shows),
		cmocka_unit_test(only_the_newest_rows_count),
		cmocka_unit_test(residuals_are_told_in_promised_errors),
		cmocka_unit_test(the_index_sees_what_mean_and_deviation_do_not),
		cmocka_unit_test(the_gauges_follow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
