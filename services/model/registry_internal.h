/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the files of the registry.
 *
 * `following` is held by whoever uses the follower's HDFS side, `writing` by whoever uses the
 * store's; they are taken in this order, and before `lock`.
 * `writing` also guards `spare`.
 * `lock` guards the catalogue, the audit trail, `stopping`, `compared`, `ended`, `woken`,
 * `behind` and `explanation`;
 * nobody waits for I/O while holding it, except for reading one local file when the serving version
 * changes.
 */
#ifndef TICKLINE_MODEL_REGISTRY_INTERNAL_H
#define TICKLINE_MODEL_REGISTRY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "audit.h"
#include "catalogue.h"
#include "health.h"
#include "metrics.h"
#include "store.h"

/* Events of the audit trail that are not on HDFS yet. */
enum { REGISTRY_MAX_BEHIND = 16 };
struct registry_behind {
	char id[REGISTRY_MAX_BEHIND][AUDIT_ID_SIZE];
	size_t count;
	bool more; /* than these: to be found by comparing */
};

struct registry {
	pthread_mutex_t writing;
	struct store *store;
	struct store_staged spare; /* an empty file for the next claim; file_id 0: none */

	/* What is written locally first, and follows to HDFS without anybody waiting for it. */
	pthread_mutex_t following;
	struct store *follower;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* monotonic clock; `stopping` or `woken` was set */
	struct catalogue catalogue;
	struct audit audit;
	struct registry_behind behind;
	bool woken; /* there is something to bring to HDFS */
	bool stopping;
	bool compared;         /* both sides were, since the start: what is behind is known */
	bool ended;            /* the thread has */
	char explanation[600]; /* why the last refused training gave no version; "" */

	atomic_bool cancel; /* ends calls to HDFS */
	pthread_t thread;
	bool started;
	struct health_condition *condition; /* NULL: none */
	struct metric *bad_files, *sync_errors, *versions_saved, *audit_errors;
	struct metric *versions_behind;
};

enum registry_file { REGISTRY_SPEC, REGISTRY_VERSION, REGISTRY_SERVING, REGISTRY_OTHER };
enum { REGISTRY_NAME_SIZE = STORE_MAX_NAME + 1 };

/* "ia/version-00000003.json" */
void registry_file_name(char out[REGISTRY_NAME_SIZE], const char *model, enum registry_file kind,
			int64_t number);
enum registry_file registry_file_kind(const char *name, int64_t *number);

/* Takes a file's body into the catalogue. The lock must not be held. INVALID: it is unusable. */
enum error registry_take_file(struct registry *registry, const char *model, const char *name,
			      const char *body, size_t length, struct text *why) MUST_USE;

/* Puts a new file to HDFS and here; errors of store_put. `writing` is held. */
enum error registry_put_json(struct registry *registry, const char *name, const cJSON *json,
			     struct text *why) MUST_USE;

/* Loads the version that the last event names, where it is not loaded yet. Lock not held. */
void registry_refresh_serving(struct registry *registry, const char *model);
void registry_update_condition(struct registry *registry);

/* Loads every local file. */
void registry_load_local(struct registry *registry);

void registry_load_audit(struct registry *registry);

/* Brings what is behind to HDFS; with `whole` both sides of the audit trail are compared. Errors of
 * webhdfs.h: the rest is still behind. */
enum error registry_follow(struct registry *registry, bool whole, struct text *why) MUST_USE;

/* Its parts; `following` is held. */
enum error registry_sync_audit(struct registry *registry, struct text *why) MUST_USE;
enum error registry_follow_audit(struct registry *registry, struct text *why) MUST_USE;
enum error registry_follow_factors(struct registry *registry, struct text *why) MUST_USE;
enum error registry_follow_versions(struct registry *registry, struct text *why) MUST_USE;

/* Whether a file, "ia/version-00000003.json", is known to be on HDFS; of others nothing is noted.
 */
void registry_is_on_hdfs(struct registry *registry, const char *model, const char *name);

/* Sets the metric of what is not known to be on HDFS; `lock` is held. */
void registry_tell_behind(struct registry *registry);

/* Numbers that others have taken, in a row. */
enum { REGISTRY_NUMBER_ATTEMPTS = 20 };

/* A number that was taken is no failure once another one is not: OK resets `why`. */
void registry_forget_passed_over(enum error error, struct text *why);

/* Claims the next free number for a version. NOT_FOUND: no such model; errors of store_claim.
 * `writing` is held. */
enum error registry_claim_next(struct registry *registry, const char *model, int64_t *number,
			       struct text *why) MUST_USE;

/* Something is to follow. */
void registry_wake(struct registry *registry);

/* Stages the file of the next claim, so that a training finds it ready: what fails here is tried
 * again by who needs it. The other removes it. Of the thread that follows, without any lock. */
void registry_stage_spare(struct registry *registry);
void registry_discard_spare(struct registry *registry);

/* Copies a model's local file to HDFS, without holding up others who write; `replaces` what is
 * there. `file_id` gets that of the copy, 0 where there is no whole local file or no such model.
 * `following` is held. */
enum error registry_follow_file(struct registry *registry, const char *model, const char *name,
				bool replaces, int64_t *file_id, struct text *why) MUST_USE;

/* Names of one folder, cut to REGISTRY_MAX_NAMES. Free `name`. */
enum { REGISTRY_MAX_NAMES = 4 * REGISTRY_MAX_VERSIONS };
struct registry_names {
	char (*name)[64];
	size_t count, capacity;
	bool folders; /* which kind is wanted */
};
enum error registry_add_name(const char *name, bool folder, void *names); /* a store_each */
void registry_sort_names(struct registry_names *names);
bool registry_has_name(const struct registry_names *names, const char *name); /* sorted */

/* The background thread. */
void *registry_sync_thread(void *registry);

#endif
