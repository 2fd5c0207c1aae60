/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the HTTP workers and the polling thread meet: the one publishes what it sees, the others
 * read copies and leave their wishes (flush, pause, acknowledge). Any thread, unless said
 * otherwise.
 */
#ifndef TICKLINE_INGEST_STATUS_H
#define TICKLINE_INGEST_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "partition.h"

struct partition_view {
	const struct dataset *dataset;
	int32_t partition;
	const char *state;
	bool recovering;                         /* the offsets are not known */
	bool reading;                            /* Kafka tells the log's end by itself */
	int64_t next_offset, published, log_end; /* log_end -1: not known yet */
	int64_t files;                           /* published */
	int64_t open_rows, open_dead_letters, open_bytes, open_age_us;
	int64_t waiting_batches, waiting_bytes;
	int64_t unpublished_age_us; /* of the oldest record that was read and is not on HDFS */
	bool has_last_file;
	struct published_file last_file;
	int failures;
	enum error error;
	int64_t failing_since_us;
	char why[JOB_WHY_BYTES];
	struct gap gaps[RECOVERY_MAX_GAPS];
	size_t gap_count;
};

struct status_totals {
	int64_t memory_bytes, memory_limit_bytes;
	bool joined;             /* the group has answered */
	bool paused;             /* by an operator */
	int64_t paused_since_us; /* wall clock; 0: not paused */
	int64_t in_flight;       /* batches whose publication has begun */
};

#define FLUSH_NOT_SEALED INT64_MIN

/* A wish to see everything published that the logs hold below `high`. */
struct flush_target {
	const struct dataset *dataset;
	int32_t partition;
	int64_t high;   /* the log's end when it was asked for */
	int64_t sealed; /* offsets up to here were in the batch that was closed for it, or
			   FLUSH_NOT_SEALED */
	bool done;
};

struct flush {
	struct flush *next;
	struct flush_target *targets;
	size_t count;
	bool reached; /* everything is published */
	bool done;    /* and the views that are published since show it */
};

/* Where a log ended when Kafka was asked. */
struct log_end {
	const struct dataset *dataset;
	int32_t partition;
	int64_t high;
};

struct status;

struct status *status_new(void);
void status_destroy(struct status **status);

/* --- the HTTP workers ---------------------------------------------------------------------------
 */
/* A copy of all views (free()); NULL: no memory. `count` 0 with a pointer: none is assigned. */
struct partition_view *status_views(struct status *status, size_t *count,
				    struct status_totals *totals);

/* Waits until the flush is done: OK, TIMEOUT (the flush is withdrawn, and may be read again), or
 * CANCELLED (the service stops). */
enum error status_flush(struct status *status, struct flush *flush, int64_t deadline_us) MUST_USE;

/* The number of the next file to be published, and the files from a number on, at most `size`. */
uint64_t status_next_file(struct status *status);

/* The files published after `after_us` (wall clock), at most `size`: the oldest of them, or the
 * newest when `newest`; in the order of their publication, which is that of `wall_us`. */
struct files_found {
	size_t count;
	bool more;                 /* `size` cut the list */
	int64_t complete_since_us; /* what was published before it is forgotten, or another's */
};
struct files_found status_find_files(struct status *status, int64_t after_us, bool newest,
				     struct published_file *files, size_t size);
size_t status_files(struct status *status, uint64_t from, struct published_file *files,
		    size_t size);

/* Pauses all reading and publishing, or resumes it. OK: it is so now; CONFLICT: somebody wished the
 * opposite meanwhile; TIMEOUT: it will be so; CANCELLED: the service stops. `totals`: as of then.
 */
enum error status_pause(struct status *status, bool paused, int64_t deadline_us,
			struct status_totals *totals) MUST_USE;

/* LIMIT: too many wishes wait already. */
enum error status_acknowledge(struct status *status, const struct dataset *dataset,
			      int32_t partition) MUST_USE;

/* What Kafka tells only when it is asked: the ends of logs that are not being read. Takes `ends`
 * over (malloc'ed, or NULL when count is 0) in place of those before. */
void status_note_ends(struct status *status, struct log_end *ends, size_t count);

/* --- the polling thread -------------------------------------------------------------------------
 */
/* Takes `views` over (malloc'ed, or NULL when count is 0). */
void status_publish(struct status *status, struct partition_view *views, size_t count,
		    const struct status_totals *totals);
void status_add_file(struct status *status, const struct published_file *file);

/* As noted last; -1: not noted. */
int64_t status_log_end(struct status *status, const struct dataset *dataset, int32_t partition);

/* Whether somebody wished it to pause. */
bool status_pause_wished(struct status *status);

/* Calls `visit`, which may set `reached`, for each flush that has not reached its targets, under
 * the lock. True: one has now; it is done with the next status_publish. */
bool status_visit_flushes(struct status *status, void (*visit)(struct flush *flush, void *user),
			  void *user);

/* The next wish to acknowledge lost offsets; false: none. */
bool status_take_acknowledgement(struct status *status, const struct dataset **dataset,
				 int32_t *partition);

/* No more wishes are fulfilled: everybody who waits is told. */
void status_close(struct status *status);

#endif
