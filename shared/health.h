/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What /healthz and /readyz tell. Conditions are named ("kafka", "hdfs"); the service is ready when
 * all of them hold. Loops beat; a loop that stopped beating for longer than its limit makes the
 * process unhealthy. Any thread.
 */
#ifndef TICKLINE_HEALTH_H
#define TICKLINE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

struct health;
struct health_condition;
struct health_loop;

struct health *health_new(void);
void health_destroy(struct health **health);

/* A condition starts as not met with the reason "starting". The name is kept. NULL for want of
 * memory: the service is then never ready, and the functions below do nothing with NULL. The same
 * holds for loops. */
struct health_condition *health_condition(struct health *health, const char *name);

/* Logs each change. The reason is for people. */
void health_met(struct health_condition *condition);

/* Met, with something that people should know all the same ("paused by an operator"). */
void health_met_but(struct health_condition *condition, const char *format, ...) PRINTF_LIKE(2, 3);
void health_unmet(struct health_condition *condition, const char *format, ...) PRINTF_LIKE(2, 3);

struct health_loop *health_loop(struct health *health, const char *name, int64_t limit_ms);
void health_beat(struct health_loop *loop);
void health_loop_end(struct health_loop *loop); /* it ended as it should */

/* Draining: never ready again. */
void health_drain(struct health *health);

/* JSON {"ready":false,"conditions":{"kafka":{"met":false,"reason":"…","since":"…"}}};
 * "note" in place of "reason": see health_met_but. */
bool health_ready(struct health *health, struct text *json);
bool health_alive(struct health *health, struct text *json);

#endif
