/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed_private.h"
#include "log.h"
#include "timestamp.h"

enum { VOLATILITY_SPAN_US = 300 * 1000000, MOST_DOUBLINGS = 16, PAGE_PAUSE_US = 250000 };

#define MAX_RETRY_AFTER_MS (INT64_C(3600) * 1000)

void feed_destroy(void *job)
{
	struct feed *f = job;
	outbox_destroy(&f->outbox);
	free(f);
}

/* --- the definition -------------------------------------------------------------------------- */

static void read_name(struct definition *d, const char *member, const char *initial,
		      char out[RECORD_MAX_SYMBOL + 1])
{
	const char *name = definition_string(d, member, initial);
	size_t length = strlen(name);
	if (!record_symbol_ok(name, length)) {
		definition_complain(
			d, member, "\"%.64s\" is no name of it: 1 to %d of A-Z, 0-9, '.', '_', '-'",
			name, RECORD_MAX_SYMBOL);
		length = 0;
	}
	memcpy(out, name, length);
	out[length] = '\0';
}

static const struct feed_request *choose_request(struct definition *d,
						 const struct feed_exchange *exchange)
{
	const char *plural = definition_string(d, "records", exchange->ticks ? "ticks" : "bars");
	if (strcmp(plural, "bars") == 0)
		return exchange->bars;
	if (strcmp(plural, "ticks") == 0 && exchange->ticks)
		return exchange->ticks;
	definition_complain(d, "records",
			    exchange->ticks ? "it must be \"ticks\" or \"bars\""
					    : "this exchange gives \"bars\" alone");
	return exchange->bars;
}

static void read_interval(struct definition *d, struct feed *f)
{
	const char *name = definition_string(d, "interval", "1m");
	f->interval_s = feed_interval_s(name);
	if (f->interval_s == 0) {
		definition_complain(d, "interval", "it must be one of 1m, 5m, 15m, 1h, 1d");
		f->interval_s = 60;
	}
	bar_window_init(&f->window, f->interval_s * 1000000);
	f->since_us = definition_timestamp(d, "since", 0);
}

static void read_members(struct feed *f, struct definition *d)
{
	static const char *const names[] = { "type",   "records",  "symbol", "instrument",
					     "poll_s", "interval", "since" };
	const struct feed_exchange *exchange = f->exchange;
	f->request = choose_request(d, exchange);
	bool bars = f->request->kind == RECORD_BAR;
	f->table = record_table(f->request->kind);
	definition_allow(d, names, bars ? 7 : 5);
	read_name(d, "symbol", f->gateway->settings.default_symbol, f->symbol);
	read_name(d, "instrument", exchange->instrument ? exchange->instrument : f->symbol,
		  f->instrument);
	f->poll_s = definition_number(d, "poll_s", 0.5, 86400, f->request->default_poll_s);
	if (bars)
		read_interval(d, f);
}

void *feed_read(const struct feed_exchange *exchange, struct definition *d,
		const struct gateway *gateway, int upload)
{
	if (upload >= 0) {
		definition_complain(d, "type", "a feed takes no CSV");
		close(upload);
	}
	struct feed *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->outbox = outbox_new();
	if (!f->outbox) {
		free(f);
		return NULL;
	}
	f->exchange = exchange;
	f->gateway = gateway;
	f->rules = gateway_rules(&gateway->settings);
	f->last_number = -1;
	random_seed(&f->random, random_fresh_seed());
	rolling_volatility_init(&f->volatility, VOLATILITY_SPAN_US);
	read_members(f, d);
	return f;
}

/* --- the run --------------------------------------------------------------------------------- */

/* Doubles with each failure, a fifth more or less so that many do not come back together; what the
 * exchange asks for counts when it is longer. */
static int64_t back_off_us(struct feed *f)
{
	const struct gateway_settings *settings = &f->gateway->settings;
	unsigned doublings = f->failures < MOST_DOUBLINGS ? f->failures - 1 : MOST_DOUBLINGS;
	double wait_ms = (double)settings->feed_backoff_ms * (double)(1U << doublings);
	if (wait_ms > (double)settings->feed_backoff_limit_ms)
		wait_ms = (double)settings->feed_backoff_limit_ms;
	wait_ms *= 0.8 + 0.4 * random_unit(&f->random);
	int64_t asked_ms =
		f->retry_after_ms < MAX_RETRY_AFTER_MS ? f->retry_after_ms : MAX_RETRY_AFTER_MS;
	if (wait_ms < (double)asked_ms)
		wait_ms = (double)asked_ms;
	return (int64_t)(wait_ms * 1000);
}

/* How long until the next question. */
static int64_t settle_poll(struct feed *f, struct source *source, enum error error, bool more)
{
	int64_t poll_us = (int64_t)(f->poll_s * 1e6);
	if (error == ERROR_OK) {
		if (f->failures > 0)
			log_info("feed answers again", LOG_STR("id", source_id(source)));
		f->failures = 0;
		return more ? PAGE_PAUSE_US : poll_us;
	}
	f->failures++;
	int64_t wait_us = back_off_us(f);
	return wait_us > poll_us ? wait_us : poll_us;
}

enum error feed_run(struct source *source, void *job)
{
	struct feed *f = job;
	int64_t due_us = monotonic_now_us();
	f->client = http_client_new();
	if (!f->client) {
		source_complain(source, "there is no memory for an HTTP client");
		return ERROR_NO_MEMORY;
	}
	while (!source_is_stopping(source)) {
		bool more = false;
		enum error error = feed_poll(f, source, &more);
		if (error == ERROR_CANCELLED)
			break;
		int64_t wait_us = settle_poll(f, source, error, more);
		int64_t now_us = monotonic_now_us();
		due_us += wait_us;
		if (due_us < now_us || error != ERROR_OK)
			due_us = now_us + wait_us;
		atomic_store(&f->next_poll_us, wall_now_us() + due_us - now_us);
		source_keep(source);
		source_sleep_until(source, due_us);
	}
	outbox_forgo(f->outbox, source);
	http_client_destroy(&f->client);
	return ERROR_OK;
}

/* --- looking --------------------------------------------------------------------------------- */

static void add_number(cJSON *json, const char *name, int64_t value)
{
	cJSON_AddNumberToObject(json, name, (double)value);
}

void feed_describe(const void *job, cJSON *definition, cJSON *progress)
{
	const struct feed *f = job;
	cJSON_AddStringToObject(definition, "records", f->table->plural);
	cJSON_AddStringToObject(definition, "symbol", f->symbol);
	cJSON_AddStringToObject(definition, "instrument", f->instrument);
	cJSON_AddNumberToObject(definition, "poll_s", f->poll_s);
	add_number(progress, "polls", atomic_load(&f->polls));
	add_number(progress, "failed_polls", atomic_load(&f->failed_polls));
	if (atomic_load(&f->last_status) > 0)
		add_number(progress, "last_status", atomic_load(&f->last_status));
	source_add_time(progress, "next_poll", atomic_load(&f->next_poll_us));
	source_add_time(progress, "last_timestamp", atomic_load(&f->last_us));
	add_number(progress, "repeats", atomic_load(&f->repeats));
	if (f->request->kind != RECORD_BAR)
		return;
	cJSON_AddStringToObject(definition, "interval", feed_interval_name(f->interval_s));
	source_add_time(definition, "since", f->since_us);
	add_number(progress, "null_bars", atomic_load(&f->null_bars));
	add_number(progress, "unfinished_bars", atomic_load(&f->unfinished_bars));
	add_number(progress, "late_bars", atomic_load(&f->late_bars));
	add_number(progress, "too_old_bars", atomic_load(&f->too_old_bars));
}

/* --- positions ------------------------------------------------------------------------------- */

static void drop_bar(int64_t open_us, void *user)
{
	bar_window_drop(user, open_us);
}

static void drop_trade(int64_t number, void *user)
{
	int64_t *last = user;
	if (number <= *last)
		*last = number - 1;
}

void feed_save(const void *job, cJSON *position)
{
	const struct feed *f = job;
	struct bar_window window = f->window;
	int64_t last = f->last_number;
	if (f->request->kind == RECORD_BAR) {
		outbox_each_lost(f->outbox, drop_bar, &window);
		bar_window_save(&window, position);
	} else {
		outbox_each_lost(f->outbox, drop_trade, &last);
		add_number(position, "last_number", last);
	}
	add_number(position, "cursor_us", f->cursor_us);
}

enum error feed_restore(void *job, const cJSON *position)
{
	struct feed *f = job;
	const cJSON *cursor = cJSON_GetObjectItemCaseSensitive(position, "cursor_us");
	const cJSON *last = cJSON_GetObjectItemCaseSensitive(position, "last_number");
	if (!cJSON_IsNumber(cursor) || !(cursor->valuedouble >= 0 && cursor->valuedouble < 0x1p53))
		return ERROR_INVALID;
	enum error error = ERROR_OK;
	if (f->request->kind == RECORD_BAR)
		error = bar_window_restore(&f->window, position);
	else if (!cJSON_IsNumber(last) || !(last->valuedouble >= -1 && last->valuedouble < 0x1p53))
		error = ERROR_INVALID;
	else
		f->last_number = (int64_t)last->valuedouble;
	if (error == ERROR_OK)
		f->cursor_us = (int64_t)cursor->valuedouble;
	return error;
}

/* --- one closed bar per symbol and time ------------------------------------------------------ */

const char *feed_claim(const void *job)
{
	const struct feed *f = job;
	return f->request->kind == RECORD_BAR ? f->symbol : NULL;
}

/* Who says since when wants those bars again. Those of another interval are another series. */
void feed_follow(void *job, const cJSON *position)
{
	struct feed *f = job;
	if (f->since_us == 0 && feed_restore(f, position) != ERROR_OK)
		log_info("the bars of another interval are begun anew",
			 LOG_STR("symbol", f->symbol));
}
