/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the files of training.
 *
 * `lock` guards the list of tasks, `draining` and every task's `job`, but for a running task's
 * progress, which is atomic. A task is made by training_begin, run by one of the job threads and
 * freed when it falls out of the history, which never happens before it has ended.
 */
#ifndef TICKLINE_MODEL_TRAINING_INTERNAL_H
#define TICKLINE_MODEL_TRAINING_INTERNAL_H

#include <pthread.h>

#include "reading.h"
#include "training.h"

struct task {
	struct task *older;
	struct job job;
	struct reading_progress progress;
};

enum { TRAINING_MAX_JOBS = 8 };

struct training {
	const struct training_settings *settings;
	const struct yarn_settings *yarn;
	struct metrics *metrics;
	struct registry *registry;
	char *root;
	struct webhdfs_options webhdfs; /* with copies of its strings */
	struct metric *jobs_ended[JOB_CANCELLED + 1], *rows, *seconds;

	pthread_mutex_t lock;
	pthread_cond_t changed; /* monotonic clock; a task was added, ended, or draining began */
	struct task *newest;
	uint64_t counter; /* makes ids unique within a process */
	bool draining;

	pthread_t threads[TRAINING_MAX_JOBS], auto_thread;
	int64_t thread_count;
	bool auto_started;
	atomic_bool auto_cancel;
};

/* Clients of HDFS that a job thread keeps from job to job, with their connections and what they
 * know of the NameNodes: one for the job, one for what it does beside. NULL until they are needed.
 */
struct training_clients {
	struct webhdfs *main, *beside;
};

/* The job's three steps: training_run does its work and says how it ended; training_run_end comes
 * after that was told: it keeps what the next training spares by, which no answer needs, and does
 * not look at the task any more. NULL: no memory; ends it too. */
struct run;
struct run *training_run_new(struct training *training, struct task *task,
			     struct training_clients *clients);
enum job_state training_run(struct run *run);
void training_run_end(struct run **run);

void training_set_phase(struct training *training, struct task *task, const char *phase);

/* The folder of a spec's records on HDFS. */
void training_folder(const struct training *training, const struct spec *spec, char *out,
		     size_t size);

void *training_auto_thread(void *training);

/* Waits on `changed`; true when draining. */
bool training_wait(struct training *training, int64_t seconds);

#endif
