/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job against a scripted ResourceManager.
 */
#include "yarn/yarn_follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../common/scripted_peer.h"

#define LAUNCHER "application_1_0001"
#define JOB      "application_1_0002"
#define FIND     .expect = "GET /ws/v1/cluster/apps?user.name=bitcoin&applicationTags=tickline-x "
#define LOOK     .expect = "GET /ws/v1/cluster/apps/" LAUNCHER "?user.name=bitcoin "
#define KILL(id) .expect = "PUT /ws/v1/cluster/apps/" id "/state?user.name=bitcoin "
#define OK(text) .status = "200 OK", .body = text
#define NONE     OK("{\"apps\":{}}")
#define ONE(id, state, final, words)                                          \
	"{\"id\":\"" id "\",\"state\":\"" state "\",\"finalStatus\":\"" final \
	"\",\"progress\":50,\"diagnostics\":\"" words "\"}"
#define JOB_IS(state, final, words) OK("{\"apps\":{\"app\":[" ONE(JOB, state, final, words) "]}}")
#define LAUNCHER_IS(state, words)   OK("{\"app\":" ONE(LAUNCHER, state, "UNDEFINED", words) "}")
#define COUNT(steps)                (sizeof(steps) / sizeof((steps)[0]))

struct fixture {
	struct peer peer;
	struct metrics *metrics;
	struct resource_manager *manager;
	char urls[100], memory[1000];
	struct text why;
	atomic_bool cancel;
	double done;
	int told;
	struct yarn_job job;
};

static void on_progress(double done, void *user)
{
	struct fixture *f = user;
	f->done = done;
	f->told++;
}

static void begin(struct fixture *f, const struct peer_step *steps, size_t count)
{
	*f = (struct fixture){ 0 };
	peer_start(&f->peer, steps, count);
	f->metrics = metrics_new();
	text_init_fixed(&f->why, f->memory, sizeof(f->memory));
	snprintf(f->urls, sizeof(f->urls), "http://127.0.0.1:%d", f->peer.port);
	const struct resource_manager_options options = {
		.urls = f->urls,
		.user = "bitcoin",
		.limits = { .connect_ms = 2000, .idle_ms = 5000, .total_ms = 5000 },
		.metrics = f->metrics,
	};
	assert_int_equal(resource_manager_new(&options, &f->manager, NULL), ERROR_OK);
	f->job = (struct yarn_job){ .manager = f->manager,
				    .launcher = LAUNCHER,
				    .tag = "tickline-x",
				    .poll_ms = 1,
				    .start_timeout_s = 60,
				    .timeout_s = 60,
				    .cancel = &f->cancel,
				    .progress = on_progress,
				    .user = f };
}

/* Every step was asked for, and nothing else. */
static void finish(struct fixture *f)
{
	peer_stop(&f->peer);
	assert_int_equal(f->peer.served, f->peer.count);
	peer_clean_up(&f->peer);
	resource_manager_destroy(&f->manager);
	metrics_destroy(&f->metrics);
}

static void follow(const struct peer_step *steps, size_t count, enum error error, const char *said)
{
	struct fixture f;
	begin(&f, steps, count);
	assert_int_equal(yarn_follow(&f.job, &f.why), error);
	if (!strstr(f.memory, said))
		fail_msg("%s: %s", said, f.memory);
	finish(&f);
}

static void a_job_is_followed_to_its_end(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ FIND, NONE },
		{ LOOK, LAUNCHER_IS("RUNNING", "") },
		{ FIND, .status = "503 x" },
		{ FIND, NONE },
		{ LOOK, LAUNCHER_IS("FAILED", "exited with  exitCode: 0") },
		{ FIND, JOB_IS("ACCEPTED", "UNDEFINED", "") },
		{ FIND, JOB_IS("RUNNING", "UNDEFINED", "") },
		{ FIND, JOB_IS("FINISHED", "SUCCEEDED", "") },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	assert_int_equal(yarn_follow(&f.job, &f.why), ERROR_OK);
	assert_true(f.told == 1 && f.done == 0.5);
	assert_string_equal(f.memory, "");
	finish(&f);
}

static void what_fails_says_why(void **state)
{
	(void)state;
	static const struct peer_step failed[] = {
		{ FIND, JOB_IS("FINISHED", "FAILED", "Task failed task_1_m_000002") }
	};
	static const struct peer_step killed[] = { { FIND, JOB_IS("KILLED", "KILLED",
								  "killed by user dr.who") } };
	static const struct peer_step launch[] = {
		{ FIND, NONE }, { LOOK, LAUNCHER_IS("FAILED", "exitCode: 127 java: not found") }
	};
	static const struct peer_step forgotten[] = { { FIND, JOB_IS("RUNNING", "UNDEFINED", "") },
						      { FIND, NONE } };
	static const struct peer_step denied[] = { { FIND, .status = "403 x", .body = "no" } };
	follow(failed, COUNT(failed), ERROR_SYSTEM, "the job failed (" JOB "): Task failed");
	follow(killed, COUNT(killed), ERROR_SYSTEM, "the job was killed");
	follow(launch, COUNT(launch), ERROR_SYSTEM,
	       "could not be launched (" LAUNCHER "): exitCode");
	follow(forgotten, COUNT(forgotten), ERROR_SYSTEM, "does not know the job any more");
	follow(denied, COUNT(denied), ERROR_DENIED, "status 403");
}

static void every_wait_has_its_limit(void **state)
{
	(void)state;
	static const struct peer_step waiting[] = { { FIND, JOB_IS("ACCEPTED", "UNDEFINED", "") } };
	static const struct peer_step running[] = { { FIND, JOB_IS("RUNNING", "UNDEFINED", "") } };
	struct fixture f;
	begin(&f, waiting, COUNT(waiting));
	f.job.start_timeout_s = 0;
	assert_int_equal(yarn_follow(&f.job, &f.why), ERROR_TIMEOUT);
	assert_non_null(strstr(f.memory, "no node took the job within 0 s"));
	finish(&f);
	begin(&f, running, COUNT(running));
	f.job.start_timeout_s = f.job.timeout_s = 0;
	assert_int_equal(yarn_follow(&f.job, &f.why), ERROR_TIMEOUT);
	assert_non_null(strstr(f.memory, "not done within 0 s"));
	finish(&f);
	begin(&f, running, COUNT(running));
	atomic_store(&f.cancel, true);
	assert_int_equal(yarn_follow(&f.job, &f.why), ERROR_CANCELLED);
	finish(&f);
}

static void the_launcher_is_killed_before_the_job(void **state)
{
	(void)state;
	static const struct peer_step steps[] = {
		{ LOOK, LAUNCHER_IS("RUNNING", "") },
		{ KILL(LAUNCHER), .status = "202 Accepted", .body = "{}" },
		{ LOOK, LAUNCHER_IS("RUNNING", "") },
		{ LOOK, LAUNCHER_IS("KILLED", "") },
		{ FIND, JOB_IS("RUNNING", "UNDEFINED", "") },
		{ KILL(JOB), .status = "202 Accepted", .body = "{}" },
		{ FIND, .status = "500 x" },
		{ FIND, JOB_IS("KILLED", "KILLED", "") },
	};
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	yarn_end(f.manager, &f.job);
	finish(&f);
}

static void a_job_that_never_was_is_not_killed(void **state)
{
	(void)state;
	static const struct peer_step steps[] = { { LOOK, .status = "404 x" }, { FIND, NONE } };
	struct fixture f;
	begin(&f, steps, COUNT(steps));
	yarn_end(f.manager, &f.job);
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_followed_to_its_end),
		cmocka_unit_test(what_fails_says_why),
		cmocka_unit_test(every_wait_has_its_limit),
		cmocka_unit_test(the_launcher_is_killed_before_the_job),
		cmocka_unit_test(a_job_that_never_was_is_not_killed),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
