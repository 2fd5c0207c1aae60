/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "audit.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "json_numbers.h"

enum { TIME_DIGITS = 16, RANDOM_DIGITS = 8 };

void audit_clean_up(struct audit *audit)
{
	free(audit->events);
	*audit = (struct audit){ 0 };
}

/* --- the list -------------------------------------------------------------------------------- */

static enum error make_room(struct audit *audit)
{
	void *events = array_room(audit->events, audit->count, &audit->capacity, SIZE_MAX,
				  sizeof(*audit->events));
	if (!events)
		return ERROR_NO_MEMORY;
	audit->events = events;
	return ERROR_OK;
}

enum error audit_add(struct audit *audit, const struct audit_event *event)
{
	size_t at = audit->count;
	while (at > 0 && strcmp(audit->events[at - 1].id, event->id) > 0)
		at--;
	if (at > 0 && strcmp(audit->events[at - 1].id, event->id) == 0)
		return ERROR_OK;
	if (audit->count == AUDIT_MAX && at == 0)
		return ERROR_OK; /* older than all that are kept */
	enum error error = make_room(audit);
	if (error != ERROR_OK)
		return error;
	memmove(&audit->events[at + 1], &audit->events[at],
		(audit->count - at) * sizeof(*audit->events));
	audit->events[at] = *event;
	if (++audit->count > AUDIT_MAX)
		memmove(&audit->events[0], &audit->events[1],
			--audit->count * sizeof(*audit->events));
	return ERROR_OK;
}

size_t audit_list(const struct audit *audit, const char *model, struct audit_event *out,
		  size_t capacity, size_t *total)
{
	size_t count = 0;
	*total = 0;
	for (size_t i = audit->count; i-- > 0;) {
		if (model && strcmp(audit->events[i].model, model) != 0)
			continue;
		++*total;
		if (count < capacity)
			out[count++] = audit->events[i];
	}
	return count;
}

/* --- names ----------------------------------------------------------------------------------- */

void audit_name(struct audit_event *event)
{
	uint32_t random = 0;
	if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
		random = (uint32_t)event->at_us; /* the time alone tells events apart, mostly */
	snprintf(event->id, sizeof(event->id), "%0*" PRId64 "-%0*" PRIx32, TIME_DIGITS,
		 event->at_us, RANDOM_DIGITS, random);
}

bool audit_is_id(const char *id)
{
	const char *random = id + TIME_DIGITS + 1;
	return strspn(id, "0123456789") == TIME_DIGITS && id[TIME_DIGITS] == '-' &&
	       strspn(random, "0123456789abcdef") == RANDOM_DIGITS && !random[RANDOM_DIGITS];
}

/* --- JSON ------------------------------------------------------------------------------------ */

cJSON *audit_to_json(const struct audit_event *event)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "at_us", (double)event->at_us);
	cJSON_AddStringToObject(json, "action", event->action);
	cJSON_AddStringToObject(json, "model", event->model);
	cJSON_AddStringToObject(json, "by", event->by);
	cJSON_AddStringToObject(json, "reason", event->reason);
	cJSON_AddNumberToObject(json, "version", (double)event->version);
	/* The last one made: what was missing before is missing here as well. */
	if (!cJSON_AddStringToObject(json, "job", event->job)) {
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}

static bool take_string(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
	if (!value || strlen(value) >= size)
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

static bool take_integer(const cJSON *json, const char *name, int64_t *out)
{
	return json_read_integer(cJSON_GetObjectItemCaseSensitive(json, name), out);
}

enum error audit_from_json(const char *id, const cJSON *json, struct audit_event *event,
			   struct text *why)
{
	*event = (struct audit_event){ 0 };
	bool whole = audit_is_id(id) && take_integer(json, "at_us", &event->at_us) &&
		     event->at_us >= 0 && take_integer(json, "version", &event->version) &&
		     take_string(json, "action", event->action, sizeof(event->action)) &&
		     take_string(json, "model", event->model, sizeof(event->model)) &&
		     take_string(json, "by", event->by, sizeof(event->by)) &&
		     take_string(json, "reason", event->reason, sizeof(event->reason)) &&
		     take_string(json, "job", event->job, sizeof(event->job));
	if (!whole) {
		why_putf(why, "it is no event of the audit trail");
		return ERROR_INVALID;
	}
	memcpy(event->id, id, strlen(id) + 1);
	return ERROR_OK;
}
