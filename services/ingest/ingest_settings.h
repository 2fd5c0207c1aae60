/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of ingest beside those that all services share (shared/settings.h).
 */
#ifndef TICKLINE_INGEST_INGEST_SETTINGS_H
#define TICKLINE_INGEST_INGEST_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "record.h"

struct ingest_settings {
	char *group;
	int64_t format;        /* enum data_format */
	int64_t split_by_date; /* 0: none, 1: day */
	int64_t rotate_rows;
	int64_t rotate_bytes;
	int64_t rotate_age_ms;
	int64_t rotate_idle_ms;
	int64_t rotate_clock_s; /* 0: not by the clock */
	int64_t memory_limit_bytes;
	int64_t writers;
	int64_t retry_min_ms, retry_max_ms;
	int64_t blocked_retry_ms;
	int64_t revoke_timeout_ms;
	int64_t flush_timeout_ms;
	int64_t replay_timeout_ms;
	int64_t partition_refresh_ms;
	int64_t join_bytes; /* 0: no joins */
	int64_t join_files;
	bool verify;
	struct record_bounds bounds;
};

struct config_table ingest_settings_table(struct ingest_settings *settings);

#endif
