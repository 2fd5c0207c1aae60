/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envelope.h"
#include "local_file.h"
#include "timestamp.h"

enum { MAX_PATH = STORE_MAX_PATH };

struct store {
	char *root, *staging, *local;
	struct webhdfs *client;
};

static atomic_uint staged_count; /* of all stores: makes their names unique */

enum error store_new(const char *root, const char *staging, const char *local,
		     const struct webhdfs_options *webhdfs, struct store **out, struct text *why)
{
	*out = NULL;
	enum error error = local_make_folder(local, why);
	if (error != ERROR_OK)
		return error;
	if (access(local, W_OK) != 0) {
		why_putf(why, "%s can't be written to", local);
		return ERROR_SYSTEM;
	}
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return ERROR_NO_MEMORY;
	store->root = strdup(root);
	store->staging = strdup(staging);
	store->local = strdup(local);
	error = store->root && store->staging && store->local ? ERROR_OK : ERROR_NO_MEMORY;
	if (error == ERROR_OK)
		error = webhdfs_new(webhdfs, &store->client, why);
	if (error != ERROR_OK)
		store_destroy(&store);
	*out = store;
	return error;
}

void store_destroy(struct store **store)
{
	if (!*store)
		return;
	webhdfs_destroy(&(*store)->client);
	free((*store)->root);
	free((*store)->staging);
	free((*store)->local);
	free(*store);
	*store = NULL;
}

static void join(char out[MAX_PATH], const char *folder, const char *name)
{
	snprintf(out, MAX_PATH, "%s%s%s", folder, *name ? "/" : "", name);
}

/* --- HDFS ------------------------------------------------------------------------------------ */

/* What is left there harms nobody, but should not pile up. */
void store_discard_staged(struct store *store, const struct store_staged *staged)
{
	(void)!webhdfs_delete(store->client, staged->path, false, NULL);
}

/* Writes a file under a name that is ours alone, and looks whether all of it arrived. So what is
 * there already came by a write whose answer got lost. */
static enum error create_staged(struct store *store, const char *path, const char *data,
				size_t length, struct webhdfs_status *status, struct text *why)
{
	enum error made = webhdfs_create(store->client, path, data, length, false, why);
	bool lost = made == ERROR_EXISTS || webhdfs_is_unknown(made);
	if (made != ERROR_OK && !lost)
		return made;
	enum error error = webhdfs_stat(store->client, path, status, lost ? NULL : why);
	if (error == ERROR_OK && status->length != (int64_t)length)
		error = ERROR_LENGTH;
	if (error != ERROR_OK)
		return made == ERROR_OK || made == ERROR_EXISTS ? error : made;
	if (lost && why)
		text_reset(why);
	return ERROR_OK;
}

static enum error stage(struct store *store, const char *data, size_t length,
			struct store_staged *staged, struct text *why)
{
	struct webhdfs_status status;
	snprintf(staged->path, sizeof(staged->path), "%s/%ld-%" PRId64 "-%u.json", store->staging,
		 (long)getpid(), wall_now_us(), atomic_fetch_add(&staged_count, 1));
	enum error error = create_staged(store, staged->path, data, length, &status, why);
	if (error == ERROR_OK) {
		staged->file_id = status.file_id;
		staged->length = status.length;
	} else {
		store_discard_staged(store, staged);
	}
	return error;
}

typedef enum error rename_call(struct webhdfs *client, const char *from, const char *to,
			       struct text *why);

/* The folder is there but for the first file of a model: it is made when it turns out missing. */
static enum error move(struct store *store, rename_call *call, const char *from, const char *to,
		       struct text *why)
{
	char folder[MAX_PATH], memory[1024];
	struct text detail;
	text_init_fixed(&detail, memory, sizeof(memory));
	enum error error = call(store->client, from, to, &detail);
	if (error != ERROR_NOT_FOUND) {
		if (error != ERROR_OK)
			why_putf(why, "%s", detail.data);
		return error;
	}
	snprintf(folder, sizeof(folder), "%s", to);
	*strrchr(folder, '/') = '\0';
	error = webhdfs_mkdirs(store->client, folder, why);
	return error == ERROR_OK ? call(store->client, from, to, why) : error;
}

/* Where the rename's answer got lost, also behind that of a second one which found no source any
 * more: it happened if the file is there. */
static enum error settle_move(struct store *store, const struct store_staged *staged,
			      const char *path, enum error error, struct text *why)
{
	struct webhdfs_status status;
	bool moved = webhdfs_stat(store->client, path, &status, NULL) == ERROR_OK &&
		     status.file_id == staged->file_id && status.length == staged->length;
	if (moved && why)
		text_reset(why);
	return moved ? ERROR_OK : error;
}

/* What is not named is staged still. */
static enum error give_name(struct store *store, rename_call *call,
			    const struct store_staged *staged, const char *name, struct text *why)
{
	char path[MAX_PATH];
	join(path, store->root, name);
	enum error error = move(store, call, staged->path, path, why);
	if (webhdfs_is_unknown(error) || error == ERROR_NOT_FOUND || error == ERROR_EXISTS)
		return settle_move(store, staged, path, error, why);
	return error;
}

static bool is_claimed(struct store *store, const char *name)
{
	struct webhdfs_status status;
	return store_stat(store, store->client, name, &status, NULL) == ERROR_OK &&
	       !status.folder && status.length == 0;
}

enum error store_publish(struct store *store, const struct store_staged *staged, const char *name,
			 struct text *why)
{
	enum error error = give_name(store, webhdfs_rename, staged, name, why);
	if (error == ERROR_EXISTS && is_claimed(store, name))
		error = give_name(store, webhdfs_rename_over, staged, name, why);
	if (error != ERROR_OK)
		store_discard_staged(store, staged);
	return error == ERROR_EXISTS ? ERROR_OK : error;
}

enum error store_replace(struct store *store, const struct store_staged *staged, const char *name,
			 struct text *why)
{
	enum error error = give_name(store, webhdfs_rename_over, staged, name, why);
	if (error != ERROR_OK)
		store_discard_staged(store, staged);
	return error;
}

struct stale {
	char (*name)[STORE_MAX_NAME];
	size_t count;
	int64_t before_ms;
};

static enum error note_stale(const char *name, const struct webhdfs_status *status, void *user)
{
	struct stale *stale = user;
	if (!status->folder && status->modified_ms < stale->before_ms &&
	    stale->count < STORE_CLEAN_MOST && strlen(name) < STORE_MAX_NAME)
		memcpy(stale->name[stale->count++], name, strlen(name) + 1);
	return ERROR_OK;
}

enum error store_clean_staging(struct store *store, size_t *removed, struct text *why)
{
	struct stale stale = { .before_ms = wall_now_us() / 1000 - STORE_STALE_S * 1000LL };
	*removed = 0;
	stale.name = calloc(STORE_CLEAN_MOST, sizeof(*stale.name));
	if (!stale.name)
		return ERROR_NO_MEMORY;
	enum error error = webhdfs_list(store->client, store->staging, note_stale, &stale, why);
	for (size_t i = 0; i < stale.count && error == ERROR_OK; i++) {
		char path[MAX_PATH];
		join(path, store->staging, stale.name[i]);
		error = webhdfs_delete(store->client, path, false, why);
		*removed += error == ERROR_OK ? 1 : 0;
	}
	free(stale.name);
	return error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

enum error store_stage_claim(struct store *store, struct store_staged *staged, struct text *why)
{
	return stage(store, "", 0, staged, why);
}

enum error store_claim(struct store *store, const struct store_staged *staged, const char *name,
		       struct text *why)
{
	enum error error = give_name(store, webhdfs_rename, staged, name, why);
	if (error != ERROR_OK && error != ERROR_EXISTS)
		store_discard_staged(store, staged);
	return error;
}

static enum error wrap(const char *body, size_t length, struct text *wrapped)
{
	text_init(wrapped, STORE_MAX_FILE);
	enum error error = envelope_write(wrapped, body, length);
	return error == ERROR_OK ? wrapped->error : error;
}

enum error store_put(struct store *store, const char *name, const char *body, size_t length,
		     struct text *why)
{
	struct text wrapped;
	struct store_staged staged = { .file_id = 0 };
	enum error error = wrap(body, length, &wrapped);
	if (error == ERROR_OK)
		error = stage(store, wrapped.data, wrapped.length, &staged, why);
	text_clean_up(&wrapped);
	if (error != ERROR_OK)
		return error;
	error = give_name(store, webhdfs_rename, &staged, name, why);
	if (error == ERROR_OK)
		return store_put_local(store, name, body, length, why);
	store_discard_staged(store, &staged);
	return error;
}

static enum error unwrap(const struct text *wrapped, struct text *body, struct text *why)
{
	struct slice inside;
	enum error error = envelope_read(wrapped->data, wrapped->length, &inside, why);
	if (error != ERROR_OK)
		return error;
	text_put(body, inside.data, inside.length);
	return body->error;
}

/* A local file as it lies there, once it was found to be whole. */
static enum error load_whole(struct store *store, const char *name, struct text *wrapped,
			     struct text *why)
{
	struct slice body;
	char path[MAX_PATH];
	join(path, store->local, name);
	enum error error = local_read(path, wrapped, why);
	return error == ERROR_OK ? envelope_read(wrapped->data, wrapped->length, &body, why)
				 : error;
}

enum error store_stage(struct store *store, const char *name, struct store_staged *staged,
		       struct text *why)
{
	struct text wrapped;
	text_init(&wrapped, STORE_MAX_FILE);
	enum error error = load_whole(store, name, &wrapped, why);
	if (error == ERROR_OK)
		error = stage(store, wrapped.data, wrapped.length, staged, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_stat(const struct store *store, struct webhdfs *client, const char *name,
		      struct webhdfs_status *status, struct text *why)
{
	char path[MAX_PATH];
	join(path, store->root, name);
	return webhdfs_stat(client, path, status, why);
}

enum error store_read(const struct store *store, struct webhdfs *client, const char *name,
		      struct text *body, struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->root, name);
	enum error error = webhdfs_read(client, path, &wrapped, why);
	if (error == ERROR_OK)
		error = unwrap(&wrapped, body, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_fetch(struct store *store, const char *name, struct text *body, struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH], local[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->root, name);
	join(local, store->local, name);
	enum error error = webhdfs_read(store->client, path, &wrapped, why);
	if (error == ERROR_OK)
		error = unwrap(&wrapped, body, why);
	if (error == ERROR_OK)
		error = local_write(local, wrapped.data, wrapped.length, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_push(struct store *store, const char *name, struct text *why)
{
	struct store_staged staged = { .file_id = 0 };
	enum error error = store_stage(store, name, &staged, why);
	return error == ERROR_OK ? store_publish(store, &staged, name, why) : error;
}

struct remote_listing {
	store_each *each;
	void *user;
};

static enum error each_remote(const char *name, const struct webhdfs_status *status, void *user)
{
	struct remote_listing *listing = user;
	if (!status->folder && status->length == 0)
		return ERROR_OK;
	return listing->each(name, status->folder, listing->user);
}

enum error store_list_remote(struct store *store, const char *folder, store_each *each, void *user,
			     struct text *why)
{
	struct remote_listing listing = { each, user };
	char path[MAX_PATH];
	join(path, store->root, folder);
	enum error error = webhdfs_list(store->client, path, each_remote, &listing, why);
	if (error != ERROR_NOT_FOUND)
		return error;
	if (why)
		text_reset(why);
	return ERROR_OK;
}

enum error store_remove_file(struct store *store, const char *name, struct text *why)
{
	char path[MAX_PATH];
	join(path, store->root, name);
	enum error error = webhdfs_delete(store->client, path, false, why);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND)
		return error;
	join(path, store->local, name);
	(void)unlink(path);
	return ERROR_OK;
}

enum error store_remove(struct store *store, const char *folder, struct text *why)
{
	char path[MAX_PATH];
	join(path, store->root, folder);
	enum error error = webhdfs_delete(store->client, path, true, why);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND)
		return error;
	join(path, store->local, folder);
	local_remove_folder(path);
	return ERROR_OK;
}

/* --- the local copy -------------------------------------------------------------------------- */

enum error store_get_local(struct store *store, const char *name, struct text *body,
			   struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->local, name);
	enum error error = local_read(path, &wrapped, why);
	if (error == ERROR_OK)
		error = unwrap(&wrapped, body, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_put_local(struct store *store, const char *name, const char *body, size_t length,
			   struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	join(path, store->local, name);
	enum error error = wrap(body, length, &wrapped);
	if (error == ERROR_OK)
		error = local_write(path, wrapped.data, wrapped.length, why);
	text_clean_up(&wrapped);
	return error;
}

bool store_has_local(struct store *store, const char *name)
{
	char path[MAX_PATH];
	join(path, store->local, name);
	return access(path, R_OK) == 0;
}

void store_discard_local(struct store *store, const char *name)
{
	char path[MAX_PATH], aside[MAX_PATH + 8];
	join(path, store->local, name);
	snprintf(aside, sizeof(aside), "%s.broken", path);
	(void)rename(path, aside);
}

enum error store_list_local(struct store *store, const char *folder, store_each *each, void *user)
{
	char path[MAX_PATH];
	enum error error = ERROR_OK;
	join(path, store->local, folder);
	DIR *directory = opendir(path);
	if (!directory)
		return ERROR_OK;
	for (struct dirent *entry; error == ERROR_OK && (entry = readdir(directory));) {
		struct stat status;
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(directory), entry->d_name, &status, 0) != 0)
			continue;
		error = each(entry->d_name, S_ISDIR(status.st_mode), user);
	}
	closedir(directory);
	return error;
}
