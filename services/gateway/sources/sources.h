/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of sources. Any thread.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_SOURCES_H
#define TICKLINE_GATEWAY_SOURCES_SOURCES_H

#include <cjson/cJSON.h>

#include "definition.h"
#include "error.h"
#include "gateway.h"
#include "text.h"

struct sources;

struct sources *sources_new(struct gateway *gateway);
void sources_destroy(struct sources **sources); /* stops them all */

/* Tells all to stop and waits for their threads; none can be added any more. */
void sources_drain(struct sources *sources);

/* The sources that an earlier gateway left in the setting's state_dir go on where they were; those
 * that cannot are logged, counted by a metric, and their files left alone. Before any sources_add.
 * SYSTEM with `why`: the folder cannot be used. */
enum error sources_restore(struct sources *sources, struct text *why) MUST_USE;

/* Starts what the definition says; `upload` is an open file with the CSV that came along, or -1,
 * and is taken. `kept`: it outlives the gateway, where there is a state_dir; an upload must have
 * been made there. OK: `json` shows the new source. INVALID: the definition has complaints. LIMIT:
 * too many, none of which has ended. CONFLICT: draining, or, with a complaint, another source sends
 * the closed bars of the same symbol. NO_MEMORY, SYSTEM. */
enum error sources_add(struct sources *sources, struct definition *definition, int upload,
		       bool kept, cJSON **json) MUST_USE;

cJSON *sources_list(struct sources *sources);

/* NULL: no such source. */
cJSON *sources_get(struct sources *sources, const char *id);

/* Stops it and takes it off the list; shows its last state. NULL: no such source. */
cJSON *sources_remove(struct sources *sources, const char *id);

#endif
