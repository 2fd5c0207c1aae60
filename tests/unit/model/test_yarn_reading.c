/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole job against a scripted ResourceManager and an HDFS in memory, whose output lies there
 * already.
 */
#include "yarn/yarn_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../common/fake_hdfs.h"

#include "../common/scripted_peer.h"

#define NAME      "eeeeeeeeeeeee-000001-0" /* of a job that never gets old */
#define WORK      "/bitcoin/staging/yarn/" NAME
#define FOLDER    "/bitcoin/data/bitcoin_data"
#define PUBLISHED "/part-00000-00000000000000000000-00000000000000000009.csv"
#define LAUNCHER  "application_1_0001"
#define JOB       "application_1_0002"
#define OK(text)  .status = "200 OK", .body = text
#define JOB_IS(state, final)                                            \
	OK("{\"apps\":{\"app\":[{\"id\":\"" JOB "\",\"state\":\"" state \
	   "\",\"finalStatus\":\"" final "\",\"progress\":50,\"diagnostics\":\"Task failed\"}]}}")
#define NEW                                                           \
	{                                                             \
		.expect = "POST /ws/v1/cluster/apps/new-application", \
		OK("{\"application-id\":\"" LAUNCHER "\"}")           \
	}
#define SUBMIT                                                                  \
	{                                                                       \
		.expect = "POST /ws/v1/cluster/apps?", .status = "202 Accepted" \
	}
/* The peer serves one connection after the other, and killing has one of its own. */
#define FIND .then = PEER_CLOSE, .expect = "applicationTags=tickline-" NAME " "
#define GONE                                                                         \
	{                                                                            \
		.expect = "GET /ws/v1/cluster/apps/" LAUNCHER "?", .status = "404 x" \
	}
#define COUNT(steps) (sizeof(steps) / sizeof((steps)[0]))

static struct dataset_file file = { 0, 0, 9, 4, DATA_CSV, DATE_NONE, true };
static const struct dataset dataset = { .files = &file, .count = 1, .bytes = 4 };
static char queue[] = "default", java[] = "java", classpath[] = "/x";

struct fixture {
	struct fake_hdfs *hdfs;
	struct peer peer;
	char folder[64], urls[100], memory[1000], phases[200];
	struct text why;
	struct yarn_settings settings;
	struct reading_progress progress;
	struct reading_result result;
};

static int begin(void **state)
{
	char command[200];
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	f->hdfs = fake_hdfs_start();
	text_init_fixed(&f->why, f->memory, sizeof(f->memory));
	strcpy(f->folder, "/tmp/tickline-step-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(command, sizeof(command), "touch %s/loader %s/train-step", f->folder, f->folder);
	assert_int_equal(system(command), 0);
	fake_put(f->hdfs, FOLDER PUBLISHED, "a,b\n", 4);
	*state = f;
	return 0;
}

static int end(void **state)
{
	char command[100];
	struct fixture *f = *state;
	reading_clean_up(&f->result);
	fake_hdfs_stop(f->hdfs);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	int done = system(command);
	free(f);
	return done;
}

static void on_phase(const char *phase, void *user)
{
	struct fixture *f = user;
	snprintf(f->phases + strlen(f->phases), sizeof(f->phases) - strlen(f->phases), "%s ",
		 phase);
}

static enum error run(struct fixture *f, const struct peer_step *steps, size_t count)
{
	const struct webhdfs_options webhdfs = fake_options(f->hdfs);
	const struct yarn_reading reading = { .settings = &f->settings,
					      .spec = spec_builtin(0),
					      .root = "/bitcoin",
					      .folder = FOLDER,
					      .name = NAME,
					      .dataset = &dataset,
					      .webhdfs = &webhdfs,
					      .metrics = f->hdfs->metrics,
					      .progress = &f->progress,
					      .phase = on_phase,
					      .user = f };
	peer_start(&f->peer, steps, count);
	snprintf(f->urls, sizeof(f->urls), "http://127.0.0.1:%d", f->peer.port);
	f->settings = (struct yarn_settings){ .yarn_urls = f->urls,
					      .yarn_queue = queue,
					      .yarn_java = java,
					      .yarn_classpath = classpath,
					      .yarn_step_dir = f->folder,
					      .yarn_launcher_memory_mb = 256,
					      .yarn_poll_ms = 1,
					      .yarn_start_timeout_s = 60,
					      .yarn_timeout_s = 60,
					      .yarn_request_timeout_ms = 5000 };
	enum error error = yarn_reading_run(&reading, &f->result, &f->why);
	peer_stop(&f->peer);
	assert_int_equal(f->peer.served, count);
	peer_clean_up(&f->peer);
	return error;
}

static bool exists(struct fixture *f, const char *path)
{
	pthread_mutex_lock(&f->hdfs->lock);
	bool found = fake_find(f->hdfs, path) != NULL;
	pthread_mutex_unlock(&f->hdfs->lock);
	return found;
}

/* What the reducer would write for one line that is no record. */
static void put_output(struct fixture *f, int bytes)
{
	struct text out;
	struct partial *partial = partial_new(spec_builtin(0));
	assert_non_null(partial);
	partial_count_record(partial);
	partial_count(partial, ROW_MALFORMED);
	text_init(&out, 1 << 20);
	text_putf(&out,
		  "{\"partitions\":[{\"partition\":0,\"bytes\":%d}],\"refused_count\":0,"
		  "\"refused\":[],\"factors\":",
		  bytes);
	partial_write_json(partial, &out);
	text_puts(&out, "}\n");
	fake_put(f->hdfs, WORK "/out/part-00000", out.data, out.length);
	text_clean_up(&out);
	partial_destroy(&partial);
}

static void a_job_that_succeeds_is_a_reading(void **state)
{
	struct fixture *f = *state;
	static const struct peer_step steps[] = { NEW,
						  SUBMIT,
						  { FIND, JOB_IS("RUNNING", "UNDEFINED") },
						  { FIND, JOB_IS("FINISHED", "SUCCEEDED") } };
	/* Of a service that was killed long ago; and of another one, just now. */
	fake_put(f->hdfs, "/bitcoin/staging/yarn/0000000000001-000001-0/plan.json", "", 0);
	fake_put(f->hdfs, "/bitcoin/staging/yarn/fffffffffffff-000001-0/plan.json", "", 0);
	put_output(f, 4);
	assert_int_equal(run(f, steps, COUNT(steps)), ERROR_OK);
	assert_string_equal(f->phases, "uploading submitted running merging ");
	assert_int_equal(partial_counts(f->result.partial)->rows[ROW_MALFORMED], 1);
	assert_int_equal(atomic_load(&f->progress.bytes), 4);
	assert_int_equal(atomic_load(&f->progress.files), 1);
	assert_false(exists(f, WORK "/plan.json") || exists(f, WORK "/out/part-00000"));
	assert_false(exists(f, "/bitcoin/staging/yarn/0000000000001-000001-0/plan.json"));
	assert_true(exists(f, "/bitcoin/staging/yarn/fffffffffffff-000001-0/plan.json"));
}

static void a_lost_answer_is_looked_for(void **state)
{
	struct fixture *f = *state;
	static const struct peer_step steps[] = {
		NEW,
		{ .expect = "POST /ws/v1/cluster/apps?", .status = "500 x" },
		{ FIND, JOB_IS("FINISHED", "SUCCEEDED") },
	};
	put_output(f, 4);
	assert_int_equal(run(f, steps, COUNT(steps)), ERROR_OK);
}

static void a_job_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct peer_step steps[] = { NEW,
						  SUBMIT,
						  { FIND, JOB_IS("FINISHED", "FAILED") },
						  GONE,
						  { FIND, JOB_IS("FINISHED", "FAILED") } };
	assert_int_equal(run(f, steps, COUNT(steps)), ERROR_SYSTEM);
	assert_string_equal(f->memory, "the job failed (" JOB "): Task failed");
	assert_false(exists(f, WORK "/step/loader") || exists(f, WORK "/plan.json"));
}

static void files_that_changed_mean_another_try(void **state)
{
	struct fixture *f = *state;
	static const struct peer_step failed[] = { NEW,
						   SUBMIT,
						   { FIND, JOB_IS("FINISHED", "FAILED") },
						   GONE,
						   { FIND, JOB_IS("FINISHED", "FAILED") } };
	static const struct peer_step done[] = { NEW,
						 SUBMIT,
						 { FIND, JOB_IS("FINISHED", "SUCCEEDED") } };
	put_output(f, 3); /* not what was listed */
	assert_int_equal(run(f, done, COUNT(done)), ERROR_CONFLICT);
	reading_clean_up(&f->result);
	fake_put(f->hdfs, FOLDER PUBLISHED, "a,b\nc\n", 6);
	assert_int_equal(run(f, failed, COUNT(failed)), ERROR_CONFLICT);
}

static void what_is_refused_at_once_uploads_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct peer_step steps[] = { { .status = "403 x", .body = "no" } };
	assert_int_equal(run(f, steps, COUNT(steps)), ERROR_DENIED);
	assert_non_null(strstr(f->memory, "new-application"));
	assert_int_equal(f->hdfs->count, 1);
}

static void what_hadoop_would_unpack_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	file.format = DATA_CSV_GZ;
	assert_int_equal(run(f, NULL, 0), ERROR_INVALID);
	file.format = DATA_CSV;
	assert_non_null(strstr(f->memory, "1 of the 1 files"));
	assert_non_null(strstr(f->memory, &PUBLISHED ".gz"[1]));
	assert_non_null(strstr(f->memory, "engine local"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_job_that_succeeds_is_a_reading, begin, end),
		cmocka_unit_test_setup_teardown(a_lost_answer_is_looked_for, begin, end),
		cmocka_unit_test_setup_teardown(a_job_that_fails_leaves_nothing, begin, end),
		cmocka_unit_test_setup_teardown(files_that_changed_mean_another_try, begin, end),
		cmocka_unit_test_setup_teardown(what_hadoop_would_unpack_is_refused_by_name, begin,
						end),
		cmocka_unit_test_setup_teardown(what_is_refused_at_once_uploads_nothing, begin,
						end),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
