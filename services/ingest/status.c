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
	pthread_cond_t changed; /* a flush is done, `totals.paused` or its wish changed */
	struct partition_view *views;
	size_t count;
	struct status_totals totals;
	struct log_end *ends;
	size_t end_count;
	struct flush *flushes;
	bool closed, pause_wished;
	struct acknowledgement acknowledgements[MAX_ACKNOWLEDGEMENTS];
	size_t acknowledgement_count;
	uint64_t next_file; /* its place is next_file % MAX_FILES */
	int64_t began_us;   /* wall clock */
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
	pthread_cond_init(&status->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	status->began_us = wall_now_us();
	return status;
}

void status_destroy(struct status **made)
{
	struct status *status = *made;
	if (!status)
		return;
	pthread_mutex_destroy(&status->lock);
	pthread_cond_destroy(&status->changed);
	free(status->views);
	free(status->ends);
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
		pthread_cond_timedwait(&status->changed, &status->lock, &until);
	withdraw(status, flush);
	enum error error = flush->reached   ? ERROR_OK
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

static int64_t file_time(const struct status *status, uint64_t number)
{
	return status->files[number % MAX_FILES].wall_us;
}

/* The number of the first file after `after_us`: their times ascend. */
static uint64_t first_after(const struct status *status, uint64_t low, int64_t after_us)
{
	uint64_t high = status->next_file;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (file_time(status, middle) > after_us)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct files_found status_find_files(struct status *status, int64_t after_us, bool newest,
				     struct published_file *files, size_t size)
{
	pthread_mutex_lock(&status->lock);
	uint64_t oldest = status->next_file > MAX_FILES ? status->next_file - MAX_FILES : 0;
	uint64_t from = first_after(status, oldest, after_us);
	uint64_t there = status->next_file - from;
	struct files_found found = {
		.count = there < size ? (size_t)there : size,
		.more = there > size,
		.complete_since_us = oldest > 0 ? file_time(status, oldest) : status->began_us,
	};
	if (newest)
		from = status->next_file - found.count;
	for (size_t i = 0; i < found.count; i++)
		files[i] = status->files[(from + i) % MAX_FILES];
	pthread_mutex_unlock(&status->lock);
	return found;
}

enum error status_pause(struct status *status, bool paused, int64_t deadline_us,
			struct status_totals *totals)
{
	struct timespec until = { .tv_sec = deadline_us / 1000000,
				  .tv_nsec = deadline_us % 1000000 * 1000 };
	pthread_mutex_lock(&status->lock);
	status->pause_wished = paused;
	pthread_cond_broadcast(&status->changed);
	while (status->pause_wished == paused && status->totals.paused != paused &&
	       !status->closed && monotonic_now_us() < deadline_us)
		pthread_cond_timedwait(&status->changed, &status->lock, &until);
	*totals = status->totals;
	enum error error = status->totals.paused == paused  ? ERROR_OK
			   : status->pause_wished != paused ? ERROR_CONFLICT
			   : status->closed                 ? ERROR_CANCELLED
							    : ERROR_TIMEOUT;
	pthread_mutex_unlock(&status->lock);
	return error;
}

void status_note_ends(struct status *status, struct log_end *ends, size_t count)
{
	pthread_mutex_lock(&status->lock);
	struct log_end *before = status->ends;
	status->ends = ends;
	status->end_count = count;
	pthread_mutex_unlock(&status->lock);
	free(before);
}

int64_t status_log_end(struct status *status, const struct dataset *dataset, int32_t partition)
{
	int64_t high = -1;
	pthread_mutex_lock(&status->lock);
	for (size_t i = 0; i < status->end_count; i++)
		if (status->ends[i].dataset == dataset && status->ends[i].partition == partition)
			high = status->ends[i].high;
	pthread_mutex_unlock(&status->lock);
	return high;
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
	bool wake = status->totals.paused != totals->paused;
	status->totals = *totals;
	for (struct flush *flush = status->flushes; flush; flush = flush->next) {
		flush->done = flush->reached;
		wake |= flush->done;
	}
	if (wake)
		pthread_cond_broadcast(&status->changed);
	pthread_mutex_unlock(&status->lock);
	free(before);
}

void status_add_file(struct status *status, const struct published_file *file)
{
	pthread_mutex_lock(&status->lock);
	struct published_file *place = &status->files[status->next_file % MAX_FILES];
	/* The clock may have been set back, and its times are what readers go by. */
	int64_t before_us = status->next_file > 0 ? file_time(status, status->next_file - 1) : 0;
	*place = *file;
	if (place->wall_us <= before_us)
		place->wall_us = before_us + 1;
	status->next_file++;
	pthread_mutex_unlock(&status->lock);
}

bool status_visit_flushes(struct status *status, void (*visit)(struct flush *flush, void *user),
			  void *user)
{
	bool some = false;
	pthread_mutex_lock(&status->lock);
	for (struct flush *flush = status->flushes; flush; flush = flush->next) {
		if (flush->reached)
			continue;
		visit(flush, user);
		some |= flush->reached;
	}
	pthread_mutex_unlock(&status->lock);
	return some;
}

bool status_pause_wished(struct status *status)
{
	pthread_mutex_lock(&status->lock);
	bool wished = status->pause_wished;
	pthread_mutex_unlock(&status->lock);
	return wished;
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
	pthread_cond_broadcast(&status->changed);
	pthread_mutex_unlock(&status->lock);
}
