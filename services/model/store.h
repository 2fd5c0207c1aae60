/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small immutable JSON files in two places: on HDFS, which is the truth, and in a local folder,
 * which is there when HDFS is not. A file is named "<folder>/<name>"; its body is wrapped as
 *
 *   {"sha256":"<64 hexadecimal digits>","body":<the body's bytes>}
 *
 * and appears under its name by a rename, whole or not at all, in both places. An empty file on
 * HDFS claims its name: the body is on its way, from whoever claimed it.
 * One thread at a time may call what touches HDFS; local calls are independent of that.
 */
#ifndef TICKLINE_MODEL_STORE_H
#define TICKLINE_MODEL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "text.h"
#include "webhdfs.h"

enum { STORE_MAX_FILE = 4 << 20, STORE_MAX_NAME = 120, STORE_MAX_PATH = 1200 };

struct store;

/* A file on HDFS that is whole, but has no name yet. */
struct store_staged {
	char path[STORE_MAX_PATH];
	int64_t file_id; /* it keeps that when it is renamed */
	int64_t length;
};

/* `root` and `staging` are folders on HDFS, `local` is made when missing. SYSTEM with `why`: it
 * can't be made or written to. The strings are copied. */
enum error store_new(const char *root, const char *staging, const char *local,
		     const struct webhdfs_options *webhdfs, struct store **store,
		     struct text *why) MUST_USE;
void store_destroy(struct store **store);

/* Writes to HDFS, then locally. EXISTS: the name is taken there; else the errors of webhdfs.h, and
 * SYSTEM when only the local copy failed (it is on HDFS then). */
enum error store_put(struct store *store, const char *name, const char *body, size_t length,
		     struct text *why) MUST_USE;

/* Writes the local copy alone, for store_push to bring to HDFS. SYSTEM. Any thread. */
enum error store_put_local(struct store *store, const char *name, const char *body, size_t length,
			   struct text *why) MUST_USE;

/* Body of a file into `body`. NOT_FOUND; CHECKSUM: it is not whole; SYSTEM. */
enum error store_get_local(struct store *store, const char *name, struct text *body,
			   struct text *why) MUST_USE;
bool store_has_local(struct store *store, const char *name);

/* Moves a local file out of the way that is not whole. */
void store_discard_local(struct store *store, const char *name);

/* Copies a file from HDFS to the local folder, and gives its body. CHECKSUM as above. */
enum error store_fetch(struct store *store, const char *name, struct text *body,
		       struct text *why) MUST_USE;

/* Copies a local file to HDFS; one that is there already, and is no claim, is OK. */
enum error store_push(struct store *store, const char *name, struct text *why) MUST_USE;

/* Its two halves: copies a local file to HDFS (NOT_FOUND, CHECKSUM: of the local one), and gives
 * the copy its name. Whatever the error of the second, nothing is staged any more. */
enum error store_stage(struct store *store, const char *name, struct store_staged *staged,
		       struct text *why) MUST_USE;
enum error store_publish(struct store *store, const struct store_staged *staged, const char *name,
			 struct text *why) MUST_USE;

/* The same second half for a file that may be replaced: at one moment. */
enum error store_replace(struct store *store, const struct store_staged *staged, const char *name,
			 struct text *why) MUST_USE;
void store_discard_staged(struct store *store, const struct store_staged *staged);

/* Removes up to STORE_CLEAN_MOST files that were staged over STORE_STALE_S ago, by whoever died
 * meanwhile. Errors of webhdfs.h. */
enum { STORE_STALE_S = 86400, STORE_CLEAN_MOST = 100 };
enum error store_clean_staging(struct store *store, size_t *removed, struct text *why) MUST_USE;

/* Stages an empty file, and claims a name with it: one answer of the NameNode. EXISTS: the name is
 * taken, the file is still staged; after any other error it is not. */
enum error store_stage_claim(struct store *store, struct store_staged *staged,
			     struct text *why) MUST_USE;
enum error store_claim(struct store *store, const struct store_staged *staged, const char *name,
		       struct text *why) MUST_USE;

/* What HDFS holds, asked for with the caller's client: any thread. Errors of webhdfs.h; CHECKSUM.
 */
enum error store_stat(const struct store *store, struct webhdfs *client, const char *name,
		      struct webhdfs_status *status, struct text *why) MUST_USE;
enum error store_read(const struct store *store, struct webhdfs *client, const char *name,
		      struct text *body, struct text *why) MUST_USE;

/* Names in a folder ("" is the top), claims aside; a missing folder has none. Not OK from `each`
 * ends it. */
typedef enum error store_each(const char *name, bool folder, void *user);
enum error store_list_local(struct store *store, const char *folder, store_each *each,
			    void *user) MUST_USE;
enum error store_list_remote(struct store *store, const char *folder, store_each *each, void *user,
			     struct text *why) MUST_USE;

/* Removes one file, first on HDFS; a missing one is OK. */
enum error store_remove_file(struct store *store, const char *name, struct text *why) MUST_USE;

/* Removes a folder with its files, first on HDFS. */
enum error store_remove(struct store *store, const char *folder, struct text *why) MUST_USE;

#endif
