/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: `lock` guards everything but the gauges and the spec, which the live thread alone uses
 * and which never change.
 */
#include "drift.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_LEAST = 2 };

struct gauges {
	struct metric *shift, *spread, *psi;
};

struct drift {
	struct spec spec;
	struct gauges features[SPEC_MAX_FEATURES], residuals;
	pthread_mutex_t lock;
	double *rows;                /* DRIFT_WINDOW rows of the spec's features, a ring */
	size_t taken;                /* since the restart */
	double errors[DRIFT_WINDOW]; /* a ring as well */
	size_t errors_taken;
	struct version_training training[SPEC_MAX_FEATURES];
	struct reference reference;
	bool uses[SPEC_MAX_FEATURES];
	double promised; /* error of a prediction; NAN: not known */
};

static struct gauges gauges_of(struct metrics *metrics, const char *labels, bool features)
{
	return (struct gauges){
		metrics_gauge(metrics,
			      features ? "model_live_feature_shift" : "model_live_residual_shift",
			      features ? "Mean of a live feature less that of training, in "
					 "deviations of training; 0 while it is not known."
				       : "Mean live error over the error on the held-out rows; 0 "
					 "while it is not known.",
			      labels),
		metrics_gauge(metrics,
			      features ? "model_live_feature_spread" : "model_live_residual_spread",
			      features ? "Deviation of a live feature over that of training; 0 "
					 "while it is not known."
				       : "Root mean square of live errors over that on the "
					 "held-out rows; 0 while it is not known.",
			      labels),
		metrics_gauge(metrics,
			      features ? "model_live_feature_psi" : "model_live_residual_psi",
			      features ? "Population stability index of a live feature against "
					 "training's; 0 while it is not known."
				       : "Population stability index of live errors against those "
					 "on the held-out rows; 0 while it is not known.",
			      labels),
	};
}

static void gauges_set_up(struct drift *drift, struct metrics *metrics)
{
	char memory[2 * SPEC_MAX_NAME + 64];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "model", drift->spec.name);
	drift->residuals = gauges_of(metrics, labels.data, false);
	for (size_t i = 0; i < drift->spec.feature_count; i++) {
		text_reset(&labels);
		metrics_label(&labels, "model", drift->spec.name);
		metrics_label(&labels, "feature", drift->spec.features[i].name);
		drift->features[i] = gauges_of(metrics, labels.data, true);
	}
}

struct drift *drift_new(const struct spec *spec, struct metrics *metrics)
{
	struct drift *drift = calloc(1, sizeof *drift);
	if (!drift)
		return NULL;
	drift->spec = *spec;
	pthread_mutex_init(&drift->lock, NULL);
	drift->rows = malloc(DRIFT_WINDOW * spec->feature_count * sizeof *drift->rows);
	if (!drift->rows) {
		drift_destroy(&drift);
		return NULL;
	}
	gauges_set_up(drift, metrics);
	drift_restart(drift, NULL);
	return drift;
}

void drift_destroy(struct drift **drift)
{
	if (!*drift)
		return;
	pthread_mutex_destroy(&(*drift)->lock);
	free((*drift)->rows);
	free(*drift);
	*drift = NULL;
}

void drift_restart(struct drift *drift, const struct version *version)
{
	pthread_mutex_lock(&drift->lock);
	drift->taken = drift->errors_taken = 0;
	drift->reference = version ? *version_reference(version) : (struct reference){ 0 };
	drift->promised = version ? version_promised_error(version) : NAN;
	for (size_t i = 0; i < drift->spec.feature_count; i++) {
		drift->uses[i] = version && version_uses(version, i);
		drift->training[i] = version ? version_training(version, i)
					     : (struct version_training){ NAN, NAN };
	}
	pthread_mutex_unlock(&drift->lock);
}

void drift_take(struct drift *drift, const double *x)
{
	size_t width = drift->spec.feature_count;
	pthread_mutex_lock(&drift->lock);
	memcpy(&drift->rows[drift->taken++ % DRIFT_WINDOW * width], x, width * sizeof *x);
	pthread_mutex_unlock(&drift->lock);
}

void drift_take_error(struct drift *drift, double error)
{
	pthread_mutex_lock(&drift->lock);
	drift->errors[drift->errors_taken++ % DRIFT_WINDOW] = error;
	pthread_mutex_unlock(&drift->lock);
}

static size_t held(size_t taken)
{
	return taken < DRIFT_WINDOW ? taken : DRIFT_WINDOW;
}

/* The index of one column of `rows` rows of `width` numbers. */
static double index_of(const struct stability *reference, const double *column, size_t rows,
		       size_t width)
{
	struct stability_now now = { 0 };
	if (reference->bins == 0)
		return NAN;
	for (size_t i = 0; i < rows; i++)
		stability_count(reference, column[i * width], &now);
	return stability_index(reference, &now);
}

/* Two passes, so that prices of a small spread do not cancel. The lock is held. */
static struct drift_measure measure(const struct drift *drift, size_t feature, size_t rows)
{
	const struct version_training *training = &drift->training[feature];
	size_t width = drift->spec.feature_count;
	double mean = 0, squares = 0;
	double psi =
		index_of(&drift->reference.features[feature], drift->rows + feature, rows, width);
	if (rows < ROWS_LEAST || !(training->deviation > 0))
		return (struct drift_measure){ NAN, NAN, psi };
	for (size_t i = 0; i < rows; i++)
		mean += (drift->rows[i * width + feature] - mean) / (double)(i + 1);
	for (size_t i = 0; i < rows; i++) {
		double off = drift->rows[i * width + feature] - mean;
		squares += off * off;
	}
	return (struct drift_measure){
		.shift = (mean - training->mean) / training->deviation,
		.spread = sqrt(squares / (double)(rows - 1)) / training->deviation,
		.psi = psi,
	};
}

struct drift_measure drift_of_residuals(const struct score *score, double promised)
{
	if (score->count == 0 || !(promised > 0))
		return (struct drift_measure){ NAN, NAN, NAN };
	return (struct drift_measure){ score->bias / promised, score->rmse / promised, NAN };
}

static bool has_reference(const struct drift *drift, size_t feature)
{
	return !isnan(drift->training[feature].mean) ||
	       (drift->uses[feature] && drift->reference.features[feature].bins > 0);
}

void drift_read(struct drift *drift, const struct score *score, struct drift_report *report)
{
	pthread_mutex_lock(&drift->lock);
	report->rows = held(drift->taken);
	report->count = 0;
	for (size_t i = 0; i < drift->spec.feature_count; i++) {
		if (!has_reference(drift, i))
			continue;
		report->features[report->count].feature = i;
		report->features[report->count++].drift = measure(drift, i, report->rows);
	}
	report->residuals = drift_of_residuals(score, drift->promised);
	report->residuals.psi =
		index_of(&drift->reference.residuals, drift->errors, held(drift->errors_taken), 1);
	pthread_mutex_unlock(&drift->lock);
}

static void tell(const struct gauges *gauges, const struct drift_measure *measure)
{
	metric_set(gauges->shift, isfinite(measure->shift) ? measure->shift : 0);
	metric_set(gauges->spread, isfinite(measure->spread) ? measure->spread : 0);
	metric_set(gauges->psi, isfinite(measure->psi) ? measure->psi : 0);
}

void drift_tell(struct drift *drift, const struct score *score)
{
	static const struct drift_measure unknown = { NAN, NAN, NAN };
	struct drift_report report;
	size_t next = 0;
	drift_read(drift, score, &report);
	for (size_t i = 0; i < drift->spec.feature_count; i++) {
		bool known = next < report.count && report.features[next].feature == i;
		tell(&drift->features[i], known ? &report.features[next++].drift : &unknown);
	}
	tell(&drift->residuals, &report.residuals);
}
