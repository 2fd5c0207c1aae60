/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * YARN's ResourceManager by its REST API: submit, look, kill. One thread at a time per client. Each
 * call makes one attempt; repeating is the caller's business.
 *
 * Errors: NOT_FOUND; DENIED; INVALID (it refuses what was asked; `why` has its words); UNREACHABLE,
 * TIMEOUT, CLOSED, UNAVAILABLE (5xx, and a standby that names no active one): another try may
 * succeed; PROTOCOL (an answer that can't be read), LIMIT, CANCELLED.
 */
#ifndef TICKLINE_MODEL_RESOURCE_MANAGER_H
#define TICKLINE_MODEL_RESOURCE_MANAGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "http_client.h"
#include "metrics.h"
#include "text.h"

struct resource_manager;

struct resource_manager_options {
	const char
		*urls; /* "http://127.0.0.1:8088[,…]": the active one is found among them; kept */
	const char *user; /* user.name=; kept */
	struct http_limits limits;
	struct metrics *metrics;   /* yarn_requests_total{op,outcome} */
	const atomic_bool *cancel; /* NULL, or ends waiting calls */
};

enum { YARN_ID_SIZE = 64, YARN_MAX_DIAGNOSTICS = 400 };

enum yarn_state { YARN_WAITING, YARN_RUNNING, YARN_SUCCEEDED, YARN_FAILED, YARN_KILLED };

struct yarn_application {
	char id[YARN_ID_SIZE];
	enum yarn_state state; /* WAITING: no container yet */
	double progress;       /* 0 to 1 */
	int exit_code;         /* of its first container, as far as the diagnostics tell; -1: not */
	char diagnostics[YARN_MAX_DIAGNOSTICS + 1]; /* its end, on one line */
};

/* What runs in the first container. */
struct yarn_launch {
	const char *name, *queue;
	const char *command; /* for the node's shell */
	const char *user;    /* HADOOP_USER_NAME */
	int64_t memory_mb;
};

/* INVALID with `why`; NO_MEMORY. */
enum error resource_manager_new(const struct resource_manager_options *options,
				struct resource_manager **manager, struct text *why) MUST_USE;
void resource_manager_destroy(struct resource_manager **manager);

/* A new application's id, and its start; the two are apart so that a lost answer can be looked for.
 */
enum error yarn_new_application(struct resource_manager *manager, char id[YARN_ID_SIZE],
				struct text *why) MUST_USE;
enum error yarn_submit(struct resource_manager *manager, const char *id,
		       const struct yarn_launch *launch, struct text *why) MUST_USE;

enum error yarn_look(struct resource_manager *manager, const char *id,
		     struct yarn_application *application, struct text *why) MUST_USE;

/* The newest application with this tag. */
enum error yarn_find(struct resource_manager *manager, const char *tag,
		     struct yarn_application *application, struct text *why) MUST_USE;

/* Asks it to end; it is KILLED soon after, unless it has ended. */
enum error yarn_kill(struct resource_manager *manager, const char *id, struct text *why) MUST_USE;

/* True for errors after which the same call may succeed later. */
bool yarn_is_transient(enum error error);

#endif
