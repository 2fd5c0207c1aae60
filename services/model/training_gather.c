/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "training_known.h"

#include <stdio.h>
#include <stdlib.h>

#include "yarn/yarn_reading.h"

/* Files may be joined or removed between listing and reading, and what is known may turn out not to
 * hold: then all starts again. */
enum { LISTING_ATTEMPTS = 4 };

enum { READ_AT_ONCE_BYTES = 16 << 20, READ_AT_ONCE_FILES = 16 }; /* a tenth of a second */

enum error training_take_client(struct run *run, struct webhdfs **kept, struct text *why)
{
	enum error error = ERROR_OK;
	if (!*kept)
		error = webhdfs_new(&run->training->webhdfs, kept, why);
	if (error == ERROR_OK)
		webhdfs_cancel_by(*kept, &run->task->progress.cancel);
	return error;
}

static enum error list(struct run *run, struct webhdfs *client)
{
	training_set_phase(run->training, run->task, "listing");
	dataset_clean_up(&run->dataset);
	return dataset_list_settled(client, run->folder, &run->dataset, &run->why);
}

/* Finds out what is new, and tells the job how much that is. */
static enum error plan(struct run *run)
{
	int64_t files = 0, bytes = 0;
	free(run->from);
	run->from = calloc(run->dataset.count + 1, sizeof(*run->from));
	if (!run->from)
		return ERROR_NO_MEMORY;
	run->resumes = run->known.partial && checkpoint_plan(&run->known, &run->dataset, run->from);
	for (size_t i = 0; i < run->dataset.count; i++) {
		int64_t from = run->resumes ? run->from[i] : 0;
		bool new = !run->resumes || from < run->dataset.files[i].length;
		files += new ? 1 : 0;
		bytes += run->dataset.files[i].length - from;
	}
	pthread_mutex_lock(&run->training->lock);
	run->task->job.files_total = files;
	run->task->job.bytes_total = bytes;
	pthread_mutex_unlock(&run->training->lock);
	return ERROR_OK;
}

static void reset_progress(struct reading_progress *progress)
{
	atomic_store(&progress->files, 0);
	atomic_store(&progress->files_refused, 0);
	atomic_store(&progress->bytes, 0);
	atomic_store(&progress->rows, 0);
	atomic_store(&progress->rows_used, 0);
}

static void on_phase(const char *phase, void *user)
{
	struct run *run = user;
	training_set_phase(run->training, run->task, phase);
}

/* Everything anew: what a cluster reads takes it no longer than what is new takes us. */
static enum error read_on_yarn(struct run *run)
{
	char name[JOB_ID_LENGTH + 16];
	const struct yarn_reading reading = {
		.settings = run->training->yarn,
		.spec = &run->spec,
		.root = run->training->root,
		.folder = run->folder,
		.name = name,
		.dataset = &run->dataset,
		.webhdfs = &run->training->webhdfs,
		.metrics = run->training->metrics,
		.progress = &run->task->progress,
		.phase = on_phase,
		.user = run,
	};
	snprintf(name, sizeof(name), "%s-%d", run->task->job.id, run->attempt);
	reset_progress(&run->task->progress);
	reading_clean_up(&run->reading);
	return yarn_reading_run(&reading, &run->reading, &run->why);
}

static enum error read_here(struct run *run, struct webhdfs *client)
{
	const struct reading_request request = {
		.spec = &run->spec,
		.folder = run->folder,
		.dataset = &run->dataset,
		.resume = run->resumes ? &run->known : NULL,
		.from = run->resumes ? run->from : NULL,
		.webhdfs = &run->training->webhdfs,
		.client = client,
		.threads = (int)run->training->settings->train_threads,
		.progress = &run->task->progress,
	};
	reset_progress(&run->task->progress);
	reading_clean_up(&run->reading);
	training_set_phase(run->training, run->task, "reading");
	return reading_run(&request, &run->reading, &run->why);
}

/* Without a byte there is nothing to distribute. */
static enum error read_all(struct run *run, struct webhdfs *client)
{
	bool on_yarn = run->task->job.engine == ENGINE_YARN && run->training->yarn;
	return on_yarn && run->dataset.bytes > 0 ? read_on_yarn(run) : read_here(run, client);
}

/* Little that is new: the version's number can be claimed meanwhile. Before a long reading that is
 * too early: numbers are to follow the order in which versions are made. */
static bool is_read_at_once(const struct run *run)
{
	const struct job *job = &run->task->job;
	return run->resumes && job->bytes_total > 0 && job->bytes_total <= READ_AT_ONCE_BYTES &&
	       job->files_total <= READ_AT_ONCE_FILES;
}

/* Where little is new by what is known, that is confirmed while it is read; else before. */
static enum error plan_known(struct run *run)
{
	enum error error = plan(run);
	if (error != ERROR_OK || run->known_asked || is_read_at_once(run))
		return error;
	training_known_ask(run);
	return training_known_settle(run) ? ERROR_OK : plan(run);
}

static enum error read_new(struct run *run, struct webhdfs *client)
{
	struct training_beside asking = { .runs = false };
	bool asks = !run->known_asked;
	if (asks)
		training_beside_begin(&asking, run, training_known_ask);
	if (is_read_at_once(run))
		training_claim(run);
	enum error error = read_all(run, client);
	training_beside_end(&asking);
	return asks && !training_known_settle(run) ? ERROR_CONFLICT : error;
}

static enum error gather_with(struct run *run, struct webhdfs *client)
{
	enum error error = ERROR_CONFLICT;
	struct training_beside taking = { .runs = false };
	run->known_asked = run->task->job.engine != ENGINE_LOCAL; /* a cluster reads all anew */
	if (!run->known_asked)
		training_beside_begin(&taking, run, training_known_take);
	for (; run->attempt < LISTING_ATTEMPTS && error == ERROR_CONFLICT; run->attempt++) {
		text_reset(&run->why);
		error = list(run, client);
		training_beside_end(&taking);
		if (error == ERROR_OK)
			error = plan_known(run);
		if (error == ERROR_OK)
			error = read_new(run, client);
	}
	if (error == ERROR_OK)
		text_reset(&run->why); /* what was overcome on the way */
	return error;
}

enum error training_gather(struct run *run)
{
	struct webhdfs **client = &run->clients->main;
	enum error error = training_take_client(run, client, &run->why);
	if (error != ERROR_OK)
		return error;
	error = gather_with(run, *client);
	webhdfs_cancel_by(*client, NULL);
	return error;
}
