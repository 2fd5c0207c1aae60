/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One question and its answer.
 */
#include <inttypes.h>

#include "feed_json.h"
#include "feed_private.h"
#include "log.h"
#include "timestamp.h"

enum { ADDRESS_LIMIT_BYTES = 1024, OVERLAP_BARS = 10, FIRST_HISTORY_S = 86400 };

static const char *const outcome_names[FEED_OUTCOMES] = { [FEED_OK] = "ok",
							  [FEED_LIMITED] = "limited",
							  [FEED_STATUS] = "status",
							  [FEED_NETWORK] = "network",
							  [FEED_SHAPE] = "shape" };

static void count_poll(const struct feed *f, const struct source *source, enum feed_outcome outcome)
{
	char memory[128];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof(memory));
	metrics_label(&labels, "feed", source_type(source));
	metrics_label(&labels, "outcome", outcome_names[outcome]);
	metric_add(metrics_counter(f->gateway->metrics, "gateway_feed_polls_total",
				   "Questions to exchanges by what came of them", labels.data),
		   1);
}

/* --- the question ---------------------------------------------------------------------------- */

/* What the exchange does not keep any more cannot be had. */
static int64_t earliest_us(const struct feed *f, int64_t now_us)
{
	int64_t earliest = f->since_us ? f->since_us : now_us - INT64_C(1000000) * FIRST_HISTORY_S;
	if (!f->request->history_s)
		return earliest;
	int64_t kept_us = now_us - f->request->history_s(f->interval_s) * 1000000;
	return earliest > kept_us ? earliest : kept_us;
}

static struct feed_question next_question(struct feed *f, int64_t now_us)
{
	int64_t from_us = earliest_us(f, now_us), until_us = now_us;
	int64_t most_us = f->request->rows_limit * f->interval_s * 1000000;
	if (f->cursor_us > from_us)
		from_us = f->cursor_us;
	if (most_us > 0 && until_us - from_us > most_us)
		until_us = from_us + most_us;
	return (struct feed_question){ .base = f->exchange->base(&f->gateway->settings),
				       .instrument = f->instrument,
				       .interval_s = f->interval_s,
				       .from_us = from_us,
				       .until_us = until_us };
}

/* A few bars are asked for again: one may have been null, or not there yet. */
static void move_on(struct feed *f, const struct feed_question *question, bool more)
{
	int64_t overlap_us = more ? 0 : OVERLAP_BARS * f->interval_s * 1000000;
	f->cursor_us = question->until_us - overlap_us;
}

static enum error ask(struct feed *f, struct source *source, const struct feed_question *question,
		      struct http_reply *reply, struct text *why)
{
	static const char *const headers[] = { "Accept: application/json",
					       "User-Agent: Mozilla/5.0 (compatible; tickline)",
					       NULL };
	struct text url;
	text_init(&url, ADDRESS_LIMIT_BYTES);
	f->request->address(question, &url);
	const struct http_call call = {
		.method = "GET",
		.url = url.data,
		.headers = headers,
		.limits = { .connect_ms = 5000, .idle_ms = 10000, .total_ms = 30000 },
		.reply_limit_bytes = FEED_ANSWER_LIMIT_BYTES,
		.cancel = source_stop_flag(source),
	};
	enum error error =
		text_ok(&url) ? http_client_perform(f->client, &call, reply, why) : url.error;
	text_clean_up(&url);
	return error;
}

/* --- the answer ------------------------------------------------------------------------------ */

static enum error fail(struct feed *f, struct source *source, enum feed_outcome outcome,
		       const struct text *why)
{
	atomic_fetch_add(&f->failed_polls, 1);
	source_complain(source, "%s", why->data);
	count_poll(f, source, outcome); /* who waits for it finds the rest told */
	if (f->failures == 0)
		log_warn("feed does not answer as it should", LOG_STR("id", source_id(source)),
			 LOG_STR("reason", why->data));
	return ERROR_UNAVAILABLE;
}

static enum error fail_by_status(struct feed *f, struct source *source,
				 const struct http_reply *reply, struct text *why)
{
	/* 418 is Binance's 429 for those who did not stop. */
	bool limited = reply->status == 429 || reply->status == 418;
	f->retry_after_ms = reply->retry_after_ms;
	text_putf(why, "status %ld%s: ", reply->status, limited ? ", too many requests" : "");
	feed_explain(reply->body.data, reply->body.length, why);
	return fail(f, source, limited ? FEED_LIMITED : FEED_STATUS, why);
}

static enum error take_answer(struct feed *f, struct source *source,
			      const struct feed_question *question, const struct http_reply *reply,
			      struct text *why)
{
	struct feed_rows rows = { 0 };
	enum error error =
		f->request->read(question, reply->body.data, reply->body.length, &rows, why);
	if (error == ERROR_OK) {
		count_poll(f, source, FEED_OK);
		atomic_store(&f->null_bars, (int64_t)rows.null_rows);
		error = feed_send_rows(f, source, &rows);
	} else {
		char memory[320];
		struct text told;
		text_init_fixed(&told, memory, sizeof(memory));
		text_putf(&told, "status 200, but the answer is not as it should be: %s",
			  error == ERROR_NO_MEMORY ? "no memory to read it" : why->data);
		error = fail(f, source, FEED_SHAPE, &told);
	}
	feed_rows_clean_up(&rows);
	return error;
}

enum error feed_poll(struct feed *f, struct source *source, bool *more)
{
	char memory[320];
	struct text why;
	struct http_reply reply;
	int64_t now_us = wall_now_us();
	const struct feed_question question = next_question(f, now_us);
	text_init_fixed(&why, memory, sizeof(memory));
	f->retry_after_ms = -1;
	atomic_fetch_add(&f->polls, 1);
	enum error error = ask(f, source, &question, &reply, &why);
	if (error == ERROR_CANCELLED)
		goto done;
	if (error != ERROR_OK) {
		error = fail(f, source, FEED_NETWORK, &why);
		goto done;
	}
	atomic_store(&f->last_status, reply.status);
	error = reply.status == 200 ? take_answer(f, source, &question, &reply, &why)
				    : fail_by_status(f, source, &reply, &why);
	*more = question.until_us < now_us;
	if (error == ERROR_OK)
		move_on(f, &question, *more);
done:
	http_reply_clean_up(&reply);
	return error;
}
