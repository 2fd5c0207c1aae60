/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command that a node runs to start the job: Hadoop Streaming with the step program.
 */
#ifndef TICKLINE_MODEL_YARN_COMMAND_H
#define TICKLINE_MODEL_YARN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "text.h"
#include "yarn_settings.h"

struct yarn_command {
	const struct yarn_settings *settings;
	const char *model, *tag;
	const char *input;   /* folder of the published files */
	bool dated, undated; /* they stand in folders of dates, in that folder itself, or both */
	const char *work;    /* folder of the job; its output goes to <work>/out */
	const char *const *files; /* names in <work>/step, the loader among them */
	size_t file_count;
};

/* INVALID with `why`: a path or setting holds what a shell or Hadoop would read as something else.
 * LIMIT. */
enum error yarn_command_write(const struct yarn_command *command, struct text *out,
			      struct text *why) MUST_USE;

#endif
