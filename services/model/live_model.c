/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: everything belongs to the live thread, but `predictions` and `drift`, which lock
 * themselves, and `reason`, `number` and `factor`, which are atomic. Readers keep the model alive
 * by live_models' lock.
 */
#include "live_model.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lineage.h"
#include "log.h"

struct partition {
	struct features *features;
	double last; /* the newest value of the target's column; NAN: none yet */
};

struct live_model {
	struct spec spec;
	char hash[65];
	struct partition *partitions;
	size_t partition_count;
	struct version *version;
	struct lineage lineage;
	bool has_predicted; /* there was a version before */
	struct time_ring *predictions;
	struct drift *drift;
	struct metric *made, *scored, *rmse, *coverage, *widened;
	struct adaptive adaptive; /* of this version */
	_Atomic double factor;    /* its factor */
	atomic_int reason;
	_Atomic int64_t number;
};

static void metrics_set_up(struct live_model *model, struct metrics *metrics)
{
	char memory[SPEC_MAX_NAME + 32];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "model", model->spec.name);
	model->made = metrics_counter(metrics, "model_live_predictions_total",
				      "Predictions made for records as they arrived.", labels.data);
	model->scored =
		metrics_gauge(metrics, "model_live_scored_predictions",
			      "Predictions that the running score is made of.", labels.data);
	model->rmse = metrics_gauge(metrics, "model_live_rmse_dollars",
				    "Root mean square of their errors; 0 while there are none.",
				    labels.data);
	model->coverage = metrics_gauge(
		metrics, "model_live_coverage_ratio",
		"Share of the actuals inside their 95% interval; 0 while there are none.",
		labels.data);
	model->widened = metrics_gauge(
		metrics, "model_live_interval_factor",
		"How much wider than calibrated the intervals are, to cover 95%; a new version "
		"brings its own.",
		labels.data);
}

static void tell_factor(struct live_model *model)
{
	double factor = adaptive_factor(&model->adaptive);
	atomic_store(&model->factor, factor);
	metric_set(model->widened, factor);
}

/* Where the version's own calibration ended; until something is learned nothing is followed. */
static void adaptive_restart(struct live_model *model)
{
	model->adaptive = (struct adaptive){ 0 };
	if (model->version) {
		model->adaptive.log_factor = version_log_factor(model->version);
		version_follow(model->version, NAN);
	}
	tell_factor(model);
}

static void let_go(struct live_model *model)
{
	if (model->version)
		version_follow(model->version, NAN);
	version_release(&model->version);
	lineage_clean_up(&model->lineage);
}

struct live_model *live_model_new(const struct spec *spec, size_t capacity, struct metrics *metrics)
{
	struct live_model *model = calloc(1, sizeof *model);
	if (!model)
		return NULL;
	model->spec = *spec;
	model->number = -1;
	model->reason = ROW_USED;
	model->predictions = time_ring_new(capacity, sizeof(struct live_prediction));
	model->drift = drift_new(spec, metrics);
	if (!model->predictions || !model->drift || spec_hash(spec, model->hash) != ERROR_OK) {
		live_model_destroy(&model);
		return NULL;
	}
	metrics_set_up(model, metrics);
	adaptive_restart(model);
	return model;
}

void live_model_destroy(struct live_model **model)
{
	if (!*model)
		return;
	for (size_t i = 0; i < (*model)->partition_count; i++)
		features_destroy(&(*model)->partitions[i].features);
	free((*model)->partitions);
	let_go(*model);
	time_ring_destroy(&(*model)->predictions);
	drift_destroy(&(*model)->drift);
	free(*model);
	*model = NULL;
}

const struct spec *live_model_spec(const struct live_model *model)
{
	return &model->spec;
}

const char *live_model_hash(const struct live_model *model)
{
	return model->hash;
}

void live_model_tell_score(struct live_model *model, const struct score *score)
{
	metric_set(model->scored, (double)score->count);
	metric_set(model->rmse, isfinite(score->rmse) ? score->rmse : 0);
	metric_set(model->coverage, isfinite(score->coverage) ? score->coverage : 0);
	drift_tell(model->drift, score);
}

struct time_ring *live_model_predictions(const struct live_model *model)
{
	return model->predictions;
}

struct drift *live_model_drift(const struct live_model *model)
{
	return model->drift;
}

enum row_reason live_model_reason(const struct live_model *model)
{
	return (enum row_reason)atomic_load(&model->reason);
}

double live_model_factor(const struct live_model *model)
{
	return atomic_load(&model->factor);
}

int64_t live_model_version(const struct live_model *model)
{
	return atomic_load(&model->number);
}

bool live_model_serve(struct live_model *model, struct version *version)
{
	if (version == model->version) {
		version_release(&version);
		return false;
	}
	let_go(model);
	model->version = version;
	atomic_store(&model->number, version ? version_number(version) : -1);
	adaptive_restart(model);
	drift_restart(model->drift, version);
	if (!version)
		return false;
	size_t length;
	const char *report = version_report(version, &length);
	lineage_read(report, length, &model->lineage);
	bool first = !model->has_predicted;
	model->has_predicted = true;
	return first;
}

void live_model_restart(struct live_model *model)
{
	for (size_t i = 0; i < model->partition_count; i++)
		features_destroy(&model->partitions[i].features);
	free(model->partitions);
	model->partitions = NULL;
	model->partition_count = 0;
	adaptive_restart(model);
	drift_restart(model->drift, model->version);
	time_ring_clear(model->predictions);
}

/* NULL: out of memory. */
static struct partition *partition_of(struct live_model *model, int32_t number)
{
	assert(number >= 0 && number < LIVE_MAX_PARTITIONS);
	size_t index = (size_t)number;
	if (index >= model->partition_count) {
		struct partition *larger = realloc(model->partitions, (index + 1) * sizeof *larger);
		if (!larger)
			return NULL;
		for (size_t i = model->partition_count; i <= index; i++)
			larger[i] = (struct partition){ .last = NAN };
		model->partitions = larger;
		model->partition_count = index + 1;
	}
	struct partition *partition = &model->partitions[index];
	if (!partition->features)
		partition->features = features_new(&model->spec);
	return partition->features ? partition : NULL;
}

/* What the fit has seen itself teaches nothing about what comes. */
static void learn(struct live_model *model, const struct live_prediction *p)
{
	if (p->version != model->number || p->in_training || !isfinite(p->actual))
		return;
	drift_take_error(model->drift, p->actual - p->value);
	if (!isfinite(p->low))
		return;
	adaptive_learn(&model->adaptive, p->low <= p->actual && p->actual <= p->high, p->level);
	version_follow(model->version, adaptive_factor(&model->adaptive));
	tell_factor(model);
}

struct arrival {
	struct live_model *model;
	const struct feature_row *row;
};

static void actual_set(void *item, void *user)
{
	struct live_prediction *prediction = item;
	const struct arrival *arrival = user;
	if (!isnan(prediction->actual))
		return;
	prediction->actual = arrival->row->y;
	prediction->target_us = arrival->row->target_us;
	learn(arrival->model, prediction);
}

/* A row whose target came: the prediction that was made from it learns the truth. */
static void row_completed(const struct feature_row *row, enum row_reason reason, void *user)
{
	struct arrival arrival = { .model = user, .row = row };
	if (reason == ROW_USED && arrival.model->spec.horizon_s > 0)
		time_ring_change(arrival.model->predictions, row->timestamp_us, actual_set,
				 &arrival);
}

static void predict(struct live_model *model, const struct feature_row *row,
		    const struct ring_record *record, double last, int64_t wall_us)
{
	struct prediction made;
	if (version_predict(model->version, row->x, LIVE_LEVEL, &made) != ERROR_OK) {
		atomic_store(&model->reason, ROW_NOT_FINITE);
		return;
	}
	int64_t horizon_us = model->spec.horizon_s * 1000000;
	struct live_prediction prediction = {
		.timestamp_us = record->timestamp_us,
		.target_us = record->timestamp_us + horizon_us,
		.made_us = wall_us,
		.version = model->number,
		.value = made.value,
		.low = made.low,
		.high = made.high,
		.level = made.level,
		.interval = made.interval,
		.last = isfinite(row->last) ? row->last : last,
		.actual = horizon_us == 0 ? row->y : NAN,
		.in_training = lineage_has_seen(&model->lineage, record->partition, record->offset),
	};
	time_ring_put(model->predictions, &prediction);
	learn(model, &prediction);
	if (!prediction.in_training)
		drift_take(model->drift, row->x);
	metric_add(model->made, 1);
}

void live_model_take(struct live_model *model, const struct ring_record *record, int64_t wall_us)
{
	struct partition *partition = partition_of(model, record->partition);
	if (!partition) {
		log_error("live features", LOG_STR("model", model->spec.name),
			  LOG_STR("error", error_text(ERROR_NO_MEMORY)));
		return;
	}
	features_push(partition->features, record->timestamp_us, record->values, row_completed,
		      model);
	struct feature_row row;
	enum row_reason reason = features_latest(partition->features, &row);
	if (reason == ROW_REPEATED || reason == ROW_OUT_OF_ORDER)
		return; /* what was told of the newest one still holds */
	atomic_store(&model->reason, (int)reason);
	if (reason == ROW_USED && model->version)
		predict(model, &row, record, partition->last, wall_us);
	partition->last = record->values[model->spec.target];
}
