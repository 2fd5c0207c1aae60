/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folder (setting state_dir) in which sources outlive the gateway: `<id>.json` holds a source's
 * definition, counts and position, `<id>.csv` the text that was sent along. An id that begins with
 * a dot is no source's. Different ids may be used by different threads.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_STATE_DIR_H
#define TICKLINE_GATEWAY_SOURCES_STATE_DIR_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "error.h"
#include "text.h"

/* Makes the folder. SYSTEM with `why`: nobody can write in it. */
enum error state_dir_open(const char *folder, struct text *why) MUST_USE;

/* Whole or not at all. SYSTEM: logged, once until it works again for anyone. */
enum error state_dir_write(const char *folder, const char *id, const cJSON *json);

/* NULL: there is none, or it is damaged. */
cJSON *state_dir_read(const char *folder, const char *id);

/* Gives the nameless file, which was made in the folder, its name. SYSTEM. */
enum error state_dir_keep_upload(const char *folder, const char *id, int upload) MUST_USE;
void state_dir_remove(const char *folder, const char *id);

/* Each saved source; `upload` is -1 or an open file, which `each` takes. `json` is NULL where the
 * file is damaged. In the order of the ids' numbers. SYSTEM with `why`: it cannot be listed. */
enum error state_dir_each(const char *folder,
			  void (*each)(const char *id, const cJSON *json, int upload, void *user),
			  void *user, struct text *why) MUST_USE;

#endif
