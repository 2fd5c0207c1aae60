/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_key.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "timestamp.h"

enum { PIECE_BYTES = 16384, ANSWER_BYTES = 1 << 20 };

/* --- the digest of a body -------------------------------------------------------------------- */

static EVP_MD_CTX *digest_new(void)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	if (digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1)
		return digest;
	EVP_MD_CTX_free(digest);
	return NULL;
}

void publish_key_feed(struct publish_key *key, const char *data, size_t length)
{
	if (key->body)
		EVP_DigestUpdate(key->body, data, length);
}

/* Reads the body for its digest alone. */
static enum error read_body(struct publish_key *key, struct http_request *request)
{
	char *piece = malloc(PIECE_BYTES);
	size_t got = 1;
	enum error error = piece ? ERROR_OK : ERROR_NO_MEMORY;
	while (error == ERROR_OK && got > 0) {
		error = http_body_read(request, piece, PIECE_BYTES, &got);
		if (error == ERROR_OK)
			publish_key_feed(key, piece, got);
	}
	free(piece);
	return error;
}

/* --- a repeat -------------------------------------------------------------------------------- */

static bool same_body(struct publish_key *key, const struct idempotency_answer *known)
{
	unsigned char digest[IDEMPOTENCY_DIGEST_BYTES];
	EVP_DigestFinal_ex(key->body, digest, NULL);
	return !known->has_digest || memcmp(digest, known->digest, sizeof(digest)) == 0;
}

static void replay(struct publish_key *key, struct http_request *request,
		   const struct gateway *gateway, const struct idempotency_answer *known)
{
	enum error error = read_body(key, request);
	if (error != ERROR_OK) {
		http_answer_body_error(request, error);
	} else if (!same_body(key, known)) {
		idempotency_count_mismatch(key->table);
		http_answer_problem(request, 422, "idempotency-key-reused", NULL,
				    "this Idempotency-Key came with another body before: a key is "
				    "for one body");
	} else if (!known->data) {
		http_answer_problem(request, 409, "answer-not-kept", NULL,
				    "the first request with this Idempotency-Key was carried out, "
				    "but its answer could not be kept");
	} else {
		struct text members;
		text_init(&members, known->length + 1);
		text_put(&members, known->data, known->length);
		http_answer_header(request, "Idempotency-Replayed", "true");
		publish_send(request, gateway->publisher, known->status, &members);
		text_clean_up(&members);
	}
}

/* --- the request ----------------------------------------------------------------------------- */

static void answer_claim(struct publish_key *key, struct http_request *request,
			 const struct gateway *gateway, enum idempotency_claim claim,
			 const struct idempotency_answer *known)
{
	switch (claim) {
	case IDEMPOTENCY_KNOWN:
		replay(key, request, gateway, known);
		break;
	case IDEMPOTENCY_IN_FLIGHT:
		http_answer_retry_after(request, 1);
		http_answer_problem(request, 409, "idempotency-key-in-flight", NULL,
				    "another request with this Idempotency-Key is not done yet");
		break;
	default:
		http_answer_retry_after(request, 1);
		http_answer_problem(request, 503, "too-many-keys", NULL,
				    "there is no room to remember one more Idempotency-Key");
	}
}

bool publish_key_begin(struct publish_key *key, struct http_request *request,
		       const struct gateway *gateway)
{
	const char *given = http_request_header(request, "Idempotency-Key");
	struct idempotency_answer known;
	*key = (struct publish_key){ .table = gateway->idempotency };
	if (!given)
		return true;
	if (!idempotency_key_ok(given)) {
		http_answer_problem(request, 400, "bad-idempotency-key", NULL,
				    "Idempotency-Key is \"%.64s\": it must be 1 to %d visible "
				    "ASCII characters",
				    given, IDEMPOTENCY_KEY_MAX);
		return false;
	}
	key->body = digest_new();
	if (!key->body) {
		http_answer_problem(request, 503, "no-memory", NULL, "memory is short");
		return false;
	}
	key->id = idempotency_id_of(http_principal(request), http_path(request), given);
	enum idempotency_claim claim =
		idempotency_claim(key->table, &key->id, monotonic_now_us(), &known);
	key->claimed = claim == IDEMPOTENCY_NEW;
	if (!key->claimed)
		answer_claim(key, request, gateway, claim, &known);
	free(known.data);
	return key->claimed;
}

/* The answer as it is kept; the outcome of every single record is not, where that is much. */
static void write_kept(struct outcome *outcome, struct text *members)
{
	text_init(members, ANSWER_BYTES);
	outcome_write(outcome, OUTCOME_WHOLE, members);
	if (text_ok(members))
		return;
	text_clean_up(members);
	text_init(members, ANSWER_BYTES);
	outcome_write(outcome, OUTCOME_BRIEF, members);
}

void publish_key_settle(struct publish_key *key, struct outcome *outcome,
			const struct publish_end *end)
{
	struct outcome_counts counts = outcome_counts(outcome);
	if (!key->claimed)
		return;
	key->claimed = false;
	if (counts.of[PUBLISH_STORED] + counts.of[PUBLISH_UNKNOWN] + counts.queued == 0) {
		idempotency_release(key->table, &key->id);
		return;
	}
	struct text members;
	write_kept(outcome, &members);
	struct idempotency_answer answer = {
		.status = publish_status_code(&counts, end),
		.data = text_ok(&members) ? members.data : NULL,
		.length = text_ok(&members) ? members.length : 0,
		.has_digest = end->whole,
	};
	if (end->whole)
		EVP_DigestFinal_ex(key->body, answer.digest, NULL);
	if (idempotency_remember(key->table, &key->id, monotonic_now_us(), &answer) != ERROR_OK)
		log_warn("there was no room to keep the answer to an Idempotency-Key",
			 LOG_I64("bytes", (int64_t)answer.length));
	text_clean_up(&members);
}

void publish_key_clean_up(struct publish_key *key)
{
	if (key->claimed)
		idempotency_release(key->table, &key->id);
	EVP_MD_CTX_free(key->body);
}
