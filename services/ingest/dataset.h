/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One topic and where its records go. Constant after dataset_init.
 */
#ifndef TICKLINE_INGEST_DATASET_H
#define TICKLINE_INGEST_DATASET_H

#include <stdbool.h>

#include "data_format.h"
#include "error.h"
#include "metrics.h"
#include "record.h"

struct dataset_metrics {
	struct metric *rows, *dead_letters;
	struct metric *files, *published_rows, *published_dead_letters, *published_bytes;
	struct metric *publish_seconds;
	struct metric *fences, *lost_offsets, *skipped_offsets, *date_turns;
};

struct dataset {
	const struct record_table *table;
	const char *topic;
	enum data_format format; /* of new files; CSV after dataset_init */
	bool by_date;            /* new files stand in folders of dates; false after dataset_init */
	char *folder;            /* <root>/data/bitcoin_data: the published files */
	char *dead_letter_folder; /* <root>/dead_letters/bitcoin_data */
	char *staging_folder;     /* <root>/staging/bitcoin_data */
	struct metrics *registry;
	struct dataset_metrics metrics;
};

/* `topic` is kept. INVALID: `root` makes a path that HDFS does not take. */
enum error dataset_init(struct dataset *dataset, const struct record_table *table,
			const char *topic, const char *root, struct metrics *metrics,
			struct text *why) MUST_USE;
void dataset_clean_up(struct dataset *dataset);

/* ingest_dead_letters_total{dataset,reason}. Any thread. */
void dataset_count_refusal(const struct dataset *dataset, const char *reason);

/* ingest_retries_total{dataset,kind}: one call that is to be repeated. Any thread. */
void dataset_count_retry(const struct dataset *dataset, enum error kind);

/* ingest_settled_total{dataset,kind}: a call that failed and, looked at, had been carried out. */
void dataset_count_settled(const struct dataset *dataset, enum error kind);

/* ingest_batches_dropped_total{dataset,reason}: read, not published here; will be read again. */
void dataset_count_drop(const struct dataset *dataset, const char *reason);

/* ingest_joins_total{dataset,outcome}; ingest_join_files_{before,after}_total{dataset}. Any thread.
 */
void dataset_count_join(const struct dataset *dataset, enum error outcome);
void dataset_count_joined(const struct dataset *dataset, int64_t before, int64_t after);

#endif
