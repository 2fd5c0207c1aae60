/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Training jobs: one at a time per model, a few at once over all models, each with a small pool of
 * readers. Also trains by itself: a model without a version once there is enough, again when the
 * data have doubled, and every retrain_every_s. Any thread may call.
 *
 * Whether a new version serves is the gate's to say (gate.h), by the held-out rows, which the one
 * that serves has not seen either: by time they are newer than its own; of a seeded split they are
 * fixed by the seed and the record itself.
 */
#ifndef TICKLINE_MODEL_TRAINING_H
#define TICKLINE_MODEL_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "error.h"
#include "metrics.h"
#include "registry.h"
#include "text.h"
#include "webhdfs.h"
#include "yarn/yarn_settings.h"

struct training_settings {
	int64_t train_threads;     /* files read at once by one job */
	int64_t train_jobs;        /* jobs at once, over all models */
	int64_t job_history;       /* ended jobs that are remembered */
	bool autotrain;            /* train what has no version, and again when the data doubled */
	int64_t autotrain_rows;    /* rows that make it worth while */
	int64_t autotrain_check_s; /* how often that is looked at */
	int64_t retrain_every_s;   /* 0: never */
	char *train;               /* a model's name: train it once and end; "": serve */
	int64_t train_engine;      /* enum training_engine, of `train` */
};
struct config_table training_settings_table(struct training_settings *settings);

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_REFUSED, JOB_FAILED, JOB_CANCELLED };
const char *job_state_name(enum job_state state); /* "queued", … */

/* Where the files are read: by this process, or by a job on a YARN cluster. */
enum training_engine { ENGINE_LOCAL, ENGINE_YARN, TRAINING_ENGINES };
const char *training_engine_name(enum training_engine engine); /* "local", "yarn" */

enum { JOB_ID_LENGTH = 24, JOB_MAX_REASON = 1024 };

struct job {
	char id[JOB_ID_LENGTH + 1];
	char model[SPEC_MAX_NAME + 1];
	char by[64]; /* who started it: "api", "autotrain", "schedule" */
	enum training_engine engine;
	enum job_state state;
	/* Static: "waiting", "listing", "reading", "fitting", "saving", "ended"; of a YARN job
	 * also "uploading", "submitted", "running", "merging". */
	const char *phase;
	int64_t created_us, started_us, ended_us; /* wall clock; 0: not yet */
	int64_t files_total, files_done, files_refused;
	int64_t bytes_total, bytes_done;
	int64_t rows_read, rows_used;    /* records seen; rows that went into a factor */
	double rows_per_s;               /* so far; 0 before the first */
	int64_t remaining_ms;            /* estimated; -1: unknown */
	int64_t version;                 /* the version made; -1: none */
	bool serves;                     /* the gate let it serve */
	char reason[JOB_MAX_REASON + 1]; /* refused, failed, or why it does not serve; "" */
};

struct training;

struct training_options {
	const struct training_settings *settings; /* kept */
	struct registry *registry;                /* outlives the training */
	const struct yarn_settings *yarn;         /* kept; NULL: there is no engine yarn */
	const char *root;                         /* "/bitcoin"; copied */
	struct webhdfs_options webhdfs;           /* the strings are copied */
	struct metrics *metrics;
};

/* INVALID with `why`, or NO_MEMORY. */
enum error training_new(const struct training_options *options, struct training **training,
			struct text *why) MUST_USE;
enum error training_start(struct training *training, struct text *why) MUST_USE;

/* Cancels what runs and waits for it, until deadline_us (monotonic); takes no new jobs. */
void training_drain(struct training *training, int64_t deadline_us);
void training_destroy(struct training **training); /* drains without a limit first */

/* Starts a job: OK, `id` is the new one; CONFLICT, `id` is the one that runs for this model;
 * NOT_FOUND: no such model; LIMIT: too many wait; CLOSED: draining. */
enum error training_begin_on(struct training *training, enum training_engine engine,
			     const char *model, const char *by, char id[JOB_ID_LENGTH + 1],
			     struct text *why) MUST_USE;

/* The same on ENGINE_LOCAL. */
enum error training_begin(struct training *training, const char *model, const char *by,
			  char id[JOB_ID_LENGTH + 1], struct text *why) MUST_USE;

/* OK or NOT_FOUND. */
enum error training_job(struct training *training, const char *id, struct job *out) MUST_USE;

/* Newest first; model NULL: all. Returns how many were written to `out`. */
size_t training_jobs(struct training *training, const char *model, struct job *out,
		     size_t capacity);

/* Asks a queued or running job to end; it is CANCELLED soon after.
 * NOT_FOUND; CONFLICT: it has ended already. */
enum error training_cancel(struct training *training, const char *id, struct text *why) MUST_USE;

/* A job as the REST API shows it; NULL: no memory. */
cJSON *job_to_json(const struct job *job) MUST_USE;

#endif
