/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/predictions: the live predictions of one model with what became of them.
 * GET /v1/models/{m}/live: the newest one, the price, their age and the running score.
 */
#include <math.h>
#include <stdlib.h>

#include "api.h"
#include "api_common.h"
#include "timestamp.h"

enum { PREDICTION_MAX_JSON = 512 };

static void put_bool(struct text *out, const char *name, bool value)
{
	text_putf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_number(struct text *out, const char *name, double value)
{
	text_putf(out, ",\"%s\":", name);
	text_put_double(out, value);
}

/* The members of one prediction, without braces. */
static void put_prediction(struct text *out, const struct live_prediction *p)
{
	text_puts(out, "\"timestamp\":");
	api_put_time(out, p->timestamp_us);
	text_puts(out, ",\"target_timestamp\":");
	api_put_time(out, p->target_us);
	text_puts(out, ",\"made\":");
	api_put_time(out, p->made_us);
	put_number(out, "prediction", p->value);
	if (isfinite(p->low) && isfinite(p->high)) {
		text_puts(out, ",\"interval\":[");
		text_put_double(out, p->low);
		text_putc(out, ',');
		text_put_double(out, p->high);
		text_putc(out, ']');
	} else {
		text_puts(out, ",\"interval\":null");
	}
	put_number(out, "level", p->level);
	text_putf(out, ",\"interval_kind\":\"%s\"", interval_kind_name(p->interval));
	text_puts(out, ",\"version\":");
	text_put_i64(out, p->version);
	put_number(out, "last_price", p->last);
	put_number(out, "actual", p->actual);
	put_bool(out, "in_training", p->in_training);
}

/* Answers 400 or 404 itself and gives false. */
static bool model_asked(struct http_request *request, struct model_app *app, const char *name,
			struct spec *spec)
{
	if (!name || !*name) {
		http_answer_problem(request, 400, "missing-parameter", NULL,
				    "the parameter model is missing: the name of a model, as "
				    "GET /v1/models lists them");
		return false;
	}
	if (registry_spec(app->registry, name, spec) != ERROR_OK) {
		api_no_such_model(request, name);
		return false;
	}
	return true;
}

static void answer_list(struct http_request *request, struct model_app *app,
			const struct spec *spec, const struct time_ring_query *query,
			struct live_prediction *predictions)
{
	size_t count = 0;
	struct time_ring_span span = { 0 };
	bool more = false;
	/* A model made a moment ago is not live yet: it has no predictions. */
	if (live_models_predictions(live_models_of(app->live), spec->name, query, predictions,
				    &count, &more, &span) != ERROR_OK)
		count = 0;
	struct text out;
	text_init(&out, 4096 + count * PREDICTION_MAX_JSON);
	text_putf(&out, "{\"model\":\"%s\",\"target\":\"%s\",\"horizon_s\":", spec->name,
		  spec->table->fields[spec->target].name);
	text_put_i64(&out, spec->horizon_s);
	text_putc(&out, ',');
	api_put_span(&out, &span);
	put_bool(&out, "more", more);
	text_puts(&out, ",\"predictions\":[");
	for (size_t i = 0; i < count; i++) {
		text_puts(&out, i > 0 ? ",{" : "{");
		put_prediction(&out, &predictions[i]);
		text_putc(&out, '}');
	}
	text_puts(&out, "]}");
	http_answer_text(request, 200, "application/json", &out);
	text_clean_up(&out);
}

void predictions_list(struct http_request *request, void *user)
{
	struct model_app *app = user;
	struct spec spec;
	struct time_ring_query query;
	if (!model_asked(request, app, http_query(request, "model"), &spec) ||
	    api_list_query(request, (size_t)app->settings.rows_limit, &query) != ERROR_OK)
		return;
	struct live_prediction *predictions = malloc(query.limit * sizeof *predictions);
	if (!predictions) {
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
		return;
	}
	answer_list(request, app, &spec, &query, predictions);
	free(predictions);
}

/* --- live ------------------------------------------------------------------------------------ */

static void put_age(struct text *out, int64_t since_us, int64_t wall_us)
{
	put_number(out, "age_s", round((double)(wall_us - since_us) / 1e3) / 1e3);
}

static void put_score(struct text *out, const struct score *score)
{
	text_putf(out, ",\"score\":{\"count\":%zu,\"in_training\":%zu,\"waiting\":%zu,\"since\":",
		  score->count, score->in_training, score->waiting);
	api_put_time(out, score->from_us);
	text_puts(out, ",\"until\":");
	api_put_time(out, score->to_us);
	put_number(out, "rmse", score->rmse);
	put_number(out, "mae", score->mae);
	put_number(out, "bias", score->bias);
	put_number(out, "coverage", score->coverage);
	put_number(out, "level", score->level);
	put_number(out, "skill_last", score->skill_last);
	text_putc(out, '}');
}

static void put_measure(struct text *out, const struct drift_measure *measure)
{
	put_number(out, "shift", measure->shift);
	put_number(out, "spread", measure->spread);
	put_number(out, "psi", measure->psi);
}

static void put_drift(struct text *out, const struct spec *spec, const struct drift_report *drift,
		      size_t scored)
{
	text_putf(out, ",\"drift\":{\"rows\":%zu,\"features\":[", drift->rows);
	for (size_t i = 0; i < drift->count; i++) {
		text_putf(out, "%s{\"name\":\"%s\"", i > 0 ? "," : "",
			  spec->features[drift->features[i].feature].name);
		put_measure(out, &drift->features[i].drift);
		text_putc(out, '}');
	}
	text_putf(out, "],\"residuals\":{\"count\":%zu", scored);
	put_measure(out, &drift->residuals);
	text_puts(out, "}}");
}

static void put_last(struct text *out, const struct spec *spec, const struct live_status *status,
		     int64_t wall_us)
{
	if (!status->has_record) {
		text_puts(out, ",\"last\":null");
		return;
	}
	text_puts(out, ",\"last\":{\"timestamp\":");
	api_put_time(out, status->record.timestamp_us);
	put_number(out, "price", status->record.values[spec->target]);
	put_age(out, status->record.timestamp_us, wall_us);
	text_putc(out, '}');
}

static void put_newest(struct text *out, const struct live_status *status, int64_t wall_us)
{
	if (!status->has_prediction) {
		text_puts(out, ",\"prediction\":null");
		return;
	}
	text_puts(out, ",\"prediction\":{");
	put_prediction(out, &status->prediction);
	put_age(out, status->prediction.timestamp_us, wall_us);
	text_putc(out, '}');
}

/* Why there is no prediction for the newest record; NULL: there is one. */
static const char *reason_of(const struct live_status *status)
{
	if (status->version < 0)
		return "no-version";
	if (!status->has_record)
		return "no-records";
	return status->reason == ROW_USED ? NULL : row_reason_name(status->reason);
}

static void put_status(struct text *out, const struct spec *spec, const struct live_status *status,
		       int64_t wall_us)
{
	const char *reason = reason_of(status);
	text_putf(out, "{\"model\":\"%s\",\"records\":\"%s\",\"target\":\"%s\"", spec->name,
		  spec->table->plural, spec->table->fields[spec->target].name);
	text_putf(out, ",\"horizon_s\":%lld,\"version\":", (long long)spec->horizon_s);
	if (status->version >= 0)
		text_put_i64(out, status->version);
	else
		text_puts(out, "null");
	put_last(out, spec, status, wall_us);
	put_newest(out, status, wall_us);
	text_puts(out, ",\"reason\":");
	if (reason)
		text_putf(out, "\"%s\"", reason);
	else
		text_puts(out, "null");
	put_bool(out, "stale", status->stale);
	text_putf(out,
		  ",\"stale_after_s\":%lld,\"stale_rule\":\"stale when the newest of the %s is "
		  "older than %lld s, or there is none\"",
		  (long long)status->stale_after_s, spec->table->plural,
		  (long long)status->stale_after_s);
	put_number(out, "interval_factor", status->interval_factor);
	put_score(out, &status->score);
	put_drift(out, spec, &status->drift, status->score.count);
	text_putc(out, '}');
}

/* An age is no news: the ETag is that of the same answer with the ages of a clock that stands. */
static void answer_status(struct http_request *request, const struct spec *spec,
			  const struct live_status *status, int64_t wall_us)
{
	struct text out, ageless;
	text_init(&out, 16384);
	text_init(&ageless, 16384);
	put_status(&out, spec, status, wall_us);
	put_status(&ageless, spec, status, 0);
	if (text_ok(&ageless))
		http_answer_tag_from(request, ageless.data, ageless.length);
	http_answer_text(request, 200, "application/json", &out);
	text_clean_up(&ageless);
	text_clean_up(&out);
}

/* A model made a moment ago is not live yet: nothing of it predicts. */
static struct live_status status_of_new(const struct model_app *app, const struct spec *spec)
{
	return (struct live_status){
		.version = -1,
		.reason = ROW_USED,
		.interval_factor = 1,
		.score = score_of(NULL, 0, -1),
		.drift = { .residuals = { NAN, NAN, NAN } },
		.stale = true,
		.stale_after_s = spec->table->kind == RECORD_BAR
					 ? app->settings.bars_stale_after_s
					 : app->settings.ticks_stale_after_s,
	};
}

void predictions_live(struct http_request *request, void *user)
{
	struct model_app *app = user;
	struct spec spec;
	struct live_status status;
	if (!model_asked(request, app, http_path_parameter(request, "m"), &spec))
		return;
	int64_t wall_us = wall_now_us();
	enum error error =
		live_models_status(live_models_of(app->live), spec.name, wall_us, &status);
	if (error == ERROR_NO_MEMORY) {
		http_answer_problem(request, 500, "no-memory", NULL, "%s", error_text(error));
		return;
	}
	if (error != ERROR_OK)
		status = status_of_new(app, &spec);
	answer_status(request, &spec, &status, wall_us);
}
