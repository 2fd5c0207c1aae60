/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A source: one thread that makes records and sends them by the publisher. A driver says how; what
 * is here is the same for all: counting, waiting, pacing, stopping.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_SOURCE_H
#define TICKLINE_GATEWAY_SOURCES_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "definition.h"
#include "error.h"
#include "gateway.h"
#include "publisher.h"
#include "record.h"
#include "text.h"

struct source;

struct source_driver {
	const char *type;
	enum record_kind kind; /* of what goes out with the source's own ticket */
	/* Reads the definition into a new job; complains and gives NULL when it cannot. `upload`
	 * is an open file with what was sent along, or -1; the job takes it when it is given. */
	void *(*read)(struct definition *definition, const struct gateway *gateway, int upload);
	/* The thread: until done, or until source_is_stopping. OK: done; else failed, with the
	 * reason told by source_complain. */
	enum error (*run)(struct source *source, void *job);
	/* Adds the definition and, by a second object, the progress. Any thread, while it runs. */
	void (*describe)(const void *job, cJSON *definition, cJSON *progress);
	void (*destroy)(void *job);
	/* NULL: it begins anew after a restart of the gateway. Adds where the job is; on the
	 * source's thread, or after its join once every record has its outcome. */
	void (*save)(const void *job, cJSON *position);
	/* Before the run. INVALID: this is no position of this job. */
	enum error (*restore)(void *job, const cJSON *position);
	/* The symbol whose closed bars this job alone may send, NULL when it sends none. Both NULL:
	 * it never does. `follow`, before the run: the one that sent them before got so far. */
	const char *(*claim)(const void *job);
	void (*follow)(void *job, const cJSON *position);
};

struct source_options {
	const struct source_driver *driver;
	void *job; /* taken, also when the source cannot be made */
	const char *id;
	struct gateway *gateway;
	const cJSON *definition; /* as `read` read it; copied */
	const char *state_dir;   /* where it outlives the gateway, see state_dir.h; NULL: nowhere */
	const cJSON *saved;      /* what a source of before left there; NULL: this is a new one */
};

/* NO_MEMORY, SYSTEM; INVALID: `saved` does not fit. */
enum error source_start(const struct source_options *options, struct source **source) MUST_USE;

/* Stops the thread, waits until nothing is on its way any more, saves what is kept, frees. */
void source_destroy(struct source **source);

/* It is not to outlive the gateway: nothing of it is left in the state folder. After the join. */
void source_forget(struct source *source);

/* Both return at once; the thread ends soon after. */
void source_ask_to_stop(struct source *source);
bool source_has_ended(const struct source *source);
void source_join(struct source *source); /* waits for the thread alone */

/* After the join: waits until every record has its outcome, as long as that may take. */
void source_wait_pending(struct source *source);

const char *source_id(const struct source *source);
const char *source_type(const struct source *source);

/* NULL: it claims none. */
const char *source_claim(const struct source *source);

/* Where it is; NULL when its driver keeps nothing. After source_wait_pending. */
cJSON *source_position(const struct source *source);
cJSON *source_to_json(struct source *source);

/* --- for drivers, on the source's thread --------------------------------------------------------
 */
/* For `describe`: RFC 3339; nothing where the time is 0. Any thread. */
void source_add_time(cJSON *json, const char *name, int64_t us);

bool source_is_stopping(const struct source *source);
const atomic_bool *source_stop_flag(const struct source *source);

/* Here the job may be saved; done once a second at most. */
void source_keep(struct source *source);

/* Waits until the monotonic instant. False: stopping. */
bool source_sleep_until(struct source *source, int64_t until_us);

/* Sends one record, waiting as long as the queue is full or Kafka is away. `ticket` NULL: the
 * source's own, which only counts. OK; INVALID: refused, counted and remembered as the last error;
 * CANCELLED: stopping. */
enum error source_send(struct source *source, const struct record *record,
		       struct publish_ticket *ticket) MUST_USE;

/* A record that could not even be made. */
void source_refuse(struct source *source, enum record_kind kind, const char *format, ...)
	PRINTF_LIKE(3, 4);
void source_complain(struct source *source, const char *format, ...) PRINTF_LIKE(2, 3);

/* A record that was settled with `again`, but will not be sent again after all. */
void source_forgo(struct source *source);

/* Waits for a change that source_settled reported, at most `ms`. */
void source_wait_settled(struct source *source, int64_t ms);

/* --- for the `done` of a driver's own tickets, on the publisher's thread ------------------------
 * Counts and wakes source_wait_settled. `again`: the driver sends it once more, so that an
 * UNAVAILABLE is no last word. */
void source_settled(struct source *source, const struct publish_result *result, bool again);
struct publish_origin *source_origin(struct source *source);

#endif
