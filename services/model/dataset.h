/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The published files of a dataset on HDFS, and the records in them. A file is published when its
 * name is part-<partition, 5 digits>-<first offset, 20>-<last offset, 20> with the ending of a
 * format (shared/data_format.h), and nothing else: names of copies under way, foreign files and
 * folders are not looked into, but for the folders of a split by date (shared/date_folder.h).
 *
 * Order: a record's key decides its partition, so the bars of one symbol lie in one partition, and
 * its files in the order of their offsets hold them in the order in which they came.
 */
#ifndef TICKLINE_MODEL_DATASET_H
#define TICKLINE_MODEL_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data_format.h"
#include "date_folder.h"
#include "error.h"
#include "record.h"
#include "text.h"
#include "webhdfs.h"

struct dataset_file {
	int32_t partition;
	int64_t first, last; /* offsets, both inclusive */
	int64_t length;      /* bytes */
	enum data_format format;
	int32_t date; /* of the folder that it stands in; DATE_NONE: in the dataset's own */
	bool plain;   /* as in struct webhdfs_status, when it was listed; false: not known */
};

struct dataset {
	struct dataset_file *files; /* by partition, then by first offset */
	size_t count;
	size_t ignored; /* names that are not published files, folders included */
	int64_t bytes;
};

enum { DATASET_MAX_FILES = 1000000, DATASET_MAX_DATES = 100000, DATASET_NAME_LENGTH = 63 };
enum { DATASET_LISTINGS = 5 };

/* False: not the name of a published file. What no name tells stays as it is. */
bool dataset_parse_name(const char *name, struct dataset_file *file);
void dataset_print_name(const struct dataset_file *file, char out[DATASET_NAME_LENGTH + 1]);

/* Where the file of a dataset in `folder` stands; cut to `size` as by snprintf. */
void dataset_print_path(const char *folder, const struct dataset_file *file, char *out,
			size_t size);

/* Lists <folder>, and its folders of dates; a missing folder is an empty dataset. Errors of
 * webhdfs_list, NO_MEMORY, LIMIT. Free with dataset_clean_up in any case. */
enum error dataset_list(struct webhdfs *client, const char *folder, struct dataset *dataset,
			struct text *why) MUST_USE;
void dataset_clean_up(struct dataset *dataset);

/* The same, as one moment's: between two pages of a listing a join may take files of the second
 * into one that the first still shows as it was, and then nothing tells that they are missing. So
 * what did not come as one page is listed until a second listing shows what the first did (newer
 * files aside). CONFLICT: not within DATASET_LISTINGS listings. */
enum error dataset_list_settled(struct webhdfs *client, const char *folder, struct dataset *dataset,
				struct text *why) MUST_USE;

/* Index after the last file of the partition that file `from` belongs to. */
size_t dataset_partition_end(const struct dataset *dataset, size_t from);

/* What is told while a file is read. */
struct dataset_sink {
	unsigned wanted; /* columns whose values are set, a bit each; others may be set, too */
	void (*record)(int64_t timestamp_us, const double *values, void *user);
	void (*malformed)(void *user);           /* a line that is no record of this table */
	void (*bytes)(size_t count, void *user); /* progress */
	void *user;
};

/* Streams one file from byte `from` on, which in a packed file is where a member begins. LENGTH: it
 * is cut (its last line has no end, the bytes that came are not as many as were listed, or they
 * can't be unpacked): whatever was told of it must be forgotten. Else the
 * errors of webhdfs_stream. */
enum error dataset_read(struct webhdfs *client, const char *folder, const struct dataset_file *file,
			int64_t from, const struct record_table *table,
			const struct dataset_sink *sink, struct text *why) MUST_USE;

#endif
