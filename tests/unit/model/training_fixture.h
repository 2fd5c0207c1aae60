/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A registry and training over a fake HDFS, with a state folder of their own.
 */
#ifndef TICKLINE_TESTS_TRAINING_FIXTURE_H
#define TICKLINE_TESTS_TRAINING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gsl/gsl_errno.h>
#include <math.h>

#include "../common/fake_hdfs.h"
#include "dataset.h"
#include "http_client.h"
#include "local_file.h"
#include "registry.h"
#include "timestamp.h"
#include "training.h"

enum { WAIT_MS = 20000 };

struct fixture {
	struct fake_hdfs *hdfs;
	char state_dir[64];
	struct training_settings settings;
	struct registry *registry;
	struct training *training;
	char memory[1000];
	struct text why;
};

static inline void open_registry(struct fixture *f)
{
	const struct registry_options options = { .root = "/bitcoin",
						  .state_dir = f->state_dir,
						  .webhdfs = fake_options(f->hdfs),
						  .metrics = f->hdfs->metrics };
	assert_int_equal(registry_new(&options, &f->registry, &f->why), ERROR_OK);
}

static inline void open_training(struct fixture *f)
{
	const struct training_options options = { .settings = &f->settings,
						  .registry = f->registry,
						  .root = "/bitcoin",
						  .webhdfs = fake_options(f->hdfs),
						  .metrics = f->hdfs->metrics };
	assert_int_equal(training_new(&options, &f->training, &f->why), ERROR_OK);
	assert_int_equal(training_start(f->training, &f->why), ERROR_OK);
}

static inline int fixture_begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	gsl_set_error_handler_off();
	f->hdfs = fake_hdfs_start();
	strcpy(f->state_dir, "/tmp/tickline-model-XXXXXX");
	assert_non_null(mkdtemp(f->state_dir));
	f->settings = (struct training_settings){ .train_threads = 2,
						  .train_jobs = 1,
						  .job_history = 3,
						  .autotrain_rows = 100,
						  .autotrain_check_s = 1 };
	text_init_fixed(&f->why, f->memory, sizeof(f->memory));
	open_registry(f);
	*state = f;
	return 0;
}

static inline int fixture_end(void **state)
{
	struct fixture *f = *state;
	char command[100];
	training_destroy(&f->training);
	registry_destroy(&f->registry);
	fake_hdfs_stop(f->hdfs);
	snprintf(command, sizeof(command), "rm -rf %s", f->state_dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* `count` ticks as a published file of partition 0. */
static inline void put_ticks(struct fixture *f, int64_t first, int count, unsigned seed)
{
	struct text data;
	char path[200], name[DATASET_NAME_LENGTH + 1];
	struct dataset_file file = { .first = first, .last = first + count - 1 };
	text_init(&data, 64 << 20);
	srand(seed);
	for (int i = 0; i < count; i++) {
		char time[TIMESTAMP_MAX_TEXT];
		double buy = 20000 + rand() % 40000, volume = 1000 + rand() % 4000;
		double sell = 1.002 * buy + 0.01 * volume + rand() % 50;
		timestamp_print(INT64_C(1751328000000000) + (first + i) * 1000000, time);
		text_putf(&data, "%s,%.17g,%.17g,%.17g,0.%02d,%.17g,%.17g,%.17g\n", time, buy, sell,
			  volume, rand() % 100, (buy - 20000) / 40000, (sell - 20000) / 40000,
			  (volume - 1000) / 4000);
	}
	dataset_print_name(&file, name);
	snprintf(path, sizeof(path), "/bitcoin/data/bitcoin_data/%s", name);
	fake_put(f->hdfs, path, data.data, data.length);
	text_clean_up(&data);
}

/* Waits until the job has ended. */
/* Ready to train on 300 ticks. */
static inline int fixture_begin_with_ticks(void **state)
{
	fixture_begin(state);
	struct fixture *f = *state;
	open_training(f);
	put_ticks(f, 0, 300, 1);
	return 0;
}

static inline struct job wait_job(struct fixture *f, const char *id)
{
	struct job job;
	int64_t until_us = monotonic_now_us() + WAIT_MS * 1000;
	do {
		assert_int_equal(training_job(f->training, id, &job), ERROR_OK);
		poll(NULL, 0, 2);
	} while (job.ended_us == 0 && monotonic_now_us() < until_us);
	assert_true(job.ended_us > 0);
	return job;
}

static inline struct job train(struct fixture *f, const char *model)
{
	char id[JOB_ID_LENGTH + 1];
	assert_int_equal(training_begin(f->training, model, "api", id, &f->why), ERROR_OK);
	return wait_job(f, id);
}

static inline int64_t serving(struct fixture *f, const char *model)
{
	struct version *version = registry_acquire(f->registry, model);
	int64_t number = version ? version_number(version) : -1;
	version_release(&version);
	return number;
}

#endif
