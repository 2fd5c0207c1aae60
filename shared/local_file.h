/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole files in a local folder: written aside, synced and renamed. Any thread.
 */
#ifndef TICKLINE_LOCAL_FILE_H
#define TICKLINE_LOCAL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "text.h"

/* Makes a folder and its parents. SYSTEM with `why`. */
enum error local_make_folder(const char *path, struct text *why) MUST_USE;

/* Writes a whole file in place of any other; makes its folder. SYSTEM with `why`. */
enum error local_write(const char *path, const char *data, size_t length,
		       struct text *why) MUST_USE;

/* Into an open file, past short writes and signals. False: errno tells. */
bool local_write_all(int file, const char *data, size_t length) MUST_USE;

/* NOT_FOUND, LIMIT (longer than the text's limit), SYSTEM with `why`. */
enum error local_read(const char *path, struct text *out, struct text *why) MUST_USE;

/* Removes a folder and the files in it (no folders below). */
void local_remove_folder(const char *path);

#endif
