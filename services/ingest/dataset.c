/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "webhdfs.h"

static struct metric *counter(const struct dataset *dataset, const char *name, const char *help,
			      const char *label, const char *value)
{
	char memory[192];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "dataset", dataset->table->plural);
	if (label)
		metrics_label(&labels, label, value);
	return metrics_counter(dataset->registry, name, help, labels.data);
}

static void register_metrics(struct dataset *dataset)
{
	struct dataset_metrics *m = &dataset->metrics;
	static const char records[] = "Records read from Kafka, by what became of them.";
	m->rows = counter(dataset, "ingest_records_total", records, "outcome", "row");
	m->dead_letters =
		counter(dataset, "ingest_records_total", records, "outcome", "dead-letter");
	m->files = counter(dataset, "ingest_published_files_total",
			   "Files published in the data folder.", NULL, NULL);
	m->published_rows =
		counter(dataset, "ingest_published_rows_total", "Rows published.", NULL, NULL);
	m->published_dead_letters = counter(dataset, "ingest_published_dead_letters_total",
					    "Dead letters published.", NULL, NULL);
	m->published_bytes = counter(dataset, "ingest_published_bytes_total",
				     "Bytes of rows published.", NULL, NULL);
	m->fences = counter(dataset, "ingest_fences_total",
			    "Times that another owner had taken a partition over.", NULL, NULL);
	m->lost_offsets = counter(dataset, "ingest_lost_offsets_total",
				  "Offsets that Kafka deleted before they were read.", NULL, NULL);
	m->skipped_offsets = counter(dataset, "ingest_skipped_offsets_total",
				     "Offsets between two records that Kafka did not deliver "
				     "(transaction markers, taken back, compacted).",
				     NULL, NULL);
	m->date_turns = counter(dataset, "ingest_date_turns_total",
				"Files ended because the next row is of another date "
				"(split_by_date).",
				NULL, NULL);
	char memory[64];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "dataset", dataset->table->plural);
	m->publish_seconds =
		metrics_histogram(dataset->registry, "ingest_publish_seconds",
				  "From a full batch to its published file.", labels.data, NULL, 0);
}

static char *joined(const char *root, const char *middle, const char *last)
{
	char *path = NULL;
	const char *slash = root[0] && root[strlen(root) - 1] == '/' ? "" : "/";
	return asprintf(&path, "%s%s%s/%s", root, slash, middle, last) < 0 ? NULL : path;
}

enum error dataset_init(struct dataset *dataset, const struct record_table *table,
			const char *topic, const char *root, struct metrics *metrics,
			struct text *why)
{
	*dataset = (struct dataset){
		.table = table,
		.topic = topic,
		.folder = joined(root, "data", table->dataset),
		.dead_letter_folder = joined(root, "dead_letters", table->dataset),
		.staging_folder = joined(root, "staging", table->dataset),
		.registry = metrics,
	};
	if (!dataset->folder || !dataset->dead_letter_folder || !dataset->staging_folder) {
		dataset_clean_up(dataset);
		return ERROR_NO_MEMORY;
	}
	char memory[1024];
	struct text detail;
	text_init_fixed(&detail, memory, sizeof memory);
	enum error error = webhdfs_check_path(dataset->dead_letter_folder, &detail);
	if (error) {
		why_putf(why, "hdfs_root: %s", detail.data);
		dataset_clean_up(dataset);
		return error;
	}
	register_metrics(dataset);
	return ERROR_OK;
}

void dataset_clean_up(struct dataset *dataset)
{
	free(dataset->folder);
	free(dataset->dead_letter_folder);
	free(dataset->staging_folder);
	*dataset = (struct dataset){ 0 };
}

void dataset_count_refusal(const struct dataset *dataset, const char *reason)
{
	metric_add(counter(dataset, "ingest_dead_letters_total",
			   "Records sent to the dead letters, by reason.", "reason", reason),
		   1);
}

void dataset_count_retry(const struct dataset *dataset, enum error kind)
{
	metric_add(counter(dataset, "ingest_retries_total",
			   "Recoveries and publications to be repeated, by what went wrong.",
			   "kind", error_name(kind)),
		   1);
}

void dataset_count_settled(const struct dataset *dataset, enum error kind)
{
	metric_add(counter(dataset, "ingest_settled_total",
			   "Failed calls that, looked at, had been carried out.", "kind",
			   error_name(kind)),
		   1);
}

void dataset_count_drop(const struct dataset *dataset, const char *reason)
{
	metric_add(counter(dataset, "ingest_batches_dropped_total",
			   "Batches given up unpublished, to be read again by the owner.", "reason",
			   reason),
		   1);
}

void dataset_count_join(const struct dataset *dataset, enum error outcome)
{
	metric_add(counter(dataset, "ingest_joins_total",
			   "Joins of small files, by what became of them.", "outcome",
			   error_name(outcome)),
		   1);
}

void dataset_count_joined(const struct dataset *dataset, int64_t before, int64_t after)
{
	metric_add(counter(dataset, "ingest_join_files_before_total",
			   "Files that took part in joins.", NULL, NULL),
		   (uint64_t)before);
	metric_add(counter(dataset, "ingest_join_files_after_total",
			   "Files that joins left of those that took part.", NULL, NULL),
		   (uint64_t)after);
}
