/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the cluster is that trains when asked for engine "yarn", and what it may take.
 */
#ifndef TICKLINE_MODEL_YARN_SETTINGS_H
#define TICKLINE_MODEL_YARN_SETTINGS_H

#include <stdint.h>

#include "config.h"

struct yarn_settings {
	char *yarn_urls;
	char *yarn_queue;
	char *yarn_java;      /* as the node's shell reads it */
	char *yarn_classpath; /* on the nodes */
	char *yarn_step_dir;  /* "": the folder step beside this program */
	int64_t yarn_launcher_memory_mb;
	int64_t yarn_maps;
	int64_t yarn_poll_ms;
	int64_t yarn_start_timeout_s, yarn_timeout_s;
	int64_t yarn_request_timeout_ms;
};

struct config_table yarn_settings_table(struct yarn_settings *settings);

#endif
