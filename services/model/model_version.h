/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One version of a model: counted, and immutable but for the factor of its intervals. Whoever holds
 * a reference may use it from any thread without a lock; the last release frees it.
 */
#ifndef TICKLINE_MODEL_VERSION_H
#define TICKLINE_MODEL_VERSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "interval.h"
#include "reference.h"
#include "rfactor.h"
#include "spec.h"
#include "text.h"

struct version;

/* Makes a version with one reference from its stored JSON (registry.h), as report.h builds it.
 * INVALID: `why` says what is wrong. `body` stays the caller's. */
enum error version_from_json(const cJSON *body, struct version **version,
			     struct text *why) MUST_USE;

struct version *version_retain(const struct version *version);
void version_release(struct version **version); /* NULL inside is fine; sets it to NULL */

const struct spec *version_spec(const struct version *version);
int64_t version_number(const struct version *version); /* 0: the last price itself */
int64_t version_created_us(const struct version *version);

/* True when the prediction needs this feature; one that was dropped (constant, dependent, leaking)
 * may be given or left out, and is ignored. */
bool version_uses(const struct version *version, size_t feature);

struct prediction {
	double value;
	double low, high; /* NAN: undefined (no degrees of freedom left, too few rows) */
	double level;     /* of the interval: 0.95 */
	enum interval_kind interval;
	double factor;     /* that the interval was taken times (interval.h); 1: as it was */
	double leverage;   /* x'(X'X)^-1 x; NAN where undefined */
	bool extrapolated; /* a feature is outside the range that the training saw, or the leverage
			      above what extrapolation.h allows */
};

/* The prediction for features in the spec's order (those not used may be anything).
 * `level` > 0 and < 1. The interval is the conformal one where the version is calibrated for the
 * level, else the plain one of a fit, and adaptive where live errors have said how wide it must be
 * (version_follow). OK; INVALID: the result is not a finite number (features far
 * out of range). Any thread, no lock, no allocation. */
enum error version_predict(const struct version *version, const double *x, double level,
			   struct prediction *out) MUST_USE;

/* The factor that the errors of live predictions ask for, by which all intervals of the kind that
 * is usual at 95% are adaptive from now on; NAN: nobody follows the errors. Any thread. */
void version_follow(struct version *version, double factor);

/* Where a follower begins: the logarithm of the factor kept with the version; 0: none. */
double version_log_factor(const struct version *version);

/* The whole report: coefficients with errors, t, p and intervals, n, s, R2, held-out part, skill,
 * dropped columns, warnings, lineage. A number that is undefined is null. The text is JSON, built
 * once; it lives as long as the version. */
const char *version_report(const struct version *version, size_t *length);

/* The root of the mean squared error on rows in a factor of the same spec (partial.h); NAN: there
 * are no rows. Works in the factor's waiting rows first. */
double version_rmse(const struct version *version, struct rfactor *rows);

/* A feature's mean and standard deviation over the rows of the fit; NAN: the fit did not keep it,
 * or has no intercept. */
struct version_training {
	double mean, deviation;
};
struct version_training version_training(const struct version *version, size_t feature);

/* The distributions of training, which live as long as the version. */
const struct reference *version_reference(const struct version *version);

/* The RMSE on the held-out part, or without one the residual standard error; NAN: neither. */
double version_promised_error(const struct version *version);

/* A few numbers of the report, for lists and metrics; NAN: undefined. */
struct version_summary {
	int64_t number, created_us;
	int64_t rows, held_out_rows;
	int64_t bytes;   /* of the files that it was trained on */
	bool last_price; /* it is not a fit but the last price itself */
	double r2, rmse, held_out_rmse;
	double skill_last; /* 1 - rmse / rmse of the last price, on the held-out part */
	double skill_mean;
	bool leakage;
	bool on_hdfs; /* it is known to be there; the registry says so */
};
struct version_summary version_summary(const struct version *version);

#endif
