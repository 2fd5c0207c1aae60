/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bearer tokens. Only their SHA-256 digests are kept; a request's token is digested and compared
 * with every entry, each in constant time, so that neither time nor a memory dump tells a token.
 *
 * Invariants: `lock` guards `entries` and `count`; a reload builds the new list first and swaps it
 * under the write lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "array.h"
#include "http_internal.h"
#include "log.h"

enum { TOKEN_MIN = 16, LINE_MAX_BYTES = 1024, ENTRIES_MAX = 10000 };

struct entry {
	unsigned char digest[SHA256_DIGEST_LENGTH];
	unsigned scopes; /* bits by enum http_scope */
	char name[64];
	struct http_bucket bucket;
};

struct entries {
	struct entry *items;
	size_t count, capacity;
};

struct http_auth {
	pthread_rwlock_t lock;
	struct entries entries;
	char *path;
};

static const char *const scope_names[] = {
	[HTTP_SCOPE_READ] = "read", [HTTP_SCOPE_WRITE] = "write", [HTTP_SCOPE_ADMIN] = "admin"
};

/* --- the file -------------------------------------------------------------------------------- */

static unsigned scope_bit(const char *name)
{
	for (unsigned i = HTTP_SCOPE_READ; i <= HTTP_SCOPE_ADMIN; i++)
		if (strcmp(scope_names[i], name) == 0)
			return 1U << i;
	return 0;
}

static bool read_scopes(char *list, unsigned *scopes, struct text *why)
{
	char *rest = NULL;

	*scopes = 0;
	for (char *name = strtok_r(list, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest)) {
		unsigned bit = scope_bit(name);

		if (bit == 0) {
			why_putf(why, "scope \"%s\" is none of read, write, admin", name);
			return false;
		}
		*scopes |= bit;
	}
	return true;
}

static bool known_digest(const struct entries *entries, const unsigned char *digest)
{
	for (size_t i = 0; i < entries->count; i++)
		if (memcmp(entries->items[i].digest, digest, SHA256_DIGEST_LENGTH) == 0)
			return true;
	return false;
}

static struct entry *new_entry(struct entries *entries)
{
	struct entry *items = array_room(entries->items, entries->count, &entries->capacity,
					 SIZE_MAX, sizeof *items);

	if (items == NULL)
		return NULL;
	entries->items = items;
	return &items[entries->count];
}

/* Records of who did what name these where no token did it. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = { "anonymous", "autotrain", "schedule" };
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
		if (strcmp(reserved[i], name) == 0)
			return true;
	}
	return false;
}

/* One line that is neither empty nor a comment. The token itself is in no message. */
static bool read_line(struct entries *entries, char *line, struct text *why)
{
	char *rest = NULL;
	char *token = strtok_r(line, " \t", &rest);
	char *scopes = strtok_r(NULL, " \t", &rest);
	char *name = strtok_r(NULL, " \t", &rest);
	struct entry *entry = new_entry(entries);

	if (entry == NULL || entries->count == ENTRIES_MAX)
		why_putf(why, "too many tokens");
	else if (strlen(token) < TOKEN_MIN)
		why_putf(why, "the token is shorter than %d characters", TOKEN_MIN);
	else if (scopes == NULL)
		why_putf(why, "the scopes are missing: token scope[,scope...] [name]");
	else if (strtok_r(NULL, " \t", &rest) != NULL)
		why_putf(why, "more than a token, scopes and a name");
	else if (name != NULL && strlen(name) >= sizeof entry->name)
		why_putf(why, "the name is longer than %zu characters", sizeof entry->name - 1);
	else if (name != NULL && is_reserved(name))
		why_putf(why, "the name %s stands for what no token did: choose another", name);
	else if (read_scopes(scopes, &entry->scopes, why)) {
		SHA256((const unsigned char *)token, strlen(token), entry->digest);
		if (!known_digest(entries, entry->digest)) {
			entry->bucket.full_us = 0;
			snprintf(entry->name, sizeof entry->name, "%s",
				 name != NULL ? name : "unnamed");
			entries->count++;
			return true;
		}
		why_putf(why, "the token was given before");
	}
	return false;
}

static enum error read_entries(FILE *file, const char *path, struct entries *entries,
			       struct text *why)
{
	char line[LINE_MAX_BYTES];
	enum error error = ERROR_OK;

	for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
		struct text reason;
		char memory[256], *start = line + strspn(line, " \t");

		text_init_fixed(&reason, memory, sizeof memory);
		if (strlen(line) == sizeof line - 1) {
			why_putf(why, "%s:%d: the line is too long\n", path, number);
			error = ERROR_INVALID;
			break;
		}
		start[strcspn(start, "\r\n")] = '\0';
		if (*start == '\0' || *start == '#')
			continue;
		if (!read_line(entries, start, &reason)) {
			why_putf(why, "%s:%d: %s\n", path, number, reason.data);
			error = ERROR_INVALID;
		}
	}
	OPENSSL_cleanse(line, sizeof line);
	if (error == ERROR_OK && entries->count == 0) {
		why_putf(why, "%s: there is no token in it", path);
		error = ERROR_INVALID;
	}
	return error;
}

static enum error load(const char *path, struct entries *entries, struct text *why)
{
	FILE *file = fopen(path, "re");
	enum error error;

	*entries = (struct entries){ 0 };
	if (file == NULL) {
		why_putf(why, "token_file %s: %s", path, strerror(errno));
		return ERROR_SYSTEM;
	}
	error = read_entries(file, path, entries, why);
	if (ferror(file)) {
		why_putf(why, "token_file %s could not be read", path);
		error = ERROR_SYSTEM;
	}
	fclose(file);
	if (error != ERROR_OK)
		free(entries->items);
	return error;
}

enum error http_auth_load(const char *path, struct http_auth **auth, struct text *why)
{
	struct http_auth *new = calloc(1, sizeof *new);
	enum error error = ERROR_NO_MEMORY;

	if (new == NULL)
		return error;
	new->path = strdup(path);
	if (new->path == NULL)
		goto fail_path;
	error = load(path, &new->entries, why);
	if (error != ERROR_OK)
		goto fail_load;
	pthread_rwlock_init(&new->lock, NULL);
	*auth = new;
	return ERROR_OK;

fail_load:
	free(new->path);
fail_path:
	free(new);
	return error;
}

/* A token that stays has used what it has used. */
static void keep_buckets(struct entries *fresh, const struct entries *old)
{
	for (size_t i = 0; i < fresh->count; i++)
		for (size_t k = 0; k < old->count; k++)
			if (memcmp(fresh->items[i].digest, old->items[k].digest,
				   SHA256_DIGEST_LENGTH) == 0)
				fresh->items[i].bucket.full_us = old->items[k].bucket.full_us;
}

enum error http_auth_reload(struct http_auth *auth, struct text *why)
{
	struct entries fresh, old;
	enum error error = load(auth->path, &fresh, why);

	if (error != ERROR_OK)
		return error;
	pthread_rwlock_wrlock(&auth->lock);
	old = auth->entries;
	keep_buckets(&fresh, &old);
	auth->entries = fresh;
	pthread_rwlock_unlock(&auth->lock);
	free(old.items);
	return ERROR_OK;
}

void http_auth_destroy(struct http_auth **auth)
{
	if (*auth == NULL)
		return;
	pthread_rwlock_destroy(&(*auth)->lock);
	free((*auth)->entries.items);
	free((*auth)->path);
	free(*auth);
	*auth = NULL;
}

/* --- a request ------------------------------------------------------------------------------- */

/* The token's scopes, 0 when it is unknown; counts the request. */
static unsigned look_up(struct http_request *request, const char *token,
			struct http_verdict *verdict)
{
	struct http_auth *auth = request->server->options.auth;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	unsigned scopes = 0;

	SHA256((const unsigned char *)token, strlen(token), digest);
	pthread_rwlock_rdlock(&auth->lock);
	for (size_t i = 0; i < auth->entries.count; i++) {
		struct entry *entry = &auth->entries.items[i];

		if (CRYPTO_memcmp(entry->digest, digest, sizeof digest) != 0)
			continue;
		scopes = entry->scopes;
		snprintf(request->principal, sizeof request->principal, "%s", entry->name);
		*verdict = http_bucket_take(&entry->bucket, &request->server->options.rate,
					    request->start_us);
	}
	pthread_rwlock_unlock(&auth->lock);
	return scopes;
}

static bool refuse(struct http_request *request, const char *challenge, const char *detail)
{
	http_answer_header(request, "WWW-Authenticate", challenge);
	http_answer_problem(request, 401, "unauthorized", NULL, "%s", detail);
	return false;
}

bool http_auth_check(struct http_request *request, enum http_scope scope)
{
	struct http_auth *auth = request->server->options.auth;
	const char *header = http_request_header(request, "Authorization");
	struct http_verdict verdict = { 0 };
	char challenge[96];
	unsigned scopes;

	if (scope == HTTP_SCOPE_NONE)
		return true;
	if (auth == NULL) {
		verdict = http_bucket_take(&request->server->anonymous,
					   &request->server->options.rate, request->start_us);
		return http_rate_tell(request, &verdict);
	}
	if (header == NULL)
		return refuse(request, "Bearer realm=\"tickline\"",
			      "a bearer token is required: Authorization: Bearer TOKEN");
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return refuse(request, "Bearer realm=\"tickline\"",
			      "the Authorization header is not of the scheme Bearer");
	header += 7 + strspn(header + 7, " ");
	scopes = look_up(request, header, &verdict);
	if (scopes == 0)
		return refuse(request, "Bearer realm=\"tickline\", error=\"invalid_token\"",
			      "the bearer token is not known");
	if (!http_rate_tell(request, &verdict))
		return false;
	if ((scopes & 1U << scope) != 0)
		return true;
	snprintf(challenge, sizeof challenge,
		 "Bearer realm=\"tickline\", error=\"insufficient_scope\", scope=\"%s\"",
		 scope_names[scope]);
	http_answer_header(request, "WWW-Authenticate", challenge);
	http_answer_problem(request, 403, "forbidden", NULL, "the token \"%s\" lacks the scope %s",
			    request->principal, scope_names[scope]);
	return false;
}
