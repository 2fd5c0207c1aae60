/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the files of a dataset into a partial on a YARN cluster: Hadoop Streaming with our own
 * program as mapper and reducer, submitted and followed by HTTP alone. Everything the job needs and
 * leaves lies in <root>/staging/yarn/<name>, which goes at its end.
 */
#ifndef TICKLINE_MODEL_YARN_READING_H
#define TICKLINE_MODEL_YARN_READING_H

#include "dataset.h"
#include "error.h"
#include "metrics.h"
#include "reading.h"
#include "spec.h"
#include "text.h"
#include "webhdfs.h"
#include "yarn_settings.h"

struct yarn_reading {
	const struct yarn_settings *settings;
	const struct spec *spec;
	const char *root;   /* "/bitcoin" */
	const char *folder; /* of the dataset */
	/* Of the job: [a-z0-9-], never used before, and beginning with the time in µs as 13
	 * hexadecimal digits: what a killed service left is known by its age. */
	const char *name;
	const struct dataset *dataset;         /* not empty */
	const struct webhdfs_options *webhdfs; /* `cancel` is replaced by the progress's */
	struct metrics *metrics;
	struct reading_progress *progress;
	void (*phase)(const char *phase,
		      void *user); /* "uploading", "submitted", "running", "merging" */
	void *user;
};

/* As reading_run, from the start. CONFLICT: files changed meanwhile (list again). TIMEOUT,
 * CANCELLED; SYSTEM: the job failed; INVALID: a setting, or a file that is not CSV. Blocks. */
enum error yarn_reading_run(const struct yarn_reading *reading, struct reading_result *result,
			    struct text *why) MUST_USE;

#endif
