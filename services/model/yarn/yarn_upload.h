/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The step program and its plan, from this machine to HDFS.
 */
#ifndef TICKLINE_MODEL_YARN_UPLOAD_H
#define TICKLINE_MODEL_YARN_UPLOAD_H

#include <stddef.h>

#include "error.h"
#include "text.h"
#include "webhdfs.h"

enum { STEP_MAX_FILES = 16, STEP_NAME_SIZE = 64, STEP_MAX_FILE = 64 << 20 };

struct step_files {
	char names[STEP_MAX_FILES][STEP_NAME_SIZE];
	size_t count;
};

/* The folder's path: `setting`, or where it is empty "step" beside the running program. SYSTEM. */
enum error step_folder(const char *setting, char *out, size_t size, struct text *why) MUST_USE;

/* What is in it. INVALID: "loader" or "train-step" is missing, or there is too much; SYSTEM. */
enum error step_files_list(const char *folder, struct step_files *files, struct text *why) MUST_USE;

/* Copies them to <work>/step, and the plan to <work>/plan.json. Each file's length is checked.
 * Errors of webhdfs.h, LENGTH, SYSTEM, LIMIT, NO_MEMORY. */
enum error step_upload(struct webhdfs *client, const char *folder, const struct step_files *files,
		       const struct text *plan, const char *work, struct text *why) MUST_USE;

#endif
