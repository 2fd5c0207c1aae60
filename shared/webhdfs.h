/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * WebHDFS with typed errors. A client belongs to one thread at a time (it owns an http_client).
 * Paths are plain ("/lake/btc ticks/p=100%"), absolute, encoded here exactly once.
 *
 * Each call makes one attempt on the active NameNode, turning to the next one on STANDBY,
 * UNREACHABLE or RETRIABLE within the call, each NameNode once; repeating after that is the
 * caller's business, because only the caller knows what a lost answer means.
 *
 * Errors: NOT_FOUND, EXISTS, DENIED, CREDENTIAL, QUOTA, SAFE_MODE, STANDBY, RETRIABLE, UNREACHABLE
 * (nothing was sent), TIMEOUT and CLOSED (it may have happened), PROTOCOL (unreadable answer,
 * `false` where there is no reason to expect it, 307 without Location), UNAVAILABLE (other 5xx),
 * INVALID (400: our own mistake), LIMIT, CANCELLED.
 */
#ifndef TICKLINE_WEBHDFS_H
#define TICKLINE_WEBHDFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "http_client.h"
#include "metrics.h"
#include "text.h"

struct webhdfs;
struct webhdfs_direct;

struct webhdfs_options {
	const char *urls;     /* "http://127.0.0.1:9870[,…]": the NameNodes; copied */
	const char *user;     /* user.name=; "" for none */
	const char *token;    /* delegation token; "" for none; never logged */
	const char *host_map; /* see http_client_map_hosts; "" for none */
	struct http_limits limits;
	struct metrics
		*metrics; /* webhdfs_requests_total{op,outcome}, webhdfs_request_seconds{op} */
	const atomic_bool *cancel;     /* NULL or ends waiting calls */
	struct webhdfs_direct *direct; /* NULL: webhdfs_stream is webhdfs_open; must live longer */
};

struct webhdfs_status {
	int64_t file_id;
	int64_t length;
	int64_t modified_ms;
	int64_t block_size; /* preferred, bytes; 0: not told */
	bool folder;
	bool plain; /* a file whose blocks hold its bytes: neither encrypted nor striped */
};

/* INVALID with `why`: no url, or one that is not http(s). The strings are copied. */
enum error webhdfs_new(const struct webhdfs_options *options, struct webhdfs **client,
		       struct text *why) MUST_USE;
void webhdfs_destroy(struct webhdfs **client);

/* From now on this ends waiting calls; NULL: nothing does. */
void webhdfs_cancel_by(struct webhdfs *client, const atomic_bool *cancel);

/* A path as HDFS takes it: absolute, no empty, "." or ".." part, no colon, at most 1,000 bytes. */
enum error webhdfs_check_path(const char *path, struct text *why) MUST_USE;

/* Makes the folder and its parents; an existing folder is OK. */
enum error webhdfs_mkdirs(struct webhdfs *client, const char *path, struct text *why) MUST_USE;

/* Writes a whole new file: asks the NameNode without a body and with noredirect=true, then PUTs to
 * the DataNode. `parent_needed` is createparent=false: NOT_FOUND when the folder is gone. No
 * overwrite: EXISTS. On success the DataNode answered 201; the length is yet to be checked. A
 * DataNode that fails is named in `exclude` of the next try by the client itself (one more try). */
enum error webhdfs_create(struct webhdfs *client, const char *path, const char *data, size_t length,
			  bool parent_needed, struct text *why) MUST_USE;

/* RENAME with renameoptions=NONE: NOT_FOUND (source, or destination's folder), EXISTS. */
enum error webhdfs_rename(struct webhdfs *client, const char *from, const char *to,
			  struct text *why) MUST_USE;

/* The same with renameoptions=OVERWRITE: a file of the new name is replaced, at one moment. */
enum error webhdfs_rename_over(struct webhdfs *client, const char *from, const char *to,
			       struct text *why) MUST_USE;

/* DELETE; a missing path is NOT_FOUND. */
enum error webhdfs_delete(struct webhdfs *client, const char *path, bool recursive,
			  struct text *why) MUST_USE;

enum error webhdfs_stat(struct webhdfs *client, const char *path, struct webhdfs_status *status,
			struct text *why) MUST_USE;

/* LISTSTATUS_BATCH, page by page (falls back to LISTSTATUS where the server does not know it).
 * `each` gets the name without the folder; not OK stops the listing and is its result. */
enum error webhdfs_list(struct webhdfs *client, const char *path,
			enum error (*each)(const char *name, const struct webhdfs_status *status,
					   void *user),
			void *user, struct text *why) MUST_USE;

/* The same from the first name after `after` in byte order, which is the order of HDFS; with the
 * fall-back, from the beginning. */
enum error webhdfs_list_after(struct webhdfs *client, const char *path, const char *after,
			      enum error (*each)(const char *name,
						 const struct webhdfs_status *status, void *user),
			      void *user, struct text *why) MUST_USE;

/* Whether the last listing was OK and came as one page: the NameNode makes a page under its lock,
 * so that it shows the folder as it was at one moment. (What LISTSTATUS answers is made of
 * several.) */
bool webhdfs_listed_at_once(const struct webhdfs *client);

/* Streams [offset, offset + length) of a file (length -1: to its end) into `sink`. The caller
 * checks the number of bytes against the status it knows. */
enum error webhdfs_open(struct webhdfs *client, const char *path, int64_t offset, int64_t length,
			enum error (*sink)(const char *data, size_t length, void *user), void *user,
			struct text *why) MUST_USE;

/* Reads a whole small file. LIMIT when it is longer than the text's limit. */
enum error webhdfs_read(struct webhdfs *client, const char *path, struct text *out,
			struct text *why) MUST_USE;

/* CONCAT: appends the sources to the target and removes them, atomically: with one of them missing
 * (NOT_FOUND) nothing is done. INVALID: a source that is empty, or has larger blocks than the
 * target, or is in another folder. No path may hold a comma. LIMIT: too many sources for one URL.
 */
enum error webhdfs_concat(struct webhdfs *client, const char *target, const char *const *sources,
			  size_t count, struct text *why) MUST_USE;

/* True for errors after which the same call may succeed later without anybody's help. */
bool webhdfs_is_transient(enum error code);

/* True when the call may have been carried out although it failed: look before repeating. */
bool webhdfs_is_unknown(enum error code);

#endif
