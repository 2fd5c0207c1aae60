/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: each worker owns its client (the first one has the caller's, which is at rest
 * meanwhile), features and partials; it takes the next piece of work from an atomic counter. `lock`
 * guards the result, the refusals, the first error and its text. A worker that fails sets `stop`,
 * and the others end before their next file. Nothing else is shared.
 */
#include "reading.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "features.h"
#include "timestamp.h"

/* Files that one worker reads in a row: one, or a whole partition. */
struct piece {
	size_t begin, end;
};

struct pool {
	const struct reading_request *request;
	struct reading_result *result;
	struct piece *pieces;
	size_t piece_count;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t lock;
	enum error error;
	struct text *why;
};

struct worker {
	struct pool *pool;
	struct webhdfs *client;
	bool borrows; /* the client is the caller's */
	struct features *features;
	struct partial *gathered;  /* of the files read whole */
	struct partial *file;      /* of the one being read */
	int64_t bytes, rows, used; /* of this file, told to the progress already */
	pthread_t thread;
};

/* --- one file -------------------------------------------------------------------------------- */

static void on_record(int64_t timestamp_us, const double *values, void *user)
{
	struct worker *worker = user;
	partial_count_record(worker->file);
	features_push(worker->features, timestamp_us, values, partial_take, worker->file);
}

static void on_malformed(void *user)
{
	struct worker *worker = user;
	partial_count_record(worker->file);
	partial_count(worker->file, ROW_MALFORMED);
}

static void on_bytes(size_t count, void *user)
{
	struct worker *worker = user;
	struct reading_progress *progress = worker->pool->request->progress;
	const struct partial_counts *counts = partial_counts(worker->file);
	atomic_fetch_add(&progress->bytes, (int64_t)count);
	atomic_fetch_add(&progress->rows, counts->records - worker->rows);
	atomic_fetch_add(&progress->rows_used, counts->rows[ROW_USED] - worker->used);
	worker->bytes += (int64_t)count;
	worker->rows = counts->records;
	worker->used = counts->rows[ROW_USED];
}

/* Takes back what on_bytes told of a file that will not count. */
static void forget_file(struct worker *worker)
{
	struct reading_progress *progress = worker->pool->request->progress;
	atomic_fetch_sub(&progress->bytes, worker->bytes);
	atomic_fetch_sub(&progress->rows, worker->rows);
	atomic_fetch_sub(&progress->rows_used, worker->used);
}

static enum error read_once(struct worker *worker, const struct dataset_file *file,
			    struct text *why)
{
	const struct reading_request *request = worker->pool->request;
	int64_t from = request->from ? request->from[file - request->dataset->files] : 0;
	const struct dataset_sink sink = { .wanted = spec_columns(request->spec),
					   .record = on_record,
					   .malformed = on_malformed,
					   .bytes = on_bytes,
					   .user = worker };
	worker->bytes = worker->rows = worker->used = 0;
	partial_reset(worker->file);
	enum error error = dataset_read(worker->client, request->folder, file, from,
					request->spec->table, &sink, why);
	if (error == ERROR_OK)
		error = partial_error(worker->file);
	if (error != ERROR_OK)
		forget_file(worker);
	return error;
}

/* A file that seems cut may also have been joined or replaced since it was listed. */
static enum error settle_length(struct worker *worker, const struct dataset_file *file)
{
	char path[1200];
	struct webhdfs_status status;
	dataset_print_path(worker->pool->request->folder, file, path, sizeof(path));
	enum error error = webhdfs_stat(worker->client, path, &status, NULL);
	if (error == ERROR_NOT_FOUND || (error == ERROR_OK && status.length != file->length))
		return ERROR_CONFLICT;
	return error == ERROR_OK ? ERROR_LENGTH : error;
}

static bool may_go_on(const struct worker *worker)
{
	return !atomic_load(&worker->pool->stop) &&
	       !atomic_load(&worker->pool->request->progress->cancel);
}

/* Waits before another try, in short steps so that a cancel is seen. */
static void back_off(const struct worker *worker, int attempt)
{
	int64_t until_us = monotonic_now_us() + (INT64_C(250000) << attempt);
	const struct timespec step = { .tv_nsec = 50000000 };
	while (may_go_on(worker) && monotonic_now_us() < until_us)
		nanosleep(&step, NULL);
}

/* Tries a file until it is settled. A cut one is LENGTH. */
static enum error read_settled(struct worker *worker, const struct dataset_file *file,
			       struct text *why)
{
	struct features *before = features_clone(worker->features);
	enum error error = before ? ERROR_OK : ERROR_NO_MEMORY;
	for (int attempt = 0; before && attempt < READING_ATTEMPTS; attempt++) {
		text_reset(why);
		error = read_once(worker, file, why);
		if (error == ERROR_LENGTH)
			error = settle_length(worker, file);
		if (error == ERROR_NOT_FOUND)
			error = ERROR_CONFLICT;
		if (error == ERROR_OK)
			break;
		features_destroy(&worker->features);
		worker->features = features_clone(before);
		if (!worker->features)
			error = ERROR_NO_MEMORY;
		if (!webhdfs_is_transient(error) || !may_go_on(worker))
			break;
		back_off(worker, attempt);
	}
	features_destroy(&before);
	return error;
}

static void refuse_file(struct worker *worker, const struct dataset_file *file, const char *reason)
{
	struct pool *pool = worker->pool;
	struct reading_result *result = pool->result;
	pthread_mutex_lock(&pool->lock);
	if (result->refused_count < READING_MAX_REFUSED) {
		struct reading_refusal *refusal = &result->refused[result->refused_count];
		refusal->file = *file;
		snprintf(refusal->reason, sizeof(refusal->reason), "%s", reason);
	}
	result->refused_count++;
	pthread_mutex_unlock(&pool->lock);
	atomic_fetch_add(&pool->request->progress->files_refused, 1);
}

static enum error read_file(struct worker *worker, const struct dataset_file *file,
			    struct text *why)
{
	enum error error = read_settled(worker, file, why);
	if (error == ERROR_LENGTH) {
		refuse_file(worker, file, why->data);
		error = ERROR_OK;
	} else if (error == ERROR_OK) {
		error = partial_merge(worker->gathered, worker->file);
	}
	atomic_fetch_add(&worker->pool->request->progress->files, error == ERROR_OK ? 1 : 0);
	return error;
}

/* --- workers --------------------------------------------------------------------------------- */

/* An empty file counts as new until a checkpoint covers it, which then spares nothing. */
static bool is_new(const struct reading_request *request, size_t index)
{
	return !request->from || request->from[index] < request->dataset->files[index].length;
}

/* A stream for a partition: from where it stood, or from the start. */
static struct features *open_stream(const struct reading_request *request, int32_t partition)
{
	const struct checkpoint_partition *known =
		request->resume ? checkpoint_find(request->resume, partition) : NULL;
	return known && known->features ? features_clone(known->features)
					: features_new(request->spec);
}

static enum error read_piece(struct worker *worker, const struct piece *piece, struct text *why)
{
	const struct reading_request *request = worker->pool->request;
	const struct dataset_file *files = request->dataset->files;
	enum error error = ERROR_OK;
	features_destroy(&worker->features);
	worker->features = open_stream(request, files[piece->begin].partition);
	if (!worker->features)
		return ERROR_NO_MEMORY;
	for (size_t i = piece->begin; i < piece->end && error == ERROR_OK; i++) {
		if (!may_go_on(worker))
			return ERROR_CANCELLED;
		if (is_new(request, i))
			error = read_file(worker, &files[i], why);
	}
	return error;
}

/* Hands the stream of a partition that was read to its end to the result. */
static void hand_over_stream(struct worker *worker, const struct piece *piece)
{
	struct pool *pool = worker->pool;
	if (!spec_is_ordered(pool->request->spec))
		return;
	pthread_mutex_lock(&pool->lock);
	struct checkpoint_partition *reached = checkpoint_find(
		&pool->result->reached, pool->request->dataset->files[piece->begin].partition);
	pool->result->pending += (int64_t)features_pending(worker->features);
	reached->features = worker->features;
	worker->features = NULL;
	pthread_mutex_unlock(&pool->lock);
}

/* Adds to the result; the first error of all workers stays. */
static void hand_in(struct worker *worker, enum error error, const char *why)
{
	struct pool *pool = worker->pool;
	pthread_mutex_lock(&pool->lock);
	if (error == ERROR_OK && worker->gathered)
		error = partial_merge(pool->result->partial, worker->gathered);
	if (error != ERROR_OK && pool->error == ERROR_OK) {
		pool->error = error;
		why_putf(pool->why, "%s", why);
	}
	pthread_mutex_unlock(&pool->lock);
	if (error != ERROR_OK)
		atomic_store(&pool->stop, true);
}

static void *work(void *user)
{
	struct worker *worker = user;
	struct pool *pool = worker->pool;
	char memory[600];
	struct text why;
	enum error error = ERROR_OK;
	text_init_fixed(&why, memory, sizeof(memory));
	for (size_t i; error == ERROR_OK && may_go_on(worker) &&
		       (i = atomic_fetch_add(&pool->next, 1)) < pool->piece_count;) {
		error = read_piece(worker, &pool->pieces[i], &why);
		if (error == ERROR_OK)
			hand_over_stream(worker, &pool->pieces[i]);
	}
	if (atomic_load(&pool->request->progress->cancel))
		error = ERROR_CANCELLED;
	hand_in(worker, error, why.data);
	return NULL;
}

static void worker_clean_up(struct worker *worker)
{
	if (!worker->borrows)
		webhdfs_destroy(&worker->client);
	features_destroy(&worker->features);
	partial_destroy(&worker->gathered);
	partial_destroy(&worker->file);
}

static enum error find_client(struct worker *worker, bool borrows, struct text *why)
{
	const struct reading_request *request = worker->pool->request;
	struct webhdfs_options options = *request->webhdfs;
	options.cancel = &request->progress->cancel;
	worker->borrows = borrows;
	worker->client = request->client;
	return borrows ? ERROR_OK : webhdfs_new(&options, &worker->client, why);
}

static enum error worker_start(struct worker *worker, struct pool *pool, bool first,
			       struct text *why)
{
	worker->pool = pool;
	enum error error = find_client(worker, first && pool->request->client, why);
	if (error != ERROR_OK)
		return error;
	worker->gathered = partial_new(pool->request->spec);
	worker->file = partial_new(pool->request->spec);
	if (!worker->gathered || !worker->file)
		error = ERROR_NO_MEMORY;
	else if (pthread_create(&worker->thread, NULL, work, worker) != 0)
		error = ERROR_SYSTEM;
	if (error != ERROR_OK)
		worker_clean_up(worker);
	return error;
}

static enum error run_workers(struct pool *pool)
{
	struct worker workers[READING_MAX_THREADS];
	size_t wanted = (size_t)pool->request->threads, started = 0;
	enum error error = ERROR_OK;
	assert(wanted >= 1 && wanted <= READING_MAX_THREADS);
	memset(workers, 0, sizeof(workers));
	if (wanted > pool->piece_count)
		wanted = pool->piece_count;
	while (started < wanted && error == ERROR_OK) {
		error = worker_start(&workers[started], pool, started == 0, pool->why);
		if (error == ERROR_OK)
			started++;
	}
	if (error != ERROR_OK)
		atomic_store(&pool->stop, true);
	for (size_t i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		worker_clean_up(&workers[i]);
	}
	return error != ERROR_OK ? error : pool->error;
}

static enum error cut_into_pieces(struct pool *pool)
{
	const struct dataset *dataset = pool->request->dataset;
	bool ordered = spec_is_ordered(pool->request->spec);
	pool->pieces = calloc(dataset->count + 1, sizeof(*pool->pieces));
	if (!pool->pieces)
		return ERROR_NO_MEMORY;
	for (size_t i = 0; i < dataset->count;) {
		size_t end = ordered ? dataset_partition_end(dataset, i) : i + 1;
		/* An ordered stream is handed over even where nothing is new in it. */
		if (ordered || is_new(pool->request, i))
			pool->pieces[pool->piece_count++] = (struct piece){ i, end };
		i = end;
	}
	return ERROR_OK;
}

static enum error prepare(struct pool *pool)
{
	const struct reading_request *request = pool->request;
	struct reading_result *result = pool->result;
	result->partial = partial_new(request->spec);
	if (!result->partial)
		return ERROR_NO_MEMORY;
	enum error error = checkpoint_cover(&result->reached, request->dataset);
	if (error == ERROR_OK && request->resume)
		error = partial_merge(result->partial, request->resume->partial);
	return error == ERROR_OK ? cut_into_pieces(pool) : error;
}

enum error reading_run(const struct reading_request *request, struct reading_result *result,
		       struct text *why)
{
	struct pool pool = { .request = request, .result = result, .why = why };
	memset(result, 0, sizeof(*result));
	enum error error = prepare(&pool);
	if (error == ERROR_OK && pool.piece_count > 0) {
		pthread_mutex_init(&pool.lock, NULL);
		error = run_workers(&pool);
		pthread_mutex_destroy(&pool.lock);
	}
	free(pool.pieces);
	return error;
}

void reading_clean_up(struct reading_result *result)
{
	partial_destroy(&result->partial);
	checkpoint_clean_up(&result->reached);
}
