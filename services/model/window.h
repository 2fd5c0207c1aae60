/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A queue of timed rows of doubles that grows as needed up to a limit. Places are counted from the
 * first row ever pushed, so that they stay valid while rows come and go. One owner at a time.
 */
#ifndef TICKLINE_MODEL_WINDOW_H
#define TICKLINE_MODEL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window;

/* Rows of `width` doubles, at most `limit` at a time. NULL: no memory. */
struct window *window_new(size_t width, size_t limit);
void window_destroy(struct window **window);
struct window *window_clone(const struct window *window); /* NULL: no memory */

/* False when the limit is reached or there is no memory. */
bool window_push(struct window *window, int64_t time_us, const double *values);
void window_drop(struct window *window); /* the oldest; there must be one */

/* Rows are at begin <= place < end. */
uint64_t window_begin(const struct window *window);
uint64_t window_end(const struct window *window);
int64_t window_time(const struct window *window, uint64_t place);
const double *window_values(const struct window *window, uint64_t place);

#endif
