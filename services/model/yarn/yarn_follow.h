/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job from its submission to its end. It is two applications: the launcher, whose only container
 * submits the job and leaves, so that YARN calls it failed with exit code 0; and the job itself,
 * known by its tag.
 */
#ifndef TICKLINE_MODEL_YARN_FOLLOW_H
#define TICKLINE_MODEL_YARN_FOLLOW_H

#include <stdatomic.h>
#include <stdint.h>

#include "error.h"
#include "resource_manager.h"
#include "text.h"

struct yarn_job {
	struct resource_manager *manager;
	const char *launcher; /* id */
	const char *tag;      /* of the job */
	int64_t poll_ms, start_timeout_s, timeout_s;
	const atomic_bool *cancel;
	/* After each look that found the job running; 0 to 1. */
	void (*progress)(double done, void *user);
	void *user;
};

/* OK: it succeeded. SYSTEM: it failed, and `why` has YARN's words. TIMEOUT: no container within
 * start_timeout_s, or no end within timeout_s. CANCELLED. Else the error of the ResourceManager,
 * when it did not answer for YARN_SILENCE_S. But for OK the job may still be running. Blocks. */
enum { YARN_SILENCE_S = 60 };
enum error yarn_follow(const struct yarn_job *job, struct text *why) MUST_USE;

/* Kills what still runs of it, and waits until it is gone, for at most YARN_END_S. The manager must
 * be one that does not look at the cancel flag. */
enum { YARN_END_S = 20 };
void yarn_end(struct resource_manager *manager, const struct yarn_job *job);

#endif
