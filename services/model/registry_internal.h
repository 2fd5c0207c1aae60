/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the files of the registry.
 *
 * `writing` is held by whoever uses the store's HDFS side; it is taken before `lock`.
 * `lock` guards the catalogue, `stopping` and `explanation`; nobody waits for I/O while holding it,
 * except for reading one local file when the serving version changes.
 */
#ifndef TICKLINE_MODEL_REGISTRY_INTERNAL_H
#define TICKLINE_MODEL_REGISTRY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "catalogue.h"
#include "health.h"
#include "metrics.h"
#include "store.h"

struct registry {
	pthread_mutex_t writing;
	struct store *store;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* monotonic clock; `stopping` was set */
	struct catalogue catalogue;
	bool stopping;
	char explanation[600]; /* why the last refused training gave no version; "" */

	atomic_bool cancel; /* ends calls to HDFS */
	pthread_t thread;
	bool started;
	struct health_condition *condition; /* NULL: none */
	struct metric *bad_files, *sync_errors, *versions_saved;
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

/* Loads the version that the last event names, where it is not loaded yet. Lock not held. */
void registry_refresh_serving(struct registry *registry, const char *model);
void registry_update_condition(struct registry *registry);

/* Loads every local file. */
void registry_load_local(struct registry *registry);

/* The background thread. */
void *registry_sync_thread(void *registry);

#endif
