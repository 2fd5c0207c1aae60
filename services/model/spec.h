/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model learns: the record type, the target, the features, the horizon and the split. A spec
 * never changes once it is made. JSON form:
 *
 *   {"name":"streamlit","description":"…","records":"bars","target":"close",
 *    "features":["open","high","low","volume",
 *                {"name":"return","column":"close","transform":"return"}],
 *    "intercept":true,"horizon_s":0,"tolerance_s":0,
 *    "split":{"kind":"seeded","train":0.8,"seed":42},
 *    "leakage":"flag","anchor":null,"ridge":"auto"}
 *
 * `ridge` is a penalty (fit.h), or "auto" for the one that does best on the held-out part; without
 * it there is none.
 *
 * A feature is a column's name, or an object with `name`, `column` and optionally
 *   transform  "value" (default), "return", "difference", "ratio", "log", "mean", "deviation",
 *              "hour_sine", "hour_cosine"
 *   lag_s      seconds back in time, never a number of rows
 *   window_s   seconds that "mean" and "deviation" look back over; lag_s and window_s together are
 *              at most SPEC_MAX_LAG_S
 *   other      the second column of "ratio" (column / other) and "difference" (column - other)
 *   zero       what a "ratio" or "return" with a zero denominator gives: "drop" (default; the row
 *              is dropped and counted) or a number
 *
 *   value       column at t - lag_s
 *   return      column(t) / column(before) - 1, where "before" is t - lag_s, or without a lag the
 *               record before this one
 *   difference  column(t) - other(t), or without `other` column(t) - column(before)
 *   mean        of the column over the records in (t - lag_s - window_s, t - lag_s]
 *   deviation   the standard deviation over those records, at least two (n - 1 below)
 *   hour_sine, hour_cosine
 *               of 2 pi times the part of the day (UTC) that is over at t; the column is
 *               "timestamp" and may be left out
 *   log         the natural logarithm of the value (rows with a value <= 0 are dropped)
 *
 * For "mean" and "deviation" there must be a value at t - lag_s - window_s, so that a window is
 * only looked at where the records reach back over all of it. The value "at t - lag_s" is that of
 * the last record at or before that instant, and not older than tolerance_s before it; the target
 * of a horizon is that of the first record at or after t + horizon_s, and not later than
 * tolerance_s after it. Otherwise the row is dropped and counted.
 */
#ifndef TICKLINE_MODEL_SPEC_H
#define TICKLINE_MODEL_SPEC_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "record.h"
#include "text.h"

enum { SPEC_MAX_FEATURES = 32, SPEC_MAX_NAME = 48, SPEC_MAX_DESCRIPTION = 500 };
enum { SPEC_MAX_HORIZON_S = 7 * 86400, SPEC_MAX_LAG_S = 7 * 86400, SPEC_MAX_RIDGE = 1000000 };

enum feature_transform {
	FEATURE_VALUE,
	FEATURE_RETURN,
	FEATURE_DIFFERENCE,
	FEATURE_RATIO,
	FEATURE_LOG,
	FEATURE_MEAN,
	FEATURE_DEVIATION,
	FEATURE_HOUR_SINE,
	FEATURE_HOUR_COSINE,
	FEATURE_TRANSFORMS
};

struct spec_feature {
	char name[SPEC_MAX_NAME + 1];
	enum feature_transform transform;
	int column; /* index in the record table, >= 1; 0, the time, for the hour */
	int other;  /* -1: none */
	int64_t lag_s;
	int64_t window_s; /* FEATURE_MEAN and FEATURE_DEVIATION; 0 otherwise */
	bool zero_drops;
	double zero_value; /* finite, when !zero_drops */
};

enum spec_split { SPLIT_SEEDED, SPLIT_TIME };
enum spec_leakage {
	LEAKAGE_FLAG, /* the feature stays, the report says so */
	LEAKAGE_DROP  /* the feature is left out, the report says so */
};

struct spec {
	char name[SPEC_MAX_NAME + 1]; /* [a-z0-9_-], starts with a letter */
	char description[SPEC_MAX_DESCRIPTION + 1];
	const struct record_table *table;
	int target; /* index in the record table */
	struct spec_feature features[SPEC_MAX_FEATURES];
	size_t feature_count; /* at least 1 */
	bool intercept;
	int64_t horizon_s;   /* 0: the same record */
	int64_t tolerance_s; /* see above */
	enum spec_split split;
	double train_fraction; /* 0.05 to 1; 1: nothing is held out */
	uint64_t seed;         /* SPLIT_SEEDED; up to 2^53 */
	enum spec_leakage leakage;
	int anchor; /* feature whose coefficient is fixed at 1 (the last price of a forecast); -1 */
	bool ridge_auto;
	double ridge; /* 0: none; up to SPEC_MAX_RIDGE */
	bool builtin; /* comes with the program: can't be deleted */
};

/* Reads and checks a spec. INVALID: `why` names the member ("features[2].lag_s"), the value and the
 * rule; unknown members are refused by name. `json` stays the caller's. */
enum error spec_from_json(const cJSON *json, struct spec *spec, struct text *why) MUST_USE;

/* The JSON form above, whole (defaults included), members in a fixed order: the same spec gives the
 * same bytes. NULL: no memory. */
cJSON *spec_to_json(const struct spec *spec) MUST_USE;

/* A name of [a-z0-9_-] that starts with a letter, at most SPEC_MAX_NAME long. */
bool spec_name_ok(const char *name);

/* Index of a feature by name; -1: none. */
int spec_feature_index(const struct spec *spec, const char *name);

bool spec_feature_rolls(const struct spec_feature *feature); /* mean and deviation */
bool spec_feature_is_hour(const struct spec_feature *feature);

/* True when a row depends on records before or after its own: files of a partition are then read in
 * the order of their offsets. */
bool spec_is_ordered(const struct spec *spec);

/* The columns that a row needs, a bit each: those of the target and of the features. */
unsigned spec_columns(const struct spec *spec);

/* How far back a row reaches, in seconds, tolerance included; 0 for "the record before". */
int64_t spec_reach_s(const struct spec *spec);

/* A hash of what decides about the rows and their factors: SHA-256 of the JSON form without name,
 * description, leakage, anchor and ridge, as 64 hexadecimal digits. */
enum error spec_hash(const struct spec *spec, char out[65]) MUST_USE;

/* The specs that come with the program: ia, streamlit, forecast_1m, forecast_5m, forecast_15m. */
size_t spec_builtin_count(void);
const struct spec *spec_builtin(size_t index);

#endif
