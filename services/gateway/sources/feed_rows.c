/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the rows of an answer to records: oldest first, each once, bars only when they are finished.
 */
#include <stdio.h>
#include <stdlib.h>

#include "feed_private.h"
#include "timestamp.h"

/* Bars of one time stay in the order of the answer, which is their number. */
static int compare_rows(const void *a, const void *b)
{
	const struct feed_row *x = a, *y = b;
	if (x->timestamp_us != y->timestamp_us)
		return x->timestamp_us < y->timestamp_us ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Off the grid, or before its end and the little time that exchanges take to settle it. */
static bool is_finished(const struct feed *f, const struct feed_row *row, int64_t now_us)
{
	int64_t interval_us = f->interval_s * 1000000;
	int64_t settle_us = f->gateway->settings.feed_settle_ms * 1000;
	return row->timestamp_us % interval_us == 0 &&
	       row->timestamp_us <= now_us - interval_us - settle_us;
}

static bool is_new_bar(struct feed *f, const struct feed_row *row, int64_t now_us)
{
	if (!is_finished(f, row, now_us)) {
		atomic_fetch_add(&f->unfinished_bars, 1);
		return false;
	}
	switch (bar_window_look(&f->window, row->timestamp_us)) {
	case BAR_REPEAT:
		atomic_fetch_add(&f->repeats, 1);
		return false;
	case BAR_OLD:
		atomic_fetch_add(&f->too_old_bars, 1);
		return false;
	case BAR_LATE:
		atomic_fetch_add(&f->late_bars, 1);
		break;
	case BAR_NEW:
		break;
	}
	bar_window_take(&f->window, row->timestamp_us);
	return true;
}

static bool is_new_trade(struct feed *f, struct feed_row *row)
{
	if (row->number <= f->last_number) {
		atomic_fetch_add(&f->repeats, 1);
		return false;
	}
	f->last_number = row->number;
	row->values[3] = rolling_volatility_next(&f->volatility, row->timestamp_us,
						 (row->values[0] + row->values[1]) / 2);
	return true;
}

static enum error send_row(struct feed *f, struct source *source, const struct feed_row *row)
{
	struct record record;
	struct record_fault fault;
	bool bar = f->table->kind == RECORD_BAR;
	f->rules.wall_us = wall_now_us();
	if (record_from_values(f->table, &f->rules, row->timestamp_us, row->values, bar ? 5 : 4,
			       &record, &fault) != ERROR_OK) {
		char time[TIMESTAMP_MAX_TEXT];
		timestamp_print(row->timestamp_us, time);
		source_refuse(source, f->table->kind, "the %s of %s: %s", f->table->name, time,
			      fault.reason);
		return ERROR_OK;
	}
	snprintf(record.symbol, sizeof(record.symbol), "%s", f->symbol);
	atomic_store(&f->last_us, row->timestamp_us);
	enum error error =
		outbox_send(f->outbox, source, &record, bar ? row->timestamp_us : row->number);
	return error == ERROR_CANCELLED ? error : ERROR_OK;
}

enum error feed_send_rows(struct feed *f, struct source *source, struct feed_rows *rows)
{
	bool bars = f->table->kind == RECORD_BAR;
	int64_t now_us = wall_now_us();
	atomic_store(&f->unfinished_bars, 0);
	atomic_store(&f->repeats, 0);
	atomic_store(&f->too_old_bars, 0);
	for (size_t i = 0; bars && i < rows->count; i++)
		rows->list[i].number = (int64_t)i;
	qsort(rows->list, rows->count, sizeof(*rows->list), compare_rows);
	for (size_t i = 0; i < rows->count; i++) {
		struct feed_row *row = &rows->list[i];
		if (f->since_us > row->timestamp_us ||
		    !(bars ? is_new_bar(f, row, now_us) : is_new_trade(f, row)))
			continue;
		if (send_row(f, source, row) == ERROR_CANCELLED)
			return ERROR_CANCELLED;
	}
	return outbox_settle(f->outbox, source) ? ERROR_OK : ERROR_CANCELLED;
}
