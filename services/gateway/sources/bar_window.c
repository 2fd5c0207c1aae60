/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bar_window.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { BYTES = BAR_WINDOW_BARS / 8 };

void bar_window_init(struct bar_window *w, int64_t interval_us)
{
	*w = (struct bar_window){ .interval_us = interval_us, .last = -1 };
}

static bool is_taken(const struct bar_window *w, int64_t bar)
{
	unsigned at = (unsigned)(bar % BAR_WINDOW_BARS);
	return w->taken[at / 8] >> at % 8 & 1;
}

static void mark(struct bar_window *w, int64_t bar, bool taken)
{
	unsigned at = (unsigned)(bar % BAR_WINDOW_BARS);
	uint8_t bit = (uint8_t)(1U << at % 8);
	w->taken[at / 8] =
		taken ? (uint8_t)(w->taken[at / 8] | bit) : (uint8_t)(w->taken[at / 8] & ~bit);
}

enum bar_novelty bar_window_look(const struct bar_window *w, int64_t open_us)
{
	int64_t bar = open_us / w->interval_us;
	if (bar > w->last)
		return BAR_NEW;
	if (bar <= w->last - BAR_WINDOW_BARS)
		return BAR_OLD;
	return is_taken(w, bar) ? BAR_REPEAT : BAR_LATE;
}

void bar_window_take(struct bar_window *w, int64_t open_us)
{
	int64_t bar = open_us / w->interval_us;
	assert(bar >= 0 && bar > w->last - BAR_WINDOW_BARS);
	/* The bars between are not taken, and their bits still tell of those a window ago. */
	if (w->last < 0 || bar - w->last >= BAR_WINDOW_BARS)
		memset(w->taken, 0, sizeof(w->taken));
	else
		for (int64_t skipped = w->last + 1; skipped < bar; skipped++)
			mark(w, skipped, false);
	mark(w, bar, true);
	if (bar > w->last)
		w->last = bar;
}

void bar_window_drop(struct bar_window *w, int64_t open_us)
{
	if (bar_window_look(w, open_us) == BAR_REPEAT)
		mark(w, open_us / w->interval_us, false);
}

int64_t bar_window_last_us(const struct bar_window *w)
{
	return w->last < 0 ? 0 : w->last * w->interval_us;
}

/* --- positions ------------------------------------------------------------------------------- */

void bar_window_save(const struct bar_window *w, cJSON *position)
{
	char hex[2 * BYTES + 1];
	for (size_t i = 0; i < BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", w->taken[i]);
	cJSON_AddNumberToObject(position, "interval_us", (double)w->interval_us);
	cJSON_AddNumberToObject(position, "last_bar", (double)w->last);
	cJSON_AddStringToObject(position, "taken", hex);
}

enum error bar_window_restore(struct bar_window *w, const cJSON *position)
{
	const cJSON *interval = cJSON_GetObjectItemCaseSensitive(position, "interval_us");
	const cJSON *last = cJSON_GetObjectItemCaseSensitive(position, "last_bar");
	const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(position, "taken"));
	if (!cJSON_IsNumber(interval) || (int64_t)interval->valuedouble != w->interval_us ||
	    !cJSON_IsNumber(last) || last->valuedouble < -1 || last->valuedouble > 0x1p52 || !hex ||
	    strlen(hex) != 2 * BYTES || strspn(hex, "0123456789abcdef") != 2 * BYTES)
		return ERROR_INVALID;
	for (size_t i = 0; i < BYTES; i++) {
		unsigned byte = 0;
		sscanf(hex + 2 * i, "%2x", &byte);
		w->taken[i] = (uint8_t)byte;
	}
	w->last = (int64_t)last->valuedouble;
	return ERROR_OK;
}
