/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a published file holds, as its name's ending tells. Any thread.
 */
#ifndef TICKLINE_DATA_FORMAT_H
#define TICKLINE_DATA_FORMAT_H

#include <stdbool.h>

/* In the order of DATA_FORMAT_CHOICES. */
enum data_format { DATA_CSV, DATA_CSV_GZ, DATA_JSONL, DATA_JSONL_GZ, DATA_FORMATS };

/* For a CONFIG_CHOICE. */
#define DATA_FORMAT_CHOICES "csv|csv.gz|jsonl|jsonl.gz"

/* ".csv.gz" */
const char *data_format_ending(enum data_format format);

/* `ending` with its dot, to the end of the name. False: none of ours. */
bool data_format_of_ending(const char *ending, enum data_format *format);

/* Gzip members, one for each batch. */
bool data_format_is_packed(enum data_format format);

/* One JSON object a line, else one line of CSV. */
bool data_format_is_json(enum data_format format);

#endif
