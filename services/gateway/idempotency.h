/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was answered to requests with an Idempotency-Key, so that a repeat after a time-out stores
 * nothing twice (IETF draft-ietf-httpapi-idempotency-key-header). The table lives in memory,
 * bounded in keys, bytes and time; a key is forgotten early only when there is no room, which a
 * metric counts. Any thread.
 *
 * A key is claimed, then either remembered with its answer or released as if it had never come.
 */
#ifndef TICKLINE_GATEWAY_IDEMPOTENCY_H
#define TICKLINE_GATEWAY_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "metrics.h"

enum { IDEMPOTENCY_KEY_MAX = 255, IDEMPOTENCY_DIGEST_BYTES = 32 };

struct idempotency;

struct idempotency_options {
	size_t limit;       /* most keys */
	size_t limit_bytes; /* most bytes of answers */
	int64_t ttl_us;     /* from the answer on */
	struct metrics *metrics;
};

/* Whose key for what: SHA-256 of principal, resource and key, so that one principal never sees what
 * another was answered. */
struct idempotency_id {
	unsigned char bytes[IDEMPOTENCY_DIGEST_BYTES];
};

struct idempotency_answer {
	int status;
	char *data; /* JSON, of `length` bytes; free it */
	size_t length;
	bool has_digest; /* false: the body was not read to its end, nothing to compare with */
	unsigned char digest[IDEMPOTENCY_DIGEST_BYTES]; /* SHA-256 of the body */
};

enum idempotency_claim {
	IDEMPOTENCY_NEW,       /* the caller's now: remember or release it */
	IDEMPOTENCY_KNOWN,     /* `known` is a copy of the answer */
	IDEMPOTENCY_IN_FLIGHT, /* another request holds it */
	IDEMPOTENCY_FULL,      /* no room: every key is in flight, or memory is short */
};

/* NULL: no memory. */
struct idempotency *idempotency_new(const struct idempotency_options *options);
void idempotency_destroy(struct idempotency **table);

/* 1 to 255 visible ASCII characters. */
bool idempotency_key_ok(const char *key);
struct idempotency_id idempotency_id_of(const char *principal, const char *resource,
					const char *key);

/* `now_us` is monotonic, here and below. */
enum idempotency_claim idempotency_claim(struct idempotency *table, const struct idempotency_id *id,
					 int64_t now_us, struct idempotency_answer *known);

/* Copies the answer. LIMIT: it is larger than all answers together may be, and the key then stays
 * with an answer without a body (`data` NULL): nothing is stored twice, even so. */
enum error idempotency_remember(struct idempotency *table, const struct idempotency_id *id,
				int64_t now_us, const struct idempotency_answer *answer);
void idempotency_release(struct idempotency *table, const struct idempotency_id *id);

/* A repeat whose body is another one; for the metric. */
void idempotency_count_mismatch(struct idempotency *table);

#endif
