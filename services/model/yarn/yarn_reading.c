/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "step_plan.h"
#include "timestamp.h"
#include "yarn_command.h"
#include "yarn_follow.h"
#include "yarn_result.h"
#include "yarn_upload.h"

enum { PATH_SIZE = 1200, MAX_COMMAND = 16384, LEFT_AGE_S = 3600, NAME_TIME_DIGITS = 13 };

struct run {
	const struct yarn_reading *reading;
	struct webhdfs *client, *cleaner; /* the second one works on after a cancel */
	struct resource_manager *manager, *killer;
	char work[1000];
	char launcher[YARN_ID_SIZE];
	char tag[100];
	struct step_plan plan;
	struct step_files files;
	struct text *why;
};

/* --- what was left behind -------------------------------------------------------------------- */

struct sweep {
	struct webhdfs *client;
	const char *folder;
	int64_t before_us;
};

static enum error sweep_one(const char *name, const struct webhdfs_status *status, void *user)
{
	const struct sweep *sweep = user;
	char path[PATH_SIZE], digits[NAME_TIME_DIGITS + 1];
	if (!status->folder || strspn(name, "0123456789abcdef") != NAME_TIME_DIGITS)
		return ERROR_OK;
	snprintf(digits, sizeof(digits), "%s", name);
	if (strtoll(digits, NULL, 16) >= sweep->before_us)
		return ERROR_OK;
	snprintf(path, sizeof(path), "%s/%.100s", sweep->folder, name);
	enum error error = webhdfs_delete(sweep->client, path, true, NULL);
	log_info("the folder of an old job on YARN is gone", LOG_STR("folder", path),
		 LOG_STR("error", error_name(error)));
	return ERROR_OK;
}

/* Folders of services that were killed; failing to is no reason not to train. */
static void sweep_old(const struct run *run)
{
	char folder[1000];
	int64_t age_s = run->reading->settings->yarn_timeout_s + LEFT_AGE_S;
	struct sweep sweep = { run->client, folder, wall_now_us() - age_s * 1000000 };
	snprintf(folder, sizeof(folder), "%s/staging/yarn", run->reading->root);
	enum error error = webhdfs_list(run->client, folder, sweep_one, &sweep, NULL);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND)
		log_warn("old jobs' folders are not looked for", LOG_STR("folder", folder),
			 LOG_STR("error", error_name(error)));
}

/* --- steps ----------------------------------------------------------------------------------- */

static enum error upload(struct run *run)
{
	const struct yarn_reading *reading = run->reading;
	char folder[1000];
	struct text plan;
	text_init(&plan, STEP_MAX_PLAN);
	enum error error =
		step_folder(reading->settings->yarn_step_dir, folder, sizeof(folder), run->why);
	if (error == ERROR_OK)
		error = step_files_list(folder, &run->files, run->why);
	if (error == ERROR_OK)
		error = step_plan_make(reading->spec, reading->dataset, &run->plan, run->why);
	if (error == ERROR_OK)
		error = step_plan_write(&run->plan, &plan);
	if (error == ERROR_OK)
		error = step_upload(run->client, folder, &run->files, &plan, run->work, run->why);
	text_clean_up(&plan);
	return error;
}

static size_t count_dated(const struct dataset *dataset)
{
	size_t count = 0;
	for (size_t i = 0; i < dataset->count; i++)
		count += dataset->files[i].date != DATE_NONE;
	return count;
}

static enum error write_command(const struct run *run, struct text *command)
{
	const char *names[STEP_MAX_FILES];
	for (size_t i = 0; i < run->files.count; i++)
		names[i] = run->files.names[i];
	const struct yarn_command parts = {
		.settings = run->reading->settings,
		.model = run->reading->spec->name,
		.tag = run->tag,
		.input = run->reading->folder,
		.dated = count_dated(run->reading->dataset) > 0,
		.undated = count_dated(run->reading->dataset) < run->reading->dataset->count,
		.work = run->work,
		.files = names,
		.file_count = run->files.count,
	};
	return yarn_command_write(&parts, command, run->why);
}

static enum error submit(struct run *run)
{
	const struct yarn_settings *settings = run->reading->settings;
	char memory[MAX_COMMAND], name[100];
	struct text command;
	text_init_fixed(&command, memory, sizeof(memory));
	enum error error = write_command(run, &command);
	if (error != ERROR_OK)
		return error;
	snprintf(name, sizeof(name), "tickline-launch-%s", run->reading->spec->name);
	const struct yarn_launch launch = {
		.name = name,
		.queue = settings->yarn_queue,
		.command = command.data,
		.user = run->reading->webhdfs->user,
		.memory_mb = settings->yarn_launcher_memory_mb,
	};
	return yarn_submit(run->manager, run->launcher, &launch, run->why);
}

static void on_progress(double done, void *user)
{
	const struct yarn_reading *reading = user;
	double bytes = done * (double)reading->dataset->bytes;
	atomic_store(&reading->progress->bytes, (int64_t)bytes);
	reading->phase("running", reading->user);
}

static enum error follow(struct run *run)
{
	const struct yarn_settings *settings = run->reading->settings;
	const struct yarn_job job = {
		.manager = run->manager,
		.launcher = run->launcher,
		.tag = run->tag,
		.poll_ms = settings->yarn_poll_ms,
		.start_timeout_s = settings->yarn_start_timeout_s,
		.timeout_s = settings->yarn_timeout_s,
		.cancel = &run->reading->progress->cancel,
		.progress = on_progress,
		.user = (void *)(uintptr_t)run->reading,
	};
	enum error error = yarn_follow(&job, run->why);
	if (error != ERROR_OK)
		yarn_end(run->killer, &job);
	return error;
}

/* CONFLICT where a job failed because what it was to read is not there any more. */
static enum error settle_failure(struct run *run)
{
	const struct dataset *before = run->reading->dataset;
	struct dataset now;
	int64_t bytes = 0;
	enum error error = dataset_list(run->client, run->reading->folder, &now, NULL);
	for (size_t i = 0; i < now.count; i++)
		if (step_plan_holds(&run->plan, &now.files[i]))
			bytes += now.files[i].length;
	bool same = error != ERROR_OK || bytes == before->bytes;
	for (size_t i = 0; same && error == ERROR_OK && i < before->count; i++)
		same = i < now.count && before->files[i].last == now.files[i].last;
	dataset_clean_up(&now);
	return same ? ERROR_SYSTEM : ERROR_CONFLICT;
}

static enum error read_result(struct run *run, struct reading_result *result)
{
	char path[PATH_SIZE];
	struct text file;
	text_init(&file, YARN_MAX_RESULT);
	snprintf(path, sizeof(path), "%s/out/part-00000", run->work);
	enum error error = webhdfs_read(run->client, path, &file, run->why);
	if (error == ERROR_OK)
		error = yarn_result_read(run->reading->spec, run->reading->dataset, file.data,
					 file.length, result, run->why);
	text_clean_up(&file);
	return error;
}

static void tell_progress(const struct yarn_reading *reading, const struct reading_result *result)
{
	const struct partial_counts *counts = partial_counts(result->partial);
	atomic_store(&reading->progress->files, (int64_t)reading->dataset->count);
	atomic_store(&reading->progress->files_refused, (int64_t)result->refused_count);
	atomic_store(&reading->progress->bytes, reading->dataset->bytes);
	atomic_store(&reading->progress->rows, counts->records);
	atomic_store(&reading->progress->rows_used, counts->rows[ROW_USED]);
}

/* An answer that was lost may have started it: then it is looked for. */
static enum error submit_and_follow(struct run *run)
{
	enum error error = submit(run);
	bool started = error == ERROR_OK || error == ERROR_CANCELLED || yarn_is_transient(error);
	if (started)
		error = follow(run);
	return error == ERROR_SYSTEM ? settle_failure(run) : error;
}

/* Hadoop would unpack a file on the way, and its bytes could not be told from a cut one's. */
static enum error check_formats(const struct run *run)
{
	const struct dataset *dataset = run->reading->dataset;
	size_t others = 0, first = 0;
	for (size_t i = 0; i < dataset->count; i++)
		if (dataset->files[i].format != DATA_CSV && others++ == 0)
			first = i;
	if (others == 0)
		return ERROR_OK;
	char name[DATASET_NAME_LENGTH + 1];
	dataset_print_name(&dataset->files[first], name);
	why_putf(
		run->why,
		"engine yarn reads .csv files only, and %zu of the %zu files are others, the first "
		"is %s: train with engine local",
		others, dataset->count, name);
	return ERROR_INVALID;
}

static enum error run_steps(struct run *run, struct reading_result *result)
{
	const struct yarn_reading *reading = run->reading;
	reading->phase("uploading", reading->user);
	/* First what may fail at once. */
	enum error error = check_formats(run);
	if (error == ERROR_OK)
		error = yarn_new_application(run->manager, run->launcher, run->why);
	if (error == ERROR_OK) {
		sweep_old(run);
		error = upload(run);
	}
	if (error == ERROR_OK) {
		reading->phase("submitted", reading->user);
		error = submit_and_follow(run);
	}
	if (error == ERROR_OK) {
		reading->phase("merging", reading->user);
		error = read_result(run, result);
	}
	if (error == ERROR_OK)
		tell_progress(reading, result);
	return error;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum error open_clients(struct run *run)
{
	const struct yarn_reading *reading = run->reading;
	struct webhdfs_options hdfs = *reading->webhdfs;
	struct resource_manager_options options = {
		.urls = reading->settings->yarn_urls,
		.user = reading->webhdfs->user,
		.limits = { .connect_ms = reading->settings->yarn_request_timeout_ms,
			    .idle_ms = reading->settings->yarn_request_timeout_ms,
			    .total_ms = reading->settings->yarn_request_timeout_ms },
		.metrics = reading->metrics,
	};
	hdfs.cancel = NULL;
	enum error error = webhdfs_new(&hdfs, &run->cleaner, run->why);
	hdfs.cancel = &reading->progress->cancel;
	if (error == ERROR_OK)
		error = webhdfs_new(&hdfs, &run->client, run->why);
	if (error == ERROR_OK)
		error = resource_manager_new(&options, &run->killer, run->why);
	options.cancel = &reading->progress->cancel;
	if (error == ERROR_OK)
		error = resource_manager_new(&options, &run->manager, run->why);
	return error;
}

static void close_all(struct run *run)
{
	enum error error = run->cleaner ? webhdfs_delete(run->cleaner, run->work, true, NULL)
					: ERROR_NOT_FOUND;
	if (error != ERROR_OK && error != ERROR_NOT_FOUND)
		log_warn("a job's folder stays for now", LOG_STR("folder", run->work),
			 LOG_STR("error", error_name(error)));
	webhdfs_destroy(&run->client);
	webhdfs_destroy(&run->cleaner);
	resource_manager_destroy(&run->manager);
	resource_manager_destroy(&run->killer);
	step_plan_clean_up(&run->plan);
}

enum error yarn_reading_run(const struct yarn_reading *reading, struct reading_result *result,
			    struct text *why)
{
	struct run *run = calloc(1, sizeof(*run));
	memset(result, 0, sizeof(*result));
	if (!run)
		return ERROR_NO_MEMORY;
	run->reading = reading;
	run->why = why;
	snprintf(run->work, sizeof(run->work), "%s/staging/yarn/%s", reading->root, reading->name);
	snprintf(run->tag, sizeof(run->tag), "tickline-%s", reading->name);
	enum error error = open_clients(run);
	if (error == ERROR_OK)
		error = run_steps(run, result);
	close_all(run);
	free(run);
	return error;
}
