/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folders dt=YYYY-MM-DD that a dataset may be split into, by the UTC date of the rows, so that
 * a reader who asks for some days passes over the others. Any thread.
 */
#ifndef TICKLINE_DATE_FOLDER_H
#define TICKLINE_DATE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A date is the number of days since 1970-01-01. No record is of that day: it stands for the
 * dataset's folder itself. */
enum { DATE_NONE = 0, DATE_FOLDER_SIZE = 14 };

/* All names of such folders begin with this. */
#define DATE_FOLDER_PREFIX "dt="

int32_t date_of_us(int64_t us);

/* "dt=2026-11-25"; years 1970 to 9999. */
void date_folder_print(int32_t date, char out[DATE_FOLDER_SIZE]);

/* False: not the name of such a folder, or no day of the calendar. */
bool date_folder_parse(const char *name, int32_t *date);

/* `folder`, or the one of that date in it; cut to `size` as by snprintf. */
void date_folder_path(const char *folder, int32_t date, char *out, size_t size);

#endif
