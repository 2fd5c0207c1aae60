/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which bars of a grid were taken already: one bit for each of the last BAR_WINDOW_BARS open times,
 * so that a bar that comes late is told from one that comes again. One thread.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_BAR_WINDOW_H
#define TICKLINE_GATEWAY_SOURCES_BAR_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "error.h"

enum { BAR_WINDOW_BARS = 2880 }; /* two days of minutes */

struct bar_window {
	int64_t interval_us;
	int64_t last; /* the newest bar's number: open time / interval; -1: none yet */
	uint8_t taken[BAR_WINDOW_BARS / 8];
};

enum bar_novelty {
	BAR_NEW,
	BAR_LATE,   /* not taken yet, but a newer one was */
	BAR_REPEAT, /* taken */
	BAR_OLD,    /* before the window: not known */
};

void bar_window_init(struct bar_window *window, int64_t interval_us);

/* `open_us` lies on the grid. Takes nothing. */
enum bar_novelty bar_window_look(const struct bar_window *window, int64_t open_us);
void bar_window_take(struct bar_window *window, int64_t open_us);

/* The bar was taken, but is not in Kafka after all. */
void bar_window_drop(struct bar_window *window, int64_t open_us);

/* The newest bar's open time; 0: none yet. */
int64_t bar_window_last_us(const struct bar_window *window);

void bar_window_save(const struct bar_window *window, cJSON *position);

/* INVALID: it is not what bar_window_save wrote for this interval. */
enum error bar_window_restore(struct bar_window *window, const cJSON *position) MUST_USE;

#endif
