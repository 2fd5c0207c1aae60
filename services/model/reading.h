/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the files of a dataset into a partial, several at once where rows do not depend on their
 * neighbours, else one partition after the other, each in the order of its offsets. A checkpoint of
 * an earlier reading spares what was read then.
 */
#ifndef TICKLINE_MODEL_READING_H
#define TICKLINE_MODEL_READING_H

#include <stdatomic.h>
#include <stdint.h>

#include "checkpoint.h"
#include "dataset.h"
#include "error.h"
#include "partial.h"
#include "spec.h"
#include "text.h"
#include "webhdfs.h"

/* Shared with whoever watches. */
struct reading_progress {
	_Atomic int64_t files, files_refused, bytes, rows, rows_used;
	atomic_bool cancel; /* set from outside: reading ends with CANCELLED within a second */
};

enum { READING_MAX_THREADS = 16, READING_MAX_REFUSED = 20 };

struct reading_refusal {
	struct dataset_file file;
	char reason[200];
};

struct reading_result {
	struct partial *partial;   /* of all that was ever read */
	struct checkpoint reached; /* its `partial` stays NULL: the one above is meant */
	int64_t pending;           /* rows whose target lies beyond the end of the data */
	size_t refused_count;
	struct reading_refusal refused[READING_MAX_REFUSED]; /* the first ones */
};

struct reading_request {
	const struct spec *spec;
	const char *folder;
	const struct dataset *dataset;
	const struct checkpoint *resume; /* NULL: from the start; it must hold for the dataset */
	const int64_t *from;             /* its plan, one per file; NULL with `resume` NULL */
	const struct webhdfs_options *webhdfs; /* `cancel` is replaced by the progress's */
	struct webhdfs
		*client; /* of the caller, for one of the threads; NULL: all make their own */
	int threads;     /* 1 to READING_MAX_THREADS */
	struct reading_progress *progress;
};

/* OK: `result` holds what the files gave; a cut file is left out whole and named.
 * CONFLICT: a file changed or went away since it was listed (list again). CANCELLED. NO_MEMORY.
 * Else the error of WebHDFS that remained after READING_ATTEMPTS tries of one file.
 * Free the result with reading_clean_up in any case. Blocks. */
enum { READING_ATTEMPTS = 5 };
enum error reading_run(const struct reading_request *request, struct reading_result *result,
		       struct text *why) MUST_USE;
void reading_clean_up(struct reading_result *result);

#endif
