/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The model service's own settings (training has its table in training.h).
 */
#ifndef TICKLINE_MODEL_SETTINGS_H
#define TICKLINE_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "record.h"

struct model_settings {
	char *state_dir;
	bool require_version;
	bool hdfs_direct_reads;
	int64_t live_ticks, live_bars; /* records kept */
	int64_t live_predictions;      /* kept per model */
	int64_t score_window;
	int64_t ticks_stale_after_s, bars_stale_after_s;
	char *invocations_model;
	int64_t rows_limit;          /* of one list or one predict call */
	struct record_bounds bounds; /* for records that come without their normalised values */
};

struct config_table model_settings_table(struct model_settings *settings);

#endif
