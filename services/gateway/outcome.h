/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What became of the records of one request: counts, ranges of offsets, the first errors and, when
 * asked for, each record. Memory is bounded, however many records there are.
 *
 * The request's thread owns it, takes a ticket for each record that it sends, and waits; the
 * publisher's thread settles tickets. After outcome_close nothing changes any more: what is still
 * on its way then counts as unknown. It goes when both are through with it.
 */
#ifndef TICKLINE_GATEWAY_OUTCOME_H
#define TICKLINE_GATEWAY_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "metrics.h"
#include "publisher.h"
#include "text.h"

enum { OUTCOME_MAX_ERRORS = 100, OUTCOME_MAX_RANGES = 1000 };

struct outcome;

struct outcome_options {
	struct publish_origin *origin;
	enum record_kind kind;
	size_t detail_limit; /* 0: no outcome per record */
	struct metric *late; /* counts what was settled after the close; may be NULL */
};

struct outcome_place {
	uint64_t index, line;
};

struct outcome_counts {
	uint64_t of[PUBLISH_STATUSES];
	uint64_t pending;
	uint64_t queued; /* pending at a close that called it so */
	uint64_t errors;
};

/* What a record that is still on its way is called from now on: unknown, or, when the client did
 * not want to wait, queued. */
enum outcome_close { OUTCOME_UNKNOWN, OUTCOME_QUEUED };

/* NULL: no memory. */
struct outcome *outcome_new(const struct outcome_options *options);

/* A ticket to send one record with; NULL: no memory. Settled by its `done`, or given back when it
 * could not be sent. */
struct publish_ticket *outcome_take(struct outcome *outcome, struct outcome_place place);
void outcome_give_back(struct outcome *outcome, struct publish_ticket *ticket);

/* A record that was never sent. `code` is a stable word and static, `field` may be "". */
void outcome_refuse(struct outcome *outcome, struct outcome_place place, enum publish_status status,
		    const char *code, const char *field, const char *reason);

/* An error that is no record's: the body broke off. Counts in `errors` alone. */
void outcome_note(struct outcome *outcome, struct outcome_place place, const char *code,
		  const char *reason);

/* Records on their way. Any thread. */
uint64_t outcome_pending(const struct outcome *outcome);

/* Whether at most `pending` records are on their way. Any thread. */
bool outcome_is_within(const struct outcome *outcome, uint64_t pending);

/* Waits until at most `pending` records are on their way. OK or TIMEOUT (monotonic deadline). */
enum error outcome_wait(struct outcome *outcome, uint64_t pending, int64_t deadline_us) MUST_USE;

struct outcome_counts outcome_counts(struct outcome *outcome);

/* Nothing changes after this. A second close does nothing. */
void outcome_close(struct outcome *outcome, enum outcome_close pending);

/* The members of the answer, with the braces; BRIEF leaves out the outcome of each record. Only
 * after the close. */
enum outcome_form { OUTCOME_WHOLE, OUTCOME_BRIEF };
void outcome_write(struct outcome *outcome, enum outcome_form form, struct text *out);

/* The request's thread leaves; closes first if that was not done. */
void outcome_release(struct outcome **outcome);

#endif
