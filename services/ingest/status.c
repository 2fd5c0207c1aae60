/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `lock` guards everything here. A flush belongs to the worker that waits for it; it is
 * in the list only while that worker is inside status_flush.
 */
#include "status.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "timestamp.h"

enum { MAX_FILES = 4096, MAX_ACKNOWLEDGEMENTS = 64 };

struct acknowledgement {
	const struct dataset *dataset;
	int32_t partition;
};

struct status {
	pthread_mutex_t lock;
	pthread_cond_t flushed;
	struct partition_view *views;
	size_t count;
	struct status_totals totals;
	struct flush *flushes;
	bool closed;
	struct acknowledgement acknowledgements[MAX_ACKNOWLEDGEMENTS];
	size_t acknowledgement_count;
	uint64_t next_file; /* its place is next_file % MAX_FILES */
	struct published_file files[MAX_FILES];
};

struct status *status_new(void)
{
	struct status *status = calloc(1, sizeof *status);
	if (!status)
		return NULL;
	pthread_mutex_init(&status->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&status->flushed, &attributes);
	pthread_condattr_destroy(&attributes);
	return status;
}

void status_destroy(struct status **made)
{
	struct status *status = *made;
	if (!status)
		return;
	pthread_mutex_destroy(&status->lock);
	pthread_cond_destroy(&status->flushed);
	free(status->views);
	free(status);
	*made = NULL;
}

struct partition_view *status_views(struct status *status, size_t *count,
				    struct status_totals *totals)
{
	pthread_mutex_lock(&status->lock);
	*count = status->count;
	*totals = status->totals;
	struct partition_view *copy = calloc(status->count + 1, sizeof *copy);
	if (copy && status->count > 0)
		memcpy(copy, status->views, status->count * sizeof *copy);
	pthread_mutex_unlock(&status->lock);
	return copy;
}

static void withdraw(struct status *status, const struct flush *flush)
{
	struct flush **at = &status->flushes;
	while (*at != flush)
		at = &(*at)->next;
	*at = flush->next;
}

enum error status_flush(struct status *status, struct flush *flush, int64_t deadline_us)
{
	struct timespec until = { .tv_sec = deadline_us / 1000000,
				  .tv_nsec = deadline_us % 1000000 * 1000 };
	pthread_mutex_lock(&status->lock);
	flush->next = status->flushes;
	status->flushes = flush;
	while (!flush->done && !status->closed && monotonic_now_us() < deadline_us)
		pthread_cond_timedwait(&status->flushed, &status->lock, &until);
	withdraw(status, flush);
	enum error error = flush->done      ? ERROR_OK
			   : status->closed ? ERROR_CANCELLED
					    : ERROR_TIMEOUT;
	pthread_mutex_unlock(&status->lock);
	return error;
}

uint64_t status_next_file(struct status *status)
{
	pthread_mutex_lock(&status->lock);
	uint64_t next = status->next_file;
	pthread_mutex_unlock(&status->lock);
	return next;
}

size_t status_files(struct status *status, uint64_t from, struct published_file *files, size_t size)
{
	pthread_mutex_lock(&status->lock);
	if (status->next_file > MAX_FILES && from < status->next_file - MAX_FILES)
		from = status->next_file - MAX_FILES;
	size_t count = 0;
	for (uint64_t i = from; i < status->next_file && count < size; i++)
		files[count++] = status->files[i % MAX_FILES];
	pthread_mutex_unlock(&status->lock);
	return count;
}

enum error status_acknowledge(struct status *status, const struct dataset *dataset,
			      int32_t partition)
{
	pthread_mutex_lock(&status->lock);
	bool room = status->acknowledgement_count < MAX_ACKNOWLEDGEMENTS;
	if (room)
		status->acknowledgements[status->acknowledgement_count++] =
			(struct acknowledgement){ dataset, partition };
	pthread_mutex_unlock(&status->lock);
	return room ? ERROR_OK : ERROR_LIMIT;
}

void status_publish(struct status *status, struct partition_view *views, size_t count,
		    const struct status_totals *totals)
{
	pthread_mutex_lock(&status->lock);
	struct partition_view *before = status->views;
	status->views = views;
	status->count = count;
	status->totals = *totals;
	pthread_mutex_unlock(&status->lock);
	free(before);
}

void status_add_file(struct status *status, const struct published_file *file)
{
	pthread_mutex_lock(&status->lock);
	status->files[status->next_file++ % MAX_FILES] = *file;
	pthread_mutex_unlock(&status->lock);
}

void status_visit_flushes(struct status *status, void (*visit)(struct flush *flush, void *user),
			  void *user)
{
	bool some_done = false;
	pthread_mutex_lock(&status->lock);
	for (struct flush *flush = status->flushes; flush; flush = flush->next) {
		if (!flush->done)
			visit(flush, user);
		some_done |= flush->done;
	}
	if (some_done)
		pthread_cond_broadcast(&status->flushed);
	pthread_mutex_unlock(&status->lock);
}

bool status_take_acknowledgement(struct status *status, const struct dataset **dataset,
				 int32_t *partition)
{
	pthread_mutex_lock(&status->lock);
	bool some = status->acknowledgement_count > 0;
	if (some) {
		const struct acknowledgement *last =
			&status->acknowledgements[--status->acknowledgement_count];
		*dataset = last->dataset;
		*partition = last->partition;
	}
	pthread_mutex_unlock(&status->lock);
	return some;
}

void status_close(struct status *status)
{
	pthread_mutex_lock(&status->lock);
	status->closed = true;
	pthread_cond_broadcast(&status->flushed);
	pthread_mutex_unlock(&status->lock);
}
