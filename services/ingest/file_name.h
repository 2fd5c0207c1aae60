/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A published file's name is the log of what was ingested:
 * part-<partition, 5 digits>-<first offset, 20>-<last offset, 20>.csv, both inclusive, gaps
 * covered. Fixed widths make the byte order of a listing the order of the offsets. The ending tells
 * the format and nothing else: what was ingested is told by names of every ending. Any thread.
 */
#ifndef TICKLINE_INGEST_FILE_NAME_H
#define TICKLINE_INGEST_FILE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "data_format.h"

enum { FILE_NAME_MAX = 64, FILE_PARTITION_MAX = 99999 };
enum file_kind { FILE_ROWS, FILE_DEAD_LETTERS, FILE_KINDS };

struct file_range {
	int32_t partition;
	int64_t first, last;
	enum data_format format; /* of rows; dead letters are JSON lines whatever it is */
};

void file_name_print(enum file_kind kind, const struct file_range *range, char out[FILE_NAME_MAX]);

/* False: not a name of ours (another writer's file, a staged or joined copy), or first > last. */
bool file_name_parse(enum file_kind kind, const char *name, struct file_range *range);

/* What all names of one partition start with: "part-00003-". */
void file_name_prefix(int32_t partition, char out[FILE_NAME_MAX]);

/* What the names that begin with this file's first offset start with; sorts just before them. */
void file_name_first_prefix(const struct file_range *range, char out[FILE_NAME_MAX]);

#endif
