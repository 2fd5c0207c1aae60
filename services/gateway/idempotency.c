/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `lock` guards everything. Every key is in a chain of `buckets`; those with an answer also stand
 * in a list by the time of their answer, which is the order in which they expire.
 */
#include "idempotency.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

struct entry {
	struct entry *chain;
	struct entry *newer, *older; /* of those with an answer */
	struct idempotency_id id;
	bool answered;
	int64_t expires_us;
	struct idempotency_answer answer;
};

struct idempotency {
	struct idempotency_options options;
	pthread_mutex_t lock;
	struct entry **buckets;
	size_t bucket_count; /* a power of two */
	size_t count, bytes;
	struct entry *newest, *oldest;
	struct metric *claims[IDEMPOTENCY_FULL + 1], *mismatches, *evicted, *keys;
};

static const char *const claim_names[] = { [IDEMPOTENCY_NEW] = "outcome=\"new\"",
					   [IDEMPOTENCY_KNOWN] = "outcome=\"replayed\"",
					   [IDEMPOTENCY_IN_FLIGHT] = "outcome=\"in-flight\"",
					   [IDEMPOTENCY_FULL] = "outcome=\"full\"" };

/* --- life ------------------------------------------------------------------------------------ */

static void register_metrics(struct idempotency *t)
{
	static const char name[] = "gateway_idempotency_requests_total",
			  help[] = "Requests with an Idempotency-Key";
	struct metrics *metrics = t->options.metrics;
	for (size_t i = 0; i < sizeof(claim_names) / sizeof(claim_names[0]); i++)
		t->claims[i] = metrics_counter(metrics, name, help, claim_names[i]);
	t->mismatches = metrics_counter(metrics, name, help, "outcome=\"other-body\"");
	t->evicted = metrics_counter(metrics, "gateway_idempotency_evicted_total",
				     "Keys that were forgotten before their time, for want of room",
				     NULL);
	t->keys = metrics_gauge(metrics, "gateway_idempotency_keys", "Keys that are remembered",
				NULL);
}

struct idempotency *idempotency_new(const struct idempotency_options *options)
{
	struct idempotency *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->options = *options;
	for (t->bucket_count = 1; t->bucket_count < options->limit;)
		t->bucket_count *= 2;
	t->buckets = calloc(t->bucket_count, sizeof(struct entry *));
	if (!t->buckets) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	register_metrics(t);
	return t;
}

static void entry_free(struct entry *entry)
{
	free(entry->answer.data);
	free(entry);
}

void idempotency_destroy(struct idempotency **table)
{
	struct idempotency *t = *table;
	*table = NULL;
	if (!t)
		return;
	for (size_t i = 0; i < t->bucket_count; i++) {
		for (struct entry *entry = t->buckets[i], *next; entry; entry = next) {
			next = entry->chain;
			entry_free(entry);
		}
	}
	pthread_mutex_destroy(&t->lock);
	free(t->buckets);
	free(t);
}

/* --- keys ------------------------------------------------------------------------------------ */

bool idempotency_key_ok(const char *key)
{
	size_t length = strlen(key);
	for (size_t i = 0; i < length; i++) {
		if (key[i] <= ' ' || key[i] > '~')
			return false;
	}
	return length >= 1 && length <= IDEMPOTENCY_KEY_MAX;
}

struct idempotency_id idempotency_id_of(const char *principal, const char *resource,
					const char *key)
{
	const char *const parts[] = { principal, resource, key };
	struct idempotency_id id = { { 0 } };
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
	for (size_t i = 0; good && i < sizeof(parts) / sizeof(parts[0]); i++) /* with its end */
		good = EVP_DigestUpdate(digest, parts[i], strlen(parts[i]) + 1) == 1;
	good = good && EVP_DigestFinal_ex(digest, id.bytes, NULL) == 1;
	assert(good); /* OpenSSL without memory for a digest can't serve TLS either */
	EVP_MD_CTX_free(digest);
	return id;
}

/* --- under the lock -------------------------------------------------------------------------- */

/* Where the pointer to it stands, or would stand. */
static struct entry **find(struct idempotency *t, const struct idempotency_id *id)
{
	uint64_t hash;
	memcpy(&hash, id->bytes, sizeof(hash));
	struct entry **at = &t->buckets[hash & (t->bucket_count - 1)];
	while (*at && memcmp(&(*at)->id, id, sizeof(*id)) != 0)
		at = &(*at)->chain;
	return at;
}

static void unlist(struct idempotency *t, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &t->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &t->oldest) = entry->newer;
	t->bytes -= entry->answer.length;
}

static void enlist(struct idempotency *t, struct entry *entry)
{
	entry->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = entry;
	t->newest = entry;
	t->bytes += entry->answer.length;
}

static void forget(struct idempotency *t, struct entry **at)
{
	struct entry *entry = *at;
	*at = entry->chain;
	if (entry->answered)
		unlist(t, entry);
	t->count--;
	metric_set(t->keys, (double)t->count);
	entry_free(entry);
}

static void expire(struct idempotency *t, int64_t now_us)
{
	while (t->oldest && t->oldest->expires_us <= now_us)
		forget(t, find(t, &t->oldest->id));
}

/* Makes room for one more key, or for so many bytes; false: there is none. */
static bool evict(struct idempotency *t, size_t keys, size_t bytes)
{
	while (t->count + keys > t->options.limit || t->bytes + bytes > t->options.limit_bytes) {
		if (!t->oldest)
			return false;
		metric_add(t->evicted, 1);
		forget(t, find(t, &t->oldest->id));
	}
	return true;
}

static struct entry *insert(struct idempotency *t, struct entry **at,
			    const struct idempotency_id *id)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->id = *id;
	entry->chain = *at;
	*at = entry;
	t->count++;
	metric_set(t->keys, (double)t->count);
	return entry;
}

/* A copy of the answer; false: no memory. */
static bool copy(const struct idempotency_answer *from, struct idempotency_answer *to)
{
	*to = *from;
	to->data = NULL;
	if (!from->data)
		return true;
	to->data = malloc(from->length + 1);
	if (to->data)
		memcpy(to->data, from->data, from->length);
	return to->data != NULL;
}

static enum idempotency_claim claim(struct idempotency *t, const struct idempotency_id *id,
				    struct idempotency_answer *known)
{
	struct entry *entry = *find(t, id);
	if (entry && !entry->answered)
		return IDEMPOTENCY_IN_FLIGHT;
	if (entry)
		return copy(&entry->answer, known) ? IDEMPOTENCY_KNOWN : IDEMPOTENCY_FULL;
	/* An eviction may change the chain, so the place is looked up after it. */
	return evict(t, 1, 0) && insert(t, find(t, id), id) ? IDEMPOTENCY_NEW : IDEMPOTENCY_FULL;
}

/* --- any thread ------------------------------------------------------------------------------ */

enum idempotency_claim idempotency_claim(struct idempotency *t, const struct idempotency_id *id,
					 int64_t now_us, struct idempotency_answer *known)
{
	*known = (struct idempotency_answer){ 0 };
	pthread_mutex_lock(&t->lock);
	expire(t, now_us);
	enum idempotency_claim result = claim(t, id, known);
	pthread_mutex_unlock(&t->lock);
	metric_add(t->claims[result], 1);
	return result;
}

enum error idempotency_remember(struct idempotency *t, const struct idempotency_id *id,
				int64_t now_us, const struct idempotency_answer *answer)
{
	enum error error = ERROR_OK;
	pthread_mutex_lock(&t->lock);
	struct entry *entry = *find(t, id);
	assert(entry && !entry->answered);
	if (answer->length > t->options.limit_bytes || !evict(t, 0, answer->length) ||
	    !copy(answer, &entry->answer)) {
		entry->answer = (struct idempotency_answer){ .status = answer->status };
		error = ERROR_LIMIT;
	}
	entry->answered = true;
	entry->expires_us = now_us + t->options.ttl_us;
	enlist(t, entry);
	pthread_mutex_unlock(&t->lock);
	return error;
}

void idempotency_release(struct idempotency *t, const struct idempotency_id *id)
{
	pthread_mutex_lock(&t->lock);
	struct entry **at = find(t, id);
	assert(*at && !(*at)->answered);
	forget(t, at);
	pthread_mutex_unlock(&t->lock);
}

void idempotency_count_mismatch(struct idempotency *t)
{
	metric_add(t->mismatches, 1);
}
