/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A request's Idempotency-Key: a repeat is answered here, a new key is held until its answer is
 * remembered or released. One thread.
 */
#ifndef TICKLINE_GATEWAY_PUBLISH_KEY_H
#define TICKLINE_GATEWAY_PUBLISH_KEY_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "gateway.h"
#include "http_server.h"
#include "idempotency.h"
#include "outcome.h"
#include "publish_answer.h"

struct publish_key {
	struct idempotency *table;
	struct idempotency_id id;
	bool claimed;
	EVP_MD_CTX *body; /* its digest so far; NULL without a key */
};

/* False: answered. Without the header there is nothing to do, here and below. */
bool publish_key_begin(struct publish_key *key, struct http_request *request,
		       const struct gateway *gateway);

/* A piece of the body. */
void publish_key_feed(struct publish_key *key, const char *data, size_t length);

/* Remembers the answer of a closed outcome where something may be in Kafka; else the key is
 * released, because the client may as well try again. */
void publish_key_settle(struct publish_key *key, struct outcome *outcome,
			const struct publish_end *end);

/* Releases a key that was not settled. */
void publish_key_clean_up(struct publish_key *key);

#endif
