/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A slot belongs to the source's thread until it is sent, then to the publisher's until `state` is
 * no longer SENT.
 */
#include "outbox.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WINDOW = 1000, WAIT_MS = 200 };

enum slot_state {
	SLOT_SETTLED,
	SLOT_SENT,
	SLOT_FAILED, /* to be sent again */
	SLOT_LOST,   /* not in Kafka, and not to be sent again by this run */
};

struct slot {
	struct publish_ticket ticket; /* first: the slot is found from it by a cast */
	struct outbox *outbox;
	struct source *source;
	struct record record;
	int64_t mark;
	atomic_int state; /* enum slot_state */
};

struct outbox {
	_Atomic uint64_t failed; /* slots that are to be sent again */
	uint64_t next;           /* slot for the next record, counted without end */
	int64_t settled;         /* all marks up to here are; those in the slots are larger */
	/* What outbox_restore was given: all marks up to `restored`, and these beyond it, rising.
	 */
	int64_t restored;
	int64_t *beyond;
	size_t beyond_count;
	struct slot slots[WINDOW];
};

struct outbox *outbox_new(void)
{
	return calloc(1, sizeof(struct outbox));
}

void outbox_destroy(struct outbox **outbox)
{
	if (*outbox)
		free((*outbox)->beyond);
	free(*outbox);
	*outbox = NULL;
}

static uint64_t oldest(const struct outbox *o)
{
	return o->next > WINDOW ? o->next - WINDOW : 0;
}

/* --- sending --------------------------------------------------------------------------------- */

static void settle(struct publish_ticket *ticket, const struct publish_result *result)
{
	struct slot *slot = (struct slot *)ticket;
	struct source *source = slot->source;
	bool lost = result->status == PUBLISH_UNAVAILABLE;
	bool again = lost && !source_is_stopping(source);
	if (again)
		atomic_fetch_add(&slot->outbox->failed, 1);
	atomic_store(&slot->state, again ? SLOT_FAILED : lost ? SLOT_LOST : SLOT_SETTLED);
	source_settled(source, result, again); /* the slot may be in use anew by now */
}

static enum error send_slot(struct outbox *o, struct source *source, struct slot *slot)
{
	slot->ticket = (struct publish_ticket){ .done = settle,
						.origin = source_origin(source),
						.kind = slot->record.table->kind };
	slot->outbox = o;
	slot->source = source;
	atomic_store(&slot->state, SLOT_SENT);
	enum error error = source_send(source, &slot->record, &slot->ticket);
	if (error != ERROR_OK)
		atomic_store(&slot->state, error == ERROR_CANCELLED ? SLOT_LOST : SLOT_SETTLED);
	return error;
}

static bool wait_for_slot(struct source *source, struct slot *slot)
{
	while (atomic_load(&slot->state) == SLOT_SENT && !source_is_stopping(source))
		source_wait_settled(source, WAIT_MS);
	return atomic_load(&slot->state) != SLOT_SENT;
}

/* Until nothing is left that failed. False: stopping. */
static bool send_failed_again(struct outbox *o, struct source *source)
{
	while (atomic_load(&o->failed) > 0) {
		for (uint64_t i = oldest(o); i < o->next; i++) {
			if (!wait_for_slot(source, &o->slots[i % WINDOW]))
				return false;
		}
		for (uint64_t i = oldest(o); i < o->next; i++) {
			struct slot *slot = &o->slots[i % WINDOW];
			if (atomic_load(&slot->state) != SLOT_FAILED)
				continue;
			atomic_fetch_sub(&o->failed, 1);
			if (send_slot(o, source, slot) == ERROR_CANCELLED)
				return false;
		}
	}
	return true;
}

/* A free slot with the mark; NULL: stopping. */
static struct slot *take_slot(struct outbox *o, struct source *source, int64_t mark)
{
	struct slot *slot = &o->slots[o->next % WINDOW];
	do {
		if (!send_failed_again(o, source) || !wait_for_slot(source, slot))
			return NULL;
	} while (atomic_load(&slot->state) == SLOT_FAILED);
	if (source_is_stopping(source))
		return NULL; /* the slot may be a lost one, which its position must tell */
	if (o->next >= WINDOW)
		o->settled = slot->mark;
	slot->mark = mark;
	o->next++;
	return slot;
}

enum error outbox_send(struct outbox *o, struct source *source, const struct record *record,
		       int64_t mark)
{
	struct slot *slot = take_slot(o, source, mark);
	if (!slot)
		return ERROR_CANCELLED;
	slot->record = *record;
	return send_slot(o, source, slot);
}

enum error outbox_skip(struct outbox *o, struct source *source, int64_t mark)
{
	return take_slot(o, source, mark) ? ERROR_OK : ERROR_CANCELLED;
}

bool outbox_settle(struct outbox *o, struct source *source)
{
	bool more = true;
	while (more) {
		if (!send_failed_again(o, source))
			return false;
		more = false;
		for (size_t i = 0; i < WINDOW; i++) {
			if (!wait_for_slot(source, &o->slots[i]))
				return false;
			more = more || atomic_load(&o->slots[i].state) == SLOT_FAILED;
		}
	}
	return true;
}

void outbox_forgo(struct outbox *o, struct source *source)
{
	for (size_t i = 0; i < WINDOW; i++) {
		int failed = SLOT_FAILED;
		if (atomic_compare_exchange_strong(&o->slots[i].state, &failed, SLOT_LOST))
			source_forgo(source);
	}
}

/* --- positions ------------------------------------------------------------------------------- */

void outbox_save(const struct outbox *o, cJSON *position)
{
	uint64_t i = oldest(o);
	int64_t settled = o->settled;
	for (; i < o->next && atomic_load(&o->slots[i % WINDOW].state) == SLOT_SETTLED; i++)
		settled = o->slots[i % WINDOW].mark;
	cJSON_AddNumberToObject(position, "settled", (double)settled);
	cJSON *beyond = cJSON_AddArrayToObject(position, "beyond");
	for (; i < o->next; i++) {
		const struct slot *slot = &o->slots[i % WINDOW];
		if (atomic_load(&slot->state) == SLOT_SETTLED)
			cJSON_AddItemToArray(beyond, cJSON_CreateNumber((double)slot->mark));
	}
	/* What an earlier run settled and this one has not passed yet. */
	int64_t last = o->next > 0 ? o->slots[(o->next - 1) % WINDOW].mark : settled;
	for (size_t k = 0; k < o->beyond_count; k++) {
		if (o->beyond[k] > last)
			cJSON_AddItemToArray(beyond, cJSON_CreateNumber((double)o->beyond[k]));
	}
}

static bool is_mark(const cJSON *json, int64_t above)
{
	return cJSON_IsNumber(json) && json->valuedouble > (double)above &&
	       json->valuedouble < 0x1p53 && floor(json->valuedouble) >= json->valuedouble;
}

enum error outbox_restore(struct outbox *o, const cJSON *position)
{
	const cJSON *settled = cJSON_GetObjectItemCaseSensitive(position, "settled"), *mark;
	const cJSON *beyond = cJSON_GetObjectItemCaseSensitive(position, "beyond");
	if (!is_mark(settled, -1) || !cJSON_IsArray(beyond))
		return ERROR_INVALID;
	int64_t last = (int64_t)settled->valuedouble;
	o->settled = o->restored = last;
	o->beyond = calloc((size_t)cJSON_GetArraySize(beyond) + 1, sizeof(*o->beyond));
	if (!o->beyond)
		return ERROR_NO_MEMORY;
	cJSON_ArrayForEach(mark, beyond)
	{
		if (!is_mark(mark, last))
			return ERROR_INVALID;
		last = o->beyond[o->beyond_count++] = (int64_t)mark->valuedouble;
	}
	return ERROR_OK;
}

static int compare_marks(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

bool outbox_was_settled(const struct outbox *o, int64_t mark)
{
	if (mark <= o->restored)
		return true;
	return o->beyond_count > 0 &&
	       bsearch(&mark, o->beyond, o->beyond_count, sizeof(mark), compare_marks) != NULL;
}

void outbox_each_lost(const struct outbox *o, void (*each)(int64_t mark, void *user), void *user)
{
	for (uint64_t i = oldest(o); i < o->next; i++) {
		const struct slot *slot = &o->slots[i % WINDOW];
		if (atomic_load(&slot->state) == SLOT_LOST)
			each(slot->mark, user);
	}
}
