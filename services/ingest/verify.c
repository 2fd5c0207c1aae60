/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log's ends are asked for before the folder is read: what is published meanwhile may be newer
 * than they are, so they are asked for once more after it. What the group committed is asked for
 * before it, too: ingest commits what it has published, so that the folder must hold all of that.
 * Without it, a partition whose files are all gone would look like one of which none was published
 * yet.
 */
#include "verify.h"

#include <inttypes.h>

#include "kafka.h"
#include "verify_folder.h"
#include "verify_log.h"

enum { TOPIC_TIMEOUT_MS = 10000, REPORT_BYTES = 65536, WHY_BYTES = 2048 };

struct verification {
	const struct verify_options *options;
	rd_kafka_t *kafka;
	struct webhdfs *hdfs;
	FILE *out;
	int64_t faults;
	struct text *why;
};

static void print_counts(FILE *out, const struct verify_partition *partition)
{
	int64_t files = 0, rows = 0, letters = 0, waiting = 0;
	for (size_t i = 0; i < partition->count; i++) {
		files += partition->spans[i].files;
		rows += partition->spans[i].rows;
		letters += partition->spans[i].letters;
	}
	if (partition->count > 0)
		waiting = partition->spans[partition->count - 1].records;
	fprintf(out,
		"  partition %" PRId32 ": %" PRId64 " files to offset %" PRId64 ", %" PRId64
		" rows, %" PRId64 " dead letters; the log holds offsets %" PRId64 " to %" PRId64
		", %" PRId64 " records of them not published yet\n",
		partition->number, files, verify_published(partition), rows, letters,
		partition->low, partition->high - 1, waiting);
}

static enum error gather(struct verification *v, const struct dataset *dataset,
			 struct verify_partition *partition, bool has_log)
{
	enum error error = ERROR_OK;
	if (has_log)
		error = verify_log_committed(v->kafka, dataset->topic, partition, v->why);
	if (!error && has_log)
		error = verify_log_ends(v->kafka, dataset->topic, partition, v->why);
	if (!error)
		error = verify_folder(dataset, v->hdfs, partition, v->why);
	int64_t low = partition->low;
	if (!error && has_log)
		error = verify_log_ends(v->kafka, dataset->topic, partition, v->why);
	if (!error && has_log)
		error = verify_log_read(v->kafka, dataset->topic, partition, v->why);
	if (!error && partition->low > low)
		fprintf(v->out,
			"    note: retention moved the log's beginning from offset %" PRId64
			" to %" PRId64 " meanwhile\n",
			low, partition->low);
	return error;
}

static enum error verify_one(struct verification *v, const struct dataset *dataset, int32_t number,
			     bool has_log)
{
	struct verify_partition partition = {
		.number = number, .low = 0, .high = -1, .committed = -1
	};
	enum error error = gather(v, dataset, &partition, has_log);
	if (!error) {
		struct text report;
		text_init(&report, REPORT_BYTES);
		int64_t faults = verify_judge(&partition, &report);
		print_counts(v->out, &partition);
		fputs(report.data, v->out);
		v->faults += faults;
		text_clean_up(&report);
	}
	verify_partition_clean_up(&partition);
	return error;
}

static enum error verify_dataset(struct verification *v, const struct dataset *dataset)
{
	int partitions = 0;
	int32_t last = -1;
	enum error error = kafka_partition_count(v->kafka, dataset->topic, TOPIC_TIMEOUT_MS,
						 &partitions, v->why);
	if (error == ERROR_NOT_FOUND) {
		text_reset(v->why);
		error = ERROR_OK;
		partitions = 0;
	}
	if (!error)
		error = verify_last_partition(dataset, v->hdfs, &last, v->why);
	if (error)
		return error;
	fprintf(v->out, "%s: topic %s, %d partitions; folder %s\n", dataset->table->plural,
		dataset->topic, partitions, dataset->folder);
	for (int32_t i = 0; !error && (i < partitions || i <= last); i++)
		error = verify_one(v, dataset, i, i < partitions);
	return error;
}

static enum error open_both(struct verification *v)
{
	enum error error = verify_log_open(v->options->config, v->options->brokers,
					   v->options->group, &v->kafka, v->why);
	return error ? error : webhdfs_new(&v->options->hdfs, &v->hdfs, v->why);
}

static enum verify_verdict conclude(const struct verification *v, enum error error)
{
	if (v->faults > 0) {
		fprintf(v->out, "verdict: REFUTED, %" PRId64 " faults%s%s\n", v->faults,
			error ? "; not all was seen: " : "", error ? v->why->data : "");
		return VERIFY_REFUTED;
	}
	if (error) {
		fprintf(v->out, "verdict: not known: %s: %s\n", error_name(error), v->why->data);
		return VERIFY_UNKNOWN;
	}
	fputs("verdict: topics and folders agree\n", v->out);
	return VERIFY_AGREES;
}

enum verify_verdict verify_run(const struct verify_options *options, FILE *out)
{
	char memory[WHY_BYTES];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct verification v = { .options = options, .out = out, .why = &why };
	enum error error = open_both(&v);
	for (size_t i = 0; !error && i < options->dataset_count; i++)
		error = verify_dataset(&v, &options->datasets[i]);
	enum verify_verdict verdict = conclude(&v, error);
	if (v.kafka) {
		rd_kafka_consumer_close(v.kafka);
		rd_kafka_destroy(v.kafka);
	}
	webhdfs_destroy(&v.hdfs);
	return verdict;
}
