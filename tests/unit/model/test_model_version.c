/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_version.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"
#include "report_text.h"

/* A version as a training makes it, of rows that this file invents. */
struct made {
	struct spec spec;
	struct partial *partial;
	struct partial_split split;
	struct fit fit;
	struct fit_score score;
	struct predictor predictor;
	struct reading_result reading;
	struct dataset dataset;
	struct dataset_file files[2];
	struct calibration calibration;
	struct reference reference;
	struct skill skill;
	struct gate_rival rival;
	struct gate gate;
};

static const struct spec *builtin(const char *name)
{
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, name) == 0)
			return spec_builtin(i);
	fail_msg("there is no %s", name);
	return NULL;
}

/* Prices walk; x are the features, all of their own scale. */
static void take_rows(struct made *made, int count)
{
	double price = 107000;
	srand(4);
	for (int i = 0; i < count; i++) {
		struct feature_row row = { .timestamp_us =
						   INT64_C(1751328000000000) + i * 60000000LL,
					   .identity = (uint64_t)rand() << 32 | (uint64_t)rand(),
					   .last = price };
		row.x[0] = price;
		for (size_t j = 1; j < made->spec.feature_count; j++)
			row.x[j] = (double)(rand() % 1000) * pow(10, (double)j - 4);
		price += rand() % 101 - 50 + row.x[1] * 10;
		row.y = price;
		partial_take(&row, ROW_USED, made->partial);
	}
}

static struct made *make(const char *model, int rows)
{
	struct made *made = calloc(1, sizeof(*made));
	assert_non_null(made);
	made->spec = *builtin(model);
	made->partial = partial_new(&made->spec);
	take_rows(made, rows);
	assert_int_equal(partial_split(made->partial, &made->split), ERROR_OK);
	const struct fit_request request = { .factor = made->split.train,
					     .features = made->spec.feature_count,
					     .has_last = spec_is_ordered(&made->spec),
					     .anchor = made->spec.anchor };
	assert_int_equal(fit_solve(&request, &made->fit, NULL), ERROR_OK);
	made->predictor.fit = made->fit.predictor;
	for (size_t i = 0; i < made->spec.feature_count; i++) {
		made->predictor.low[i] = rfactor_min(made->split.train, i);
		made->predictor.high[i] = rfactor_max(made->split.train, i);
	}
	if (made->split.held_out)
		fit_score(&made->fit.predictor, made->fit.target_mean, spec_is_ordered(&made->spec),
			  made->spec.feature_count, made->split.held_out, &made->score);
	assert_int_equal(skill_find(&made->spec, &made->predictor, NULL, made->partial,
				    made->split.held_out ? made->split.cut_us : INT64_MAX,
				    &made->skill),
			 ERROR_OK);
	assert_int_equal(calibrate(&made->predictor, made->spec.split, partial_tail(made->partial),
				   made->split.held_out ? made->split.cut_us : INT64_MAX,
				   &made->calibration),
			 ERROR_OK);
	made->gate = gate_decide(&(struct gate_input){ .forecast = true,
						       .score = &made->score,
						       .skill = &made->skill,
						       .rival = &made->rival });
	made->reading.partial = made->partial;
	made->files[0] = (struct dataset_file){ 0, 0, 99, 5000, DATA_CSV, DATE_NONE, true };
	made->files[1] = (struct dataset_file){ 3, 10, 29, 700, DATA_CSV, DATE_NONE, true };
	made->dataset = (struct dataset){ .files = made->files, .count = 2, .bytes = 5700 };
	return made;
}

static void unmake(struct made **made)
{
	partial_split_clean_up(&(*made)->split);
	partial_destroy(&(*made)->partial);
	free(*made);
	*made = NULL;
}

static cJSON *body_of(const struct made *made, const struct predictor *predictor, bool with_fit)
{
	const struct report_input input = { .spec = &made->spec,
					    .predictor = predictor,
					    .fit = with_fit ? &made->fit : NULL,
					    .score = &made->score,
					    .calibration = &made->calibration,
					    .reference = &made->reference,
					    .skill = &made->skill,
					    .split = &made->split,
					    .rival = &made->rival,
					    .gate = with_fit ? &made->gate : NULL,
					    .reading = &made->reading,
					    .dataset = &made->dataset,
					    .folder = "/bitcoin/data/x",
					    .created_us = 1751328000000000 };
	cJSON *body = report_version(&input);
	assert_non_null(body);
	cJSON_AddNumberToObject(body, "version", 7);
	return body;
}

/* By way of text, as it is stored. Takes the body. */
static enum error load(cJSON *body, struct version **version, struct text *why)
{
	char *text = cJSON_PrintUnformatted(body);
	cJSON *read = cJSON_Parse(text);
	enum error error = version_from_json(read, version, why);
	cJSON_Delete(read);
	cJSON_free(text);
	cJSON_Delete(body);
	return error;
}

static struct version *store_and_load(cJSON *body)
{
	struct version *version = NULL;
	char memory[200];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	if (load(body, &version, &why) != ERROR_OK)
		fail_msg("%s", why.data);
	return version;
}

static void a_stored_version_predicts_the_same(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	assert_int_equal(version_number(version), 7);
	double x[SPEC_MAX_FEATURES] = { 107500, 0.2, 3, 40, 500, 1000, 20000, 300000 };
	struct prediction prediction;
	const double levels[] = { 0.5, 0.95, 0.999 };
	double leverage = fit_leverage(&made->fit.predictor, x);
	for (size_t i = 0; i < 3; i++) {
		double half = fit_half_width(&made->fit.predictor, leverage, levels[i]);
		assert_int_equal(version_predict(version, x, levels[i], &prediction), ERROR_OK);
		assert_true(prediction.value == fit_predict(&made->fit.predictor, x));
		assert_true(prediction.leverage == leverage && prediction.level == levels[i]);
		assert_true(fabs(prediction.high - prediction.value - half) < 1e-9 * half);
		assert_true(fabs(prediction.value - prediction.low - half) < 1e-9 * half);
	}
	assert_true(version_rmse(version, made->split.held_out) == made->score.rmse);
	version_release(&version);
	assert_null(version);
	unmake(&made);
}

/* The conformal interval as far as it reaches, with the factor that was kept; the plain one beyond.
 */
static void a_calibrated_version_serves_conformal_intervals(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	struct prediction prediction;
	double x[SPEC_MAX_FEATURES] = { 107500, 0.2, 3, 40, 500, 1000, 20000, 300000 };
	made->predictor.calibrated = true;
	memcpy(made->predictor.spread, made->calibration.spread, sizeof(made->predictor.spread));
	made->predictor.log_factor = made->calibration.log_factor = 0.25;
	assert_true(isnan(made->predictor.spread[PREDICTOR_SPREADS - 1])); /* 600 rows */
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	double size = exp(0.25) * sqrt(1 + fit_leverage(&made->fit.predictor, x));
	assert_int_equal(version_predict(version, x, 0.95, &prediction), ERROR_OK);
	assert_int_equal(prediction.interval, INTERVAL_CONFORMAL);
	assert_true(fabs(prediction.factor - exp(0.25)) < 1e-12);
	assert_true(fabs(prediction.high - prediction.value - made->predictor.spread[4] * size) <
		    1e-9);
	assert_int_equal(version_predict(version, x, 0.25, &prediction), ERROR_OK);
	assert_true(fabs(prediction.high - prediction.value -
			 made->predictor.spread[0] * size / 2) < 1e-9);
	assert_int_equal(version_predict(version, x, 0.9999, &prediction), ERROR_OK);
	assert_int_equal(prediction.interval, INTERVAL_PLAIN);
	assert_true(prediction.factor == 1);
	size_t length;
	cJSON *report = cJSON_Parse(version_report(version, &length));
	const cJSON *intervals = cJSON_GetObjectItem(report, "intervals");
	assert_string_equal(cJSON_GetObjectItem(intervals, "served")->valuestring, "conformal");
	assert_int_equal(cJSON_GetObjectItem(intervals, "calibration_rows")->valueint, 600);
	assert_true(fabs(cJSON_GetObjectItem(intervals, "conformal_half_width")->valuedouble -
			 made->predictor.spread[4] * exp(0.25)) < 1e-9);
	cJSON_Delete(report);
	version_release(&version);
	unmake(&made);
}

/* Live errors move the intervals of the kind that they were measured beside, at every level. */
static void a_follower_makes_intervals_adaptive(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	struct prediction kept, usual, narrow, beyond;
	double x[SPEC_MAX_FEATURES] = { 107500, 0.2, 3, 40, 500, 1000, 20000, 300000 };
	made->predictor.calibrated = true;
	memcpy(made->predictor.spread, made->calibration.spread, sizeof(made->predictor.spread));
	made->predictor.log_factor = -0.5;
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	assert_true(fabs(version_log_factor(version) + 0.5) < 1e-15);
	assert_int_equal(version_predict(version, x, 0.95, &kept), ERROR_OK);
	version_follow(version, 2);
	assert_int_equal(version_predict(version, x, 0.95, &usual), ERROR_OK);
	assert_int_equal(version_predict(version, x, 0.5, &narrow), ERROR_OK);
	assert_int_equal(version_predict(version, x, 0.9999, &beyond), ERROR_OK);
	assert_int_equal(usual.interval, INTERVAL_ADAPTIVE);
	assert_true(usual.factor == 2 && usual.value == kept.value);
	assert_true(fabs((usual.high - usual.low) / (kept.high - kept.low) - 2 * exp(0.5)) < 1e-6);
	assert_true(narrow.interval == INTERVAL_ADAPTIVE && narrow.factor == 2);
	assert_true(beyond.interval == INTERVAL_PLAIN && beyond.factor == 1);
	version_follow(version, NAN);
	assert_int_equal(version_predict(version, x, 0.95, &usual), ERROR_OK);
	assert_true(usual.interval == INTERVAL_CONFORMAL && usual.high == kept.high);
	version_release(&version);
	unmake(&made);
}

static void the_reference_is_kept(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	assert_int_equal(reference_set(&made->predictor, made->spec.feature_count,
				       partial_tail(made->partial), made->split.cut_us,
				       &made->reference),
			 ERROR_OK);
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	const struct reference *kept = version_reference(version);
	assert_int_equal(kept->residuals.bins, STABILITY_BINS);
	assert_memory_equal(kept, &made->reference, sizeof(*kept));
	version_release(&version);
	/* Versions of earlier programs have none. */
	cJSON *body = body_of(made, &made->predictor, true);
	cJSON_DeleteItemFromObject(body, "reference");
	version = store_and_load(body);
	assert_int_equal(version_reference(version)->residuals.bins, 0);
	version_release(&version);
	unmake(&made);
}

static void outside_of_what_was_seen(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	double x[SPEC_MAX_FEATURES];
	struct prediction prediction;
	memcpy(x, made->predictor.high, sizeof(x));
	assert_int_equal(version_predict(version, x, 0.95, &prediction), ERROR_OK);
	assert_false(prediction.extrapolated);
	x[0] += 1;
	assert_int_equal(version_predict(version, x, 0.95, &prediction), ERROR_OK);
	assert_true(prediction.extrapolated);
	x[2] = 1e308;
	x[3] = 1e308;
	x[4] = 1e308;
	x[0] = INFINITY;
	assert_int_equal(version_predict(version, x, 0.95, &prediction), ERROR_INVALID);
	version_release(&version);
	unmake(&made);
}

static void the_last_price_has_intervals_too(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	struct predictor last = { .last_price = true, .fit.anchor = made->spec.anchor };
	last.calibrated = true;
	assert_int_equal(
		calibrate(&last, SPLIT_TIME, partial_tail(made->partial), 0, &made->calibration),
		ERROR_OK);
	memcpy(last.spread, made->calibration.spread, sizeof(last.spread));
	struct version *version = store_and_load(body_of(made, &last, false));
	struct prediction narrow, usual, between, beyond;
	double x[SPEC_MAX_FEATURES] = { 12345.5 };
	assert_int_equal(version_predict(version, x, 0.5, &narrow), ERROR_OK);
	assert_int_equal(version_predict(version, x, 0.95, &usual), ERROR_OK);
	assert_int_equal(version_predict(version, x, 0.925, &between), ERROR_OK);
	assert_int_equal(version_predict(version, x, 0.99999, &beyond), ERROR_OK);
	assert_true(usual.value == 12345.5 && isnan(usual.leverage));
	assert_true(fabs(usual.high - usual.value - last.spread[4]) < 1e-9);
	assert_true(narrow.high < between.high && between.high < usual.high);
	assert_int_equal(usual.interval, INTERVAL_CONFORMAL);
	/* More than the rows can tell: no interval rather than one too narrow. */
	assert_true(isnan(beyond.high) && beyond.interval == INTERVAL_NONE);
	struct version_summary summary = version_summary(version);
	assert_true(summary.last_price && summary.rows == 3000);
	double rmse = version_rmse(version, made->split.held_out);
	assert_true(fabs(rmse / made->score.last_rmse - 1) < 1e-12);
	assert_true(version_uses(version, 0) && !version_uses(version, 1));
	version_release(&version);
	unmake(&made);
}

static const cJSON *member(const cJSON *json, const char *name)
{
	const cJSON *found = cJSON_GetObjectItemCaseSensitive(json, name);
	if (!found)
		fail_msg("%s is missing", name);
	return found;
}

static void the_report_tells_everything(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	made->rival = (struct gate_rival){ .present = true, .version = 3, .rmse = 12.5 };
	made->reading.refused_count = 1;
	made->reading.refused[0].file = made->files[1];
	strcpy(made->reading.refused[0].reason, "cut");
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	size_t length;
	const char *text = version_report(version, &length);
	assert_int_equal(strlen(text), length);
	cJSON *report = cJSON_Parse(text);
	assert_string_equal(member(report, "model")->valuestring, "forecast_5m");
	assert_int_equal(cJSON_GetArraySize(member(report, "coefficients")), 9);
	const cJSON *held_out = member(report, "held_out");
	assert_true(member(held_out, "rmse")->valuedouble == made->score.rmse);
	assert_true(member(held_out, "skill_last")->valuedouble == made->score.skill_last);
	assert_int_equal(member(member(held_out, "serving"), "version")->valueint, 3);
	const cJSON *test = member(held_out, "skill_last_test");
	assert_string_equal(member(test, "verdict")->valuestring, "better than the last price");
	assert_true(member(test, "low")->valuedouble < made->score.skill_last &&
		    member(test, "high")->valuedouble > made->score.skill_last);
	assert_int_equal(member(test, "rows")->valueint, 600);
	assert_int_equal(member(test, "horizon_rows")->valueint, 5);
	assert_true(cJSON_IsTrue(member(member(report, "gate"), "serves")));
	assert_string_equal(member(member(report, "gate"), "rule")->valuestring,
			    "beats-last-price");
	const cJSON *lineage = member(report, "lineage");
	assert_int_equal(member(lineage, "bytes")->valueint, 5700);
	const cJSON *partition = cJSON_GetArrayItem(member(lineage, "partitions"), 1);
	assert_int_equal(member(partition, "partition")->valueint, 3);
	assert_int_equal(member(partition, "last_offset")->valueint, 29);
	const cJSON *refused = cJSON_GetArrayItem(member(lineage, "refused"), 0);
	assert_string_equal(member(refused, "file")->valuestring,
			    "part-00003-00000000000000000010-00000000000000000029.csv");
	assert_int_equal(member(member(lineage, "rows"), "used")->valueint, 3000);
	cJSON_Delete(report);
	version_release(&version);
	unmake(&made);
}

static void has_line(const struct text *text, const char *line)
{
	if (!strstr(text->data, line))
		fail_msg("\"%s\" is missing in\n%s", line, text->data);
}

static void the_report_reads_as_a_page(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	size_t length;
	const char *report = version_report(version, &length);
	struct text page;
	text_init(&page, REPORT_TEXT_MAX);
	report_text(report, length, 7, &page);
	assert_true(text_ok(&page));
	has_line(&page, "forecast_5m, version 7: least squares, 2025-07-01T00:00:00");
	has_line(&page, "Target                          close     Rows                  ");
	has_line(&page, "coef    std err        t  P>|t|     [0.025     0.975]\n");
	has_line(&page, "\nreturn_1m ");
	has_line(&page, "Verdict              better than the last price\n");
	has_line(&page, "\nGate                 serves, by the rule \"beats-last-price\":\n"
			"                     its skill against the last price is +");
	has_line(&page, "Diebold-Mariano      ");
	has_line(&page, "Coverage             plain 1");
	assert_null(strstr(page.data, "nan"));
	for (const char *line = page.data; *line; line = strchr(line, '\n') + 1)
		if (*line != '[')
			assert_true(strchr(line, '\n') - line <= 79);
	text_reset(&page);
	report_text("{}", 2, 0, &page); /* dashes only */
	assert_true(text_ok(&page));
	text_clean_up(&page);
	version_release(&version);
	unmake(&made);
}

static void has_warning(const struct made *made, const char *words, bool expected)
{
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	size_t length;
	bool found = strstr(version_report(version, &length), words) != NULL;
	version_release(&version);
	if (found != expected)
		fail_msg("\"%s\": %d", words, found);
}

static void intervals_that_do_not_hold_are_told(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	static const char words[] = "which stand still, hold 82.5% of the later held-out rows; "
				    "adaptive ones, which follow the errors, 94.1%";
	made->calibration.conformal = 0.825;
	made->calibration.adaptive = 0.941;
	has_warning(made, words, true);
	made->calibration.conformal = 0.96;
	has_warning(made, "which stand still", false);
	made->calibration.conformal = NAN;
	has_warning(made, "which stand still", false);
	unmake(&made);
}

/* M04, M05: undefined numbers are null, never nan or inf. */
static void undefined_numbers_are_null(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 8); /* as many rows as parameters */
	made->score = (struct fit_score){ .rows = 0, .rmse = NAN };
	struct version *version = store_and_load(body_of(made, &made->predictor, true));
	size_t length;
	const char *text = version_report(version, &length);
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	cJSON *report = cJSON_Parse(text);
	assert_true(cJSON_IsNull(member(report, "held_out")));
	assert_true(cJSON_IsNull(member(report, "residual_standard_error")));
	assert_true(cJSON_IsNull(member(report, "r2")));
	cJSON_Delete(report);
	struct prediction prediction;
	const double x[SPEC_MAX_FEATURES] = { 107000 };
	assert_int_equal(version_predict(version, x, 0.95, &prediction), ERROR_OK);
	assert_true(isnan(prediction.low) && isnan(prediction.high));
	assert_int_equal(prediction.interval, INTERVAL_NONE);
	version_release(&version);
	unmake(&made);
}

static void broken_bodies_are_refused(void **state)
{
	(void)state;
	struct made *made = make("forecast_5m", 3000);
	static const char *const needed[] = { "spec", "predictor", "report", "version",
					      "created_us" };
	static const char *const parts[] = { "kind",  "features", "base",     "slope",
					     "shift", "scale",    "triangle", "low",
					     "high",  "freedom",  "rows",     "s" };
	for (size_t i = 0; i < 5 + 12; i++) {
		struct version *version = NULL;
		cJSON *body = body_of(made, &made->predictor, true);
		if (i < 5)
			cJSON_DeleteItemFromObject(body, needed[i]);
		else
			cJSON_DeleteItemFromObject(cJSON_GetObjectItem(body, "predictor"),
						   parts[i - 5]);
		if (load(body, &version, NULL) != ERROR_INVALID)
			fail_msg("taken without %s", i < 5 ? needed[i] : parts[i - 5]);
		assert_null(version);
	}
	cJSON *body = body_of(made, &made->predictor, true);
	cJSON *triangle = cJSON_GetObjectItem(cJSON_GetObjectItem(body, "predictor"), "triangle");
	cJSON_ReplaceItemInArray(triangle, 0, cJSON_CreateNumber(0)); /* would divide by zero */
	struct version *version = NULL;
	assert_int_equal(load(body, &version, NULL), ERROR_INVALID);
	body = body_of(made, &made->predictor, true);
	static const char *const spreads[] = {
		"[1,2]", "{}", "[1,2,3,4,5,6,7,6]", "[1,2,3,null,5,6,7,8]", "[-1,2,3,4,5,6,7,8]",
	};
	for (size_t i = 0; i < 5; i++) {
		cJSON *broken = cJSON_Duplicate(body, true);
		cJSON_AddItemToObject(cJSON_GetObjectItem(broken, "predictor"), "spread",
				      cJSON_Parse(spreads[i]));
		if (load(broken, &version, NULL) != ERROR_INVALID)
			fail_msg("taken with the spread %s", spreads[i]);
	}
	cJSON_Delete(body);
	unmake(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_version_predicts_the_same),
		cmocka_unit_test(a_calibrated_version_serves_conformal_intervals),
		cmocka_unit_test(a_follower_makes_intervals_adaptive),
		cmocka_unit_test(the_reference_is_kept),
		cmocka_unit_test(outside_of_what_was_seen),
		cmocka_unit_test(the_last_price_has_intervals_too),
		cmocka_unit_test(the_report_tells_everything),
		cmocka_unit_test(the_report_reads_as_a_page),
		cmocka_unit_test(intervals_that_do_not_hold_are_told),
		cmocka_unit_test(undefined_numbers_are_null),
		cmocka_unit_test(broken_bodies_are_refused),
	};
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
