/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Specs and versions. HDFS is the truth, below <root>/models/<model>/:
 *
 *   spec.json                 absent for built-in specs
 *   version-<8 digits>.json   immutable; empty: claimed, its bytes follow from the local copy.
 *                             Its "serving" says that it serves from its saving on, since when, by
 *                             whom, why, and after which of the events below
 *   factors.json              what trainings read so far (checkpoint.h); no loss when it is gone:
 *                             it is written locally and follows to HDFS in the background
 *   serving-<8 digits>.json   promotions and rollbacks: which version serves since when, by whom
 *                             and why; the last event holds, the others are its history
 *   ../_audit/<id>.json       who did what to the models, when and why (audit.h)
 *
 * Every file is written to <root>/staging/models/ and renamed, and carries a SHA-256 of its body;
 * one that does not match is reported and never used. Numbers have 17 digits.
 * A copy of everything lies in `state_dir`, from which the registry starts, so that serving goes on
 * (also after a restart) when HDFS is away; a background thread then waits for HDFS, reads what is
 * new there and writes what is missing there.
 *
 * Any thread may call. Errors of calls that write: those of webhdfs.h (nothing changed, or for
 * webhdfs_is_unknown the background thread finds out), INVALID, EXISTS, NOT_FOUND, CONFLICT.
 */
#ifndef TICKLINE_MODEL_REGISTRY_H
#define TICKLINE_MODEL_REGISTRY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit.h"
#include "error.h"
#include "health.h"
#include "metrics.h"
#include "model_version.h"
#include "spec.h"
#include "text.h"
#include "webhdfs.h"

/* A model keeps REGISTRY_MAX_VERSIONS: for a new one the oldest goes that never served. */
enum { REGISTRY_MAX_MODELS = 100, REGISTRY_MAX_VERSIONS = 1000 };

struct registry;

struct registry_options {
	const char *root;               /* "/bitcoin"; copied */
	const char *state_dir;          /* made when missing; copied */
	struct webhdfs_options webhdfs; /* the strings are copied */
	struct metrics *metrics;
	struct health *health; /* condition "model": met when any version serves; NULL: none */
};

/* Loads the built-in specs and the local copy. SYSTEM: state_dir can't be used. */
enum error registry_new(const struct registry_options *options, struct registry **registry,
			struct text *why) MUST_USE;
enum error registry_start(struct registry *registry, struct text *why) MUST_USE; /* the thread */
/* Brings the local copy and HDFS together once, on the caller's thread: what a caller needs who
 * starts no thread. Errors of webhdfs.h. */
enum error registry_sync(struct registry *registry, struct text *why) MUST_USE;
/* What is not on HDFS yet gets REGISTRY_STOP_MS for that, and else waits for the next start. */
enum { REGISTRY_STOP_MS = 3000 };
void registry_stop(struct registry *registry);
void registry_destroy(struct registry **registry);

/* --- specs --- */

/* Calls `each` for every model in the order of names; false ends it. The spec is valid during the
 * call, `serving` may be NULL and is retained only for the call. No registry call inside. */
void registry_each_model(struct registry *registry,
			 bool (*each)(const struct spec *spec, const struct version *serving,
				      void *user),
			 void *user);

/* Copies the spec out. OK or NOT_FOUND. */
enum error registry_spec(struct registry *registry, const char *model, struct spec *spec) MUST_USE;

/* A new model. EXISTS: the name is taken; LIMIT: REGISTRY_MAX_MODELS. */
enum error registry_create(struct registry *registry, const struct spec *spec,
			   struct text *why) MUST_USE;

/* Removes a model with its versions. CONFLICT: it comes with the program. */
enum error registry_delete(struct registry *registry, const char *model, struct text *why) MUST_USE;

/* --- the audit trail --- */

/* Records an event at this time; its id and time are set. It is on the disk on return and on HDFS
 * soon after. Promotions and rollbacks are recorded by those calls themselves. */
void registry_record(struct registry *registry, const struct audit_event *event);

/* As audit_list. */
size_t registry_audit(struct registry *registry, const char *model, struct audit_event *out,
		      size_t capacity, size_t *total);

/* --- versions --- */

/* The version that serves, with a reference for the caller; NULL: none yet, or no such model. Never
 * waits for HDFS. */
struct version *registry_acquire(struct registry *registry, const char *model);

/* One version, with a reference; NULL: no such version. */
struct version *registry_version(struct registry *registry, const char *model, int64_t number);

/* Every version, newest first, as summaries. NOT_FOUND: no such model. Returns up to `capacity`,
 * newer ones first; `total` gets the count. */
enum error registry_versions(struct registry *registry, const char *model,
			     struct version_summary *out, size_t capacity, size_t *count,
			     size_t *total) MUST_USE;

/* Why and by whom a version serves: the newest first. Same form. */
struct serving_event {
	int64_t sequence; /* its file's number; of one within a version, that of the event before */
	int64_t version, at_us;
	bool within;   /* the version says it itself: it serves from its saving on */
	bool rollback; /* else a promotion */
	char by[64];   /* "gate", or the caller's name */
	char reason[256];
};
enum error registry_history(struct registry *registry, const char *model, struct serving_event *out,
			    size_t capacity, size_t *count, size_t *total) MUST_USE;

/* Claims the next number on HDFS for a version that is still being made; 0: none, and registry_add
 * will claim one. */
int64_t registry_claim(struct registry *registry, const char *model);
/* Gives a number back that no version got. */
void registry_give_back(struct registry *registry, const char *model, int64_t number);

/* Saves a new version from its body (report.h), which gets the next free number, or 0 where
 * `is_zero` (EXISTS: it is there). With `by` it serves from then on, for this reason. On return its
 * number is claimed on HDFS and it is on the disk; its bytes are on HDFS soon after. `body` stays
 * the caller's and has its number on return: that which is `claimed`, 0 for none. NOT_FOUND: no
 * such model. */
enum error registry_add(struct registry *registry, const char *model, cJSON *body, bool is_zero,
			const char *by, const char *reason, int64_t claimed, int64_t *number,
			struct text *why) MUST_USE;

/* Keeps a model's factors.json: it is on the disk on return and on HDFS soon after. Any error only
 * means that the next training reads more than what is new. */
enum error registry_put_factors(struct registry *registry, const char *model, const char *body,
				size_t length, struct text *why) MUST_USE;

/* Which factors the local copy was when it was looked at. */
struct model_factors {
	uint64_t kept, followed; /* counts the local ones, and which of them came to HDFS last */
	int64_t file_id;         /* of that one on HDFS; 0: not known */
};

/* The local copy, for use once registry_factors_hold has said that it holds: meanwhile it can be
 * parsed. NOT_FOUND: there is none that could; CHECKSUM. */
enum error registry_local_factors(struct registry *registry, const char *model, struct text *body,
				  struct model_factors *seen) MUST_USE;

/* OK: those are what HDFS holds, or is about to. NOT_FOUND: it holds none. CONFLICT: it holds
 * others. Errors of webhdfs.h. With the caller's client, as the next one. */
enum error registry_factors_hold(struct registry *registry, const char *model,
				 const struct model_factors *seen, struct webhdfs *client,
				 struct text *why) MUST_USE;

/* Those that HDFS holds. NOT_FOUND: none; CHECKSUM; errors of webhdfs.h. */
enum error registry_read_factors(struct registry *registry, const char *model,
				 struct webhdfs *client, struct text *body,
				 struct text *why) MUST_USE;

/* Why there is no version yet, for the health condition. */
void registry_explain(struct registry *registry, const char *model, const char *reason);

/* Makes a version serve. NOT_FOUND: no such model or version. */
enum error registry_promote(struct registry *registry, const char *model, int64_t number,
			    const char *by, const char *reason, struct text *why) MUST_USE;

/* Makes the version serve that served before the present one did, undoing one promotion; again, the
 * one before that. CONFLICT: there was none. */
enum error registry_rollback(struct registry *registry, const char *model, const char *by,
			     const char *reason, int64_t *number, struct text *why) MUST_USE;

#endif
