/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "interval.h"
#include "json_numbers.h"
#include "model_version.h"
#include "version.h"

enum { MAX_WARNINGS_TEXT = 300 };

/* Beyond this the claim of an interval is worth a warning. */
static const double COVERAGE_OFF = 0.02;

/* --- coefficients ---------------------------------------------------------------------------- */

static void add_term(cJSON *array, const char *name, const struct fit_term *term)
{
	bool estimated = term->status == FIT_KEPT;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddItemToArray(array, json);
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "status", fit_status_name(term->status));
	cJSON_AddNumberToObject(json, "value",
				estimated || term->status == FIT_FIXED ? term->value : NAN);
	cJSON_AddNumberToObject(json, "standard_error", term->error);
	cJSON_AddNumberToObject(json, "t", term->t);
	cJSON_AddNumberToObject(json, "p", term->p);
	cJSON_AddNumberToObject(json, "low", term->low);
	cJSON_AddNumberToObject(json, "high", term->high);
	cJSON_AddBoolToObject(json, "leaks", term->leaks);
}

static void add_coefficients(cJSON *report, const struct spec *spec, const struct fit *fit)
{
	cJSON *array = cJSON_AddArrayToObject(report, "coefficients");
	if (fit->ones)
		add_term(array, "(intercept)", &fit->intercept);
	for (size_t i = 0; i < fit->features; i++)
		add_term(array, spec->features[i].name, &fit->terms[i]);
	cJSON *dropped = cJSON_AddArrayToObject(report, "dropped");
	for (size_t i = 0; i < fit->features; i++) {
		if (fit->terms[i].status == FIT_KEPT || fit->terms[i].status == FIT_FIXED)
			continue;
		cJSON *json = cJSON_CreateObject();
		cJSON_AddItemToArray(dropped, json);
		cJSON_AddStringToObject(json, "name", spec->features[i].name);
		cJSON_AddStringToObject(json, "reason", fit_status_name(fit->terms[i].status));
	}
}

static void add_fit(cJSON *report, const struct spec *spec, const struct fit *fit)
{
	cJSON_AddNumberToObject(report, "rows", (double)fit->rows);
	cJSON_AddNumberToObject(report, "rank", (double)fit->rank);
	cJSON_AddNumberToObject(report, "effective_rank", fit->effective);
	cJSON_AddNumberToObject(report, "ridge", fit->ridge);
	cJSON_AddNumberToObject(report, "degrees_of_freedom", (double)fit->freedom);
	cJSON_AddNumberToObject(report, "residual_standard_error", fit->s);
	cJSON_AddNumberToObject(report, "rmse", fit->rmse);
	cJSON_AddNumberToObject(report, "r2", fit->r2);
	cJSON_AddNumberToObject(report, "adjusted_r2", fit->adjusted_r2);
	cJSON_AddNumberToObject(report, "aic", fit->aic);
	cJSON_AddNumberToObject(report, "condition_number", fit->condition);
	cJSON_AddNumberToObject(report, "rank_tolerance", FIT_RANK_TOLERANCE);
	cJSON_AddBoolToObject(report, "leakage", fit->leakage);
	add_coefficients(report, spec, fit);
}

/* --- the held-out part ----------------------------------------------------------------------- */

/* Of the last price itself there is nothing to tell. */
static void add_skill(cJSON *held_out, const struct report_input *input)
{
	const struct skill *skill = input->skill;
	if (!input->fit || isnan(input->score->skill_last)) {
		cJSON_AddNullToObject(held_out, "skill_last_test");
		return;
	}
	cJSON *json = cJSON_AddObjectToObject(held_out, "skill_last_test");
	cJSON_AddStringToObject(json, "verdict", skill_verdict_text(skill->verdict));
	cJSON_AddNumberToObject(json, "low", skill->low);
	cJSON_AddNumberToObject(json, "high", skill->high);
	cJSON_AddNumberToObject(json, "blocks", (double)skill->blocks);
	cJSON_AddNumberToObject(json, "diebold_mariano", skill->statistic);
	cJSON_AddNumberToObject(json, "p", skill->p);
	cJSON_AddNumberToObject(json, "rows", (double)skill->rows);
	cJSON_AddNumberToObject(json, "horizon_rows", (double)skill->horizon);
}

static void add_held_out(cJSON *report, const struct report_input *input)
{
	const struct fit_score *score = input->score;
	if (score->rows == 0) {
		cJSON_AddNullToObject(report, "held_out");
		return;
	}
	cJSON *json = cJSON_AddObjectToObject(report, "held_out");
	cJSON_AddNumberToObject(json, "rows", (double)score->rows);
	cJSON_AddNumberToObject(json, "rmse", score->rmse);
	cJSON_AddNumberToObject(json, "last_price_rmse", score->last_rmse);
	cJSON_AddNumberToObject(json, "mean_rmse", score->mean_rmse);
	cJSON_AddNumberToObject(json, "skill_last", score->skill_last);
	cJSON_AddNumberToObject(json, "skill_mean", score->skill_mean);
	add_skill(json, input);
	json_add_time(json, "since", input->split->cut_us);
	cJSON_AddNumberToObject(json, "rows_left_out", (double)input->split->rows_between);
	if (!input->rival->present) {
		cJSON_AddNullToObject(json, "serving");
		return;
	}
	cJSON *rival = cJSON_AddObjectToObject(json, "serving");
	cJSON_AddNumberToObject(rival, "version", (double)input->rival->version);
	cJSON_AddNumberToObject(rival, "rmse", input->rival->rmse);
	cJSON_AddNumberToObject(rival, "skill_low", input->rival->skill.low);
	cJSON_AddNumberToObject(rival, "skill_high", input->rival->skill.high);
}

static void add_gate(cJSON *report, const struct gate *gate)
{
	if (!gate) {
		cJSON_AddNullToObject(report, "gate");
		return;
	}
	cJSON *json = cJSON_AddObjectToObject(report, "gate");
	cJSON_AddBoolToObject(json, "serves", gate->serves);
	cJSON_AddStringToObject(json, "rule", gate_rule_name(gate->rule));
	cJSON_AddStringToObject(json, "reason", gate->reason);
}

/* --- intervals ------------------------------------------------------------------------------ */

static double plain_half(const struct report_input *input)
{
	return input->fit ? fit_half_width(&input->predictor->fit, 0, CALIBRATION_LEVEL) : NAN;
}

static enum interval_kind served(const struct report_input *input, double half)
{
	if (input->predictor->calibrated && isfinite(half))
		return INTERVAL_CONFORMAL;
	return isfinite(plain_half(input)) ? INTERVAL_PLAIN : INTERVAL_NONE;
}

/* Half widths are those of 95% at leverage 0. */
static void add_intervals(cJSON *report, const struct report_input *input)
{
	const struct calibration *calibration = input->calibration;
	double half = NAN, factor = exp(calibration->log_factor);
	for (size_t i = 0; i < PREDICTOR_SPREADS; i++)
		if (PREDICTOR_PARTS[i] == CALIBRATION_LEVEL)
			half = calibration->spread[i];
	cJSON *json = cJSON_AddObjectToObject(report, "intervals");
	cJSON_AddStringToObject(json, "served", interval_kind_name(served(input, half)));
	cJSON_AddStringToObject(json, "served_live", interval_kind_name(INTERVAL_ADAPTIVE));
	cJSON_AddNumberToObject(json, "level", CALIBRATION_LEVEL);
	cJSON_AddNumberToObject(json, "plain_half_width", plain_half(input));
	cJSON_AddNumberToObject(json, "conformal_half_width", half * factor);
	cJSON_AddNumberToObject(json, "conformal_factor", factor);
	cJSON_AddNumberToObject(json, "calibration_rows", (double)calibration->rows);
	json_add_time(json, "since", calibration->since_us);
	json_add_time(json, "until", calibration->until_us);
	cJSON *coverage = cJSON_AddObjectToObject(json, "coverage");
	cJSON_AddNumberToObject(coverage, "rows", (double)calibration->proof_rows);
	cJSON_AddNumberToObject(coverage, "plain", calibration->plain);
	cJSON_AddNumberToObject(coverage, "conformal", calibration->conformal);
	cJSON_AddNumberToObject(coverage, "adaptive", calibration->adaptive);
}

/* --- warnings -------------------------------------------------------------------------------- */

static void warn(cJSON *warnings, const char *format, ...) PRINTF_LIKE(2, 3);
static void warn(cJSON *warnings, const char *format, ...)
{
	char memory[MAX_WARNINGS_TEXT];
	struct text text;
	va_list arguments;
	text_init_fixed(&text, memory, sizeof(memory));
	va_start(arguments, format);
	text_putv(&text, format, arguments);
	va_end(arguments);
	cJSON_AddItemToArray(warnings, cJSON_CreateString(text.data));
}

static void warn_of_fit(cJSON *warnings, const struct spec *spec, const struct fit *fit)
{
	for (size_t i = 0; i < fit->features; i++)
		if (fit->terms[i].leaks)
			warn(warnings, "%s gives the target away (|correlation| = 1)%s",
			     spec->features[i].name,
			     fit->terms[i].status == FIT_LEAKING ? "; it is left out" : "");
	/* Closer than FIT_LEAK_TOLERANCE lets a single one be. */
	if (!fit->leakage && 1 - fit->r2 <= FIT_LEAK_TOLERANCE * FIT_LEAK_TOLERANCE)
		warn(warnings, "together the features give the target away (R2 = 1)");
	if (fit->condition > 1e6)
		warn(warnings,
		     "the columns are nearly dependent (condition number %.3g): single "
		     "coefficients "
		     "mean little",
		     fit->condition);
	if (fit->ridge > 0)
		warn(warnings,
		     "the coefficients are shrunken by a ridge penalty of %.3g%s: they have no "
		     "standard errors",
		     fit->ridge,
		     spec->ridge_auto ? ", chosen on the held-out part, whose error is a little "
					"too good for that"
				      : "");
	if (isnan(fit->s))
		warn(warnings, "no degrees of freedom are left: there are no errors and intervals");
}

/* So that nobody takes noise for skill. */
static void warn_of_skill(cJSON *warnings, const struct report_input *input)
{
	const struct skill *skill = input->skill;
	double found = input->score->skill_last;
	if (!input->fit || isnan(found) || skill->verdict == SKILL_BETTER)
		return;
	if (skill->verdict == SKILL_UNKNOWN)
		warn(warnings,
		     "the skill against the last price, %.2f%%, may be noise: there are too few "
		     "held-out rows to tell",
		     100 * found);
	else
		warn(warnings,
		     "on the held-out part the fit is %s: skill %.2f%%, 95%% interval %.2f%% to "
		     "%.2f%%, Diebold-Mariano p %.2g",
		     skill_verdict_text(skill->verdict), 100 * found, 100 * skill->low,
		     100 * skill->high, skill->p);
}

static void warn_of_reading(cJSON *warnings, const struct reading_result *reading)
{
	const struct partial_counts *counts = partial_counts(reading->partial);
	if (reading->refused_count > 0)
		warn(warnings, "%zu files were refused whole", reading->refused_count);
	if (counts->rows[ROW_MALFORMED] > 0)
		warn(warnings, "%" PRId64 " lines were no records", counts->rows[ROW_MALFORMED]);
}

static bool is_off(double coverage)
{
	return fabs(coverage - CALIBRATION_LEVEL) > COVERAGE_OFF; /* not known: not off */
}

static void warn_of_coverage(cJSON *warnings, const struct calibration *calibration)
{
	if (is_off(calibration->plain))
		warn(warnings, "plain 95%% intervals hold %.1f%% of the later held-out rows",
		     100 * calibration->plain);
	if (is_off(calibration->conformal))
		warn(warnings,
		     "conformal 95%% intervals, which stand still, hold %.1f%% of the later "
		     "held-out rows; adaptive ones, which follow the errors, %.1f%%",
		     100 * calibration->conformal, 100 * calibration->adaptive);
}

static void add_warnings(cJSON *report, const struct report_input *input)
{
	cJSON *warnings = cJSON_AddArrayToObject(report, "warnings");
	if (input->fit)
		warn_of_fit(warnings, input->spec, input->fit);
	if (input->score->rows == 0)
		warn(warnings, "nothing is held out: the error on new data is not known");
	else if (input->score->skill_last <= 0 && input->fit)
		warn(warnings, "the last price alone does no worse on the held-out part");
	warn_of_skill(warnings, input);
	warn_of_coverage(warnings, input->calibration);
	warn_of_reading(warnings, input->reading);
}

/* --- lineage --------------------------------------------------------------------------------- */

static void add_partitions(cJSON *lineage, const struct dataset *dataset)
{
	cJSON *array = cJSON_AddArrayToObject(lineage, "partitions");
	for (size_t begin = 0; begin < dataset->count;) {
		size_t end = dataset_partition_end(dataset, begin);
		int64_t last = 0;
		for (size_t i = begin; i < end; i++)
			last = dataset->files[i].last > last ? dataset->files[i].last : last;
		cJSON *json = cJSON_CreateObject();
		cJSON_AddItemToArray(array, json);
		cJSON_AddNumberToObject(json, "partition", dataset->files[begin].partition);
		cJSON_AddNumberToObject(json, "first_offset", (double)dataset->files[begin].first);
		cJSON_AddNumberToObject(json, "last_offset", (double)last);
		cJSON_AddNumberToObject(json, "files", (double)(end - begin));
		begin = end;
	}
}

static void add_rows(cJSON *lineage, const struct reading_result *reading)
{
	const struct partial_counts *counts = partial_counts(reading->partial);
	cJSON_AddNumberToObject(lineage, "records", (double)counts->records);
	cJSON *rows = cJSON_AddObjectToObject(lineage, "rows");
	for (int reason = 0; reason < ROW_REASON_COUNT; reason++)
		cJSON_AddNumberToObject(rows, row_reason_name((enum row_reason)reason),
					(double)counts->rows[reason]);
	cJSON_AddNumberToObject(rows, "pending", (double)reading->pending);
	json_add_time(lineage, "first", counts->first_us);
	json_add_time(lineage, "last", counts->last_us);
}

static void add_refused(cJSON *lineage, const struct reading_result *reading)
{
	cJSON *array = cJSON_AddArrayToObject(lineage, "refused");
	for (size_t i = 0; i < reading->refused_count && i < READING_MAX_REFUSED; i++) {
		char name[DATASET_NAME_LENGTH + 1];
		cJSON *json = cJSON_CreateObject();
		cJSON_AddItemToArray(array, json);
		dataset_print_name(&reading->refused[i].file, name);
		cJSON_AddStringToObject(json, "file", name);
		cJSON_AddStringToObject(json, "reason", reading->refused[i].reason);
	}
}

static void add_lineage(cJSON *report, const struct report_input *input)
{
	char hash[65] = "";
	cJSON *lineage = cJSON_AddObjectToObject(report, "lineage");
	cJSON_AddStringToObject(lineage, "folder", input->folder);
	cJSON_AddNumberToObject(lineage, "files", (double)input->dataset->count);
	cJSON_AddNumberToObject(lineage, "files_refused", (double)input->reading->refused_count);
	cJSON_AddNumberToObject(lineage, "names_ignored", (double)input->dataset->ignored);
	cJSON_AddNumberToObject(lineage, "bytes", (double)input->dataset->bytes);
	cJSON_AddBoolToObject(lineage, "resumed", input->resumed);
	add_partitions(lineage, input->dataset);
	add_rows(lineage, input->reading);
	add_refused(lineage, input->reading);
	if (spec_hash(input->spec, hash) == ERROR_OK)
		cJSON_AddStringToObject(lineage, "spec_sha256", hash);
	cJSON_AddStringToObject(lineage, "code", TICKLINE_VERSION);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void add_target(cJSON *report, const struct report_input *input)
{
	const struct spec *spec = input->spec;
	cJSON *target = cJSON_AddObjectToObject(report, "target");
	cJSON_AddStringToObject(target, "name", spec->table->fields[spec->target].name);
	cJSON_AddNumberToObject(target, "horizon_s", (double)spec->horizon_s);
	if (!input->fit)
		return;
	cJSON_AddNumberToObject(target, "mean", input->fit->target_mean);
	cJSON_AddNumberToObject(target, "low", input->fit->target_low);
	cJSON_AddNumberToObject(target, "high", input->fit->target_high);
}

cJSON *report_version(const struct report_input *input)
{
	cJSON *body = cJSON_CreateObject();
	cJSON_AddNumberToObject(body, "format", 1);
	cJSON_AddStringToObject(body, "model", input->spec->name);
	cJSON_AddNumberToObject(body, "created_us", (double)input->created_us);
	cJSON_AddItemToObject(body, "spec", spec_to_json(input->spec));
	cJSON_AddItemToObject(body, "predictor", predictor_to_json(input->predictor, input->spec));
	cJSON_AddItemToObject(body, "reference", reference_to_json(input->reference, input->spec));
	cJSON *report = cJSON_AddObjectToObject(body, "report");
	cJSON_AddStringToObject(report, "model", input->spec->name);
	cJSON_AddStringToObject(report, "kind",
				input->predictor->last_price ? "last-price" : "linear");
	json_add_time(report, "created", input->created_us);
	add_target(report, input);
	if (input->fit)
		add_fit(report, input->spec, input->fit);
	else
		cJSON_AddNumberToObject(
			report, "rows",
			(double)partial_counts(input->reading->partial)->rows[ROW_USED]);
	add_held_out(report, input);
	add_gate(report, input->gate);
	add_intervals(report, input);
	add_warnings(report, input);
	add_lineage(report, input);
	return body;
}
