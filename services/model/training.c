/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: see training_internal.h.
 */
#include "training.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "timestamp.h"
#include "training_internal.h"

enum { MAX_WAITING = 100 };

#define OPTION(member, kind, value, low, high, of, text)                                \
	{                                                                               \
		.name = #member, .type = kind,                                          \
		.offset = offsetof(struct training_settings, member), .initial = value, \
		.min = low, .max = high, .unit = of, .help = text                       \
	}

struct config_table training_settings_table(struct training_settings *settings)
{
	static const struct config_option options[] = {
		OPTION(train_threads, CONFIG_INT, "2", 1, READING_MAX_THREADS, NULL,
		       "files that one training reads at once"),
		OPTION(train_jobs, CONFIG_INT, "1", 1, TRAINING_MAX_JOBS, NULL,
		       "trainings at once, over all models"),
		OPTION(job_history, CONFIG_INT, "100", 1, 10000, NULL,
		       "ended trainings that are remembered"),
		OPTION(autotrain, CONFIG_BOOL, "true", 0, 0, NULL,
		       "train a model without a version once there are enough rows, and again "
		       "when the data have doubled"),
		OPTION(autotrain_rows, CONFIG_INT, "200", 1, 1e9, "rows",
		       "rows that are enough for the first training without being asked"),
		OPTION(autotrain_check_s, CONFIG_INT, "10", 1, 86400, "s",
		       "how often the amount of data is looked at"),
		OPTION(retrain_every_s, CONFIG_INT, "0", 0, 365.0 * 86400, "s",
		       "train every model again this often; 0: never"),
		OPTION(train, CONFIG_STRING, "", 0, 0, NULL,
		       "do not serve: train this model once, print the report and exit: 0 there "
		       "is a new version, 1 there is none"),
		{ .name = "train_engine",
		  .type = CONFIG_CHOICE,
		  .offset = offsetof(struct training_settings, train_engine),
		  .choices = "local|yarn",
		  .initial = "local",
		  .help = "where `train` reads the files: here, or on a YARN cluster" },
	};
	return (struct config_table){ "Training", options, sizeof(options) / sizeof(options[0]),
				      settings };
}

const char *job_state_name(enum job_state state)
{
	static const char *const names[] = {
		[JOB_QUEUED] = "queued",   [JOB_RUNNING] = "running", [JOB_DONE] = "done",
		[JOB_REFUSED] = "refused", [JOB_FAILED] = "failed",   [JOB_CANCELLED] = "cancelled",
	};
	return names[state];
}

const char *training_engine_name(enum training_engine engine)
{
	static const char *const names[] = { [ENGINE_LOCAL] = "local", [ENGINE_YARN] = "yarn" };
	return names[engine];
}

static bool has_ended(const struct job *job)
{
	return job->state != JOB_QUEUED && job->state != JOB_RUNNING;
}

void training_folder(const struct training *training, const struct spec *spec, char *out,
		     size_t size)
{
	snprintf(out, size, "%s/data/%s", training->root, spec->table->dataset);
}

/* --- life ------------------------------------------------------------------------------------ */

static void make_metrics(struct training *training, struct metrics *metrics)
{
	for (int state = JOB_DONE; state <= JOB_CANCELLED; state++) {
		char label[32];
		snprintf(label, sizeof(label), "state=\"%s\"",
			 job_state_name((enum job_state)state));
		training->jobs_ended[state] = metrics_counter(metrics, "model_training_jobs_total",
							      "Trainings that ended", label);
	}
	training->rows = metrics_counter(metrics, "model_training_rows_total",
					 "Records read by trainings", NULL);
	training->seconds = metrics_histogram(metrics, "model_training_seconds",
					      "How long trainings ran", NULL, NULL, 0);
}

static bool copy_options(struct training *training, const struct training_options *options)
{
	training->webhdfs = options->webhdfs;
	training->root = strdup(options->root);
	training->webhdfs.urls = strdup(options->webhdfs.urls);
	training->webhdfs.user = strdup(options->webhdfs.user);
	training->webhdfs.token = strdup(options->webhdfs.token);
	training->webhdfs.host_map = strdup(options->webhdfs.host_map);
	return training->root && training->webhdfs.urls && training->webhdfs.user &&
	       training->webhdfs.token && training->webhdfs.host_map;
}

enum error training_new(const struct training_options *options, struct training **out,
			struct text *why)
{
	char folder[1000];
	pthread_condattr_t attributes;
	struct training *training = calloc(1, sizeof(*training));
	*out = training;
	if (!training)
		return ERROR_NO_MEMORY;
	pthread_mutex_init(&training->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&training->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	training->settings = options->settings;
	training->yarn = options->yarn;
	training->metrics = options->metrics;
	training->registry = options->registry;
	make_metrics(training, options->metrics);
	enum error error = copy_options(training, options) ? ERROR_OK : ERROR_NO_MEMORY;
	if (error == ERROR_OK) {
		training_folder(training, spec_builtin(0), folder, sizeof(folder));
		error = webhdfs_check_path(folder, why);
	}
	if (error != ERROR_OK)
		training_destroy(out);
	return error;
}

bool training_wait(struct training *training, int64_t seconds)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&training->lock);
	while (!training->draining &&
	       pthread_cond_timedwait(&training->changed, &training->lock, &until) == 0) {
	}
	bool draining = training->draining;
	pthread_mutex_unlock(&training->lock);
	return draining;
}

static bool any_running(const struct training *training)
{
	for (const struct task *task = training->newest; task; task = task->older)
		if (task->job.state == JOB_RUNNING)
			return true;
	return false;
}

void training_drain(struct training *training, int64_t deadline_us)
{
	struct timespec until = { .tv_sec = deadline_us / 1000000,
				  .tv_nsec = deadline_us % 1000000 * 1000 };
	atomic_store(&training->auto_cancel, true);
	pthread_mutex_lock(&training->lock);
	training->draining = true;
	for (struct task *task = training->newest; task; task = task->older)
		if (!has_ended(&task->job))
			atomic_store(&task->progress.cancel, true);
	pthread_cond_broadcast(&training->changed);
	while (any_running(training) &&
	       pthread_cond_timedwait(&training->changed, &training->lock, &until) == 0) {
	}
	pthread_mutex_unlock(&training->lock);
}

static void free_all(struct training *training)
{
	while (training->newest) {
		struct task *task = training->newest;
		training->newest = task->older;
		free(task);
	}
	free(training->root);
	free((void *)(uintptr_t)training->webhdfs.urls);
	free((void *)(uintptr_t)training->webhdfs.user);
	free((void *)(uintptr_t)training->webhdfs.token);
	free((void *)(uintptr_t)training->webhdfs.host_map);
	pthread_cond_destroy(&training->changed);
	pthread_mutex_destroy(&training->lock);
	free(training);
}

void training_destroy(struct training **out)
{
	struct training *training = *out;
	if (!training)
		return;
	training_drain(training, monotonic_now_us());
	for (int64_t i = 0; i < training->thread_count; i++)
		pthread_join(training->threads[i], NULL);
	if (training->auto_started)
		pthread_join(training->auto_thread, NULL);
	free_all(training);
	*out = NULL;
}

/* --- running --------------------------------------------------------------------------------- */

void training_set_phase(struct training *training, struct task *task, const char *phase)
{
	pthread_mutex_lock(&training->lock);
	task->job.phase = phase;
	pthread_mutex_unlock(&training->lock);
}

static struct task *oldest_queued(const struct training *training)
{
	struct task *found = NULL;
	for (struct task *task = training->newest; task; task = task->older)
		if (task->job.state == JOB_QUEUED)
			found = task;
	return found;
}

/* Waits for a task and marks it as running; NULL: draining. */
static struct task *take_task(struct training *training)
{
	struct task *task = NULL;
	pthread_mutex_lock(&training->lock);
	while (!training->draining && !(task = oldest_queued(training)))
		pthread_cond_wait(&training->changed, &training->lock);
	if (training->draining)
		task = NULL;
	if (task) {
		task->job.state = JOB_RUNNING;
		task->job.started_us = wall_now_us();
	}
	pthread_mutex_unlock(&training->lock);
	return task;
}

/* The progress becomes the job's last word on what was read. */
static void copy_progress(const struct task *task, struct job *job)
{
	job->files_done = atomic_load(&task->progress.files);
	job->files_refused = atomic_load(&task->progress.files_refused);
	job->bytes_done = atomic_load(&task->progress.bytes);
	job->rows_read = atomic_load(&task->progress.rows);
	job->rows_used = atomic_load(&task->progress.rows_used);
	int64_t until_us = job->ended_us > 0 ? job->ended_us : wall_now_us();
	int64_t taken_us = job->started_us > 0 ? until_us - job->started_us : 0;
	job->rows_per_s = taken_us > 0 ? (double)job->rows_read / ((double)taken_us / 1e6) : 0;
	job->remaining_ms = -1;
	if (has_ended(job))
		job->remaining_ms = 0;
	else if (job->bytes_done > 0 && taken_us > 0)
		job->remaining_ms = (int64_t)((double)(job->bytes_total - job->bytes_done) /
					      (double)job->bytes_done * (double)taken_us / 1000);
}

static void end_task(struct training *training, struct task *task, enum job_state state)
{
	pthread_mutex_lock(&training->lock);
	task->job.state = state;
	task->job.phase = "ended";
	task->job.ended_us = wall_now_us();
	copy_progress(task, &task->job);
	struct job job = task->job;
	/* Under the lock: who sees the end sees it counted. */
	metric_add(training->jobs_ended[state], 1);
	metric_add(training->rows, (uint64_t)job.rows_read);
	metric_observe(training->seconds, (double)(job.ended_us - job.started_us) / 1e6);
	pthread_cond_broadcast(&training->changed);
	pthread_mutex_unlock(&training->lock);
	LOG_AT(state == JOB_FAILED ? LOG_WARN : LOG_INFO, "training ended", LOG_STR("job", job.id),
	       LOG_STR("model", job.model), LOG_STR("state", job_state_name(state)),
	       LOG_I64("rows", job.rows_used), LOG_I64("version", job.version),
	       LOG_STR("reason", job.reason), LOG_END);
}

static void *run_tasks(void *user)
{
	struct training *training = user;
	struct training_clients clients = { NULL, NULL };
	for (struct task *task; (task = take_task(training));) {
		struct run *run = training_run_new(training, task, &clients);
		end_task(training, task, run ? training_run(run) : JOB_FAILED);
		training_run_end(&run);
	}
	webhdfs_destroy(&clients.main);
	webhdfs_destroy(&clients.beside);
	return NULL;
}

enum error training_start(struct training *training, struct text *why)
{
	for (int64_t i = 0; i < training->settings->train_jobs; i++) {
		if (pthread_create(&training->threads[i], NULL, run_tasks, training) != 0) {
			why_putf(why, "no thread for training");
			return ERROR_SYSTEM;
		}
		training->thread_count++;
	}
	if (!training->settings->autotrain && training->settings->retrain_every_s == 0)
		return ERROR_OK;
	if (pthread_create(&training->auto_thread, NULL, training_auto_thread, training) != 0) {
		why_putf(why, "no thread for training");
		return ERROR_SYSTEM;
	}
	training->auto_started = true;
	return ERROR_OK;
}

/* --- jobs ------------------------------------------------------------------------------------ */

static struct task *find_task(const struct training *training, const char *id)
{
	struct task *task = training->newest;
	while (task && strcmp(task->job.id, id) != 0)
		task = task->older;
	return task;
}

/* Lets go of the oldest ended tasks beyond the history. */
static void trim_history(struct training *training)
{
	int64_t ended = 0;
	for (struct task **at = &training->newest; *at;) {
		struct task *task = *at;
		if (has_ended(&task->job) && ++ended > training->settings->job_history) {
			*at = task->older;
			free(task);
		} else {
			at = &task->older;
		}
	}
}

static enum error add_task(struct training *training, enum training_engine engine,
			   const char *model, const char *by, char id[JOB_ID_LENGTH + 1])
{
	struct task *task = calloc(1, sizeof(*task));
	if (!task)
		return ERROR_NO_MEMORY;
	task->job.engine = engine;
	task->job.state = JOB_QUEUED;
	task->job.phase = "waiting";
	task->job.version = -1;
	task->job.remaining_ms = -1;
	task->job.created_us = wall_now_us();
	snprintf(task->job.id, sizeof(task->job.id), "%013" PRIx64 "-%06" PRIx64,
		 (uint64_t)task->job.created_us & UINT64_C(0xfffffffffffff),
		 ++training->counter & 0xffffff);
	snprintf(task->job.model, sizeof(task->job.model), "%s", model);
	snprintf(task->job.by, sizeof(task->job.by), "%s", by);
	memcpy(id, task->job.id, sizeof(task->job.id));
	task->older = training->newest;
	training->newest = task;
	trim_history(training);
	pthread_cond_broadcast(&training->changed);
	return ERROR_OK;
}

/* OK when a task may be added. */
static enum error may_begin(const struct training *training, const char *model,
			    char id[JOB_ID_LENGTH + 1], struct text *why)
{
	size_t waiting = 0;
	if (training->draining) {
		why_putf(why, "the service is stopping");
		return ERROR_CLOSED;
	}
	for (const struct task *task = training->newest; task; task = task->older) {
		if (has_ended(&task->job))
			continue;
		waiting++;
		if (strcmp(task->job.model, model) == 0) {
			memcpy(id, task->job.id, sizeof(task->job.id));
			why_putf(why, "job %s trains %s already", id, model);
			return ERROR_CONFLICT;
		}
	}
	if (waiting >= MAX_WAITING) {
		why_putf(why, "%d trainings wait already", MAX_WAITING);
		return ERROR_LIMIT;
	}
	return ERROR_OK;
}

enum error training_begin(struct training *training, const char *model, const char *by,
			  char id[JOB_ID_LENGTH + 1], struct text *why)
{
	return training_begin_on(training, ENGINE_LOCAL, model, by, id, why);
}

enum error training_begin_on(struct training *training, enum training_engine engine,
			     const char *model, const char *by, char id[JOB_ID_LENGTH + 1],
			     struct text *why)
{
	struct spec spec;
	id[0] = '\0';
	if (registry_spec(training->registry, model, &spec) != ERROR_OK) {
		why_putf(why, "there is no model named %.60s", model);
		return ERROR_NOT_FOUND;
	}
	pthread_mutex_lock(&training->lock);
	enum error error = may_begin(training, model, id, why);
	if (error == ERROR_OK)
		error = add_task(training, engine, model, by, id);
	pthread_mutex_unlock(&training->lock);
	return error;
}

static void snapshot(const struct task *task, struct job *out)
{
	*out = task->job;
	if (!has_ended(out))
		copy_progress(task, out);
}

enum error training_job(struct training *training, const char *id, struct job *out)
{
	pthread_mutex_lock(&training->lock);
	const struct task *task = find_task(training, id);
	if (task)
		snapshot(task, out);
	pthread_mutex_unlock(&training->lock);
	return task ? ERROR_OK : ERROR_NOT_FOUND;
}

size_t training_jobs(struct training *training, const char *model, struct job *out, size_t capacity)
{
	size_t count = 0;
	pthread_mutex_lock(&training->lock);
	for (const struct task *task = training->newest; task && count < capacity;
	     task = task->older)
		if (!model || strcmp(task->job.model, model) == 0)
			snapshot(task, &out[count++]);
	pthread_mutex_unlock(&training->lock);
	return count;
}

enum error training_cancel(struct training *training, const char *id, struct text *why)
{
	enum error error = ERROR_OK;
	pthread_mutex_lock(&training->lock);
	struct task *task = find_task(training, id);
	if (!task) {
		error = ERROR_NOT_FOUND;
	} else if (has_ended(&task->job)) {
		why_putf(why, "it has ended already: %s", job_state_name(task->job.state));
		error = ERROR_CONFLICT;
	} else {
		atomic_store(&task->progress.cancel, true);
		if (task->job.state == JOB_QUEUED) {
			task->job.state = JOB_CANCELLED;
			task->job.phase = "ended";
			task->job.ended_us = wall_now_us();
			metric_add(training->jobs_ended[JOB_CANCELLED], 1);
		}
	}
	pthread_mutex_unlock(&training->lock);
	return error;
}
