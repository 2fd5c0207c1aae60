/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two threads meet here: the request's own ("owner") and the publisher's.
 * - `lock` guards everything but the members of `own`, which only the owner touches.
 * - A ticket belongs to the owner until it is sent, then to the publisher's thread, which puts it
 *   into `settled_tickets`, from where the owner takes them back.
 * - `issued` is written by the owner only, `settled` under the lock only; both may be read freely.
 * - Memory is freed by whoever comes last: the owner in outcome_release, or the last settlement.
 */
#include "outcome.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"

enum {
	FIRST_TICKETS = 4,   /* come with the outcome: a request of one record allocates once */
	CHUNK_TICKETS = 128, /* one more allocation */
	RANGES_LOOKED_AT = 256,
};

struct ticket {
	struct publish_ticket base; /* first: a ticket is found from it by a cast */
	struct outcome *outcome;
	struct outcome_place place;
	struct ticket *next;
	bool in_use;
};

struct chunk {
	struct chunk *next;
	struct ticket tickets[CHUNK_TICKETS];
};

struct range {
	int32_t partition;
	int64_t first, last;
};

enum { NOT_A_RECORD = PUBLISH_STATUSES };

struct note {
	struct outcome_place place;
	int status; /* enum publish_status or NOT_A_RECORD */
	const char *code;
	char *field, *reason; /* one allocation, `field` owns it; both NULL when it failed */
};

struct detail {
	uint64_t line;
	int64_t offset;
	int32_t partition;
	int16_t status;
	int32_t note; /* -1: none */
};

struct outcome {
	struct outcome_options options;
	pthread_mutex_t lock;
	pthread_cond_t settled_enough;
	_Atomic uint64_t issued, settled;
	uint64_t wanted; /* `settled` at which the owner wants to wake; 0: it does not wait */
	bool closed, released, async;
	uint64_t queued; /* when closed */
	uint64_t counts[PUBLISH_STATUSES];
	uint64_t body_notes;
	struct range *ranges;
	size_t range_count, range_room;
	uint64_t ranges_omitted;
	struct note *notes;
	size_t note_count, note_room, note_limit;
	struct detail *details;
	size_t detail_count, detail_room;
	struct ticket *settled_tickets;
	struct {
		struct ticket *free;
		struct chunk *chunks;
	} own;
	struct ticket first[FIRST_TICKETS];
};

/* --- life ------------------------------------------------------------------------------------ */

static void settle(struct publish_ticket *base, const struct publish_result *result);

static void add_free(struct outcome *o, struct ticket *tickets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tickets[i].base = (struct publish_ticket){ .done = settle,
							   .origin = o->options.origin,
							   .kind = o->options.kind };
		tickets[i].outcome = o;
		tickets[i].in_use = false;
		tickets[i].next = o->own.free;
		o->own.free = &tickets[i];
	}
}

struct outcome *outcome_new(const struct outcome_options *options)
{
	struct outcome *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&o->settled_enough, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&o->lock, NULL);
	o->options = *options;
	o->note_limit = options->detail_limit > OUTCOME_MAX_ERRORS ? options->detail_limit
								   : OUTCOME_MAX_ERRORS;
	add_free(o, o->first, FIRST_TICKETS);
	return o;
}

static void destroy(struct outcome *o)
{
	for (size_t i = 0; i < o->note_count; i++)
		free(o->notes[i].field);
	free(o->notes);
	free(o->ranges);
	free(o->details);
	for (struct chunk *chunk = o->own.chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	pthread_cond_destroy(&o->settled_enough);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* --- what is remembered; under the lock ------------------------------------------------------ */

static void remember_offset(struct outcome *o, int32_t partition, int64_t offset)
{
	size_t oldest = o->range_count > RANGES_LOOKED_AT ? o->range_count - RANGES_LOOKED_AT : 0;
	for (size_t i = o->range_count; i > oldest; i--) {
		struct range *range = &o->ranges[i - 1];
		if (range->partition != partition)
			continue;
		if (range->last + 1 == offset) {
			range->last = offset;
			return;
		}
		break;
	}
	struct range *ranges = array_room(o->ranges, o->range_count, &o->range_room,
					  OUTCOME_MAX_RANGES, sizeof(*ranges));
	if (!ranges) {
		o->ranges_omitted++;
		return;
	}
	o->ranges = ranges;
	ranges[o->range_count++] = (struct range){ partition, offset, offset };
}

/* Its number, or -1 when there is no room. */
static int32_t remember_note(struct outcome *o, struct outcome_place place, int status,
			     const char *code, const char *field, const char *reason)
{
	struct note *notes =
		array_room(o->notes, o->note_count, &o->note_room, o->note_limit, sizeof(*notes));
	if (!notes)
		return -1;
	o->notes = notes;
	struct note *note = &notes[o->note_count];
	size_t field_size = strlen(field) + 1, reason_size = strlen(reason) + 1;
	*note = (struct note){ .place = place, .status = status, .code = code };
	note->field = malloc(field_size + reason_size);
	if (note->field) {
		note->reason = note->field + field_size;
		memcpy(note->field, field, field_size);
		memcpy(note->reason, reason, reason_size);
	}
	return (int32_t)o->note_count++;
}

/* Details stand in the order of their index; places that were passed over are unknown yet. */
static void remember_detail(struct outcome *o, struct outcome_place place,
			    const struct detail *detail)
{
	if (o->options.detail_limit == 0)
		return;
	while (o->detail_count <= place.index) {
		struct detail *details = array_room(o->details, o->detail_count, &o->detail_room,
						    o->options.detail_limit, sizeof(*details));
		if (!details)
			return;
		o->details = details;
		details[o->detail_count++] =
			(struct detail){ .offset = -1, .status = PUBLISH_UNKNOWN, .note = -1 };
	}
	o->details[place.index] = *detail;
	o->details[place.index].line = place.line;
}

static void remember_failure(struct outcome *o, struct outcome_place place,
			     enum publish_status status, const char *code, const char *field,
			     const char *reason)
{
	struct detail detail = { .offset = -1, .status = (int16_t)status };
	o->counts[status]++;
	detail.note = remember_note(o, place, (int)status, code, field, reason);
	remember_detail(o, place, &detail);
}

/* --- tickets --------------------------------------------------------------------------------- */

static void take_back_settled(struct outcome *o)
{
	pthread_mutex_lock(&o->lock);
	o->own.free = o->settled_tickets;
	o->settled_tickets = NULL;
	pthread_mutex_unlock(&o->lock);
}

struct publish_ticket *outcome_take(struct outcome *o, struct outcome_place place)
{
	if (!o->own.free && atomic_load(&o->issued) >= FIRST_TICKETS)
		take_back_settled(o);
	if (!o->own.free) {
		struct chunk *chunk = malloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->next = o->own.chunks;
		o->own.chunks = chunk;
		add_free(o, chunk->tickets, CHUNK_TICKETS);
	}
	struct ticket *ticket = o->own.free;
	o->own.free = ticket->next;
	ticket->place = place;
	ticket->in_use = true;
	atomic_fetch_add(&o->issued, 1);
	return &ticket->base;
}

void outcome_give_back(struct outcome *o, struct publish_ticket *base)
{
	struct ticket *ticket = (struct ticket *)base;
	atomic_fetch_sub(&o->issued, 1);
	ticket->in_use = false;
	ticket->next = o->own.free;
	o->own.free = ticket;
}

static const char *code_of(enum publish_status status)
{
	static const char *const codes[] = { [PUBLISH_STORED] = "stored",
					     [PUBLISH_REFUSED] = "refused-by-kafka",
					     [PUBLISH_UNAVAILABLE] = "kafka-unavailable",
					     [PUBLISH_UNKNOWN] = "outcome-unknown" };
	return codes[status];
}

static void record_result(struct outcome *o, const struct ticket *ticket,
			  const struct publish_result *result)
{
	if (result->status != PUBLISH_STORED) {
		remember_failure(o, ticket->place, result->status, code_of(result->status), "",
				 result->reason);
		return;
	}
	o->counts[PUBLISH_STORED]++;
	remember_offset(o, result->partition, result->offset);
	remember_detail(o, ticket->place,
			&(struct detail){ .offset = result->offset,
					  .partition = result->partition,
					  .status = PUBLISH_STORED,
					  .note = -1 });
}

/* The publisher's thread. */
static void settle(struct publish_ticket *base, const struct publish_result *result)
{
	struct ticket *ticket = (struct ticket *)base;
	struct outcome *o = ticket->outcome;
	pthread_mutex_lock(&o->lock);
	if (!o->closed)
		record_result(o, ticket, result);
	else if (o->options.late && !o->async)
		metric_add(o->options.late, 1);
	ticket->in_use = false;
	ticket->next = o->settled_tickets;
	o->settled_tickets = ticket;
	uint64_t settled = atomic_fetch_add(&o->settled, 1) + 1;
	if (o->wanted > 0 && settled >= o->wanted)
		pthread_cond_signal(&o->settled_enough);
	bool last = o->released && settled == atomic_load(&o->issued);
	pthread_mutex_unlock(&o->lock);
	if (last)
		destroy(o);
}

/* --- the owner ------------------------------------------------------------------------------- */

void outcome_refuse(struct outcome *o, struct outcome_place place, enum publish_status status,
		    const char *code, const char *field, const char *reason)
{
	pthread_mutex_lock(&o->lock);
	remember_failure(o, place, status, code, field, reason);
	pthread_mutex_unlock(&o->lock);
}

void outcome_note(struct outcome *o, struct outcome_place place, const char *code,
		  const char *reason)
{
	pthread_mutex_lock(&o->lock);
	o->body_notes++;
	(void)remember_note(o, place, NOT_A_RECORD, code, "", reason);
	pthread_mutex_unlock(&o->lock);
}

uint64_t outcome_pending(const struct outcome *o)
{
	uint64_t settled = atomic_load(&o->settled); /* first: it never passes `issued` */
	return atomic_load(&o->issued) - settled;
}

bool outcome_is_within(const struct outcome *o, uint64_t pending)
{
	uint64_t issued = atomic_load(&o->issued);
	return issued <= pending || atomic_load(&o->settled) >= issued - pending;
}

enum error outcome_wait(struct outcome *o, uint64_t pending, int64_t deadline_us)
{
	uint64_t issued = atomic_load(&o->issued);
	if (outcome_is_within(o, pending))
		return ERROR_OK;
	const struct timespec until = { .tv_sec = deadline_us / 1000000,
					.tv_nsec = deadline_us % 1000000 * 1000 };
	int code = 0;
	pthread_mutex_lock(&o->lock);
	o->wanted = issued - pending;
	while (atomic_load(&o->settled) < o->wanted && code == 0)
		code = pthread_cond_timedwait(&o->settled_enough, &o->lock, &until);
	bool enough = atomic_load(&o->settled) >= o->wanted;
	o->wanted = 0;
	pthread_mutex_unlock(&o->lock);
	return enough ? ERROR_OK : ERROR_TIMEOUT;
}

struct outcome_counts outcome_counts(struct outcome *o)
{
	struct outcome_counts counts = { 0 };
	pthread_mutex_lock(&o->lock);
	memcpy(counts.of, o->counts, sizeof(counts.of));
	counts.queued = o->queued;
	counts.pending = o->closed ? 0 : atomic_load(&o->issued) - atomic_load(&o->settled);
	counts.errors = counts.of[PUBLISH_REFUSED] + counts.of[PUBLISH_UNAVAILABLE] +
			counts.of[PUBLISH_UNKNOWN] + o->body_notes;
	pthread_mutex_unlock(&o->lock);
	return counts;
}

static void give_up_on(struct outcome *o, struct ticket *tickets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (tickets[i].in_use)
			remember_failure(o, tickets[i].place, PUBLISH_UNKNOWN,
					 code_of(PUBLISH_UNKNOWN), "",
					 "Kafka did not say what became of it in time");
	}
}

void outcome_close(struct outcome *o, enum outcome_close pending)
{
	pthread_mutex_lock(&o->lock);
	uint64_t left = atomic_load(&o->issued) - atomic_load(&o->settled);
	if (!o->closed && pending == OUTCOME_QUEUED) {
		o->async = true;
		o->queued = left;
	} else if (!o->closed && left > 0) {
		give_up_on(o, o->first, FIRST_TICKETS);
		for (struct chunk *chunk = o->own.chunks; chunk; chunk = chunk->next)
			give_up_on(o, chunk->tickets, CHUNK_TICKETS);
	}
	o->closed = true;
	pthread_mutex_unlock(&o->lock);
}

void outcome_release(struct outcome **outcome)
{
	struct outcome *o = *outcome;
	*outcome = NULL;
	if (!o)
		return;
	outcome_close(o, OUTCOME_UNKNOWN);
	pthread_mutex_lock(&o->lock);
	o->released = true;
	bool last = atomic_load(&o->settled) == atomic_load(&o->issued);
	pthread_mutex_unlock(&o->lock);
	if (last)
		destroy(o);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void write_ranges(const struct outcome *o, struct text *out)
{
	text_puts(out, ",\"ranges\":[");
	for (size_t i = 0; i < o->range_count; i++) {
		text_puts(out, i ? ",{\"partition\":" : "{\"partition\":");
		text_put_i64(out, o->ranges[i].partition);
		text_puts(out, ",\"first_offset\":");
		text_put_i64(out, o->ranges[i].first);
		text_puts(out, ",\"last_offset\":");
		text_put_i64(out, o->ranges[i].last);
		text_putc(out, '}');
	}
	text_putc(out, ']');
	if (o->ranges_omitted)
		text_putf(out, ",\"ranges_omitted\":%llu", (unsigned long long)o->ranges_omitted);
}

static void write_note(const struct note *note, struct text *out)
{
	text_puts(out, ",\"code\":");
	text_put_json(out, note->code, strlen(note->code));
	if (!note->field)
		return;
	if (note->field[0]) {
		text_puts(out, ",\"field\":");
		text_put_json(out, note->field, strlen(note->field));
	}
	text_puts(out, ",\"reason\":");
	text_put_json(out, note->reason, strlen(note->reason));
}

static void write_place(struct outcome_place place, int status, struct text *out)
{
	text_puts(out, "{\"index\":");
	text_put_i64(out, (int64_t)place.index);
	text_puts(out, ",\"line\":");
	text_put_i64(out, (int64_t)place.line);
	if (status != NOT_A_RECORD) {
		text_puts(out, ",\"outcome\":\"");
		text_puts(out, publish_status_name((enum publish_status)status));
		text_putc(out, '"');
	}
}

static int by_index(const void *left, const void *right)
{
	const struct note *a = *(struct note *const *)left, *b = *(struct note *const *)right;
	return (a->place.index > b->place.index) - (a->place.index < b->place.index);
}

static void write_errors(const struct outcome *o, struct text *out)
{
	const struct note *sorted[OUTCOME_MAX_ERRORS];
	size_t count = o->note_count < OUTCOME_MAX_ERRORS ? o->note_count : OUTCOME_MAX_ERRORS;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &o->notes[i];
	qsort(sorted, count, sizeof(*sorted), by_index);
	text_puts(out, ",\"errors\":[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_putc(out, ',');
		write_place(sorted[i]->place, sorted[i]->status, out);
		write_note(sorted[i], out);
		text_putc(out, '}');
	}
	text_putc(out, ']');
}

static void write_details(const struct outcome *o, struct text *out)
{
	text_puts(out, ",\"records\":[");
	for (size_t i = 0; i < o->detail_count; i++) {
		const struct detail *detail = &o->details[i];
		if (i)
			text_putc(out, ',');
		write_place((struct outcome_place){ i, detail->line }, detail->status, out);
		if (detail->status == PUBLISH_STORED)
			text_putf(out, ",\"partition\":%d,\"offset\":%lld", (int)detail->partition,
				  (long long)detail->offset);
		if (detail->note >= 0)
			write_note(&o->notes[detail->note], out);
		text_putc(out, '}');
	}
	text_putc(out, ']');
}

void outcome_write(struct outcome *o, enum outcome_form form, struct text *out)
{
	assert(o->closed);
	struct outcome_counts counts = outcome_counts(o);
	uint64_t records = 0;
	for (int i = 0; i < PUBLISH_STATUSES; i++) {
		text_puts(out, i ? ",\"" : "{\"");
		text_puts(out, publish_status_name((enum publish_status)i));
		text_puts(out, "\":");
		text_put_i64(out, (int64_t)counts.of[i]);
		records += counts.of[i];
	}
	if (o->async)
		text_putf(out, ",\"queued\":%llu", (unsigned long long)counts.queued);
	write_ranges(o, out);
	text_puts(out, ",\"error_count\":");
	text_put_i64(out, (int64_t)counts.errors);
	write_errors(o, out);
	if (o->options.detail_limit > 0 && form == OUTCOME_WHOLE) {
		write_details(o, out);
		if (records > o->detail_count)
			text_putf(out, ",\"records_omitted\":%llu",
				  (unsigned long long)(records - o->detail_count));
	}
	text_putc(out, '}');
}
