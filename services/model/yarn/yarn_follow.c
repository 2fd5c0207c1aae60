/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_follow.h"

#include <stdbool.h>
#include <time.h>

#include "log.h"
#include "timestamp.h"

/* A launcher that left well has submitted its job; the ResourceManager may tell of it a little
 * later. */
enum { APPEARANCE_S = 30, STEP_MS = 50 };

struct follow {
	const struct yarn_job *job;
	int64_t started_us, heard_us,
		left_us; /* monotonic; left_us: when the launcher was gone; 0 */
	bool seen, ran;  /* the job */
	struct text *why;
};

static int64_t seconds_since(int64_t from_us)
{
	return (monotonic_now_us() - from_us) / 1000000;
}

static bool has_ended(enum yarn_state state)
{
	return state >= YARN_SUCCEEDED;
}

/* In short steps, so that a cancel is seen. */
static void wait_ms(int64_t ms, const atomic_bool *cancel)
{
	int64_t until_us = monotonic_now_us() + ms * 1000;
	while (!(cancel && atomic_load(cancel)) && monotonic_now_us() < until_us) {
		int64_t left_ms = (until_us - monotonic_now_us()) / 1000 + 1;
		int64_t step_ms = left_ms < STEP_MS ? left_ms : STEP_MS;
		nanosleep(&(struct timespec){ .tv_nsec = (long)step_ms * 1000000 }, NULL);
	}
}

static enum error fail(struct follow *follow, const char *what,
		       const struct yarn_application *application)
{
	why_putf(follow->why, "%s (%s): %s", what, application->id,
		 application->diagnostics[0] ? application->diagnostics : "YARN does not say why");
	return ERROR_SYSTEM;
}

/* --- looking --------------------------------------------------------------------------------- */

/* CONFLICT: it goes on. */
static enum error judge_job(struct follow *follow, const struct yarn_application *application)
{
	const struct yarn_job *job = follow->job;
	follow->seen = true;
	follow->ran = follow->ran || application->state != YARN_WAITING;
	if (application->state == YARN_SUCCEEDED)
		return ERROR_OK;
	if (has_ended(application->state))
		return fail(follow,
			    application->state == YARN_KILLED ? "the job was killed"
							      : "the job failed",
			    application);
	if (job->progress && application->state == YARN_RUNNING)
		job->progress(application->progress, job->user);
	return ERROR_CONFLICT;
}

static enum error judge_launcher(struct follow *follow, const struct yarn_application *application)
{
	if (!has_ended(application->state))
		return ERROR_CONFLICT;
	bool left_well = application->state == YARN_SUCCEEDED ||
			 (application->state == YARN_FAILED && application->exit_code == 0);
	if (!left_well)
		return fail(follow, "the job could not be launched", application);
	if (follow->left_us == 0)
		follow->left_us = monotonic_now_us();
	if (seconds_since(follow->left_us) < APPEARANCE_S)
		return ERROR_CONFLICT;
	return fail(follow, "its launcher left, but the job never appeared", application);
}

static enum error look(struct follow *follow)
{
	const struct yarn_job *job = follow->job;
	struct yarn_application application;
	enum error error = yarn_find(job->manager, job->tag, &application, follow->why);
	if (error == ERROR_OK)
		return judge_job(follow, &application);
	if (error != ERROR_NOT_FOUND)
		return error;
	if (follow->seen) {
		why_putf(follow->why, "the ResourceManager does not know the job any more");
		return ERROR_SYSTEM;
	}
	text_reset(follow->why);
	error = yarn_look(job->manager, job->launcher, &application, follow->why);
	return error == ERROR_OK ? judge_launcher(follow, &application) : error;
}

/* CONFLICT: within its time. */
static enum error check_time(struct follow *follow)
{
	const struct yarn_job *job = follow->job;
	if (job->cancel && atomic_load(job->cancel))
		return ERROR_CANCELLED;
	int64_t taken_s = seconds_since(follow->started_us);
	if (!follow->ran && taken_s >= job->start_timeout_s)
		why_putf(follow->why,
			 "no node took the job within %lld s (yarn_start_timeout_s): the cluster "
			 "has no node, or no room",
			 (long long)job->start_timeout_s);
	else if (taken_s >= job->timeout_s)
		why_putf(follow->why, "the job was not done within %lld s (yarn_timeout_s)",
			 (long long)job->timeout_s);
	else
		return ERROR_CONFLICT;
	return ERROR_TIMEOUT;
}

enum error yarn_follow(const struct yarn_job *job, struct text *why)
{
	int64_t now_us = monotonic_now_us();
	struct follow follow = { .job = job, .started_us = now_us, .heard_us = now_us, .why = why };
	for (;;) {
		text_reset(why);
		enum error error = look(&follow);
		if (yarn_is_transient(error) && seconds_since(follow.heard_us) < YARN_SILENCE_S)
			error = ERROR_CONFLICT;
		else if (!yarn_is_transient(error))
			follow.heard_us = monotonic_now_us();
		if (error == ERROR_CONFLICT) {
			text_reset(why);
			error = check_time(&follow);
		}
		if (error != ERROR_CONFLICT)
			return error;
		wait_ms(job->poll_ms, job->cancel);
	}
}

/* --- ending ---------------------------------------------------------------------------------- */

static enum error find_launcher(struct resource_manager *manager, const struct yarn_job *job,
				struct yarn_application *application)
{
	return yarn_look(manager, job->launcher, application, NULL);
}

static enum error find_job(struct resource_manager *manager, const struct yarn_job *job,
			   struct yarn_application *application)
{
	return yarn_find(manager, job->tag, application, NULL);
}

/* False: the time is over. */
static bool end_one(struct resource_manager *manager, const struct yarn_job *job,
		    enum error (*find)(struct resource_manager *manager, const struct yarn_job *job,
				       struct yarn_application *application),
		    int64_t until_us)
{
	struct yarn_application application;
	for (bool asked = false; monotonic_now_us() < until_us; wait_ms(job->poll_ms, NULL)) {
		enum error error = find(manager, job, &application);
		if (error == ERROR_NOT_FOUND || (error == ERROR_OK && has_ended(application.state)))
			return true;
		if (error == ERROR_OK && !asked)
			asked = yarn_kill(manager, application.id, NULL) == ERROR_OK;
	}
	return false;
}

void yarn_end(struct resource_manager *manager, const struct yarn_job *job)
{
	int64_t until_us = monotonic_now_us() + YARN_END_S * INT64_C(1000000);
	/* The launcher first: once it is gone, no job appears any more. */
	bool ended = end_one(manager, job, find_launcher, until_us) &&
		     end_one(manager, job, find_job, until_us);
	if (!ended)
		log_warn("a job on YARN may still be running", LOG_STR("tag", job->tag),
			 LOG_STR("launcher", job->launcher));
}
