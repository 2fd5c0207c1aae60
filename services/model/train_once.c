/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train_once.h"

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report_text.h"

enum { LOOK_EVERY_MS = 100, MAX_OPEN_FOLDERS = 16, MAX_FOLDER = 1000 };

static int complain(enum error error, const struct text *why)
{
	fprintf(stderr, "model: %s%s%s\n", error_text(error), why->length > 0 ? ": " : "",
		why->data);
	return EXIT_FAILURE;
}

/* --- the end --------------------------------------------------------------------------------- */

static void print_report(struct registry *registry, const struct job *job, FILE *out)
{
	size_t length;
	struct text text;
	struct version *version = registry_version(registry, job->model, job->version);
	if (!version)
		return;
	const char *report = version_report(version, &length);
	text_init(&text, REPORT_TEXT_MAX);
	report_text(report, length, job->version, &text);
	fwrite(text.data, 1, text.length, out);
	text_clean_up(&text);
	version_release(&version);
}

static int tell(struct registry *registry, const struct job *job, FILE *out)
{
	if (job->state != JOB_DONE) {
		fprintf(stderr, "model: the training of %s is %s%s%s\n", job->model,
			job_state_name(job->state), job->reason[0] ? ": " : "", job->reason);
		return EXIT_FAILURE;
	}
	print_report(registry, job, out);
	fprintf(out, "\nversion %" PRId64 " of %s %s%s%s\n", job->version, job->model,
		job->serves ? "serves" : "does not serve", job->reason[0] ? ": " : "", job->reason);
	return EXIT_SUCCESS;
}

/* --- the training ---------------------------------------------------------------------------- */

/* Until the job ends; a signal cancels it. */
static enum error follow(struct training *training, const char *id, const sigset_t *signals,
			 struct job *job)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
	enum error error = training_job(training, id, job);
	while (error == ERROR_OK && (job->state == JOB_QUEUED || job->state == JOB_RUNNING)) {
		/* CONFLICT: it has just ended. */
		if (sigtimedwait(signals, NULL, &pause) > 0)
			(void)!training_cancel(training, id, NULL);
		error = training_job(training, id, job);
	}
	return error;
}

static void record(struct registry *registry, const struct job *job)
{
	struct audit_event event = { .version = -1 };
	snprintf(event.action, sizeof event.action, "train");
	snprintf(event.model, sizeof event.model, "%s", job->model);
	snprintf(event.by, sizeof event.by, "%s", job->by);
	snprintf(event.job, sizeof event.job, "%s", job->id);
	registry_record(registry, &event);
}

static int train(const struct training_options *options, const sigset_t *signals, FILE *out,
		 struct text *why)
{
	char id[JOB_ID_LENGTH + 1];
	struct job job;
	struct training *training = NULL;
	const struct training_settings *settings = options->settings;
	enum error error = training_new(options, &training, why);
	if (error == ERROR_OK)
		error = training_start(training, why);
	if (error == ERROR_OK)
		error = training_begin_on(training, (enum training_engine)settings->train_engine,
					  settings->train, "command line", id, why);
	if (error == ERROR_OK)
		error = follow(training, id, signals, &job);
	training_destroy(&training);
	if (error == ERROR_NOT_FOUND)
		why_putf(why, "there is no model \"%.64s\"", settings->train);
	if (error != ERROR_OK)
		return complain(error, why);
	int code = tell(options->registry, &job, out);
	record(options->registry, &job);
	error = registry_sync(options->registry, why);
	return error == ERROR_OK ? code : complain(error, why);
}

/* --- the registry ---------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* Another one than that of a service, which may be at work. */
static enum error make_folder(char folder[MAX_FOLDER], struct text *why)
{
	const char *parent = getenv("TMPDIR");
	int length = snprintf(folder, MAX_FOLDER, "%s/tickline-train-XXXXXX",
			      parent && *parent ? parent : "/tmp");
	if (length < MAX_FOLDER && mkdtemp(folder))
		return ERROR_OK;
	why_putf(why, "%.200s cannot be made", folder);
	folder[0] = '\0';
	return ERROR_SYSTEM;
}

int train_once(const struct training_options *asked, FILE *out)
{
	char folder[MAX_FOLDER], memory[1024];
	struct text why;
	sigset_t signals;
	struct training_settings settings = *asked->settings;
	struct training_options options = *asked;
	settings.autotrain = false;
	settings.retrain_every_s = 0;
	options.settings = &settings;
	text_init_fixed(&why, memory, sizeof memory);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	enum error error = make_folder(folder, &why);
	if (error == ERROR_OK) {
		const struct registry_options registry = { .root = asked->root,
							   .state_dir = folder,
							   .webhdfs = asked->webhdfs,
							   .metrics = asked->metrics };
		error = registry_new(&registry, &options.registry, &why);
	}
	if (error == ERROR_OK)
		error = registry_sync(options.registry, &why);
	int code = error == ERROR_OK ? train(&options, &signals, out, &why) : complain(error, &why);
	registry_destroy(&options.registry);
	if (folder[0])
		nftw(folder, remove_one, MAX_OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
	return code;
}
