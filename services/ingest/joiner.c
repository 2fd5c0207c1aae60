/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `lock` guards the list of work, `stopping` and `busy`. The thread takes one piece of
 * work out of the list while it is at it (`busy`), so that its fields are its own meanwhile; an
 * offer for it then waits in `busy_offer`. What it has to look into (`folders`, `current`) is
 * guarded by `lock` also then. `cancel` is only ever set. A partition has one piece of work, of its
 * last lease.
 *
 * A new owner looks into every folder once: what was begun there and not ended, and what is left of
 * a day that is over. After that, into the one where files come, and once more into one that they
 * no longer come to.
 */
#include "joiner.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "date_list.h"
#include "join.h"
#include "log.h"
#include "timestamp.h"

enum { WHY_BYTES = 1024, PAUSE_US = 20000, PATIENCE_US = 2000000, LOOK_EVERY_US = 1000000 };

struct work {
	struct work *next;
	struct lease *lease; /* held */
	int64_t published;
	/* what the last look found waiting, and what was published since */
	int64_t files, bytes;
	int64_t due_at_us; /* monotonic */
	int failures;
	bool listed;            /* `folders` is what the dataset had, and what came since */
	struct date_list found; /* by a look, until it is put back */
	struct date_list folders;
	int32_t current; /* where the last file came */
	int32_t date;    /* of the folder that is looked into */
	bool ended;      /* no file comes there any more */
	bool through;    /* nothing is left to do there */
	char behind[FILE_NAME_MAX];
	int32_t behind_date; /* the folder that `behind` is of */
};

struct joiner {
	struct joiner_options options;
	struct webhdfs *hdfs;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct work *list, *busy;
	struct {
		int64_t published, files, bytes;
	} busy_offer;
	bool stopping;
	atomic_bool cancel;
	pthread_t thread;
};

/* --- the list; `lock` is held ------------------------------------------------------------------
 */

static void destroy_work(struct work **work)
{
	lease_drop(&(*work)->lease);
	date_list_clean_up(&(*work)->found);
	date_list_clean_up(&(*work)->folders);
	free(*work);
	*work = NULL;
}

static bool is_of(const struct work *work, const struct lease *lease)
{
	return work->lease->dataset == lease->dataset && work->lease->partition == lease->partition;
}

static void drop_ended(struct joiner *joiner)
{
	for (struct work **at = &joiner->list; *at;) {
		struct work *work = *at;
		if (!atomic_load(&work->lease->ended)) {
			at = &work->next;
			continue;
		}
		*at = work->next;
		destroy_work(&work);
	}
}

static struct work *find(struct joiner *joiner, const struct lease *lease)
{
	struct work *work = joiner->list;
	while (work && !is_of(work, lease))
		work = work->next;
	return work;
}

static struct work *add(struct joiner *joiner, struct lease *lease)
{
	struct work *work = calloc(1, sizeof *work);
	if (!work)
		return NULL;
	work->lease = lease_hold(lease);
	work->files = joiner->options.files; /* nothing is known: look */
	work->next = joiner->list;
	joiner->list = work;
	return work;
}

static bool is_worth_a_look(const struct joiner *joiner, const struct work *work)
{
	return !work->listed || work->folders.count > 0 || work->files >= joiner->options.files ||
	       (work->files > 1 && work->bytes >= joiner->options.bytes);
}

static void choose_folder(struct work *work)
{
	const struct date_list *folders = &work->folders;
	work->date = folders->count > 0 ? folders->dates[folders->count - 1] : work->current;
	if (work->date != work->behind_date)
		work->behind[0] = '\0';
	work->behind_date = work->date;
	work->ended = work->date != work->current;
	work->through = false;
}

/* Without memory for it the folder is left to the next owner. */
static void add_folder(struct work *work, int32_t date)
{
	struct date_list *folders = &work->folders;
	int32_t *larger = realloc(folders->dates, (folders->count + 1) * sizeof *larger);
	if (!larger)
		return;
	folders->dates = larger;
	folders->dates[folders->count++] = date;
}

/* Once: it may have been added again meanwhile. */
static void remove_folder(struct work *work, int32_t date)
{
	struct date_list *folders = &work->folders;
	for (size_t i = 0; i < folders->count; i++) {
		if (folders->dates[i] != date)
			continue;
		folders->count--;
		memmove(folders->dates + i, folders->dates + i + 1,
			(folders->count - i) * sizeof *folders->dates);
		return;
	}
}

static void turn_to(struct work *work, int32_t date)
{
	if (date == work->current)
		return;
	add_folder(work, work->current);
	work->current = date;
}

/* Takes out what is due, or NULL and the time when something may be. */
static struct work *take_due(struct joiner *joiner, int64_t now_us, int64_t *next_us)
{
	*next_us = now_us + LOOK_EVERY_US;
	drop_ended(joiner);
	for (struct work **at = &joiner->list; *at; at = &(*at)->next) {
		struct work *work = *at;
		if (!is_worth_a_look(joiner, work))
			continue;
		if (work->due_at_us <= now_us) {
			*at = work->next;
			choose_folder(work);
			return work;
		}
		if (work->due_at_us < *next_us)
			*next_us = work->due_at_us;
	}
	return NULL;
}

/* Back to the end of the list, so that every partition has its turn. */
static void put_back(struct joiner *joiner, struct work *work)
{
	struct work **at = &joiner->list;
	while (*at && !is_of(*at, work->lease))
		at = &(*at)->next;
	if (*at) { /* taken over anew meanwhile */
		destroy_work(&work);
		return;
	}
	if (joiner->busy_offer.files > 0) {
		work->published = joiner->busy_offer.published;
		work->files += joiner->busy_offer.files;
		work->bytes += joiner->busy_offer.bytes;
	}
	if (work->through)
		remove_folder(work, work->date);
	for (size_t i = 0; i < work->found.count; i++)
		add_folder(work, work->found.dates[i]);
	date_list_clean_up(&work->found);
	work->next = NULL;
	*at = work;
}

void joiner_offer(struct joiner *joiner, struct lease *lease, int64_t published, int64_t bytes,
		  int32_t date)
{
	if (!joiner)
		return;
	pthread_mutex_lock(&joiner->lock);
	drop_ended(joiner);
	if (joiner->busy && joiner->busy->lease == lease) {
		turn_to(joiner->busy, date);
		joiner->busy_offer.published = published;
		joiner->busy_offer.files++;
		joiner->busy_offer.bytes += bytes;
	} else {
		struct work *work = find(joiner, lease);
		if (!work)
			work = add(joiner, lease);
		if (work) {
			work->published = published;
			work->files++;
			work->bytes += bytes;
			turn_to(work, date);
		}
	}
	pthread_cond_signal(&joiner->changed);
	pthread_mutex_unlock(&joiner->lock);
}

/* --- one look; without `lock` --------------------------------------------------------------------
 */

static void note_failure(const struct joiner *joiner, struct work *work, enum error error,
			 const char *why, int64_t now_us)
{
	const struct joiner_options *options = &joiner->options;
	int64_t wait_us = options->retry_min_us;
	for (int i = 0; i < work->failures && wait_us < options->retry_max_us; i++)
		wait_us *= 2;
	if (wait_us > options->retry_max_us)
		wait_us = options->retry_max_us;
	/* Another joiner was first, which passes by itself. */
	bool passes =
		webhdfs_is_transient(error) || error == ERROR_NOT_FOUND || error == ERROR_EXISTS;
	if (!passes)
		wait_us = options->blocked_retry_us;
	work->failures++;
	work->due_at_us = now_us + wait_us;
	work->files = options->files;
	work->behind[0] = '\0';
	log_warn("join failed", LOG_STR("topic", work->lease->dataset->topic),
		 LOG_I64("partition", work->lease->partition), LOG_STR("error", error_name(error)),
		 LOG_STR("why", why), LOG_I64("failures", work->failures),
		 LOG_I64("again_in_ms", wait_us / 1000));
}

static void note_joined(struct work *work, const struct join_result *result)
{
	const struct dataset *dataset = work->lease->dataset;
	atomic_fetch_add(&work->lease->joined_away, result->before - result->after);
	dataset_count_join(dataset, ERROR_OK);
	dataset_count_joined(dataset, result->before, result->after);
	log_debug("joined", LOG_STR("topic", dataset->topic),
		  LOG_I64("partition", work->lease->partition),
		  LOG_I64("first", result->into.first), LOG_I64("last", result->into.last),
		  LOG_I64("files", result->before));
}

static enum error list_folders(struct joiner *joiner, struct work *work, struct text *why)
{
	enum error error = date_list_read(work->lease->dataset, joiner->hdfs, &work->found, why);
	if (error)
		date_list_clean_up(&work->found);
	work->listed = !error;
	return error;
}

static enum error join_once(struct joiner *joiner, struct work *work, struct text *why)
{
	char folder[1100];
	date_folder_path(work->lease->dataset->folder, work->date, folder, sizeof folder);
	const struct join_rules rules = { .bytes = joiner->options.bytes,
					  .files = joiner->options.files,
					  .sources = join_sources_max(folder),
					  .published = work->published,
					  .ended = work->ended };
	struct join_result result;
	enum error error =
		join_run(work->lease, work->date, &rules, work->behind, joiner->hdfs, &result, why);
	if (!work->ended) {
		/* After a join there may be more. */
		work->files = result.joined ? joiner->options.files : result.waiting_files;
		work->bytes = result.waiting_bytes;
	}
	if (result.joined)
		note_joined(work, &result);
	/* What contradicts itself in an old folder must not keep the others from being joined. */
	work->through = error ? error == ERROR_CONFLICT && work->ended : !result.joined;
	return error;
}

static void look_at(struct joiner *joiner, struct work *work)
{
	char memory[WHY_BYTES];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	enum error error =
		work->listed ? join_once(joiner, work, &why) : list_folders(joiner, work, &why);
	int64_t now_us = monotonic_now_us();
	work->due_at_us = now_us + PAUSE_US;
	if (error && error != ERROR_CANCELLED) {
		dataset_count_join(work->lease->dataset, error);
		note_failure(joiner, work, error, why.data, now_us);
	} else {
		work->failures = 0;
	}
}

/* --- the thread ----------------------------------------------------------------------------------
 */

static void wait_until(struct joiner *joiner, int64_t at_us)
{
	const struct timespec until = { .tv_sec = at_us / 1000000,
					.tv_nsec = at_us % 1000000 * 1000 };
	pthread_cond_timedwait(&joiner->changed, &joiner->lock, &until);
}

static void *join_until_stopped(void *argument)
{
	struct joiner *joiner = argument;
	pthread_mutex_lock(&joiner->lock);
	while (!joiner->stopping) {
		int64_t next_us;
		joiner->busy = take_due(joiner, monotonic_now_us(), &next_us);
		if (!joiner->busy) {
			wait_until(joiner, next_us);
			continue;
		}
		memset(&joiner->busy_offer, 0, sizeof joiner->busy_offer);
		pthread_mutex_unlock(&joiner->lock);
		look_at(joiner, joiner->busy);
		pthread_mutex_lock(&joiner->lock);
		put_back(joiner, joiner->busy);
		joiner->busy = NULL;
		pthread_cond_broadcast(&joiner->changed);
	}
	pthread_mutex_unlock(&joiner->lock);
	return NULL;
}

enum error joiner_start(const struct joiner_options *options, struct joiner **made,
			struct text *why)
{
	struct joiner *joiner = calloc(1, sizeof *joiner);
	if (!joiner)
		return ERROR_NO_MEMORY;
	joiner->options = *options;
	joiner->options.hdfs.cancel = &joiner->cancel;
	enum error error = webhdfs_new(&joiner->options.hdfs, &joiner->hdfs, why);
	if (error)
		goto fail_hdfs;
	pthread_mutex_init(&joiner->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&joiner->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&joiner->thread, NULL, join_until_stopped, joiner) != 0) {
		why_putf(why, "no thread for the joiner");
		error = ERROR_SYSTEM;
		goto fail_thread;
	}
	*made = joiner;
	return ERROR_OK;

fail_thread:
	pthread_mutex_destroy(&joiner->lock);
	pthread_cond_destroy(&joiner->changed);
	webhdfs_destroy(&joiner->hdfs);
fail_hdfs:
	free(joiner);
	return error;
}

void joiner_destroy(struct joiner **made)
{
	struct joiner *joiner = *made;
	if (!joiner)
		return;
	int64_t until_us = monotonic_now_us() + PATIENCE_US;
	pthread_mutex_lock(&joiner->lock);
	joiner->stopping = true;
	pthread_cond_broadcast(&joiner->changed);
	while (joiner->busy && monotonic_now_us() < until_us)
		wait_until(joiner, until_us);
	pthread_mutex_unlock(&joiner->lock);
	atomic_store(&joiner->cancel, true);
	pthread_join(joiner->thread, NULL);
	while (joiner->list) {
		struct work *work = joiner->list;
		joiner->list = work->next;
		destroy_work(&work);
	}
	pthread_mutex_destroy(&joiner->lock);
	pthread_cond_destroy(&joiner->changed);
	webhdfs_destroy(&joiner->hdfs);
	free(joiner);
	*made = NULL;
}
