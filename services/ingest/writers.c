/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `lock` guards both queues and `stopping`. A job belongs to the polling thread, to the
 * queue it stands in, or to the one writer that runs it. Each writer has a WebHDFS client of its
 * own. `cancel` is only ever set, by writers_destroy. `pending` is the polling thread's.
 */
#include "writers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "commit.h"
#include "timestamp.h"

struct queue {
	struct job *head, **tail;
};

struct writer {
	struct writers *all;
	struct webhdfs *hdfs;
	pthread_t thread;
};

struct writers {
	pthread_mutex_t lock;
	pthread_cond_t wanted, done_changed;
	struct queue todo, done;
	size_t pending;
	bool stopping;
	atomic_bool cancel;
	rd_kafka_t *kafka;
	size_t count, started;
	struct writer *threads;
};

static void queue_put(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->tail = job;
	queue->tail = &job->next;
}

static struct job *queue_take(struct queue *queue)
{
	struct job *job = queue->head;
	if (!job)
		return NULL;
	queue->head = job->next;
	if (!queue->head)
		queue->tail = &queue->head;
	return job;
}

struct job *job_new(enum job_kind kind, struct lease *lease, struct batch *batch)
{
	struct job *job = calloc(1, sizeof *job);
	if (!job)
		return NULL;
	job->kind = kind;
	job->lease = lease_hold(lease);
	job->batch = batch;
	return job;
}

void job_destroy(struct job **job)
{
	if (!*job)
		return;
	batch_destroy(&(*job)->batch);
	lease_drop(&(*job)->lease);
	free(*job);
	*job = NULL;
}

static void run(struct writer *writer, struct job *job)
{
	struct text why;
	text_init_fixed(&why, job->why, sizeof job->why);
	if (job->kind != JOB_GIVE_BACK && atomic_load(&job->lease->ended))
		job->error = ERROR_CANCELLED;
	else if (job->kind == JOB_RECOVER)
		job->error = recovery_run(job->lease, writer->hdfs, writer->all->kafka,
					  &job->recovery, &why);
	else if (job->kind == JOB_PUBLISH)
		job->error = commit_run(job->batch, job->lease, writer->hdfs, &why);
	else
		job->error = recovery_give_back(job->lease, writer->hdfs, &why);
}

static void *write_until_stopped(void *argument)
{
	struct writer *writer = argument;
	struct writers *all = writer->all;
	pthread_mutex_lock(&all->lock);
	for (;;) {
		struct job *job = NULL;
		while (!all->stopping && !(job = queue_take(&all->todo)))
			pthread_cond_wait(&all->wanted, &all->lock);
		if (!job)
			break;
		pthread_mutex_unlock(&all->lock);
		run(writer, job);
		pthread_mutex_lock(&all->lock);
		queue_put(&all->done, job);
		pthread_cond_signal(&all->done_changed);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

static enum error start_one(struct writers *writers, const struct webhdfs_options *hdfs,
			    struct text *why)
{
	struct writer *writer = &writers->threads[writers->started];
	struct webhdfs_options options = *hdfs;
	options.cancel = &writers->cancel;
	writer->all = writers;
	enum error error = webhdfs_new(&options, &writer->hdfs, why);
	if (error)
		return error;
	if (pthread_create(&writer->thread, NULL, write_until_stopped, writer) != 0) {
		webhdfs_destroy(&writer->hdfs);
		why_putf(why, "no thread for a writer");
		return ERROR_SYSTEM;
	}
	writers->started++;
	return ERROR_OK;
}

enum error writers_new(const struct writers_options *options, struct writers **made,
		       struct text *why)
{
	struct writers *writers = calloc(1, sizeof *writers);
	if (!writers)
		return ERROR_NO_MEMORY;
	writers->todo.tail = &writers->todo.head;
	writers->done.tail = &writers->done.head;
	writers->kafka = options->kafka;
	writers->count = options->threads;
	pthread_mutex_init(&writers->lock, NULL);
	pthread_cond_init(&writers->wanted, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writers->done_changed, &attributes);
	pthread_condattr_destroy(&attributes);
	enum error error = ERROR_NO_MEMORY;
	writers->threads = calloc(writers->count, sizeof *writers->threads);
	if (!writers->threads)
		goto fail;
	do
		error = start_one(writers, &options->hdfs, why);
	while (!error && writers->started < writers->count);
	if (error)
		goto fail;
	*made = writers;
	return ERROR_OK;
fail:
	writers_destroy(&writers);
	return error;
}

size_t writers_pending(const struct writers *writers)
{
	return writers->pending;
}

void writers_submit(struct writers *writers, struct job *job)
{
	writers->pending++;
	pthread_mutex_lock(&writers->lock);
	queue_put(&writers->todo, job);
	pthread_cond_signal(&writers->wanted);
	pthread_mutex_unlock(&writers->lock);
}

struct job *writers_done(struct writers *writers, int64_t deadline_us)
{
	struct timespec until = { .tv_sec = deadline_us / 1000000,
				  .tv_nsec = deadline_us % 1000000 * 1000 };
	pthread_mutex_lock(&writers->lock);
	struct job *job = queue_take(&writers->done);
	while (!job && monotonic_now_us() < deadline_us) {
		pthread_cond_timedwait(&writers->done_changed, &writers->lock, &until);
		job = queue_take(&writers->done);
	}
	pthread_mutex_unlock(&writers->lock);
	writers->pending -= job ? 1 : 0;
	return job;
}

static void destroy_all(struct queue *queue)
{
	struct job *job;
	while ((job = queue_take(queue)))
		job_destroy(&job);
}

void writers_destroy(struct writers **made)
{
	struct writers *writers = *made;
	if (!writers)
		return;
	atomic_store(&writers->cancel, true);
	pthread_mutex_lock(&writers->lock);
	writers->stopping = true;
	pthread_cond_broadcast(&writers->wanted);
	pthread_mutex_unlock(&writers->lock);
	for (size_t i = 0; i < writers->started; i++) {
		pthread_join(writers->threads[i].thread, NULL);
		webhdfs_destroy(&writers->threads[i].hdfs);
	}
	destroy_all(&writers->todo);
	destroy_all(&writers->done);
	pthread_mutex_destroy(&writers->lock);
	pthread_cond_destroy(&writers->wanted);
	pthread_cond_destroy(&writers->done_changed);
	free(writers->threads);
	free(writers);
	*made = NULL;
}
