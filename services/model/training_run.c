/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one training job does: gather (training_gather.c), fit, compare, save.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "log.h"
#include "partial.h"
#include "predictor_json.h"
#include "report.h"
#include "store.h"
#include "timestamp.h"
#include "training_run.h"

enum { SPARE_ROWS = 2 }; /* more than there are coefficients */

/* --- refusing -------------------------------------------------------------------------------- */

static void tell_counts(struct run *run)
{
	const struct partial_counts *counts = partial_counts(run->reading.partial);
	text_putf(&run->why, " (%zu files, %" PRId64 " records", run->dataset.count,
		  counts->records);
	for (int reason = 1; reason < ROW_REASON_COUNT; reason++)
		if (counts->rows[reason] > 0)
			text_putf(&run->why, ", %" PRId64 " %s", counts->rows[reason],
				  row_reason_name((enum row_reason)reason));
	if (run->reading.pending > 0)
		text_putf(&run->why, ", %" PRId64 " still without their target",
			  run->reading.pending);
	if (run->reading.refused_count > 0)
		text_putf(&run->why, ", %zu files refused: %s", run->reading.refused_count,
			  run->reading.refused[0].reason);
	text_putc(&run->why, ')');
}

static int64_t rows_needed(const struct run *run)
{
	int64_t needed = (int64_t)run->spec.feature_count + 1 + SPARE_ROWS;
	bool by_itself = strcmp(run->task->job.by, "autotrain") == 0;
	int64_t worth = run->training->settings->autotrain_rows;
	return by_itself && worth > needed ? worth : needed;
}

/* True, with the reason, when the data do not allow a training. */
static bool refuses(struct run *run)
{
	int64_t used = partial_counts(run->reading.partial)->rows[ROW_USED];
	size_t target = partial_columns(&run->spec) - 1;
	const char *name = run->spec.table->fields[run->spec.target].name;
	if (run->dataset.count == 0)
		text_putf(&run->why, "no rows: there are no published files in %s", run->folder);
	else if (used == 0)
		text_putf(&run->why, "no rows: no record gave one");
	else if (used < rows_needed(run) ||
		 rfactor_rows(run->split.train) < run->spec.feature_count + 1 + SPARE_ROWS)
		text_putf(&run->why,
			  "too few rows: %" PRId64 " of which %" PRIu64
			  " to train on, at least %" PRId64 " are needed",
			  used, rfactor_rows(run->split.train), rows_needed(run));
	else if (rfactor_min(run->split.train, target) == rfactor_max(run->split.train, target))
		text_putf(&run->why, "constant target: %s is %.17g in every row", name,
			  rfactor_min(run->split.train, target));
	else
		return false;
	tell_counts(run);
	return true;
}

/* --- fitting --------------------------------------------------------------------------------- */

static void fill_predictor(struct run *run)
{
	run->predictor.fit = run->fit.predictor;
	for (size_t i = 0; i < run->spec.feature_count; i++) {
		run->predictor.low[i] = rfactor_min(run->split.train, i);
		run->predictor.high[i] = rfactor_max(run->split.train, i);
	}
}

static void score(struct run *run)
{
	struct rfactor *none = NULL, *held_out = run->split.held_out;
	bool has_last = spec_is_ordered(&run->spec);
	if (!held_out)
		held_out = none = rfactor_new(partial_columns(&run->spec), run->spec.intercept);
	if (held_out)
		fit_score(&run->fit.predictor, run->fit.target_mean, has_last,
			  run->spec.feature_count, held_out, &run->score);
	rfactor_destroy(&none);
}

/* The first instant of rows that the fit has not seen; of a seeded split only those were kept. */
static int64_t held_out_since(const struct run *run)
{
	return run->split.held_out ? run->split.cut_us : INT64_MAX;
}

/* Intervals, and what errors are compared with later, from the held-out rows, which the fit has not
 * seen; the last price has seen none. */
static enum error set_intervals(struct run *run, struct predictor *predictor,
				struct calibration *calibration, struct reference *reference)
{
	int64_t since_us = predictor->last_price ? 0 : held_out_since(run);
	enum error error = calibrate(predictor, run->spec.split, partial_tail(run->reading.partial),
				     since_us, calibration);
	predictor->calibrated = predictor->last_price || calibration->rows > 0;
	memcpy(predictor->spread, calibration->spread, sizeof(predictor->spread));
	predictor->log_factor = calibration->log_factor;
	if (error == ERROR_OK)
		error = reference_set(predictor, run->spec.feature_count,
				      partial_tail(run->reading.partial), since_us, reference);
	return error;
}

static bool is_of_my_spec(const struct run *run, const struct version *version)
{
	char mine[65], its[65];
	return spec_hash(&run->spec, mine) == ERROR_OK &&
	       spec_hash(version_spec(version), its) == ERROR_OK && strcmp(mine, its) == 0;
}

/* The version that serves, on the same rows; only where it is of the same spec. */
static enum error find_rival(struct run *run)
{
	struct version *serving = registry_acquire(run->training->registry, run->spec.name);
	enum error error = ERROR_OK;
	if (serving && run->split.held_out && is_of_my_spec(run, serving)) {
		run->rival.present = true;
		run->rival.version = version_number(serving);
		run->rival.rmse = version_rmse(serving, run->split.held_out);
		error = skill_find(&run->spec, &run->predictor, serving, run->reading.partial,
				   held_out_since(run), &run->rival.skill);
	}
	version_release(&serving);
	return error;
}

static enum error fit(struct run *run)
{
	const struct fit_request request = {
		.factor = run->split.train,
		.features = run->spec.feature_count,
		.has_last = spec_is_ordered(&run->spec),
		.anchor = run->spec.anchor,
		.drop_leaking = run->spec.leakage == LEAKAGE_DROP,
		.ridge = run->spec.ridge,
	};
	training_set_phase(run->training, run->task, "fitting");
	bool chooses = run->spec.ridge_auto && run->split.held_out;
	enum error error =
		chooses ? fit_choose_ridge(&request, run->split.held_out, &run->fit, &run->why)
			: fit_solve(&request, &run->fit, &run->why);
	if (error != ERROR_OK)
		return error;
	fill_predictor(run);
	score(run);
	error = find_rival(run);
	if (error == ERROR_OK)
		error = skill_find(&run->spec, &run->predictor, NULL, run->reading.partial,
				   held_out_since(run), &run->skill);
	if (error != ERROR_OK)
		return error;
	return set_intervals(run, &run->predictor, &run->calibration, &run->reference);
}

/* --- saving ---------------------------------------------------------------------------------- */

static void pass_gate(struct run *run, bool has_serving)
{
	const struct gate_input input = {
		.forecast = run->spec.anchor >= 0,
		.has_serving = has_serving,
		.score = &run->score,
		.skill = &run->skill,
		.rival = &run->rival,
	};
	run->gate = gate_decide(&input);
}

static cJSON *make_body(const struct run *run, const struct predictor *predictor,
			const struct fit *fitted, const struct fit_score *scored,
			const struct calibration *calibration, const struct reference *reference)
{
	const struct report_input input = {
		.spec = &run->spec,
		.predictor = predictor,
		.fit = fitted,
		.score = scored,
		.calibration = calibration,
		.reference = reference,
		.skill = &run->skill,
		.split = &run->split,
		.rival = &run->rival,
		.gate = fitted ? &run->gate : NULL,
		.reading = &run->reading,
		.dataset = &run->dataset,
		.resumed = run->resumes,
		.folder = run->folder,
		.created_us = run->created_us,
	};
	return report_version(&input);
}

/* Version 0 of a forecast: the last price, with intervals as wide as it was off lately. */
static enum error save_last_price(struct run *run, bool serves)
{
	struct predictor last = { .last_price = true, .fit.anchor = run->spec.anchor };
	struct fit_score scored = run->score;
	int64_t number;
	struct calibration calibration;
	struct reference reference;
	enum error error = set_intervals(run, &last, &calibration, &reference);
	if (error != ERROR_OK)
		return error;
	scored.rmse = scored.last_rmse;
	scored.skill_last = scored.rows > 0 ? 0 : NAN;
	scored.skill_mean = scored.mean_rmse > 0 ? 1 - scored.rmse / scored.mean_rmse : NAN;
	cJSON *body = make_body(run, &last, NULL, &scored, &calibration, &reference);
	if (!body)
		return ERROR_NO_MEMORY;
	error = registry_add(run->training->registry, run->spec.name, body, true,
			     serves ? "gate" : NULL, "the last price itself", 0, &number,
			     &run->why);
	cJSON_Delete(body);
	return error == ERROR_EXISTS ? ERROR_OK : error;
}

static enum error save_fit(struct run *run)
{
	int64_t number;
	cJSON *body = make_body(run, &run->predictor, &run->fit, &run->score, &run->calibration,
				&run->reference);
	if (!body)
		return ERROR_NO_MEMORY;
	training_beside_end(&run->claiming);
	enum error error = registry_add(run->training->registry, run->spec.name, body, false,
					run->gate.serves ? "gate" : NULL, run->gate.reason,
					run->claimed, &number, &run->why);
	run->claimed = 0; /* the version has it, or it stays a hole */
	cJSON_Delete(body);
	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&run->training->lock);
	run->task->job.version = number;
	run->task->job.serves = run->gate.serves;
	pthread_mutex_unlock(&run->training->lock);
	return ERROR_OK;
}

/* The gate takes back only what it gave. */
static bool gate_promoted(struct registry *registry, const char *model)
{
	struct serving_event newest;
	size_t count, total;
	return registry_history(registry, model, &newest, 1, &count, &total) == ERROR_OK &&
	       count == 1 && strcmp(newest.by, "gate") == 0;
}

static enum error return_to_last_price(struct run *run)
{
	char reason[256];
	struct registry *registry = run->training->registry;
	if (!run->gate.last_price_returns || !gate_promoted(registry, run->spec.name))
		return ERROR_OK;
	snprintf(reason, sizeof(reason),
		 "on %" PRIu64 " held-out rows the error of version %" PRId64
		 ", %.6g, is not below that of the last price any more, %.6g",
		 run->score.rows, run->rival.version, run->rival.rmse, run->score.last_rmse);
	enum error error = registry_promote(registry, run->spec.name, 0, "gate", reason, &run->why);
	if (error == ERROR_OK)
		text_putf(&run->why, "; the last price serves again: %s", reason);
	return error;
}

static enum error save(struct run *run)
{
	struct registry *registry = run->training->registry;
	struct version *serving = registry_acquire(registry, run->spec.name);
	struct version *zero = registry_version(registry, run->spec.name, 0);
	enum error error = ERROR_OK;
	pass_gate(run, serving != NULL);
	training_set_phase(run->training, run->task, "saving");
	if (run->spec.anchor >= 0 && !zero)
		error = save_last_price(run, !serving && !run->gate.serves);
	if (error == ERROR_OK)
		error = save_fit(run);
	if (error == ERROR_OK && !run->gate.serves)
		text_putf(&run->why, "it does not serve: %s", run->gate.reason);
	if (error == ERROR_OK)
		error = return_to_last_price(run);
	version_release(&serving);
	version_release(&zero);
	return error;
}

/* Keeps the factors for the next training. A file that was refused may become whole one day: then
 * nothing is kept, so that it is looked at again. */
static void keep_factors(struct run *run)
{
	char memory[300];
	struct text body, why;
	if (run->reading.refused_count > 0)
		return;
	text_init(&body, STORE_MAX_FILE);
	text_init_fixed(&why, memory, sizeof(memory));
	struct checkpoint reached = run->reading.reached;
	reached.partial = run->reading.partial;
	checkpoint_write_json(&reached, &run->spec, &body);
	enum error error = body.error;
	if (error == ERROR_OK)
		error = registry_put_factors(run->training->registry, run->spec.name, body.data,
					     body.length, &why);
	if (error != ERROR_OK)
		log_warn("factors are not kept: the next training reads everything again",
			 LOG_STR("model", run->spec.name), LOG_STR("error", error_name(error)),
			 LOG_STR("reason", why.data));
	text_clean_up(&body);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* A training by the clock is for what is new. */
static bool has_nothing_new(struct run *run)
{
	if (strcmp(run->task->job.by, "schedule") != 0 || !run->resumes ||
	    run->task->job.bytes_total > 0)
		return false;
	text_puts(&run->why, "nothing new was published since the last training");
	return true;
}

static void claim(struct run *run)
{
	run->claimed = registry_claim(run->training->registry, run->spec.name);
}

void training_claim(struct run *run)
{
	if (!run->claiming.step)
		training_beside_begin(&run->claiming, run, claim);
}

static void give_back(struct run *run)
{
	training_beside_end(&run->claiming);
	if (run->claimed > 0)
		registry_give_back(run->training->registry, run->spec.name, run->claimed);
}

static enum job_state run_steps(struct run *run)
{
	struct training *training = run->training;
	enum error error = registry_spec(training->registry, run->task->job.model, &run->spec);
	if (error != ERROR_OK) {
		text_puts(&run->why, "the model was removed");
		return JOB_FAILED;
	}
	training_folder(training, &run->spec, run->folder, sizeof(run->folder));
	error = training_gather(run);
	if (error == ERROR_OK)
		error = partial_split(run->reading.partial, &run->split);
	if (error == ERROR_OK && (has_nothing_new(run) || refuses(run)))
		return JOB_REFUSED;
	if (error == ERROR_OK) {
		training_claim(run);
		error = fit(run);
	}
	if (error == ERROR_INVALID)
		return JOB_REFUSED;
	/* A cancel that comes later than this is too late: the version is made whole. */
	if (error == ERROR_OK && atomic_load(&run->task->progress.cancel))
		error = ERROR_CANCELLED;
	if (error == ERROR_OK)
		error = save(run);
	if (error == ERROR_OK)
		return JOB_DONE;
	if (atomic_load(&run->task->progress.cancel))
		return JOB_CANCELLED;
	if (run->why.length == 0)
		text_puts(&run->why, error_text(error));
	return JOB_FAILED;
}

struct run *training_run_new(struct training *training, struct task *task,
			     struct training_clients *clients)
{
	struct run *run = calloc(1, sizeof(*run)); /* too large for a stack */
	if (!run)
		return NULL;
	run->training = training;
	run->task = task;
	run->clients = clients;
	run->created_us = wall_now_us();
	text_init_fixed(&run->why, run->memory, sizeof(run->memory));
	return run;
}

enum job_state training_run(struct run *run)
{
	struct task *task = run->task;
	run->state = run_steps(run);
	if (run->state == JOB_CANCELLED)
		text_reset(&run->why);
	if (run->state == JOB_REFUSED)
		registry_explain(run->training->registry, task->job.model, run->why.data);
	pthread_mutex_lock(&run->training->lock);
	snprintf(task->job.reason, sizeof(task->job.reason), "%s", run->why.data);
	pthread_mutex_unlock(&run->training->lock);
	return run->state;
}

void training_run_end(struct run **ended)
{
	struct run *run = *ended;
	*ended = NULL;
	if (!run)
		return;
	give_back(run);
	if (run->state == JOB_DONE)
		keep_factors(run);
	partial_split_clean_up(&run->split);
	reading_clean_up(&run->reading);
	checkpoint_clean_up(&run->known);
	dataset_clean_up(&run->dataset);
	free(run->from);
	free(run);
}
