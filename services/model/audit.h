/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who did what to a model, when and why: the newest AUDIT_MAX events, in the order of their time.
 * No files, no locks: registry_audit.c does both.
 */
#ifndef TICKLINE_MODEL_AUDIT_H
#define TICKLINE_MODEL_AUDIT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "spec.h"
#include "text.h"

enum { AUDIT_MAX = 2000, AUDIT_ID_SIZE = 26, AUDIT_JOB_SIZE = 32 };

struct audit_event {
	char id[AUDIT_ID_SIZE]; /* the time in us, 16 digits, and 8 random hexadecimal digits */
	int64_t at_us;
	char action[16]; /* "create", "delete", "train", "promote", "rollback" */
	char model[SPEC_MAX_NAME + 1];
	char by[64];              /* the token's name, "anonymous", "gate" */
	char reason[256];         /* "": none was given */
	int64_t version;          /* -1: it is not about one */
	char job[AUDIT_JOB_SIZE]; /* "": none was started */
};

struct audit {
	struct audit_event *events; /* by id, ascending */
	size_t count, capacity;
};

void audit_clean_up(struct audit *audit);

/* Takes an event in; one that is there already is left as it is. For one more than AUDIT_MAX the
 * oldest goes. NO_MEMORY. */
enum error audit_add(struct audit *audit, const struct audit_event *event) MUST_USE;

/* Newest first, of one model or (NULL) of all; `total` gets the count of all that match. */
size_t audit_list(const struct audit *audit, const char *model, struct audit_event *out,
		  size_t capacity, size_t *total);

/* A new id for the event's time. */
void audit_name(struct audit_event *event);
bool audit_is_id(const char *id);

/* As it is stored; NULL: no memory. INVALID: it is not such an event. */
cJSON *audit_to_json(const struct audit_event *event) MUST_USE;
enum error audit_from_json(const char *id, const cJSON *json, struct audit_event *event,
			   struct text *why) MUST_USE;

#endif
